package tune_test

import (
	"fmt"
	"os"

	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/tune"
)

// Scores of one label over made-up texts, with at most 5 % false halts allowed.
func ExampleAnalyse() {
	var samples []tune.Sample
	for i := range 400 {
		s := tune.Sample{ID: fmt.Sprintf("zz-%d", i), Runes: 16, Onset: -1}
		score := float32(0.1)
		if i%4 == 0 {
			s.Positive = s.Positive.Set(policy.Illicit)
			score = 0.9
		}
		s.Strides = []tune.Stride{{EndRunes: 8, Scores: []float32{0.05}}, {EndRunes: 16, Scores: []float32{score}}}
		samples = append(samples, s)
	}
	report, err := tune.Analyse(samples, tune.Options{
		Labels: []policy.Category{policy.Illicit},
		MaxFPR: 0.05, MinPrecision: tune.NoLimit(), MinRecall: tune.NoLimit(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = os.Stdout.Write(report.Patch())
	// Output:
	// # Thresholds chosen from 400 labelled texts under --max-fpr 0.05, at 95 % confidence.
	// # The figures are those of the half of the texts that did not choose them.
	// profiles:
	//   default:
	//     categories:
	//       illicit:
	//         # flag: finds 100 % [94, 100], false alarms 0 % [0, 2.32]
	//         # halt: finds 100 % [94, 100], false alarms 0 % [0, 2.32]
	//         score: {flag: 0.3, halt: 0.5, sustain_runes: 0}
}
