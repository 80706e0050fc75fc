package tune

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// Analyse computes everything that a report says. It does not keep the samples.
// A category without positives or negatives is reported without metrics; that is
// no error. The same samples, options and seed give the same report. The bootstrap
// takes most of the time: about a second for 60 million texts × draws × labels
// on two cores.
func Analyse(samples []Sample, o Options) (*Report, error) {
	o.setDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := check(samples, &o); err != nil {
		return nil, err
	}
	a := &analysis{samples: samples, o: &o, choosing: make([]bool, len(samples))}
	for i := range samples {
		a.choosing[i] = samples[i].choosing()
	}
	var found []*labelResult
	for l, c := range o.Labels {
		if c != policy.NoCategory {
			found = append(found, &labelResult{label: l})
		}
	}
	// Categories share nothing but what they read, and have draws of their own.
	var wg sync.WaitGroup
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, f := range found {
		wg.Go(func() {
			free <- struct{}{}
			a.category(f)
			<-free
		})
	}
	wg.Wait()
	return a.report(found), nil
}

// analysis is one call of Analyse. Its fields do not change once categories run.
type analysis struct {
	samples  []Sample
	o        *Options
	choosing []bool // per sample
}

// labelResult is what became of one label.
type labelResult struct {
	label      int
	sustain    int
	statistics []float32 // per sample, under sustain
	category   Category
	halt       float32 // threshold that the patch leaves, or policy.Never
}

func (a *analysis) category(f *labelResult) {
	c := a.o.Labels[f.label]
	f.category.Name = c.String()
	current := a.current(f.label)
	classes := func(i int) class { return a.samples[i].class(c) }

	// The value of sustain_runes that lets a halt find most wins; the policy's own
	// stays where it serves a threshold that stays.
	values := a.o.SustainRunes
	if len(values) == 0 {
		values = []int{current.SustainRunes}
	}
	if keep := current.SustainRunes; a.o.Current != nil && !slices.Contains(values, keep) && set(current.Halt) {
		values = append(slices.Clone(values), keep)
	}
	type attempt struct {
		statistics     []float32
		choose, verify *half
		halt           Recommendation
	}
	least := float32(0)
	if set(current.Redact) {
		least = current.Redact
	}
	attempts := make([]attempt, len(values))
	best := -1
	for i, sustain := range values {
		x := &attempts[i]
		x.statistics = a.statistics(f.label, sustain)
		x.choose, x.verify = a.halves(x.statistics, classes, sustain)
		x.halt = a.o.halt(x.choose, x.verify, least)
		f.category.Sustain = append(f.category.Sustain, SustainChoice{sustain, x.halt})
		if x.halt.Status == Recommended && (best < 0 || x.halt.Chosen.Recall.Count > attempts[best].halt.Chosen.Recall.Count) {
			best = i
		}
	}
	if best < 0 {
		best = max(0, slices.Index(values, current.SustainRunes))
		if a.o.Current == nil {
			best = 0
		}
	}
	x := &attempts[best]
	f.sustain, f.statistics = values[best], x.statistics
	f.category.SustainRunes, f.category.Halt = f.sustain, x.halt
	if len(values) == 1 {
		f.category.Sustain = nil
	}
	a.metrics(&f.category, x.statistics, classes, uint64(f.label))

	f.halt = current.Halt
	if x.halt.Status == Recommended {
		f.halt = float32(x.halt.Threshold)
	}
	f.category.Flag = a.o.flag(x.choose, x.verify, f.category.AUROC, min(f.halt, current.Redact))
	a.judgeCurrent(f, &current, classes)
	f.category.Change = a.change(&f.category, &current)
	a.delays(f, classes)
	f.category.Languages = a.languages(f, classes)
}

// current returns the policy's thresholds for a label.
func (a *analysis) current(label int) policy.Threshold {
	if a.o.Current == nil {
		return policy.Threshold{Flag: policy.Never, Redact: policy.Never, Halt: policy.Never}
	}
	return a.o.Current[label]
}

// statistics returns the statistic of every sample.
func (a *analysis) statistics(label, sustain int) []float32 {
	out := make([]float32, len(a.samples))
	var scratch []int
	for i := range a.samples {
		out[i], scratch = statistic(a.samples[i].Strides, label, sustain, scratch)
	}
	return out
}

func all(int) bool { return true }

func (a *analysis) verifying(i int) bool { return !a.choosing[i] }

func (a *analysis) halves(statistics []float32, classes func(int) class, sustain int) (choose, verify *half) {
	choose = newHalf(scores(statistics, classes, func(i int) bool { return a.choosing[i] }), sustain, a.o.Confidence)
	return choose, newHalf(scores(statistics, classes, a.verifying), sustain, a.o.Confidence)
}

