package bench

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Suite runs scenarios in rounds.
type Suite struct {
	Scenarios []Scenario
	Rounds    int
	Warm      time.Duration
	Measured  time.Duration
	// PolicyProfile is the profile of the streams.
	PolicyProfile string
	// Texts makes the texts of a scenario; none if it cannot run.
	Texts func(c *Scenario) ([]Text, error)

	// Weir returns the server for scenarios with or without the classifier, a fresh
	// one if memory is to be measured; Echo is the echo server.
	Weir func(model, fresh bool) (Target, error)
	Echo Target
	// Floors, if set, measures the other floors of a scenario once a round.
	Floors func(ctx context.Context, l *Load) (engine, kernel Measure, err error)
	// Profile adds rounds that say where the server's time goes and what it allocates.
	Profile bool
	// Progress is told what runs now.
	Progress func(done, total int, what string)
}

// Round is what was measured in turn.
type Round struct {
	Weir   Measure  `json:"weir"`
	Echo   Measure  `json:"echo"`
	Engine *Measure `json:"engine,omitempty"`
	Kernel *Measure `json:"kernel,omitempty"`
}

// Result is a scenario with all its rounds.
type Result struct {
	Name    string             `json:"name"`
	About   string             `json:"about"`
	Rounds  []Round            `json:"rounds,omitempty"`
	Figures map[string]float64 `json:"figures,omitempty"` // medians, and ratios of medians
	Spread  map[string]float64 `json:"spread,omitempty"`  // of the rounds: (highest - lowest) / median
	Profile *Profile           `json:"profile,omitempty"`
	LeftOut string             `json:"left_out,omitempty"`
}

// Run runs everything. What was measured before an error is returned with it.
func (s *Suite) Run(ctx context.Context) ([]Result, error) {
	var out []Result
	for i := range s.Scenarios {
		c := s.Scenarios[i]
		c.Load.Warm, c.Load.Measured, c.Load.Profile = s.Warm, s.Measured*time.Duration(max(c.longer, 1)), s.PolicyProfile
		r := Result{Name: c.Name, About: c.About}
		var err error
		if c.Load.Texts, err = s.Texts(&c); err != nil {
			return out, fmt.Errorf("%s: %w", c.Name, err)
		}
		if len(c.Load.Texts) == 0 {
			r.LeftOut = "ONNX Runtime is not set up"
			out = append(out, r)
			continue
		}
		weir, err := s.Weir(c.Model, c.kind == idle)
		if err != nil {
			return out, err
		}
		rounds := s.Rounds
		if c.kind != loaded {
			rounds = 1 // long, or only once in a process
		}
		for n := range rounds {
			s.Progress(i*s.Rounds+n, len(s.Scenarios)*s.Rounds, c.Name)
			round, err := s.round(ctx, &c, weir)
			if err != nil {
				return out, fmt.Errorf("%s: %w", c.Name, err)
			}
			r.Rounds = append(r.Rounds, round)
		}
		if s.Profile && weir.Admin != "" && c.kind == loaded {
			s.Progress((i+1)*s.Rounds, len(s.Scenarios)*s.Rounds, c.Name+", profiled")
			p, err := c.profile(ctx, weir)
			if err != nil {
				return out, fmt.Errorf("%s: %w", c.Name, err)
			}
			r.Profile = &p
		}
		r.figures()
		if c.Model && r.Profile != nil {
			r.Figures["share_outside_onnxruntime"] = 1 - r.Profile.Shares["onnxruntime"]
		}
		out = append(out, r)
	}
	across(out)
	return out, nil
}

func (s *Suite) round(ctx context.Context, c *Scenario, weir Target) (r Round, err error) {
	if r.Weir, err = c.Measure(ctx, weir); err != nil {
		return r, err
	}
	if c.kind == flat {
		return r, nil
	}
	harmless := *c // the echo halts nothing
	harmless.Load.Texts = unhalted(c.Load.Texts)
	if r.Echo, err = harmless.Measure(ctx, s.Echo); err != nil {
		return r, fmt.Errorf("echo: %w", err)
	}
	if s.Floors != nil && c.kind == loaded && !c.Model && c.Load.Mode == Token && c.Load.Rate == 0 {
		e, k, err := s.Floors(ctx, &harmless.Load)
		if err != nil {
			return r, err
		}
		r.Engine, r.Kernel = &e, &k
	}
	return r, nil
}

