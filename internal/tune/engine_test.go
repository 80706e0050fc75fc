package tune_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/tune"
)

// lettered is a model that reads the score of a stride off its first rune: a is
// 0, b is 0.02, and so on to Y, which is 1.
type lettered struct{}

const (
	letters      = "abcdefghijklmnopqrstuvwxyzαβγδεζηθικλμνξοπρτυφχψωабвг"
	engineStride = 4
)

func (lettered) Info() classifier.Info {
	return classifier.Info{Name: "lettered", Version: "1", StrideRunes: engineStride, Labels: []policy.Category{policy.Sexual}}
}

func (lettered) Step(_ context.Context, batch []classifier.Step) error {
	for i := range batch {
		batch[i].Scores[0] = letterScore(batch[i].Runes[0])
	}
	return nil
}

func letterScore(r rune) float32 {
	for i, l := range []rune(letters) {
		if l == r {
			return min(1, float32(float64(i)/50))
		}
	}
	return 0
}

// TestEngineAgrees judges random texts with the engine and with the leak curve
// of each text alone: what is halted, where the release ends and where the halt
// is decided must be the same. The statistic must be what decides.
func TestEngineAgrees(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	alphabet := []rune(letters)
	halts, quiet := 0, 0
	for range 300 {
		text := make([]rune, 1+rng.IntN(60))
		around := rng.IntN(len(alphabet) - 8)
		for i := range text {
			text[i] = alphabet[around+rng.IntN(8)]
		}
		sample := tune.Sample{ID: "x", Positive: policy.CategorySet(0).Set(policy.Sexual), Runes: len(text), Onset: -1}
		for at := 0; at < len(text); at += engineStride {
			sample.Strides = append(sample.Strides, tune.Stride{EndRunes: min(at+engineStride, len(text)), Scores: []float32{letterScore(text[at])}})
		}
		sustain := rng.IntN(24)
		r := analyse(t, []tune.Sample{sample}, tune.Options{Labels: []policy.Category{policy.Sexual}, SustainRunes: []int{sustain}})
		c := r.Categories[0]
		point := c.Leak.Points[min(len(c.Leak.Points)-1, around+rng.IntN(6))]

		p, err := policy.Parse("p.yaml", fmt.Appendf(nil,
			"version: 1\nname: p\nreplacement: {en: stopped}\nprofiles: {default: {categories: {sexual: {score: {halt: %v, sustain_runes: %d}}}}}\n", point.Threshold, sustain))
		if err != nil {
			t.Fatal(err)
		}
		b, err := classifier.NewBatcher(lettered{}, classifier.BatcherOptions{})
		if err != nil {
			t.Fatal(err)
		}
		snap, err := engine.NewSnapshot(engine.SnapshotConfig{Policy: p, Models: []classifier.Member{{Batcher: b}}})
		if err != nil {
			t.Fatal(err)
		}
		v, err := engine.New(snap, engine.Options{}).Check(t.Context(), engine.StreamOptions{}, []byte(string(text)))
		b.Close()
		if err != nil {
			t.Fatal(err)
		}

		halted := v.Action == policy.Halt
		if reaches := float32(c.Misses[0].Score) >= float32(point.Threshold); reaches != halted {
			t.Fatalf("statistic %v, threshold %v, sustain_runes %d: the engine says %v", c.Misses[0].Score, point.Threshold, sustain, v.Action)
		}
		if halted != (point.Halted.Count == 1) {
			t.Fatalf("threshold %v, sustain_runes %d: the leak curve says %d, the engine %v", point.Threshold, sustain, point.Halted.Count, v.Action)
		}
		if !halted {
			quiet++
			continue
		}
		halts++
		runes := func(o policy.Offset) float64 { return float64(len([]rune(string(text)[:o]))) }
		if released := runes(v.Released); released != point.Strict.P50 {
			t.Errorf("released %v runes, the leak curve says %v", released, point.Strict.P50)
		}
		if scanned := runes(v.Scanned); scanned != point.Async.P50 {
			t.Errorf("decided at rune %v, the leak curve says %v", scanned, point.Async.P50)
		}
	}
	if halts < 50 || quiet < 50 {
		t.Errorf("%d texts halted and %d did not: want enough of both", halts, quiet)
	}
}
