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
			calls := 0
			run := func(address string) func(time.Duration) (bench.HTTPMeasure, error) {
				return func(d time.Duration) (bench.HTTPMeasure, error) {
					calls = 0
					l := bench.HTTPLoad{Streams: 10, Rate: rate, Warm: 50 * time.Millisecond, Measured: d, Texts: all}
					return l.Run(context.Background(), address, func() { calls++ })
				}
			}
			m := enough(t, 600*time.Millisecond, run(weir), func(m bench.HTTPMeasure) bool { return m.Halts > 0 })
			if calls != 2 || m.Tokens == 0 || m.Halts == 0 || m.LeakedRunes > 0 || m.FalseHalts != 0 || m.Missed != 0 {
				t.Errorf("%d calls, measured %+v", calls, m)
			}
			if m.First.P50 <= 0 || m.First.P50 > m.First.P99 || (m.Latency.P50 > 0) != (rate > 0) {
				t.Errorf("first %+v, latency %+v", m.First, m.Latency)
			}
			m = enough(t, 600*time.Millisecond, run(plain), func(m bench.HTTPMeasure) bool { return m.Missed > 0 })
			if m.Tokens == 0 || m.Halts != 0 || m.LeakedRunes == 0 || m.Missed == 0 {
				t.Errorf("a plain proxy's leaks and misses were not seen: %+v", m)
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
		Scenarios: bench.HTTPScenarios()[:1], Rounds: 2, Progress: func(int, int, string) {},
		Texts: func(*bench.HTTPScenario) ([]bench.Text, error) { return texts(t, e, 40, 25, 0.1), nil },
		Start: func(_ context.Context, texts []bench.Text) (weir, plain bench.HTTPTarget, stop func(), err error) {
			w, p := proxies(t, texts)
			return bench.HTTPTarget{URL: w, PID: os.Getpid()}, bench.HTTPTarget{URL: p, PID: os.Getpid()}, func() {}, nil
		},
	}
	results := enough(t, 200*time.Millisecond, func(d time.Duration) ([]bench.Result, error) {
		s.Measured = d
		return s.Run(context.Background())
	}, func(r []bench.Result) bool {
		return len(r) == 1 && r[0].Figures["halts"] > 0 && r[0].Figures["plain_tokens_per_second"] > 0
	})
	if len(results) != 1 {
		t.Fatalf("%v", results)
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
	var most int64 // 100 tokens a second, and one more a text
	m := enough(t, 300*time.Millisecond, func(d time.Duration) (bench.HTTPMeasure, error) {
		most = int64(d.Seconds()*100*1.1) + 7
		l := bench.HTTPLoad{Streams: 1, Rate: 100, Measured: d, Texts: []bench.Text{text}}
		return l.Run(context.Background(), s.URL, func() {})
	}, func(m bench.HTTPMeasure) bool { return m.Tokens >= int64(len(text.Tokens)) })
	if m.Tokens < int64(len(text.Tokens)) || m.Tokens > most {
		t.Errorf("%d tokens, want %d at most", m.Tokens, most)
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
