package tune

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Estimate is a metric with its interval from the bootstrap; without one, Low
// and High are the value.
type Estimate struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// Band is the interval of a curve at one point of its x axis.
type Band struct {
	X    float64 `json:"x"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// resampled is what the bootstrap says of the curves.
type resampled struct {
	ap, auroc Estimate
	precision []Band // over recall
	recall    []Band // over the false-positive rate
}

// recallGrid and fprGrid are where the bands are measured. False-positive rates
// matter in orders of magnitude.
func recallGrid() []float64 {
	var grid []float64
	for i := 1; i <= 50; i++ {
		grid = append(grid, float64(i)/50)
	}
	return grid
}

func fprGrid() []float64 {
	var grid []float64
	for i := -40; i <= 0; i++ {
		grid = append(grid, math.Pow(10, float64(i)/10))
	}
	return grid
}

// resample draws positives and negatives apart, each as often as there are, and
// takes the percentiles of the metrics (Efron and Tibshirani 1993, chapter 13).
// A draw costs O(texts), without sorting: it counts how often each rank came up.
func (s Scores) resample(draws int, confidence float64, rng *rand.Rand) resampled {
	r := s.rank()
	ap, area := averagePrecision(r.tp, r.fp), auroc(r.tp, r.fp)
	out := resampled{ap: Estimate{ap, ap, ap}, auroc: Estimate{area, area, area}}
	if draws <= 0 || len(s.Positive) == 0 || len(s.Negative) == 0 {
		return out
	}
	posRank, negRank := r.ranksOf(r.tp), r.ranksOf(r.fp)
	tp, fp := make([]int, len(r.scores)), make([]int, len(r.scores))
	aps, areas := make([]float64, draws), make([]float64, draws)
	recalls, fprs := recallGrid(), fprGrid()
	atRecall, atFPR := columns(len(recalls), draws), columns(len(fprs), draws)
	for d := range draws {
		draw(tp, posRank, rng)
		draw(fp, negRank, rng)
		aps[d], areas[d] = averagePrecision(tp, fp), auroc(tp, fp)
		i := 0
		for g, recall := range recalls {
			for i < len(tp)-1 && share(tp[i], len(s.Positive)) < recall {
				i++
			}
			atRecall[g][d] = share(tp[i], tp[i]+fp[i])
		}
		i = 0
		for g, fpr := range fprs {
			for i < len(fp) && share(fp[i], len(s.Negative)) <= fpr {
				i++
			}
			if i > 0 {
				atFPR[g][d] = share(tp[i-1], len(s.Positive))
			}
		}
	}
	tail := (1 - confidence) / 2
	interval := func(values []float64) (low, high float64) {
		slices.Sort(values)
		return quantile(values, tail), quantile(values, 1-tail)
	}
	out.ap.Low, out.ap.High = interval(aps)
	out.auroc.Low, out.auroc.High = interval(areas)
	for g, x := range recalls {
		low, high := interval(atRecall[g])
		out.precision = append(out.precision, Band{x, low, high})
	}
	for g, x := range fprs {
		low, high := interval(atFPR[g])
		out.recall = append(out.recall, Band{x, low, high})
	}
	return out
}

// ranksOf returns the rank of each text behind cumulative counts.
func (r *ranking) ranksOf(cumulative []int) []int32 {
	var ranks []int32
	for i, n := range cumulative {
		for len(ranks) < n {
			ranks = append(ranks, int32(i))
		}
	}
	return ranks
}

// draw fills into with the cumulative counts of a draw with replacement.
func draw(into []int, ranks []int32, rng *rand.Rand) {
	clear(into)
	for range ranks {
		into[ranks[rng.IntN(len(ranks))]]++
	}
	for i := 1; i < len(into); i++ {
		into[i] += into[i-1]
	}
}

func columns(n, length int) [][]float64 {
	all := make([][]float64, n)
	for i := range all {
		all[i] = make([]float64, length)
	}
	return all
}
