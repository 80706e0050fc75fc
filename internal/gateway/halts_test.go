package gateway_test

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestHalts halts many streams through a proxy (WEIR_HALTS of them, 500 if it is
// not set): all upstreams are cancelled, no byte of a violation and nothing behind
// [DONE] arrives, and no goroutine or file stays behind. It logs how long an
// upstream goes on after it has sent a violation.
func TestHalts(t *testing.T) {
	haltMany(t, func(u *upstream) string {
		s, _ := proxy(t, u, nil)
		return s.URL
	})
}

// haltMany asks what start puts in front of an upstream for many streams that halt.
func haltMany(t *testing.T, start func(u *upstream) (base string)) {
	t.Helper()
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
	base := start(u)
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

// openFiles counts the files of the process, where the system says so.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}
