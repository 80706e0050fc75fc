package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// HTTPScenario is one question, asked of weir proxy and of a plain reverse proxy
// in front of the same model server.
type HTTPScenario struct {
	Name, About string
	Load        HTTPLoad // durations and texts are filled in by the suite
	Tokens      int      // of its texts; 0 for the suite's
}

// HTTPScenarios are all there are.
func HTTPScenarios() []HTTPScenario {
	return []HTTPScenario{
		{Name: "proxy-32", About: "weir proxy, 32 chats of an upstream that waits for nothing, closed loop", Load: HTTPLoad{Streams: 32}},
		{Name: "proxy-256x20", About: "weir proxy, 256 short chats of 20 tokens a second, open loop", Load: HTTPLoad{Streams: 256, Rate: 20}, Tokens: 20},
	}
}

// HTTPTarget is a proxy under test.
type HTTPTarget struct {
	URL string
	PID int
}

// HTTPSuite runs scenarios in rounds, both proxies in turn.
type HTTPSuite struct {
	Scenarios []HTTPScenario
	Rounds    int
	Warm      time.Duration
	Measured  time.Duration
	// Texts makes the texts of a scenario.
	Texts func(c *HTTPScenario) ([]Text, error)
	// Start starts a model server with the texts and both proxies in front of it.
	Start func(ctx context.Context, texts []Text) (weir, plain HTTPTarget, stop func(), err error)
	// Progress is told what runs now.
	Progress func(done, total int, what string)
}

// Run runs everything. What was measured before an error is returned with it.
func (s *HTTPSuite) Run(ctx context.Context) ([]Result, error) {
	var out []Result
	for i := range s.Scenarios {
		c := s.Scenarios[i]
		r, err := s.scenario(ctx, &c, i)
		if err != nil {
			return out, fmt.Errorf("%s: %w", c.Name, err)
		}
		out = append(out, r)
	}
	return out, nil
}

func (s *HTTPSuite) scenario(ctx context.Context, c *HTTPScenario, index int) (Result, error) {
	r := Result{Name: c.Name, About: c.About}
	var err error
	if c.Load.Texts, err = s.Texts(c); err != nil {
		return r, err
	}
	c.Load.Warm, c.Load.Measured = s.Warm, s.Measured
	weir, plain, stop, err := s.Start(ctx, c.Load.Texts)
	if err != nil {
		return r, err
	}
	defer stop()
	harmless := c.Load // the plain proxy halts nothing
	harmless.Texts = unhalted(c.Load.Texts)
	values := map[string][]float64{}
	counts := map[string]float64{}
	for n := range s.Rounds {
		s.Progress(index*s.Rounds+n, len(s.Scenarios)*s.Rounds, c.Name)
		w, err := c.Load.measure(ctx, weir)
		if err != nil {
			return r, err
		}
		p, err := harmless.measure(ctx, plain)
		if err != nil {
			return r, fmt.Errorf("plain proxy: %w", err)
		}
		w.figures("", values)
		p.figures("plain_", values)
		counts["leaked_runes"] = max(counts["leaked_runes"], float64(w.LeakedRunes))
		counts["false_halts"] += float64(w.FalseHalts)
		counts["missed"] += float64(w.Missed)
		counts["halts"] += float64(w.Halts)
		counts["streams"] += float64(w.Streams)
	}
	r.Figures = counts
	r.medians(values)
	for name := range values {
		if f := r.Figures["plain_"+name]; f != 0 && !strings.HasPrefix(name, "plain_") {
			r.Figures[name+"_vs_plain"] = r.Figures[name] / f
		}
	}
	return r, nil
}

// measure runs the load and adds the CPU time of the proxy.
func (l *HTTPLoad) measure(ctx context.Context, t HTTPTarget) (HTTPMeasure, error) {
	var cpu [2]float64
	var failed error
	at := 0
	m, err := l.Run(ctx, t.URL, func() {
		var err error
		cpu[at], err = (process{t.PID}).cpu()
		failed = errors.Join(failed, err)
		at++
	})
	if err == nil {
		err = failed
	}
	if m.Tokens > 0 {
		m.CPUPerMillion = (cpu[1] - cpu[0]) / float64(m.Tokens) * 1e6
	}
	return m, err
}

// figures adds what a round came to.
func (m *HTTPMeasure) figures(prefix string, to map[string][]float64) {
	for name, v := range map[string]float64{
		"tokens_per_second": m.TokensPerSecond, "first_p50_us": m.First.P50, "first_p99_us": m.First.P99,
		"token_p50_us": m.Latency.P50, "token_p99_us": m.Latency.P99, "cpu_s_per_million_tokens": m.CPUPerMillion,
	} {
		if v != 0 {
			to[prefix+name] = append(to[prefix+name], v)
		}
	}
}

// proxies writes the table of the proxies, or nothing.
func (r *Report) proxies(b *strings.Builder) {
	begun := false
	for i := range r.Results {
		f := r.Results[i].Figures
		if f["plain_tokens_per_second"] == 0 {
			continue
		}
		if !begun {
			begun = true
			b.WriteString("| in front of a model server | tokens/s | of a plain proxy's | first token p50 ms | of a plain proxy's | p99 ms | token p50 ms | plain proxy's | p99 ms | plain proxy's | proxy CPU s / 10⁶ tokens | of a plain proxy's | leaked runes | false halts | missed |\n")
			b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %.0f | %.0f | %.0f |\n", r.Results[i].Name,
			count(f["tokens_per_second"]), ratio(f["tokens_per_second_vs_plain"]), ms(f["first_p50_us"]), ratio(f["first_p50_us_vs_plain"]), ms(f["first_p99_us"]),
			ms(f["token_p50_us"]), ms(f["plain_token_p50_us"]), ms(f["token_p99_us"]), ms(f["plain_token_p99_us"]),
			number(f["cpu_s_per_million_tokens"]), ratio(f["cpu_s_per_million_tokens_vs_plain"]), f["leaked_runes"], f["false_halts"], f["missed"])
	}
	if begun {
		b.WriteString("\n")
	}
}
