package tune

import (
	"fmt"
	"math"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// report puts the categories together.
func (a *analysis) report(found []*labelResult) *Report {
	o := a.o
	r := &Report{
		Profile: o.Profile, Model: o.Model, Source: o.Source, Texts: len(a.samples),
		Confidence: o.Confidence, Bootstrap: max(0, o.Bootstrap), Seed: o.Seed, Limits: o.limitText(),
		MaxFPR: limitPointer(o.MaxFPR), MinPrecision: limitPointer(o.MinPrecision), MinRecall: limitPointer(o.MinRecall),
		Warnings: []string{},
	}
	if r.Limits == "" {
		r.Limits = "no limits"
	}
	for i := range a.samples {
		switch a.samples[i].anyClass() {
		case positive:
			r.Violations++
		case negative:
			r.Harmless++
		}
		if a.choosing[i] {
			r.Choosing++
		}
	}
	r.Verifying = r.Texts - r.Choosing
	if r.Harmless == 0 {
		r.Warnings = append(r.Warnings, "no text is known to be harmless throughout: how often readers are interrupted for nothing cannot be measured")
	}
	for _, f := range found {
		r.Categories = append(r.Categories, f.category)
	}
	r.Any = a.any(found)
	r.Together = a.together(found)
	if t := &r.Together; t.Halts > 0 {
		for _, l := range append([]TogetherLanguage{{Harmless: t.Harmless}}, t.Languages...) {
			if l.Harmless.Low > o.MaxFPR {
				in := "together"
				if l.Language != "" {
					in = "together, in " + l.Language
				}
				r.Warnings = append(r.Warnings, fmt.Sprintf("%s, the categories halt %d of %d harmless texts of the verifying half, at %s confidence more than --max-fpr %v: each keeps the limit alone, and they add up",
					in, l.Harmless.Count, l.Harmless.Of, percent(o.Confidence), o.MaxFPR))
			}
		}
	}
	return r
}

func limitPointer(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

// any takes all labels as one that scores as high as the highest, each under its
// own sustain_runes. It chooses nothing: a policy has thresholds per category.
func (a *analysis) any(found []*labelResult) Category {
	c := Category{Name: "any"}
	highest := make([]float32, len(a.samples))
	for _, f := range found {
		for i, v := range f.statistics {
			highest[i] = max(highest[i], v)
		}
	}
	classes := func(i int) class { return a.samples[i].anyClass() }
	a.metrics(&c, highest, classes, 1<<32) // beyond every label
	c.Leak = leak(a.positives(classes, all), a.o.Confidence, func(s *Sample, t float32) halting {
		return first(found, s, func(*labelResult) float32 { return t })
	})
	why := Recommendation{Status: PerCategory, Why: "a policy has thresholds for categories, not for all together"}
	c.Flag, c.Halt = why, why
	return c
}

// first returns where the first of the labels acts.
func first(found []*labelResult, s *Sample, threshold func(*labelResult) float32) halting {
	var earliest halting
	for _, f := range found {
		t := threshold(f)
		if !set(t) {
			continue
		}
		if h := act(s.Strides, f.label, t, f.sustain); h.acts && (!earliest.acts || h.end < earliest.end ||
			h.end == earliest.end && h.runStart < earliest.runStart) {
			earliest = h
		}
	}
	return earliest
}

// together holds the policy as the patch leaves it against the verifying half.
func (a *analysis) together(found []*labelResult) Together {
	var t Together
	for _, f := range found {
		if set(f.halt) {
			t.Halts++
		}
	}
	if t.Halts == 0 {
		return t
	}
	decide := func(s *Sample) halting {
		return first(found, s, func(f *labelResult) float32 { return f.halt })
	}
	count := func(in func(*Sample) bool) (harmless, violating Rate) {
		var halted, of [2]int
		for i := range a.samples {
			s := &a.samples[i]
			kind := s.anyClass()
			if a.choosing[i] || kind == unknown || !in(s) {
				continue
			}
			of[kind]++
			if decide(s).acts {
				halted[kind]++
			}
		}
		return NewRate(halted[negative], of[negative], a.o.Confidence), NewRate(halted[positive], of[positive], a.o.Confidence)
	}
	t.Harmless, t.Found = count(func(*Sample) bool { return true })
	if languages := languagesOf(a.samples); len(languages) > 1 {
		for _, language := range languages {
			harmless, violating := count(func(s *Sample) bool { return s.Language == language })
			t.Languages = append(t.Languages, TogetherLanguage{language, harmless, violating})
		}
	}
	classes := func(i int) class { return a.samples[i].anyClass() }
	if t.Delay = newDelay(a.positives(classes, a.verifying), a.o.Confidence, decide); t.Delay != nil {
		t.Delay.Action, t.Delay.Verifying = policy.Halt.String(), true
	}
	return t
}
