package tune_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/tune"
)

// analyse runs Analyse without limits or bootstrap, unless the options say so.
func analyse(t testing.TB, samples []tune.Sample, o tune.Options) *tune.Report {
	t.Helper()
	for _, limit := range []*float64{&o.MaxFPR, &o.MinPrecision, &o.MinRecall} {
		if *limit == 0 {
			*limit = tune.NoLimit()
		}
	}
	if o.Bootstrap == 0 {
		o.Bootstrap = -1
	}
	r, err := tune.Analyse(samples, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// text makes a sample with strides of 10 runes.
func text(id string, violates bool, scores ...float32) tune.Sample {
	s := tune.Sample{ID: id, Runes: 10 * len(scores), Onset: -1}
	if violates {
		s.Positive = s.Positive.Set(policy.Sexual)
	}
	for i, v := range scores {
		s.Strides = append(s.Strides, tune.Stride{EndRunes: 10 * (i + 1), Scores: []float32{v}})
	}
	return s
}

var sexual = []policy.Category{policy.Sexual}

// TestStatisticByHand asks for the highest threshold at which a text is acted on.
func TestStatisticByHand(t *testing.T) {
	scores := []float32{0.25, 0.75, 0.5, 0.5, 1, 0}
	for _, c := range []struct {
		sustain int
		want    float64
	}{{0, 1}, {10, 1}, {11, 0.5}, {20, 0.5}, {30, 0.5}, {40, 0.5}, {41, 0.25}, {50, 0.25}, {51, 0}, {60, 0}, {61, 0}, {4096, 0}} {
		r := analyse(t, []tune.Sample{text("a", true, scores...)}, tune.Options{Labels: sexual, SustainRunes: []int{c.sustain}})
		if got := r.Categories[0].Misses[0].Score; got != c.want {
			t.Errorf("sustain_runes %d: got %v, want %v", c.sustain, got, c.want)
		}
	}
	if got := analyse(t, []tune.Sample{text("a", true)}, tune.Options{Labels: sexual}).Categories[0].Misses[0].Score; got != 0 {
		t.Errorf("of an empty text: got %v, want 0", got)
	}
}

// TestLeakByHand halts a text at its third stride at 0.5, and never at 0.9.
func TestLeakByHand(t *testing.T) {
	point := func(l *tune.Leak, threshold float64) tune.LeakPoint {
		for _, p := range l.Points {
			if math.Abs(p.Threshold-threshold) < 1e-9 {
				return p
			}
		}
		t.Fatalf("no point at %v", threshold)
		return tune.LeakPoint{}
	}
	sample := text("a", true, 0.1, 0.6, 0.7, 0.8)
	l := analyse(t, []tune.Sample{sample}, tune.Options{Labels: sexual, SustainRunes: []int{20}}).Categories[0].Leak
	got := point(l, 0.5)
	if l.FromOnset || got.Halted.Count != 1 || *got.Strict != (tune.Quantiles{P50: 10, P90: 10}) || *got.Async != (tune.Quantiles{P50: 30, P90: 30}) {
		t.Errorf("at 0.5: %+v, strict %v, async %v; want a run from rune 10 that decides at 30", got, got.Strict, got.Async)
	}
	if never := point(l, 0.9); never.Halted.Count != 0 || never.Strict != nil {
		t.Errorf("at 0.9: %+v, want no halt", never)
	}

	// Ten texts with a known onset make it the measure: 5 runes of 10 were before
	// it. One more, whose onset comes after the halt, leaks nothing.
	var samples []tune.Sample
	for i := range 10 {
		s := text(fmt.Sprint("b", i), true, 0.1, 0.6, 0.7, 0.8)
		s.Onset = 5
		samples = append(samples, s)
	}
	late := text("late", true, 0.1, 0.6, 0.7, 0.8)
	late.Onset = 35
	o := tune.Options{Labels: sexual, SustainRunes: []int{20}, Current: []policy.Threshold{{Flag: 0.5, Redact: policy.Never, Halt: 0.5, SustainRunes: 20}}}
	c := analyse(t, append(samples, sample, late), o).Categories[0]
	if got = point(c.Leak, 0.5); !c.Leak.FromOnset || c.Leak.Texts != 11 || *got.Strict != (tune.Quantiles{P50: 5, P90: 5}) || *got.Async != (tune.Quantiles{P50: 25, P90: 25}) {
		t.Errorf("from the onset, %d texts: strict %v, async %v; want 5 and 25 in 11 texts", c.Leak.Texts, got.Strict, got.Async)
	}
}

// TestDelayByHand times a halt in strides and runes from the onset.
func TestDelayByHand(t *testing.T) {
	var samples []tune.Sample
	verifying := 0
	for i := 0; verifying < 12; i++ {
		s := text(fmt.Sprint(i), true, 0.1, 0.2, 0.3, 0.9, 0.9)
		s.Onset = 15
		if i%2 == 0 {
			s.Onset = 45 // the halt comes too early
		}
		samples = append(samples, s)
		verifying = analyse(t, samples, tune.Options{Labels: sexual}).Verifying
	}
	o := tune.Options{Labels: sexual, Current: []policy.Threshold{{Flag: policy.Never, Redact: policy.Never, Halt: 0.9}}}
	d := analyse(t, samples, o).Categories[0].Delays
	if len(d) != 1 {
		t.Fatalf("got %d delays, want that of the policy's halt", len(d))
	}
	if d[0].Action != "halt" || d[0].Halted.Of != 12 || d[0].Halted.Count != 12 || d[0].BeforeOnset == 0 || d[0].BeforeOnset == 12 {
		t.Errorf("got %+v, want 12 halts, some before the onset", d[0])
	}
	// Strides 2, 3 and 4 have runes of the violation; the fourth ends at 40.
	if last := d[0].Curve[len(d[0].Curve)-1]; last.Runes != 25 || last.Share != 1 || d[0].Strides.P90 != 3 || d[0].Strict.P90 != 15 {
		t.Errorf("got %+v, strides %v, strict %v; want 25 runes, 3 strides, 15 runes shown", last, d[0].Strides, d[0].Strict)
	}
}

func TestUnknownLabelsCountNeitherWay(t *testing.T) {
	samples := []tune.Sample{text("a", true, 0.9), text("b", false, 0.2), text("c", false, 0.99)}
	samples[2].Unknown = samples[2].Unknown.Set(policy.Sexual)
	r := analyse(t, samples, tune.Options{Labels: sexual})
	c := r.Categories[0]
	if c.Positive != 1 || c.Negative != 1 || c.Unknown != 1 || c.AUROC.Value != 1 {
		t.Errorf("got %d, %d, %d, AUROC %v; want one of each and 1", c.Positive, c.Negative, c.Unknown, c.AUROC)
	}
	if r.Harmless != 1 || r.Any.Negative != 1 {
		t.Errorf("got %d harmless texts, want 1: one is not known to be", r.Harmless)
	}
}

// TestAnyTakesTheHighest has two labels, one of which means nothing.
func TestAnyTakesTheHighest(t *testing.T) {
	labels := []policy.Category{policy.Sexual, policy.NoCategory, policy.Illicit}
	s := tune.Sample{ID: "a", Positive: policy.CategorySet(0).Set(policy.Illicit), Runes: 5, Onset: -1,
		Strides: []tune.Stride{{EndRunes: 5, Scores: []float32{0.25, 1, 0.5}}}}
	r := analyse(t, []tune.Sample{s}, tune.Options{Labels: labels})
	var names []string
	for _, c := range r.Categories {
		names = append(names, c.Name)
	}
	if diff := cmp.Diff([]string{"sexual", "illicit"}, names); diff != "" {
		t.Errorf("categories (-want +got):\n%s", diff)
	}
	if r.Any.Misses[0].Score != 0.5 {
		t.Errorf("any scores %v, want 0.5", r.Any.Misses[0].Score)
	}
}

func TestSameSeedSameReport(t *testing.T) {
	o := exampleOptions()
	o.Bootstrap = 20
	samples := exampleSamples()
	first, second := analyse(t, samples, o), analyse(t, samples, o)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the same seed gives (-first +second):\n%s", diff)
	}
	o.Seed++
	third := analyse(t, samples, o)
	if cmp.Equal(first.Categories[1].AP, third.Categories[1].AP) {
		t.Error("another seed gives the same interval")
	}
	for _, c := range first.Categories {
		if e := c.AP; e != nil && !(e.Low <= e.Value && e.Value <= e.High) {
			t.Errorf("%s: AP %v is outside its interval", c.Name, e)
		}
	}
}

// TestBootstrapIntervals compares with the analytic standard error of the AUROC
// (Hanley and McNeil, Radiology 143, 1982).
func TestBootstrapIntervals(t *testing.T) {
	samples := generate(9, sexual, map[string]int{"en": 800}, []generated{{policy.Sexual, "en", 200, 3}})
	e := analyse(t, samples, tune.Options{Labels: sexual, Bootstrap: 2000}).Categories[0].AUROC
	a, pos, neg := e.Value, 200.0, 800.0
	q1, q2 := a/(2-a), 2*a*a/(1+a)
	se := math.Sqrt((a*(1-a) + (pos-1)*(q1-a*a) + (neg-1)*(q2-a*a)) / (pos * neg))
	if width, want := e.High-e.Low, 2*1.96*se; width < 0.8*want || width > 1.25*want {
		t.Errorf("AUROC %v: interval of width %.4f, want about %.4f", e, width, want)
	}
}

func TestErrors(t *testing.T) {
	good := func() tune.Sample { return text("secret-id", true, 0.5, 0.5) }
	options := func() tune.Options {
		return tune.Options{Labels: sexual, MaxFPR: 0.1, MinPrecision: tune.NoLimit(), MinRecall: tune.NoLimit(), Bootstrap: -1}
	}
	sample := func(change func(*tune.Sample)) []tune.Sample {
		s := good()
		change(&s)
		return []tune.Sample{s}
	}
	for _, c := range []struct {
		name    string
		samples []tune.Sample
		options func(*tune.Options)
		is      error
		says    string
	}{
		{"no samples", nil, nil, tune.ErrNoSamples, "want at least one labelled text"},
		{"no id", sample(func(s *tune.Sample) { s.ID = "" }), nil, tune.ErrBadSample, "sample 0: has no id"},
		{"same id", []tune.Sample{good(), good()}, nil, tune.ErrBadSample, "sample 1: has the id of sample 0"},
		{"foreign label", sample(func(s *tune.Sample) { s.Positive = s.Positive.Set(policy.Illicit) }), nil, tune.ErrBadSample, "category illicit is not among the labels"},
		{"foreign unknown", sample(func(s *tune.Sample) { s.Unknown = s.Unknown.Set(policy.Illicit) }), nil, tune.ErrBadSample, "category illicit is not among the labels"},
		{"both", sample(func(s *tune.Sample) { s.Unknown = s.Positive }), nil, tune.ErrBadSample, "both positive and unknown"},
		{"out of order", sample(func(s *tune.Sample) { s.Strides[1].EndRunes = 10 }), nil, tune.ErrBadSample, "stride 1 ends at rune 10, the one before it at 10"},
		{"beyond the text", sample(func(s *tune.Sample) { s.Runes = 19 }), nil, tune.ErrBadSample, "stride 1 ends at rune 20 of 19"},
		{"above 1", sample(func(s *tune.Sample) { s.Strides[1].Scores[0] = 1.5 }), nil, tune.ErrBadSample, "score 1.5: out of range"},
		{"below 0", sample(func(s *tune.Sample) { s.Strides[1].Scores[0] = -0.5 }), nil, tune.ErrBadSample, "score -0.5: out of range"},
		{"not a number", sample(func(s *tune.Sample) { s.Strides[1].Scores[0] = float32(math.NaN()) }), nil, tune.ErrBadSample, "score NaN"},
		{"a score too many", sample(func(s *tune.Sample) { s.Strides[0].Scores = []float32{0, 0} }), nil, tune.ErrBadSample, "2 scores: want one for each of 1 labels"},
		{"onset beyond", sample(func(s *tune.Sample) { s.Onset = 20 }), nil, tune.ErrBadSample, "onset 20"},
		{"onset below", sample(func(s *tune.Sample) { s.Onset = -2 }), nil, tune.ErrBadSample, "onset -2"},
		{"negative length", sample(func(s *tune.Sample) { s.Runes = -1 }), nil, tune.ErrBadSample, "runes -1"},
		{"no labels", sample(func(*tune.Sample) {}), func(o *tune.Options) { o.Labels = nil }, tune.ErrBadOptions, "no labels"},
		{"empty labels", sample(func(*tune.Sample) {}), func(o *tune.Options) { o.Labels = []policy.Category{policy.NoCategory} }, tune.ErrBadOptions, "no label is a category"},
		{"label twice", sample(func(*tune.Sample) {}), func(o *tune.Options) { o.Labels = append(sexual, sexual...) }, tune.ErrBadOptions, "sexual: is there twice"},
		{"no such label", sample(func(*tune.Sample) {}), func(o *tune.Options) { o.Labels = []policy.Category{99} }, tune.ErrBadOptions, "label 99"},
		{"current", sample(func(*tune.Sample) {}), func(o *tune.Options) { o.Current = make([]policy.Threshold, 2) }, tune.ErrBadOptions, "2 current thresholds"},
		{"limit 0", sample(func(*tune.Sample) {}), func(o *tune.Options) { o.MaxFPR = 0 }, tune.ErrBadOptions, "--max-fpr 0: want a share"},
		{"limit 1", sample(func(*tune.Sample) {}), func(o *tune.Options) { o.MinRecall = 1 }, tune.ErrBadOptions, "--min-recall 1: want a share"},
		{"confidence", sample(func(*tune.Sample) {}), func(o *tune.Options) { o.Confidence = 95 }, tune.ErrBadOptions, "confidence 95"},
		{"sustain", sample(func(*tune.Sample) {}), func(o *tune.Options) { o.SustainRunes = []int{5000} }, tune.ErrBadOptions, "sustain_runes 5000"},
		{"many sustains", sample(func(*tune.Sample) {}), func(o *tune.Options) { o.SustainRunes = make([]int, 17) }, tune.ErrBadOptions, "17 values for sustain_runes"},
		{"bootstrap", sample(func(*tune.Sample) {}), func(o *tune.Options) { o.Bootstrap = 1e9 }, tune.ErrBadOptions, "bootstrap draws"},
		{"profile", sample(func(*tune.Sample) {}), func(o *tune.Options) { o.Profile = "a: b" }, tune.ErrBadOptions, `profile "a: b"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options()
			if c.options != nil {
				c.options(&o)
			}
			_, err := tune.Analyse(c.samples, o)
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q", err, c.says)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error names an id: %v", err)
			}
		})
	}
	many := make([]tune.Sample, 50)
	_, err := tune.Analyse(many, options())
	if n := strings.Count(err.Error(), "\n"); n != 10 {
		t.Errorf("50 bad samples fill %d lines, want 11", n+1)
	}
}
