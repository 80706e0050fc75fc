package tune_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"testing"

	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/tune"
)

// FuzzAnalyse makes texts of bytes: whatever they are, nothing panics, every
// share is one, and the report can be written in all its forms.
func FuzzAnalyse(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 255, 254, 7, 9}, uint8(3), uint8(0), 0.1)
	f.Add([]byte("zzterm zzterm zzterm zzterm zzterm zzterm zzterm"), uint8(7), uint8(20), 0.5)
	f.Add(bytes.Repeat([]byte{0, 64, 128, 255, 3}, 60), uint8(2), uint8(9), 0.2)
	f.Fuzz(func(t *testing.T, data []byte, strides, sustain uint8, limit float64) {
		if len(data) > 600 {
			data = data[:600]
		}
		labels := []policy.Category{policy.Sexual, policy.NoCategory, policy.Illicit}
		var samples []tune.Sample
		for i := 0; len(data) > 0; i++ {
			kind := data[0]
			data = data[1:]
			s := tune.Sample{ID: fmt.Sprint(i), Language: []string{"", "en"}[kind>>6&1], Onset: -1}
			for n := range min(int(strides%9), len(data)) {
				v := float32(data[n]) / 255
				s.Runes += int(data[n])%11 + 1
				s.Strides = append(s.Strides, tune.Stride{EndRunes: s.Runes, Scores: []float32{v, 1 - v, v * v}})
			}
			data = data[len(s.Strides):]
			if kind&1 != 0 {
				s.Positive = s.Positive.Set(policy.Sexual)
			}
			if kind&2 != 0 {
				s.Positive = s.Positive.Set(policy.Illicit)
			} else if kind&4 != 0 {
				s.Unknown = s.Unknown.Set(policy.Illicit)
			}
			if kind&8 != 0 && s.Runes > 0 {
				s.Onset = int(kind) % s.Runes
			}
			samples = append(samples, s)
		}
		o := tune.Options{
			Labels: labels, MaxFPR: limit, MinPrecision: tune.NoLimit(), MinRecall: limit / 2,
			SustainRunes: []int{0, int(sustain)}, Bootstrap: 5, Confidence: 0.8,
			Current: []policy.Threshold{{Flag: 0.2, Redact: 0.5, Halt: 0.9, SustainRunes: 3}, {}, {Flag: policy.Never, Redact: policy.Never, Halt: policy.Never}},
		}
		r, err := tune.Analyse(samples, o)
		if err != nil {
			if len(samples) > 0 && limit > 0 && limit < 1 && limit/2 > 0 {
				t.Fatalf("good samples: %v", err)
			}
			return
		}
		b, err := json.Marshal(r) // refuses NaN and infinities
		if err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(b, &fields); err != nil {
			t.Fatal(err)
		}
		shares(t, "", fields)
		for _, err := range []error{r.WriteText(io.Discard), r.WriteHTML(io.Discard)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for i, c := range r.Categories {
			checkCategory(t, c, o.Current[2*i])
		}
	})
}

// checkCategory holds what must be so in any report.
func checkCategory(t *testing.T, c tune.Category, current policy.Threshold) {
	t.Helper()
	if (c.AP == nil) != (c.Positive == 0 || c.Negative == 0) {
		t.Errorf("%s: %d positives, %d negatives, AP %v", c.Name, c.Positive, c.Negative, c.AP)
	}
	for i := 1; i < len(c.Thresholds); i++ {
		if c.Thresholds[i].Recall.Count > c.Thresholds[i-1].Recall.Count || c.Thresholds[i].FPR.Count > c.Thresholds[i-1].FPR.Count {
			t.Errorf("%s: more is found at a higher threshold, %v", c.Name, c.Thresholds[i].Threshold)
		}
	}
	after := current
	if c.Change != nil {
		if v := c.Change.Flag; v != nil {
			after.Flag = float32(*v)
		}
		if v := c.Change.Halt; v != nil {
			after.Halt = float32(*v)
		}
	}
	at := float32(0)
	for _, v := range []float32{after.Flag, after.Redact, after.Halt} {
		if v < policy.Never && v < at {
			t.Errorf("%s: the patch leaves flag %v, redact %v, halt %v", c.Name, after.Flag, after.Redact, after.Halt)
		} else if v < policy.Never {
			at = v
		}
	}
}

// unbounded are the numbers of a report that are no shares, scores or metrics
// in [0, 1].
var unbounded = map[string]bool{
	"texts": true, "violations": true, "harmless": true, "choosing": true, "verifying": true, "bootstrap": true, "seed": true,
	"positive": true, "negative": true, "unknown": true, "sustain_runes": true, "count": true, "of": true, "halts": true,
	"before_onset": true, "p50": true, "p90": true, "runes": true, "strides": true, "log_loss": true,
}

// shares wants every number of the JSON that is a share to be one.
func shares(t *testing.T, key string, v any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		for k, sub := range v {
			shares(t, k, sub)
		}
	case []any:
		for _, sub := range v {
			shares(t, key, sub)
		}
	case float64:
		const slack = 1e-9
		if v < 0 || math.IsInf(v, 0) || !unbounded[key] && v > 1+slack {
			t.Errorf("%s: %v is out of range", key, v)
		}
	}
}

// FuzzScores holds the metrics to their ranges and to each other.
func FuzzScores(f *testing.F) {
	f.Add([]byte{1, 2, 3}, []byte{0, 9, 255})
	f.Add([]byte{5}, []byte{5})
	f.Fuzz(func(t *testing.T, positives, negatives []byte) {
		var s, turned tune.Scores
		for _, b := range positives {
			s.Positive = append(s.Positive, float32(b)/255)
		}
		for _, b := range negatives {
			s.Negative = append(s.Negative, float32(b)/255)
		}
		turned.Positive, turned.Negative = s.Negative, s.Positive
		if len(positives) == 0 || len(negatives) == 0 {
			return
		}
		for name, v := range map[string]float64{
			"AP": s.AveragePrecision(), "AUROC": s.AUROC(), "Brier": s.Brier(),
			"ECE": tune.CalibrationError(s.CalibrationUniform(10)), "ECE by mass": tune.CalibrationError(s.CalibrationQuantile(7)),
		} {
			if !(v >= -tolerance && v <= 1+tolerance) {
				t.Errorf("%s is %v", name, v)
			}
		}
		// A positive above a negative is a negative below a positive.
		if sum := s.AUROC() + turned.AUROC(); math.Abs(sum-1) > tolerance {
			t.Errorf("AUROC and its mirror add up to %v", sum)
		}
		wins := 0.0
		for _, p := range s.Positive {
			for _, n := range s.Negative {
				switch {
				case p > n:
					wins++
				case p == n:
					wins += 0.5
				}
			}
		}
		if want := wins / float64(len(s.Positive)*len(s.Negative)); math.Abs(s.AUROC()-want) > tolerance {
			t.Errorf("AUROC %v, counted over pairs %v", s.AUROC(), want)
		}
		texts := 0
		for _, b := range s.CalibrationQuantile(5) {
			texts += b.Texts
		}
		if texts != len(positives)+len(negatives) {
			t.Errorf("the bins hold %d texts of %d", texts, len(positives)+len(negatives))
		}
	})
}
