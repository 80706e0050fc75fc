package tune_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/internal/tune"
)

// golden is testdata/sklearn.json, which testdata/golden.py writes.
type golden struct {
	Fixtures []struct {
		Name               string
		Positive, Negative []float32
		PR                 struct{ Precision, Recall, Thresholds []float64 }
		ROC                roc
		ROCDrop            roc     `json:"roc_drop"`
		AveragePrecision   float64 `json:"average_precision"`
		AUROC, Brier       float64
		LogLoss            float64 `json:"log_loss"`
		Uniform, Quantile  struct {
			Share, Score []float64
			Error        float64
		}
	}
	Intervals []struct {
		Count, Of             int
		Confidence, Low, High float64
	}
}

type roc struct{ FPR, TPR, Thresholds []float64 }

func readGolden(t *testing.T) *golden {
	t.Helper()
	b, err := os.ReadFile("testdata/sklearn.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	if len(g.Fixtures) < 10 || len(g.Intervals) < 50 {
		t.Fatalf("sklearn.json has %d fixtures and %d intervals: run golden.py again", len(g.Fixtures), len(g.Intervals))
	}
	return &g
}

const tolerance = 1e-9

// near compares numbers within the tolerance, NaN with itself.
var near = cmp.Comparer(func(a, b float64) bool {
	return a == b || math.Abs(a-b) <= tolerance || math.IsNaN(a) && math.IsNaN(b)
})

func TestMetricsEqualScikitLearn(t *testing.T) {
	for _, f := range readGolden(t).Fixtures {
		t.Run(f.Name, func(t *testing.T) {
			same := func(what string, got, want any) {
				t.Helper()
				if diff := cmp.Diff(want, got, near); diff != "" {
					t.Errorf("%s (-scikit-learn +got):\n%s", what, diff)
				}
			}
			s := tune.Scores{Positive: f.Positive, Negative: f.Negative}
			precision, recall, thresholds := s.PrecisionRecall()
			same("precision", precision, f.PR.Precision)
			same("recall", recall, f.PR.Recall)
			same("PR thresholds", thresholds, f.PR.Thresholds)
			same("average precision", s.AveragePrecision(), f.AveragePrecision)
			same("AUROC", s.AUROC(), f.AUROC)
			for _, r := range []struct {
				drop bool
				want roc
			}{{false, f.ROC}, {true, f.ROCDrop}} {
				fpr, tpr, thresholds := s.ROC(r.drop)
				if !math.IsInf(thresholds[0], 1) {
					t.Errorf("ROC begins at threshold %v, want +Inf", thresholds[0])
				}
				same("FPR", fpr, r.want.FPR)
				same("TPR", tpr, r.want.TPR)
				same("ROC thresholds", thresholds[1:], r.want.Thresholds)
			}
			same("Brier", s.Brier(), f.Brier)
			same("log loss", s.LogLoss(), f.LogLoss)
			for _, c := range []struct {
				name         string
				bins         []tune.Bin
				share, score []float64
				err          float64
			}{
				{"uniform", s.CalibrationUniform(10), f.Uniform.Share, f.Uniform.Score, f.Uniform.Error},
				{"quantile", s.CalibrationQuantile(10), f.Quantile.Share, f.Quantile.Score, f.Quantile.Error},
			} {
				var share, score []float64
				for _, b := range c.bins {
					share, score = append(share, b.Share), append(score, b.Score)
				}
				same(c.name+" shares", share, c.share)
				same(c.name+" scores", score, c.score)
				same(c.name+" error", tune.CalibrationError(c.bins), c.err)
			}
		})
	}
}

func TestIntervalsEqualSciPy(t *testing.T) {
	for _, i := range readGolden(t).Intervals {
		got := tune.NewRate(i.Count, i.Of, i.Confidence)
		want := tune.Rate{Count: i.Count, Of: i.Of, Share: float64(i.Count) / float64(i.Of), Low: i.Low, High: i.High}
		if diff := cmp.Diff(want, got, near); diff != "" {
			t.Errorf("%d of %d at %v (-SciPy +got):\n%s", i.Count, i.Of, i.Confidence, diff)
		}
	}
	if got, want := tune.NewRate(0, 0, 0.95), (tune.Rate{Low: 0, High: 1}); got != want {
		t.Errorf("of nothing: got %+v, want %+v", got, want)
	}
}

// TestMetricsByHand has cases small enough to count on one's fingers.
func TestMetricsByHand(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name             string
		scores           tune.Scores
		ap, auroc, brier float64
	}{
		{"nothing", tune.Scores{}, nan, nan, nan},
		{"no negatives", tune.Scores{Positive: []float32{0.5}}, 1, nan, 0.25},
		{"no positives", tune.Scores{Negative: []float32{0.5}}, nan, nan, 0.25},
		{"told apart", tune.Scores{Positive: []float32{1}, Negative: []float32{0}}, 1, 1, 0},
		{"the wrong way round", tune.Scores{Positive: []float32{0}, Negative: []float32{1}}, 0.5, 0, 1},
		// Ranks: positive, negative, positive. Precision 1 for the first half of the
		// recall and 2/3 for the second; one of two pairs in the right order.
		{"in between", tune.Scores{Positive: []float32{0.75, 0.25}, Negative: []float32{0.5}}, 0.5 + 0.5*2/3, 0.5, (0.0625 + 0.5625 + 0.25) / 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := []float64{c.scores.AveragePrecision(), c.scores.AUROC(), c.scores.Brier()}
			if diff := cmp.Diff([]float64{c.ap, c.auroc, c.brier}, got, near); diff != "" {
				t.Errorf("AP, AUROC, Brier (-want +got):\n%s", diff)
			}
		})
	}
}