// figures returns the figures of one server in one round.
func (m *Measure) figures(prefix string) map[string]float64 {
	out := map[string]float64{}
	put := func(name string, v float64) {
		if v != 0 {
			out[prefix+name] = v
		}
	}
	put("tokens_per_second", m.TokensPerSecond)
	put("latency_p50_us", m.Latency.P50)
	put("latency_p99_us", m.Latency.P99)
	put("latency_p99.9_us", m.Latency.P999)
	put("cpu_s_per_million_tokens", m.CPUPerMillion)
	put("bytes_per_stream", m.BytesPerStream)
	put("resident_bytes", m.ResidentBytes)
	put("cpu_late_over_early", m.Flat)
	if prefix == "engine_" {
		out[prefix+"allocations_per_token"] = m.Allocations
	}
	return out
}

func (r *Result) figures() {
	values := map[string][]float64{}
	add := func(all map[string]float64) {
		for name, v := range all {
			values[name] = append(values[name], v)
		}
	}
	var leaked, falseHalts, missed, halts, modelHalts float64
	halt, echoHalt := newHistogram(), newHistogram()
	for i := range r.Rounds {
		x := &r.Rounds[i]
		add(x.Weir.figures(""))
		add(x.Echo.figures("echo_"))
		if x.Engine != nil {
			add(x.Engine.figures("engine_"))
			add(x.Kernel.figures("kernel_"))
		}
		leaked = max(leaked, float64(x.Weir.LeakedRunes))
		falseHalts += float64(x.Weir.FalseHalts)
		missed += float64(x.Weir.Missed)
		halts += float64(x.Weir.Halts)
		modelHalts += float64(x.Weir.ModelHalts)
		if x.Weir.halts != nil {
			halt.Merge(x.Weir.halts)
			echoHalt.Merge(x.Echo.halts)
		}
	}
	r.Figures = map[string]float64{}
	r.medians(values)
	// Not medians: one is one too many.
	if r.Rounds[0].Weir.Latency.P50 > 0 {
		r.Figures["leaked_runes"], r.Figures["false_halts"], r.Figures["missed"], r.Figures["halts"], r.Figures["model_halts"] = leaked, falseHalts, missed, halts, modelHalts
	}
	// Of all rounds together: one round has too few for a p99.
	if halt.TotalCount() > 0 {
		h := latencyOf(halt)
		r.Figures["halt_p50_us"], r.Figures["halt_p99_us"] = h.P50, h.P99
	}
	if echoHalt.TotalCount() > 0 {
		h := latencyOf(echoHalt)
		r.Figures["echo_halt_p50_us"], r.Figures["echo_halt_p99_us"] = h.P50, h.P99
	}
	if r.Profile != nil {
		r.Figures["allocations_per_token"] = r.Profile.Allocations
	}
	for _, floor := range []string{"echo_", "engine_", "kernel_"} {
		for _, name := range []string{"tokens_per_second", "latency_p50_us", "latency_p99_us", "cpu_s_per_million_tokens", "bytes_per_stream", "halt_p50_us", "halt_p99_us"} {
			if f := r.Figures[floor+name]; f != 0 && r.Figures[name] != 0 {
				r.Figures[name+"_vs_"+floor[:len(floor)-1]] = r.Figures[name] / f
			}
		}
	}
}

// medians adds the medians of rounds to the figures, and sets their spread.
func (r *Result) medians(values map[string][]float64) {
	r.Spread = map[string]float64{}
	for name, v := range values {
		slices.Sort(v)
		m := median(v)
		r.Figures[name] = m
		if m != 0 && len(v) > 1 {
			r.Spread[name] = (v[len(v)-1] - v[0]) / m
		}
	}
}

// unhalted returns the texts for a server that halts nothing.
func unhalted(texts []Text) []Text {
	out := slices.Clone(texts)
	for i := range out {
		out[i].Halts = -1
	}
	return out
}

// across adds the ratios between scenarios.
func across(all []Result) {
	find := func(name string) map[string]float64 {
		for i := range all {
			if all[i].Name == name {
				return all[i].Figures
			}
		}
		return nil
	}
	for _, name := range []string{"batch-256", "batch-2x256"} {
		if token, batch := find("token-256"), find(name); token != nil && batch != nil {
			batch["tokens_per_second_vs_token-256"] = batch["tokens_per_second"] / token["tokens_per_second"]
		}
	}
}

// median of sorted values.
func median(v []float64) float64 {
	n := len(v)
	if n%2 == 1 {
		return v[n/2]
	}
	return (v[n/2-1] + v[n/2]) / 2
}

func sortedNames(m map[string]float64) []string { return slices.Sorted(maps.Keys(m)) }
