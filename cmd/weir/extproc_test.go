package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
)

// TestServeExtProc: the external processor serves on a socket of its own, alone if
// nothing else has an address, and ends with SIGTERM.
func TestServeExtProc(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "e.sock")
	c := exec.Command(os.Args[0], "serve", "--listen", "-", "--admin", "-", "--ext-proc-unix", socket, "--policy", basePolicy)
	c.Env = append(os.Environ(), "WEIR_TEST_MAIN=1")
	var log bytes.Buffer
	c.Stderr = &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	conn, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // a test
	health, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{Service: extprocv3.ExternalProcessor_ServiceDesc.ServiceName}, grpc.WaitForReady(true))
	if err != nil || health.Status != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("health is %v, %v", health, err)
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil || !strings.Contains(log.String(), "msg=ext_proc network=unix") || !strings.Contains(log.String(), "msg=stopped") {
			t.Errorf("%v\n%s", err, &log)
		}
	case <-time.After(20 * time.Second):
		_ = c.Process.Kill()
		t.Error("it does not end")
	}
}

func TestServeExtProcMistakes(t *testing.T) {
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"--ext-proc", "nowhere"}, `ext_proc.listen: "nowhere": want host:port`},
		{[]string{"--ext-proc-unix", "/nowhere/e.sock"}, "ext_proc: server: unix.path"},
		{[]string{"--listen", "-"}, "the server has no address"},
	} {
		_, errs, code := weir(t, "", append([]string{"serve", "--admin", "-", "--policy", basePolicy}, test.args...)...)
		if code != 1 || !strings.Contains(errs, test.says) {
			t.Errorf("%v: exit %d, want %q in\n%s", test.args, code, test.says, errs)
		}
	}
}
