package tune

import (
	"cmp"
	"math"
	"slices"
)

// Scores are the statistics of the texts that violate a category and of those
// that don't, in any order. Its methods are the metrics of the report; where
// they have a counterpart in scikit-learn, they equal it.
type Scores struct {
	Positive, Negative []float32
}

// ranking is the scores, highest first, ties together.
type ranking struct {
	scores []float64 // distinct
	tp, fp []int     // positives and negatives with that score or a higher one
}

func (s Scores) rank() *ranking {
	type item struct {
		score    float32
		positive bool
	}
	items := make([]item, 0, len(s.Positive)+len(s.Negative))
	for _, v := range s.Positive {
		items = append(items, item{v, true})
	}
	for _, v := range s.Negative {
		items = append(items, item{v, false})
	}
	slices.SortFunc(items, func(a, b item) int { return cmp.Compare(b.score, a.score) })
	r := &ranking{}
	tp, fp := 0, 0
	for i, x := range items {
		if x.positive {
			tp++
		} else {
			fp++
		}
		if i+1 == len(items) || items[i+1].score != x.score {
			r.scores = append(r.scores, float64(x.score))
			r.tp = append(r.tp, tp)
			r.fp = append(r.fp, fp)
		}
	}
	return r
}

// PrecisionRecall returns the precision and recall at every score as threshold,
// thresholds rising, and the point (1, 0) that ends the curve and has none. As
// precision_recall_curve of scikit-learn.
func (s Scores) PrecisionRecall() (precision, recall, thresholds []float64) {
	r := s.rank()
	for i := len(r.scores) - 1; i >= 0; i-- {
		precision = append(precision, share(r.tp[i], r.tp[i]+r.fp[i]))
		recall = append(recall, r.recall(i))
		thresholds = append(thresholds, r.scores[i])
	}
	return append(precision, 1), append(recall, 0), thresholds
}

// recall is 1 where nothing is to be found.
func (r *ranking) recall(i int) float64 {
	if all := r.tp[len(r.tp)-1]; all > 0 {
		return share(r.tp[i], all)
	}
	return 1
}

// AveragePrecision returns the area under the steps of the precision-recall
// curve, NaN without positives. As average_precision_score of scikit-learn.
func (s Scores) AveragePrecision() float64 {
	r := s.rank()
	return averagePrecision(r.tp, r.fp)
}

func averagePrecision(tp, fp []int) float64 {
	if len(tp) == 0 || tp[len(tp)-1] == 0 {
		return math.NaN()
	}
	sum, before := 0.0, 0
	for i := range tp {
		if tp[i] > before { // else a draw of the bootstrap may hold nothing yet
			sum += float64(tp[i]-before) * share(tp[i], tp[i]+fp[i])
			before = tp[i]
		}
	}
	return sum / float64(before)
}

// ROC returns the shares of negatives and positives at or above each score as
// threshold, thresholds falling from +Inf, where both are 0. With dropIntermediate
// it leaves out points in the midst of straight lines. As roc_curve of
// scikit-learn. A share of nothing is NaN.
func (s Scores) ROC(dropIntermediate bool) (fpr, tpr, thresholds []float64) {
	r := s.rank()
	fpr, tpr, thresholds = []float64{0}, []float64{0}, []float64{math.Inf(1)}
	if len(s.Negative) == 0 {
		fpr[0] = math.NaN()
	}
	if len(s.Positive) == 0 {
		tpr[0] = math.NaN()
	}
	bend := func(n []int, i int) bool { return n[i+1]-n[i] != n[i]-n[i-1] }
	for i := range r.scores {
		inside := i > 0 && i < len(r.scores)-1
		if dropIntermediate && inside && !bend(r.tp, i) && !bend(r.fp, i) {
			continue
		}
		fpr = append(fpr, share(r.fp[i], len(s.Negative)))
		tpr = append(tpr, share(r.tp[i], len(s.Positive)))
		thresholds = append(thresholds, r.scores[i])
	}
	return fpr, tpr, thresholds
}

// AUROC returns the area under the ROC curve: how often a positive scores above
// a negative, ties counting half. NaN without positives or negatives. As
// roc_auc_score of scikit-learn.
func (s Scores) AUROC() float64 {
	r := s.rank()
	return auroc(r.tp, r.fp)
}

func auroc(tp, fp []int) float64 {
	if len(tp) == 0 {
		return math.NaN()
	}
	area, tpBefore, fpBefore := 0.0, 0, 0
	for i := range tp {
		area += float64(fp[i]-fpBefore) * float64(tp[i]+tpBefore) / 2
		tpBefore, fpBefore = tp[i], fp[i]
	}
	return area / (float64(tpBefore) * float64(fpBefore))
}

// share returns n/of, NaN of nothing.
func share(n, of int) float64 { return float64(n) / float64(of) }
