package tune

import (
	"fmt"
	"math"
	"slices"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// Status says what became of the search for a threshold.
type Status string

// The values of Status.
const (
	Recommended  Status = "recommended"
	TooSmall     Status = "too small"    // even a flawless result would prove too little
	Unreachable  Status = "unreachable"  // no threshold keeps the limits
	Contradicted Status = "contradicted" // the verifying half shows that the choice breaks a limit
	NotAsked     Status = "not asked"    // no limit was given
	PerCategory  Status = "per category" // not of all categories together
)

// Outcome is what a threshold does to some texts.
type Outcome struct {
	Threshold    float64 `json:"threshold"`
	SustainRunes int     `json:"sustain_runes"`
	Recall       Rate    `json:"recall"`    // violations at or above it, of violations
	FPR          Rate    `json:"fpr"`       // others at or above it, of others
	Precision    Rate    `json:"precision"` // violations among those at or above it
}

// Recommendation is a threshold for one action, or why there is none.
type Recommendation struct {
	Status    Status   `json:"status"`
	Why       string   `json:"why"`
	Threshold float64  `json:"threshold,omitempty"` // if recommended
	Chosen    *Outcome `json:"chosen,omitempty"`    // on the half that chose it: too good to be true
	Verified  *Outcome `json:"verified,omitempty"`  // on the other half
	Confirmed bool     `json:"confirmed"`           // the other half is enough to prove the limits by itself
}

// minTexts is how many positives, and how many negatives, the half that chooses
// must have: fewer make it a matter of luck which threshold finds most.
const minTexts = 10

// candidates are the thresholds to choose from: what a person would write in a
// policy, fixed before the data is seen, and denser where scores crowd.
var candidates = func() []float64 {
	var out []float64
	for i := 1; i < 10000; i++ {
		if i < 10 || i > 9990 || i%10 == 0 {
			out = append(out, float64(i)/10000)
		}
	}
	return out
}()

// half is the statistics of one half of the texts, sorted.
type half struct {
	Scores
	sustain    int
	confidence float64
	seen       map[[2]int]Outcome // by what is found, since many thresholds find the same
}

func newHalf(s Scores, sustain int, confidence float64) *half {
	slices.Sort(s.Positive)
	slices.Sort(s.Negative)
	return &half{s, sustain, confidence, make(map[[2]int]Outcome)}
}

// reach returns how many of the sorted scores are at or above the threshold,
// compared as the engine does, in float32.
func reach(sorted []float32, threshold float64) int {
	i, _ := slices.BinarySearch(sorted, float32(threshold))
	return len(sorted) - i
}

func (h *half) at(threshold float64) *Outcome {
	tp, fp := reach(h.Positive, threshold), reach(h.Negative, threshold)
	x, ok := h.seen[[2]int{tp, fp}]
	if !ok {
		x = Outcome{
			SustainRunes: h.sustain,
			Recall:       NewRate(tp, len(h.Positive), h.confidence),
			FPR:          NewRate(fp, len(h.Negative), h.confidence),
			Precision:    NewRate(tp, tp+fp, h.confidence),
		}
		h.seen[[2]int{tp, fp}] = x
	}
	x.Threshold = threshold
	return &x
}

// keeps reports whether the intervals prove that every limit is kept.
func (o *Options) keeps(x *Outcome) bool {
	return !(x.FPR.High > o.MaxFPR) && !(x.Precision.Low < o.MinPrecision) && !(x.Recall.Low < o.MinRecall)
}

// breaks returns which limit the intervals prove to be broken, or "".
func (o *Options) breaks(x *Outcome) string {
	at := fmt.Sprintf("at %s confidence", percent(o.Confidence))
	switch {
	case x.FPR.Low > o.MaxFPR:
		return fmt.Sprintf("it acts on %s other texts there, %s more than --max-fpr %v", x.FPR.counts(), at, o.MaxFPR)
	case x.Precision.Of > 0 && x.Precision.High < o.MinPrecision:
		return fmt.Sprintf("%d of the %d texts it acts on there are violations, %s less than --min-precision %v", x.Precision.Count, x.Precision.Of, at, o.MinPrecision)
	case x.Recall.High < o.MinRecall:
		return fmt.Sprintf("it acts on %d of %d violations there, %s less than --min-recall %v", x.Recall.Count, x.Recall.Of, at, o.MinRecall)
	}
	return ""
}

func (o *Options) limited() bool {
	return !math.IsNaN(o.MaxFPR) || !math.IsNaN(o.MinPrecision) || !math.IsNaN(o.MinRecall)
}

// tooSmall returns what is missing for any result to prove the limits, or "".
func (o *Options) tooSmall(h *half) string {
	say := func(need, have int, what, limit string, value float64) string {
		if have >= need {
			return ""
		}
		return fmt.Sprintf("needs at least %s %s in each half, about %s in all, for %s %v at %s; the half that chooses has %s",
			thousands(need), what, thousands(2*need), limit, value, percent(o.Confidence), thousands(have))
	}
	// NaN compares false, so a limit that is not wanted needs nothing.
	why := ""
	if o.MaxFPR > 0 {
		why = say(textsForMost(o.MaxFPR, o.Confidence), len(h.Negative), "texts without the violation", "--max-fpr", o.MaxFPR)
	}
	if why == "" && o.MinPrecision > 0 {
		why = say(textsForLeast(o.MinPrecision, o.Confidence), len(h.Positive), "violations", "--min-precision", o.MinPrecision)
	}
	if why == "" && o.MinRecall > 0 {
		why = say(textsForLeast(o.MinRecall, o.Confidence), len(h.Positive), "violations", "--min-recall", o.MinRecall)
	}
	if why == "" {
		why = h.few()
	}
	return why
}

// few returns what is missing for a choice not to be luck, or "".
func (h *half) few() string {
	if len(h.Positive) >= minTexts && len(h.Negative) >= minTexts {
		return ""
	}
	return fmt.Sprintf("needs at least %d violations and %d other texts in each half; the half that chooses has %s and %s",
		minTexts, minTexts, thousands(len(h.Positive)), thousands(len(h.Negative)))
}

// halt looks for the threshold that finds most while it keeps the limits or,
// where nothing limits false alarms, for the one with the fewest of them. Of
// equals it takes the middle one, farthest from both kinds of text. It looks no
// lower than least, where a milder action of the policy begins.
func (o *Options) halt(choose, verify *half, least float32) Recommendation {
	if !o.limited() {
		return Recommendation{Status: NotAsked, Why: "no limit given: say what is acceptable with --max-fpr, --min-precision or --min-recall"}
	}
	if why := o.tooSmall(choose); why != "" {
		return Recommendation{Status: TooSmall, Why: why}
	}
	keepRecall := math.IsNaN(o.MaxFPR) && math.IsNaN(o.MinPrecision)
	better := func(a, b *Outcome) int {
		found, spared := a.Recall.Count-b.Recall.Count, b.FPR.Count-a.FPR.Count
		if keepRecall {
			found, spared = spared, found
		}
		if found != 0 {
			return found
		}
		return spared
	}
	best := choose.best(func(x *Outcome) bool {
		return x.Recall.Count > 0 && float32(x.Threshold) >= least && o.keeps(x)
	}, better)
	if best == nil {
		return Recommendation{Status: Unreachable, Why: o.unreachable(choose, least)}
	}
	return o.verify(best, verify)
}

// best returns the best of the candidates that are acceptable, or nil.
func (h *half) best(ok func(*Outcome) bool, better func(a, b *Outcome) int) *Outcome {
	var equals []*Outcome
	for _, t := range candidates {
		x := h.at(t)
		if !ok(x) {
			continue
		}
		if n := len(equals); n > 0 {
			if d := better(x, equals[0]); d < 0 {
				continue
			} else if d > 0 {
				equals = equals[:0]
			}
		}
		equals = append(equals, x)
	}
	if len(equals) == 0 {
		return nil
	}
	return equals[(len(equals)-1)/2]
}

func (o *Options) verify(chosen *Outcome, verify *half) Recommendation {
	r := Recommendation{Status: Recommended, Threshold: chosen.Threshold, Chosen: chosen, Verified: verify.at(chosen.Threshold)}
	if why := o.breaks(r.Verified); why != "" {
		r.Status, r.Threshold = Contradicted, 0
		r.Why = fmt.Sprintf("%v kept the limits on the half that chose it and breaks them on the other: %s", chosen.Threshold, why)
		return r
	}
	r.Confirmed = o.keeps(r.Verified)
	r.Why = "keeps the limits on both halves"
	if !r.Confirmed {
		r.Why = "keeps the limits on the half that chose it; the other half does not contradict, but is not enough to prove them by itself"
	}
	return r
}

// unreachable says how near the best threshold comes.
func (o *Options) unreachable(h *half, least float32) string {
	where := ""
	if least > 0 {
		where = fmt.Sprintf(" from %v on, where redact begins,", least)
	}
	other := *o
	other.MinRecall = NoLimit()
	most := h.best(func(x *Outcome) bool {
		return x.Recall.Count > 0 && float32(x.Threshold) >= least && other.keeps(x)
	}, func(a, b *Outcome) int { return a.Recall.Count - b.Recall.Count })
	if most == nil {
		return fmt.Sprintf("no threshold%s finds a violation and keeps %s", where, o.limitText())
	}
	return fmt.Sprintf("no threshold%s keeps %s: at most %d of %d violations are found%s, which proves a recall of only %s",
		where, o.limitText(), most.Recall.Count, most.Recall.Of, other.within(), percent(most.Recall.Low))
}

// within names the limits as a condition.
func (o *Options) within() string {
	if !o.limited() {
		return ""
	}
	return " within " + o.limitText()
}

func (o *Options) limitText() string {
	text := ""
	for _, l := range o.limits() {
		if !math.IsNaN(l.value) {
			if text != "" {
				text += " and "
			}
			text += fmt.Sprintf("%s %v", l.flag, l.value)
		}
	}
	return text
}

// flag looks for the threshold with the best F1 up to most. A flag stops
// nothing, so it has no limit to keep; it should be right about as often as it
// finds something.
func (o *Options) flag(choose, verify *half, auroc *Estimate, most float32) Recommendation {
	switch {
	case choose.few() != "":
		return Recommendation{Status: TooSmall, Why: choose.few()}
	case auroc == nil || auroc.Low <= 0.5:
		return Recommendation{Status: Unreachable, Why: "the scores do not tell violations from other texts: the interval of the area under the ROC curve includes 0.5"}
	}
	f1 := func(x *Outcome) float64 {
		return 2 * float64(x.Recall.Count) / float64(x.Recall.Of+x.Precision.Of)
	}
	best := choose.best(func(x *Outcome) bool { return float32(x.Threshold) <= most && x.Recall.Count > 0 }, func(a, b *Outcome) int {
		switch d := f1(a) - f1(b); {
		case d > 0:
			return 1
		case d < 0:
			return -1
		}
		return 0
	})
	if best == nil {
		return Recommendation{Status: Unreachable, Why: fmt.Sprintf("no threshold up to %v, where harsher actions begin, finds a violation", most)}
	}
	r := Recommendation{Status: Recommended, Threshold: best.Threshold, Chosen: best, Verified: verify.at(best.Threshold), Confirmed: true}
	r.Why = "best F1 on the half that chose it, but never above what harsher actions need"
	if v := r.Verified; v.Recall.Low <= v.FPR.High {
		r.Status, r.Threshold, r.Confirmed = Contradicted, 0, false
		r.Why = fmt.Sprintf("%v has the best F1 on the half that chose it, but on the other half it acts on %s violations and %s other texts, which does not prove that it tells them apart",
			best.Threshold, v.Recall.counts(), v.FPR.counts())
	}
	return r
}

// set reports whether a policy gives the threshold.
func set(threshold float32) bool { return threshold < policy.Never }
