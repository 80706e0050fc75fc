package tune

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// Rate is a share of texts with its Clopper-Pearson interval.
type Rate struct {
	Count int     `json:"count"`
	Of    int     `json:"of"`
	Share float64 `json:"share"` // 0 of nothing
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
}

// NewRate returns the share of count in of with the two-sided interval of the
// given confidence in (0, 1). Of nothing, anything is possible: [0, 1].
func NewRate(count, of int, confidence float64) Rate {
	r := Rate{Count: count, Of: of, Low: 0, High: 1}
	if of == 0 {
		return r
	}
	tail := (1 - confidence) / 2
	r.Share = share(count, of)
	// The two ends have closed forms, which the search for quantiles approaches
	// only slowly.
	n, k := float64(of), float64(count)
	switch count {
	case 0:
		r.High = -math.Expm1(math.Log(tail) / n)
	case of:
		r.Low = math.Exp(math.Log(tail) / n)
	default:
		r.Low = mathext.InvRegIncBeta(k, n-k+1, tail)
		r.High = mathext.InvRegIncBeta(k+1, n-k, 1-tail)
	}
	return r
}

// textsForMost returns how many texts without a hit it takes for the interval to
// end at or below most.
func textsForMost(most, confidence float64) int {
	return int(math.Ceil(math.Log((1-confidence)/2) / math.Log1p(-most)))
}

// textsForLeast returns how many texts without a miss it takes for the interval
// to begin at or above least.
func textsForLeast(least, confidence float64) int {
	return int(math.Ceil(math.Log((1-confidence)/2) / math.Log(least)))
}
