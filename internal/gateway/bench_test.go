//go:build unix

package gateway_test

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

// BenchmarkProxy is one streamed answer of 200 tokens through the proxy and through
// a plain reverse proxy, over loopback; client and upstream share the cores. first
// is the time to the first token, cpu the time of all cores and all three parties.
func BenchmarkProxy(b *testing.B) {
	const tokens = 200
	var answer []byte
	for range tokens {
		answer = append(answer, data(delta(`{"content":"clean "}`))...)
	}
	answer = append(answer, data(ended)+data(done)...)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		for rest := answer; len(rest) > 0; {
			n := bytes.Index(rest, []byte("\n\n")) + 2
			_, _ = w.Write(rest[:n])
			w.(http.Flusher).Flush()
			rest = rest[n:]
		}
	}))
	defer upstream.Close()
	address, err := url.Parse(upstream.URL)
	if err != nil {
		b.Fatal(err)
	}
	plain := httputil.NewSingleHostReverseProxy(address)
	plain.FlushInterval = -1
	plain.Transport = gateway.NewTransport(0) // httptest closes connections of the default one
	whole := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Else the server closes the body, once it has written a header, under the
		// transport that still looks for its end, and the stream breaks off.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			b.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		plain.ServeHTTP(w, r)
	})
	for _, c := range []struct {
		name    string
		handler http.Handler
	}{
		{"plain", whole},
		{"weir", gateway.NewProxy(gateway.ProxyOptions{
			Guard: guard(b, basePolicy, gateway.Options{}), Upstream: address, Log: slog.New(slog.DiscardHandler),
		})},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := httptest.NewServer(c.handler)
			defer s.Close()
			b.ReportAllocs()
			cpu := cpuTime(b)
			var mu sync.Mutex
			var first time.Duration
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					began := time.Now()
					resp, err := http.Post(s.URL+chatPath, "application/json", strings.NewReader(chatRequest))
					if err != nil {
						b.Error(err)
						return
					}
					in := bufio.NewReader(resp.Body)
					line, err := in.ReadString('\n')
					if err != nil || !strings.Contains(line, "clean ") {
						b.Errorf("%v in %q", err, line)
					}
					took := time.Since(began)
					rest, err := io.ReadAll(in)
					_ = resp.Body.Close()
					if err != nil || !strings.HasSuffix(string(rest), data(done)) {
						b.Errorf("%v after %d bytes of %d", err, len(rest), len(answer))
					}
					mu.Lock()
					first += took
					mu.Unlock()
				}
			})
			b.ReportMetric((cpuTime(b)-cpu).Seconds()/tokens/float64(b.N)*1e6, "cpu-µs/token")
			b.ReportMetric(first.Seconds()/float64(b.N)*1e6, "first-µs")
			b.ReportMetric(tokens*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}

// cpuTime returns the processor time that the process has used.
func cpuTime(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
