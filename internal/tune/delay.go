package tune

import (
	"slices"
	"sort"
)

// Quantiles of a number of runes or strides over texts.
type Quantiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
}

func newQuantiles(values []int) *Quantiles {
	if len(values) == 0 {
		return nil
	}
	sorted := make([]float64, len(values))
	for i, v := range values {
		sorted[i] = float64(v)
	}
	slices.Sort(sorted)
	return &Quantiles{quantile(sorted, 0.5), quantile(sorted, 0.9)}
}

// Leak is how much of violating texts readers see before a halt, against the
// threshold. Where enough labels say where the violation begins, only these
// texts count, from there on; otherwise all, from their beginning.
type Leak struct {
	FromOnset bool        `json:"from_onset"`
	Texts     int         `json:"texts"`
	Points    []LeakPoint `json:"points"`
}

// LeakPoint is the leak at one threshold, over the texts that are halted.
type LeakPoint struct {
	Threshold float64    `json:"threshold"`
	Halted    Rate       `json:"halted"`
	Strict    *Quantiles `json:"strict,omitempty"` // runes released by a strict profile, which holds a run back from its beginning
	Async     *Quantiles `json:"async,omitempty"`  // runes released by an async profile, up to the stride that decides
}

// Delay is how long one threshold takes on violating texts.
type Delay struct {
	Action      string       `json:"action"`
	Threshold   float64      `json:"threshold,omitempty"` // absent where categories differ
	Verifying   bool         `json:"verifying"`           // on the verifying half alone
	FromOnset   bool         `json:"from_onset"`          // counted from there; else from the text's beginning
	Halted      Rate         `json:"halted"`              // or flagged
	BeforeOnset int          `json:"before_onset"`        // of those, acted on before the violation began
	Runes       *Quantiles   `json:"runes,omitempty"`     // until the decision
	Strides     *Quantiles   `json:"strides,omitempty"`   // judged until the decision
	Strict      *Quantiles   `json:"strict,omitempty"`    // runes released by then, as in LeakPoint
	Curve       []DelayPoint `json:"curve,omitempty"`
}

// DelayPoint is the share of texts acted on within so many runes.
type DelayPoint struct {
	Runes int     `json:"runes"`
	Share float64 `json:"share"`
}

// minOnsets is how many texts must have a known onset for it to be the measure.
const minOnsets = 10

// withOnset returns the texts to measure delays on, and whether from the onset.
func withOnset(texts []*Sample) ([]*Sample, bool) {
	var known []*Sample
	for _, s := range texts {
		if s.Onset >= 0 {
			known = append(known, s)
		}
	}
	if len(known) >= minOnsets {
		return known, true
	}
	return texts, false
}

// delays collects what became of texts.
type delays struct {
	fromOnset              bool
	texts, early           int
	strict, async, strides []int
}

func measure(texts []*Sample, fromOnset bool, decide func(*Sample) halting) *delays {
	d := &delays{fromOnset: fromOnset, texts: len(texts)}
	for _, s := range texts {
		h := decide(s)
		if !h.acts {
			continue
		}
		from, strides := 0, h.strides
		if fromOnset {
			from = s.Onset
			strides -= sort.Search(len(s.Strides), func(i int) bool { return s.Strides[i].EndRunes > s.Onset })
			if h.end <= from {
				d.early++
			}
		}
		d.strict = append(d.strict, max(0, h.runStart-from))
		d.async = append(d.async, max(0, h.end-from))
		d.strides = append(d.strides, max(0, strides))
	}
	return d
}

// leakGrid is where the leak curve is measured.
func leakGrid() []float64 {
	var grid []float64
	for i := 1; i < 50; i++ {
		grid = append(grid, float64(i)/50)
	}
	return append(grid, 0.99, 0.995, 0.999)
}

func leak(texts []*Sample, confidence float64, decide func(s *Sample, threshold float32) halting) *Leak {
	texts, fromOnset := withOnset(texts)
	if len(texts) == 0 {
		return nil
	}
	l := &Leak{FromOnset: fromOnset, Texts: len(texts)}
	for _, t := range leakGrid() {
		d := measure(texts, fromOnset, func(s *Sample) halting { return decide(s, float32(t)) })
		l.Points = append(l.Points, LeakPoint{
			Threshold: t, Halted: NewRate(len(d.async), len(texts), confidence),
			Strict: newQuantiles(d.strict), Async: newQuantiles(d.async),
		})
	}
	return l
}

// newDelay measures one threshold, or a set of them.
func newDelay(texts []*Sample, confidence float64, decide func(*Sample) halting) *Delay {
	texts, fromOnset := withOnset(texts)
	if len(texts) == 0 {
		return nil
	}
	d := measure(texts, fromOnset, decide)
	slices.Sort(d.async)
	out := &Delay{
		FromOnset: fromOnset, Halted: NewRate(len(d.async), len(texts), confidence), BeforeOnset: d.early,
		Runes: newQuantiles(d.async), Strides: newQuantiles(d.strides), Strict: newQuantiles(d.strict),
	}
	for i, runes := range d.async {
		if i+1 == len(d.async) || d.async[i+1] != runes {
			out.Curve = append(out.Curve, DelayPoint{runes, share(i+1, len(texts))})
		}
	}
	out.Curve = thin(out.Curve, func(a, b DelayPoint) bool { return b.Share-a.Share < 1.0/200 })
	return out
}

// thin leaves out points too near to the last one kept; the last point stays.
func thin[T any](points []T, near func(a, b T) bool) []T {
	var kept []T
	for i, p := range points {
		if len(kept) == 0 || i+1 == len(points) || !near(kept[len(kept)-1], p) {
			kept = append(kept, p)
		}
	}
	return kept
}
