package tune

import (
	"math"
	"slices"
)

// Brier returns the mean squared distance of scores from what they should be, 1
// and 0; NaN of nothing. As brier_score_loss of scikit-learn.
func (s Scores) Brier() float64 {
	sum := 0.0
	for _, v := range s.Positive {
		sum += (1 - float64(v)) * (1 - float64(v))
	}
	for _, v := range s.Negative {
		sum += float64(v) * float64(v)
	}
	return sum / float64(len(s.Positive)+len(s.Negative))
}

// LogLoss returns the mean negative logarithm of the probability given to what
// is true; NaN of nothing. Scores are kept off 0 and 1 by the precision of a
// float64. As log_loss of scikit-learn.
func (s Scores) LogLoss() float64 {
	const eps = 0x1p-52
	clip := func(p float64) float64 { return min(max(p, eps), 1-eps) }
	sum := 0.0
	for _, v := range s.Positive {
		sum -= math.Log(clip(float64(v)))
	}
	for _, v := range s.Negative {
		sum -= math.Log(clip(1 - float64(v)))
	}
	return sum / float64(len(s.Positive)+len(s.Negative))
}

// Bin is a bin of the reliability diagram.
type Bin struct {
	Texts    int     `json:"texts"`
	Positive int     `json:"positive"`
	Score    float64 `json:"score"` // mean of the texts' statistics
	Share    float64 `json:"share"` // of positives among the texts
}

// CalibrationUniform returns the bins that are not empty of n of equal width over
// [0, 1]. As calibration_curve of scikit-learn with strategy uniform.
func (s Scores) CalibrationUniform(n int) []Bin {
	edges := make([]float64, 0, n)
	step := 1 / float64(n)
	for i := 1; i < n; i++ {
		edges = append(edges, float64(i)*step)
	}
	return s.bins(edges)
}

// CalibrationQuantile returns the bins that are not empty of n with equally many
// texts, as far as ties allow. As calibration_curve of scikit-learn with strategy
// quantile.
func (s Scores) CalibrationQuantile(n int) []Bin {
	all := make([]float64, 0, len(s.Positive)+len(s.Negative))
	for _, v := range s.Positive {
		all = append(all, float64(v))
	}
	for _, v := range s.Negative {
		all = append(all, float64(v))
	}
	slices.Sort(all)
	if len(all) == 0 {
		return nil
	}
	edges := make([]float64, 0, n)
	step := 1 / float64(n)
	for i := 1; i < n; i++ {
		edges = append(edges, quantile(all, float64(i)*step*100/100))
	}
	return s.bins(edges)
}

// bins sorts scores into (edge, edge], the first from below and the last to above.
func (s Scores) bins(edges []float64) []Bin {
	bins := make([]Bin, len(edges)+1)
	add := func(v float64) *Bin {
		i, _ := slices.BinarySearch(edges, v)
		b := &bins[i]
		b.Texts++
		b.Score += v
		return b
	}
	for _, v := range s.Positive {
		add(float64(v)).Positive++
	}
	for _, v := range s.Negative {
		add(float64(v))
	}
	bins = slices.DeleteFunc(bins, func(b Bin) bool { return b.Texts == 0 })
	for i := range bins {
		b := &bins[i]
		b.Score /= float64(b.Texts)
		b.Share = share(b.Positive, b.Texts)
	}
	return bins
}

// CalibrationError returns the expected calibration error over bins (Guo et al.,
// ICML 2017): how far score and share are apart in a bin, on average over texts.
// NaN without bins.
func CalibrationError(bins []Bin) float64 {
	sum, texts := 0.0, 0
	for _, b := range bins {
		sum += math.Abs(b.Share-b.Score) * float64(b.Texts)
		texts += b.Texts
	}
	return sum / float64(texts)
}

// quantile returns the q-quantile of sorted values, linear between neighbours;
// NaN of nothing. It rounds as numpy does, so that a score that is an edge falls
// into the same bin; the conversions keep products from being fused.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := float64(q * float64(len(sorted)-1))
	i := min(int(at), len(sorted)-1)
	low, high, t := sorted[i], sorted[min(i+1, len(sorted)-1)], at-float64(i)
	if t >= 0.5 {
		return high - float64((high-low)*(1-t))
	}
	return low + float64((high-low)*t)
}