// judgeCurrent holds the policy's thresholds of today against the verifying half.
func (a *analysis) judgeCurrent(f *labelResult, current *policy.Threshold, classes func(int) class) {
	if !set(current.Halt) && !set(current.Flag) {
		return
	}
	_, verify := a.halves(a.statistics(f.label, current.SustainRunes), classes, current.SustainRunes)
	f.category.Current = &Current{}
	if set(current.Flag) {
		f.category.Current.Flag = verify.at(decimal(current.Flag))
	}
	if !set(current.Halt) {
		return
	}
	x := verify.at(decimal(current.Halt))
	f.category.Current.Halt = x
	if why := a.o.breaks(x); why != "" && f.category.Halt.Status != Recommended {
		f.category.Warnings = append(f.category.Warnings, fmt.Sprintf(
			"the policy halts at %v today, which breaks a limit on the verifying half: %s. No better threshold was found: consider halt: ~", x.Threshold, why))
	}
}

// change returns what the patch sets, or nil.
func (a *analysis) change(c *Category, current *policy.Threshold) *Change {
	var x Change
	differs := func(r *Recommendation, from float32) *float64 {
		if r.Status != Recommended || float32(r.Threshold) == from {
			return nil
		}
		return pointer(r.Threshold)
	}
	x.Flag, x.Halt = differs(&c.Flag, current.Flag), differs(&c.Halt, current.Halt)
	if c.Halt.Status == Recommended && c.Flag.Status != Recommended && set(current.Flag) && current.Flag > float32(c.Halt.Threshold) {
		x.Flag = pointer(c.Halt.Threshold)
		c.Warnings = append(c.Warnings, "flag comes down with halt, since a policy wants flag ≤ halt")
	}
	kept := c.Flag.Status == Recommended || c.Halt.Status == Recommended
	if kept && (a.o.Current == nil || current.SustainRunes != c.SustainRunes) {
		x.SustainRunes = pointer(c.SustainRunes)
	}
	if x == (Change{}) {
		return nil
	}
	return &x
}

// decimal returns the number that a policy wrote for a threshold.
func decimal(v float32) float64 {
	d, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64)
	if err != nil {
		panic(err) // a number just written
	}
	return d
}

// positives returns the violating texts, of the verifying half or all.
func (a *analysis) positives(classes func(int) class, want func(int) bool) []*Sample {
	var out []*Sample
	for i := range a.samples {
		if want(i) && classes(i) == positive {
			out = append(out, &a.samples[i])
		}
	}
	return out
}

func (a *analysis) delays(f *labelResult, classes func(int) class) {
	decide := func(s *Sample, t float32) halting { return act(s.Strides, f.label, t, f.sustain) }
	f.category.Leak = leak(a.positives(classes, all), a.o.Confidence, decide)
	for _, r := range []struct {
		action  policy.Action
		r       *Recommendation
		current float32
	}{{policy.Halt, &f.category.Halt, f.halt}, {policy.Flag, &f.category.Flag, a.current(f.label).Flag}} {
		threshold := decimal(r.current)
		if r.r.Status == Recommended {
			threshold = r.r.Threshold
		} else if !set(r.current) {
			continue
		}
		d := newDelay(a.positives(classes, a.verifying), a.o.Confidence, func(s *Sample) halting { return decide(s, float32(threshold)) })
		if d != nil {
			d.Action, d.Threshold, d.Verifying = r.action.String(), threshold, true
			f.category.Delays = append(f.category.Delays, *d)
		}
	}
}

// languages returns the results for each language, in the alphabet's order, if
// there is more than one.
func (a *analysis) languages(f *labelResult, classes func(int) class) []LanguageResult {
	var out []LanguageResult
	for _, language := range languagesOf(a.samples) {
		in := func(i int) bool { return a.samples[i].Language == language }
		s := scores(f.statistics, classes, in)
		if len(s.Positive)+len(s.Negative) == 0 {
			continue
		}
		r := LanguageResult{Language: language, Positive: len(s.Positive), Negative: len(s.Negative)}
		if len(s.Positive) > 0 && len(s.Negative) > 0 {
			r.AP, r.AUROC = pointer(s.AveragePrecision()), pointer(s.AUROC())
		}
		if set(f.halt) {
			verify := newHalf(scores(f.statistics, classes, func(i int) bool { return in(i) && a.verifying(i) }), f.sustain, a.o.Confidence)
			r.Halt = verify.at(decimal(f.halt))
		}
		out = append(out, r)
	}
	if len(out) < 2 {
		return nil
	}
	for _, r := range out {
		if r.Halt == nil {
			continue
		}
		if why := a.o.breaks(r.Halt); why != "" {
			f.category.Warnings = append(f.category.Warnings, fmt.Sprintf("in %s, halting at %v breaks a limit: %s", languageName(r.Language), r.Halt.Threshold, why))
		}
	}
	return out
}

func languagesOf(samples []Sample) []string {
	seen := make(map[string]bool)
	var out []string
	for i := range samples {
		if l := samples[i].Language; !seen[l] {
			seen[l] = true
			out = append(out, l)
		}
	}
	slices.Sort(out)
	return out
}

func languageName(l string) string {
	if l == "" {
		return "texts of no stated language"
	}
	return l
}
