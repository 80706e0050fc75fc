package tune

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// scores collects the statistics of the samples that are wanted, by class.
func scores(statistics []float32, classes func(int) class, want func(int) bool) Scores {
	var s Scores
	for i, v := range statistics {
		if !want(i) {
			continue
		}
		switch classes(i) {
		case positive:
			s.Positive = append(s.Positive, v)
		case negative:
			s.Negative = append(s.Negative, v)
		}
	}
	return s
}

// Bins of reliability and histogram.
const (
	calibrationBins = 10
	histogramBins   = 20
)

// metrics fills in what does not depend on the thresholds chosen.
func (a *analysis) metrics(c *Category, statistics []float32, classes func(int) class, stream uint64) {
	s := scores(statistics, classes, all)
	c.Positive, c.Negative = len(s.Positive), len(s.Negative)
	c.Unknown = len(statistics) - c.Positive - c.Negative
	c.Histogram = histogram(s)
	c.FalseAlarms = a.extremes(statistics, classes, negative)
	c.Misses = a.extremes(statistics, classes, positive)
	switch {
	case c.Positive == 0 && c.Negative == 0:
		c.Warnings = append(c.Warnings, "no text has a label for it: nothing can be said")
	case c.Positive == 0:
		c.Warnings = append(c.Warnings, "no violations in the data: only the rate of false alarms can be measured")
	case c.Negative == 0:
		c.Warnings = append(c.Warnings, "no texts without the violation in the data: only the share found can be measured")
	}
	h := newHalf(s, c.SustainRunes, a.o.Confidence)
	for i := 1; i < 100; i++ {
		c.Thresholds = append(c.Thresholds, *h.at(float64(i) / 100))
	}
	c.Thresholds = append(c.Thresholds, *h.at(0.995), *h.at(0.999))
	if c.Positive == 0 || c.Negative == 0 {
		return
	}
	r := s.resample(a.o.Bootstrap, a.o.Confidence, rand.New(rand.NewPCG(a.o.Seed, stream)))
	c.AP, c.AUROC, c.PRBand, c.ROCBand = &r.ap, &r.auroc, r.precision, r.recall
	uniform, mass := s.CalibrationUniform(calibrationBins), s.CalibrationQuantile(calibrationBins)
	c.Reliability = uniform
	c.Brier, c.LogLoss = pointer(s.Brier()), pointer(s.LogLoss())
	c.ECE, c.ECEMass = pointer(CalibrationError(uniform)), pointer(CalibrationError(mass))
	precision, recall, thresholds := s.PrecisionRecall()
	for i := range thresholds {
		c.PR = append(c.PR, CurvePoint{recall[i], precision[i], thresholds[i]})
	}
	slices.Reverse(c.PR) // the threshold falls, as in ROC
	c.PR = thin(c.PR, func(a, b CurvePoint) bool { return b.X-a.X < 1.0/200 && math.Abs(b.Y-a.Y) < 1.0/200 })
	fpr, tpr, thresholds := s.ROC(true)
	for i := range fpr[1:] { // the first has an infinite threshold
		c.ROC = append(c.ROC, CurvePoint{fpr[i+1], tpr[i+1], thresholds[i+1]})
	}
	c.ROC = thin(c.ROC, func(a, b CurvePoint) bool { return b.Y-a.Y < 1.0/200 && b.X < a.X*1.05 })
}

func pointer[T any](v T) *T { return &v }

func histogram(s Scores) []HistogramBin {
	bins := make([]HistogramBin, histogramBins)
	for i := range bins {
		bins[i].Low, bins[i].High = float64(i)/histogramBins, float64(i+1)/histogramBins
	}
	at := func(v float32) *HistogramBin { return &bins[min(int(float64(v)*histogramBins), histogramBins-1)] }
	for _, v := range s.Positive {
		at(v).Positive++
	}
	for _, v := range s.Negative {
		at(v).Negative++
	}
	return bins
}

// maxExtremes is how many texts a list of mistakes names: enough to look at.
const maxExtremes = 10

// extremes returns the texts whose labels and scores agree least.
func (a *analysis) extremes(statistics []float32, classes func(int) class, of class) []TextScore {
	var order []int
	for i := range statistics {
		if classes(i) == of {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(x, y int) int {
		d := statistics[x] - statistics[y]
		if of == negative {
			d = -d
		}
		switch {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
		return strings.Compare(a.samples[x].ID, a.samples[y].ID)
	})
	var out []TextScore
	for _, i := range order[:min(len(order), maxExtremes)] {
		out = append(out, TextScore{a.samples[i].ID, a.samples[i].Language, float64(statistics[i])})
	}
	return out
}
