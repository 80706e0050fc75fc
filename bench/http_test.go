package bench_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-4f09bd3a/weir/bench"
	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

// proxies starts a model server with texts, the real proxy and a plain one.
func proxies(t *testing.T, texts []bench.Text) (weir, plain string) {
	t.Helper()
	start := func(h http.Handler) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	upstream := start(bench.NewUpstream(texts))
	address, err := gateway.ParseUpstream(upstream)
	if err != nil {
		t.Fatal(err)
	}
	floor, err := bench.NewPlainProxy(upstream)
	if err != nil {
		t.Fatal(err)
	}
	return start(gateway.NewProxy(gateway.ProxyOptions{
		Guard: &gateway.Guard{Engine: judge(t)}, Upstream: address, Log: slog.New(slog.DiscardHandler),
	})), start(floor)
}

// TestHTTPLoads: closed and open, the proxy halts every violation and shows none,
// and a plain one is seen to leak.
func TestHTTPLoads(t *testing.T) {
	all := texts(t, judge(t), 60, 25, 0.4)
	weir, plain := proxies(t, all)
	for name, rate := range map[string]float64{"closed": 0, "open": 200} {
		t.Run(name, func(t *testing.T) {
			l := bench.HTTPLoad{Streams: 10, Rate: rate, Warm: 50 * time.Millisecond, Measured: 600 * time.Millisecond, Texts: all}
			calls := 0
			m, err := l.Run(context.Background(), weir, func() { calls++ })
			if err != nil {
				t.Fatal(err)
			}
			if calls != 2 || m.Tokens == 0 || m.Halts == 0 || m.LeakedRunes > 0 || m.FalseHalts != 0 || m.Missed != 0 {
				t.Errorf("%d calls, measured %+v", calls, m)
			}
			if m.First.P50 <= 0 || m.First.P50 > m.First.P99 || (m.Latency.P50 > 0) != (rate > 0) {
				t.Errorf("first %+v, latency %+v", m.First, m.Latency)
			}
			if m, err = l.Run(context.Background(), plain, func() {}); err != nil || m.Tokens == 0 || m.Halts != 0 || m.LeakedRunes == 0 || m.Missed == 0 {
				t.Errorf("a plain proxy's leaks and misses were not seen: %+v, %v", m, err)
			}
		})
	}
	if _, err := (&bench.HTTPLoad{}).Run(context.Background(), weir, nil); err == nil {
		t.Error("a load without streams was run")
	}
}

// TestHTTPSuite: figures, ratios and the table of the report.
func TestHTTPSuite(t *testing.T) {
	e := judge(t)
	s := bench.HTTPSuite{
		Scenarios: bench.HTTPScenarios()[:1], Rounds: 2, Measured: 200 * time.Millisecond, Progress: func(int, int, string) {},
		Texts: func(*bench.HTTPScenario) ([]bench.Text, error) { return texts(t, e, 40, 25, 0.1), nil },
		Start: func(_ context.Context, texts []bench.Text) (weir, plain bench.HTTPTarget, stop func(), err error) {
			w, p := proxies(t, texts)
			return bench.HTTPTarget{URL: w, PID: os.Getpid()}, bench.HTTPTarget{URL: p, PID: os.Getpid()}, func() {}, nil
		},
	}
	results, err := s.Run(context.Background())
	if err != nil || len(results) != 1 {
		t.Fatalf("%v, %v", results, err)
	}
	f := results[0].Figures
	for _, name := range []string{"tokens_per_second", "plain_tokens_per_second", "tokens_per_second_vs_plain", "first_p50_us_vs_plain", "halts", "streams"} {
		if f[name] <= 0 {
			t.Errorf("%s is %v", name, f[name])
		}
	}
	if f["leaked_runes"] != 0 || f["missed"] != 0 {
		t.Errorf("figures %v", f)
	}
	var md strings.Builder
	r := report(100, 0)
	r.Results = append(r.Results, results...)
	if err := r.Markdown(&md); err != nil || !strings.Contains(md.String(), "\n| proxy-32 | ") || strings.Count(md.String(), "| proxy-32 |") != 1 {
		t.Errorf("%v\n%s", err, md.String())
	}
}

// TestUpstream: texts come whole, with what JSON escapes, and at their rate.
func TestUpstream(t *testing.T) {
	text := bench.Text{Tokens: bench.Tokens("a <b> \"c\" \\ 天气\n"), Halts: -1}
	s := httptest.NewServer(bench.NewUpstream([]bench.Text{text}))
	defer s.Close()
	l := bench.HTTPLoad{Streams: 1, Rate: 100, Measured: 300 * time.Millisecond, Texts: []bench.Text{text}}
	m, err := l.Run(context.Background(), s.URL, func() {})
	if err != nil || m.Tokens < int64(len(text.Tokens)) || m.Tokens > 40 {
		t.Errorf("%d tokens in 300 ms at 100 a second and one more a text, %v", m.Tokens, err)
	}
	for model, want := range map[string]int{"0:0": http.StatusOK, "1:0": http.StatusBadRequest, "0": http.StatusBadRequest, "x:1": http.StatusBadRequest} {
		resp, err := http.Post(s.URL, "application/json", strings.NewReader(fmt.Sprintf(`{"model":%q}`, model)))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("model %s: %s", model, resp.Status)
		}
	}
	if !slices.ContainsFunc(bench.HTTPScenarios(), func(c bench.HTTPScenario) bool { return c.Load.Rate > 0 }) {
		t.Error("no scenario in open loop")
	}
}
