package bench_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"

	"github.com/seed-4f09bd3a/weir/bench"
	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/internal/config"
	"github.com/seed-4f09bd3a/weir/internal/server"
)

// judge returns the engine of the default policy without models.
func judge(t *testing.T) *engine.Engine {
	t.Helper()
	snap, _, err := config.LoadSnapshot("", nil)
	if err != nil {
		t.Fatal(err)
	}
	return engine.New(snap, engine.Options{})
}

func corpus(t *testing.T) *bench.Corpus {
	t.Helper()
	c, err := bench.DefaultCorpus()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func texts(t *testing.T, e *engine.Engine, n, tokens int, violating float64) []bench.Text {
	t.Helper()
	out, err := corpus(t).Texts(e, "default", n, tokens, violating, 1)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// enough measures for d, and for longer if that was too short to see what there is to
// see, as it may be on a busy machine.
func enough[M any](t *testing.T, d time.Duration, measure func(d time.Duration) (M, error), seen func(m M) bool) M {
	t.Helper()
	for ; ; d *= 4 {
		m, err := measure(d)
		if err != nil {
			t.Fatal(err)
		}
		if seen(m) || d > 5*time.Second {
			return m
		}
	}
}

// TestCorpus: the default policy halts every violation and no sentence.
func TestCorpus(t *testing.T) {
	c, e := corpus(t), judge(t)
	if len(c.Sentences) < 600 || len(c.Violations) < 8 {
		t.Fatalf("%d sentences, %d violations", len(c.Sentences), len(c.Violations))
	}
	halts := func(line string) bool {
		v, err := e.Check(context.Background(), engine.StreamOptions{}, []byte(line))
		if err != nil {
			t.Fatal(err)
		}
		return v.HaltOffset >= 0
	}
	for i, line := range c.Sentences {
		if halts(line) {
			t.Errorf("sentence %d halts", i)
		}
	}
	for i, line := range c.Violations {
		if !halts(line) {
			t.Errorf("violation %d does not halt", i)
		}
	}
}

// TestTexts: the share is kept, the offsets are those of the tokens, and the same
// seed gives the same.
func TestTexts(t *testing.T) {
	e := judge(t)
	all := texts(t, e, 100, 60, 0.25)
	bad := 0
	for _, x := range all {
		if len(x.Tokens) < 25 || len(x.Tokens) > 95 {
			t.Errorf("%d tokens", len(x.Tokens))
		}
		if x.Halts < 0 {
			continue
		}
		bad++
		before := int64(0)
		for _, token := range x.Tokens[:x.Halts] {
			before += int64(len(token))
		}
		if x.Violation >= x.Complete || x.Complete != before+int64(len(x.Tokens[x.Halts])) || x.Violation > before+4 {
			t.Errorf("violation [%d, %d), the token that completes it begins at %d", x.Violation, x.Complete, before)
		}
	}
	if bad != 25 {
		t.Errorf("%d violations of 100 texts", bad)
	}
	if diff := cmp.Diff(all, texts(t, e, 100, 60, 0.25)); diff != "" {
		t.Error("the same seed gives other texts")
	}
}

func TestTokens(t *testing.T) {
	for text, want := range map[string][]string{
		"":         nil,
		"abcdefgh": {"abcd", "efgh"},
		"天气很好":     {"天气", "很好"},
		"abc天a":    {"abc天", "a"},
	} {
		var got []string
		for _, token := range bench.Tokens(text) {
			got = append(got, string(token))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

// serve starts a server on a socket and returns a connection to it.
func serve(t *testing.T, s interface{ Serve(net.Listener) error }, stop func()) *grpc.ClientConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := bench.ListenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	conn, err := bench.Dial("unix:" + path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return conn
}

type weir struct {
	*server.Server
	ctx context.Context
}

func (w weir) Serve(l net.Listener) error { return w.Server.Serve(w.ctx, l) }

// startWeir starts a real server without models.
func startWeir(t *testing.T) *grpc.ClientConn {
	t.Helper()
	conf, log := config.Default(), slog.New(slog.DiscardHandler)
	conf.DrainTimeout = time.Second
	var eng *engine.Engine
	metrics := server.NewMetrics("test", func() *engine.Snapshot { return eng.Snapshot() })
	snap, files, err := config.LoadSnapshot("", nil)
	if err != nil {
		t.Fatal(err)
	}
	eng = engine.New(snap, engine.Options{Trace: metrics.Trace()})
	srv, err := server.New(server.Options{Config: conf, Engine: eng, Metrics: metrics, Log: log, Reload: config.NewReloader(eng, "", files, log, nil)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	return serve(t, weir{srv, ctx}, stop)
}

// TestLoads: every mode, closed and open, finds all violations in time and shows
// none of them, and the echo answers every token.
func TestLoads(t *testing.T) {
	e := judge(t)
	bad := texts(t, e, 60, 25, 0.4)
	harmless := slices.Clone(bad)
	for i := range harmless {
		harmless[i].Halts = -1
	}
	conn := startWeir(t)
	s := bench.NewEcho()
	echo := serve(t, s, s.Stop)
	for name, l := range map[string]bench.Load{
		"token, closed": {Mode: bench.Token, Streams: 20},
		"token, open":   {Mode: bench.Token, Streams: 20, Rate: 200},
		"coalesced":     {Mode: bench.Coalesced, Streams: 20, Rate: 400, Coalesce: 10 * time.Millisecond},
		"batch, closed": {Mode: bench.Batch, Streams: 20},
		"batch, ahead":  {Mode: bench.Batch, Streams: 20, Ahead: 3},
		"batch, open":   {Mode: bench.Batch, Streams: 20, Rate: 100},
		"batch, calls":  {Mode: bench.Batch, Streams: 20, Calls: 2},
	} {
		t.Run(name, func(t *testing.T) {
			l.Profile, l.Warm, l.Texts = "default", 50*time.Millisecond, bad
			calls := 0
			run := func(conn grpc.ClientConnInterface) func(time.Duration) (bench.Measure, error) {
				return func(d time.Duration) (bench.Measure, error) {
					calls, l.Measured = 0, d
					return l.Run(context.Background(), conn, func() { calls++ })
				}
			}
			m := enough(t, 400*time.Millisecond, run(conn), func(m bench.Measure) bool { return m.Halts > 0 })
			if calls != 2 || m.Tokens == 0 || m.Halts == 0 || m.LeakedRunes != 0 || m.FalseHalts != 0 || m.Missed != 0 {
				t.Errorf("calls %d, measured %+v", calls, m)
			}
			if m.Latency.P50 <= 0 || m.Latency.P50 > m.Latency.P99 || m.Latency.P99 > m.Latency.P999 {
				t.Errorf("latency %+v", m.Latency)
			}
			l.Texts = harmless
			m = enough(t, 400*time.Millisecond, run(echo), func(m bench.Measure) bool { return m.Tokens > 0 })
			if m.Tokens == 0 || m.Halts != 0 {
				t.Errorf("echo: %+v", m)
			}
		})
	}
	t.Run("an echo leaks", func(t *testing.T) {
		m := enough(t, 300*time.Millisecond, func(d time.Duration) (bench.Measure, error) {
			l := bench.Load{Mode: bench.Token, Streams: 20, Measured: d, Texts: bad}
			return l.Run(context.Background(), echo, func() {})
		}, func(m bench.Measure) bool { return m.Missed > 0 })
		if m.LeakedRunes == 0 || m.Missed == 0 {
			t.Errorf("leaks and misses were not seen: %+v", m)
		}
	})
	t.Run("in process", func(t *testing.T) {
		m := enough(t, 50*time.Millisecond, func(d time.Duration) (bench.Measure, error) {
			return bench.InProcess(context.Background(), e, &bench.Load{Mode: bench.Token, Streams: 20, Measured: d, Texts: bad})
		}, func(m bench.Measure) bool { return m.Tokens > 0 })
		if m.Tokens == 0 {
			t.Errorf("%+v", m)
		}
	})
	t.Run("raw", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "raw")
		l, err := bench.ListenUnix(path)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = bench.ServeRaw(l) }()
		defer l.Close() //nolint:errcheck // ends the server
		m := enough(t, 100*time.Millisecond, func(d time.Duration) (bench.Measure, error) {
			return bench.RunRaw(context.Background(), path, &bench.Load{Mode: bench.Token, Streams: 4, Measured: d, Texts: bad}, func() {})
		}, func(m bench.Measure) bool { return m.Tokens > 0 })
		if m.Tokens == 0 {
			t.Errorf("%+v", m)
		}
	})
}

func TestBadLoads(t *testing.T) {
	good := bench.Load{Mode: bench.Token, Streams: 1, Measured: time.Second, Texts: []bench.Text{{}}}
	for want, change := range map[string]func(l *bench.Load){
		"0 streams":                 func(l *bench.Load) { l.Streams = 0 },
		"2 steps under way":         func(l *bench.Load) { l.Ahead = 2 },
		"2 calls":                   func(l *bench.Load) { l.Calls = 2 },
		"rate -1":                   func(l *bench.Load) { l.Rate = -1 },
		"duration 0s":               func(l *bench.Load) { l.Measured = 0 },
		"no texts":                  func(l *bench.Load) { l.Texts = nil },
		"mode coalesced wants":      func(l *bench.Load) { l.Mode = bench.Coalesced },
		`mode "other": want token,`: func(l *bench.Load) { l.Mode = "other" },
	} {
		l := good
		change(&l)
		if _, err := l.Run(context.Background(), nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

// TestLatencyCountsFromWhenDue: a server that stalls is charged for all tokens
// that were due meanwhile, though they were sent later.
func TestLatencyCountsFromWhenDue(t *testing.T) {
	s := bench.NewEcho()
	conn := serve(t, s, s.Stop)
	const stall = 300 * time.Millisecond
	slow := &stalling{ClientConnInterface: conn, stall: stall}
	l := bench.Load{Mode: bench.Token, Streams: 1, Rate: 200, Measured: 500 * time.Millisecond, Texts: texts(t, judge(t), 4, 400, 0)}
	m, err := l.Run(context.Background(), slow, func() {})
	if err != nil {
		t.Fatal(err)
	}
	// 60 of the 100 tokens were due while nothing moved; half of those waited for 150 ms and more.
	if m.Latency.P50 < 20_000 || m.Latency.Max < 250_000 {
		t.Errorf("the stall is not in the latencies: %+v of %d tokens", m.Latency, m.Tokens)
	}
}

// stalling sends the first message late.
type stalling struct {
	grpc.ClientConnInterface
	stall time.Duration
}

func (s *stalling) NewStream(ctx context.Context, d *grpc.StreamDesc, method string, o ...grpc.CallOption) (grpc.ClientStream, error) {
	c, err := s.ClientConnInterface.NewStream(ctx, d, method, o...)
	time.Sleep(s.stall)
	s.stall = 0
	return c, err
}

func report(tokens, leaked float64) *bench.Report {
	r := bench.NewReport("test", "weir bench", "unix", 1)
	r.Results = []bench.Result{
		{Name: "token-256", About: "a", Figures: map[string]float64{"tokens_per_second": tokens, "latency_p50_us": 2, "leaked_runes": leaked}, Spread: map[string]float64{"tokens_per_second": 0.1}},
		{Name: "classifier-256x20", LeftOut: "no library"},
	}
	return r
}

func TestGate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gate.json")
	const gate = `{"thresholds": [
		{"scenario": "token-256", "figure": "tokens_per_second", "min": 100, "why": "w"},
		{"scenario": "token-256", "figure": "leaked_runes", "max": 0, "why": "a leak"},
		{"scenario": "classifier-256x20", "figure": "leaked_runes", "max": 0, "why": "w"}]}`
	if err := os.WriteFile(path, []byte(gate), 0o600); err != nil {
		t.Fatal(err)
	}
	thresholds, err := bench.ReadThresholds(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		report *bench.Report
		broken int
		says   string
	}{
		{report(100, 0), 0, "2 of 2 checked thresholds hold"},
		{report(99, 3), 2, "BROKEN: token-256, leaked_runes: 3 is above 0 (a leak)"},
		{&bench.Report{Results: []bench.Result{{Name: "token-256"}}}, 2, "token-256 has no tokens_per_second"},
	} {
		var out strings.Builder
		if got := c.report.Gate(&out, thresholds); len(got) != c.broken || !strings.Contains(out.String(), c.says) {
			t.Errorf("%v broken, want %d:\n%s", got, c.broken, out.String())
		}
	}
	for bad, want := range map[string]string{"": "gate", "{}": "has no thresholds", `{"thresholds": [{"scenario": "a", "figure": "b"}]}`: "thresholds[0]"} {
		if err := os.WriteFile(path, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := bench.ReadThresholds(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestThresholdsFile: the committed gate names scenarios that exist.
func TestThresholdsFile(t *testing.T) {
	thresholds, err := bench.ReadThresholds("thresholds.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range thresholds {
		if !slices.ContainsFunc(bench.Scenarios(), func(s bench.Scenario) bool { return s.Name == x.Scenario }) &&
			!slices.ContainsFunc(bench.HTTPScenarios(), func(s bench.HTTPScenario) bool { return s.Name == x.Scenario }) {
			t.Errorf("no scenario %s", x.Scenario)
		}
		if x.Why == "" {
			t.Errorf("%s, %s: why?", x.Scenario, x.Figure)
		}
		// What must never happen must not happen once.
		if x.Noisy && slices.Contains([]string{"leaked_runes", "false_halts", "missed", "halts", "model_halts"}, x.Figure) {
			t.Errorf("%s, %s: no noise of the machine breaks it", x.Scenario, x.Figure)
		}
	}
}

func TestCompare(t *testing.T) {
	var out strings.Builder
	if err := bench.Compare(&out, report(100, 0), report(150, 0)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| token-256 | tokens_per_second | 100 | 150 | 1.50 | * |", "| token-256 | leaked_runes | 0 | 0 |  |  |"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if err := bench.Compare(&out, &bench.Report{}, report(1, 0)); err == nil {
		t.Error("nothing in common was compared")
	}
}

// TestWrite: a report that was written is read back, and other files are refused.
func TestWrite(t *testing.T) {
	dir, want := filepath.Join(t.TempDir(), "out"), report(100, 0)
	if err := want.Write(dir); err != nil {
		t.Fatal(err)
	}
	got, err := bench.ReadReport(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	md, err := os.ReadFile(filepath.Join(dir, "report.md"))
	if err != nil || !strings.Contains(string(md), "| classifier-256x20 | left out: no library |") {
		t.Errorf("%s, %v", md, err)
	}
	for _, name := range []string{"throughput.svg", "latency.svg"} {
		if _, err := os.Stat(filepath.Join(dir, name)); name == "latency.svg" && err != nil || name == "throughput.svg" && err == nil {
			t.Errorf("%s: %v, but the report has latencies alone", name, err)
		}
	}
	svg, err := os.ReadFile(filepath.Join(dir, "latency.svg"))
	if err != nil || xml.Unmarshal(svg, new(struct{})) != nil || !strings.Contains(string(svg), ">token-256<") {
		t.Errorf("no plot: %s, %v", svg, err)
	}
	old := filepath.Join(dir, "old.json")
	data, _ := json.Marshal(map[string]int{"schema": 99})
	if err := os.WriteFile(old, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{old, filepath.Join(dir, "report.md"), "nowhere.json"} {
		if _, err := bench.ReadReport(path); err == nil {
			t.Errorf("%s was read", path)
		}
	}
}

func ExampleTokens() {
	fmt.Printf("%q\n", bench.Tokens("see you at nine"))
	// Output: ["see " "you " "at n" "ine"]
}
