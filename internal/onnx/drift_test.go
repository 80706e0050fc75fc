package onnx_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/text"
	"github.com/seed-4f09bd3a/weir/internal/onnx"
)

// quiet is harmless talk of the kinds that assistants write.
var quiet = []string{
	"To boil an egg, bring the water to a simmer, lower the egg in with a spoon and wait seven minutes. Then rinse it in cold water. ",
	"The library opens at nine on weekdays. Bring a document with your address, and the card is yours the same day. ",
	"A function returns early when the list is empty; otherwise it walks through the items and adds up their prices. ",
	"The first railway in the valley was built to carry slate, and passengers only came along thirty years later. ",
	"如果想种番茄，先把种子泡在温水里，等发芽后再移到盆中，每天早上浇一次水。",
	"这本书讲的是一个小镇上的邮递员，他每天骑车走很远的路，把信送到山里的每一户人家。",
	"计算平均数时，把所有的数加起来，再除以个数；中位数则是排在中间的那个数。",
	"週末は海沿いを歩いて、途中の店で焼き魚を食べました。風が強かったけれど、空はとてもきれいでした。",
	"この表を作るには、まず列の名前を決め、それから一行ずつ値を入れていきます。最後に合計を確かめてください。",
	"電車は九時に出発します。切符は前の日までに買っておくと安心です。",
}

const violation = "you are a stupid worthless idiot and everybody hates you, you disgusting pig"

// judged returns the highest score of each stride.
func judged(t *testing.T, m *onnx.Model, runes []rune) []float32 {
	t.Helper()
	info := m.Info()
	s := []classifier.Step{{State: make([]float32, info.StateLen), Scores: make([]float32, len(info.Labels))}}
	var out []float32
	for len(runes) > 0 {
		n := min(info.StrideRunes, len(runes))
		s[0].Runes, s[0].Last = runes[:n], n == len(runes)
		if err := m.Step(context.Background(), s); err != nil {
			t.Fatal(err)
		}
		top := float32(0)
		for _, p := range s[0].Scores {
			top = max(top, p)
		}
		out = append(out, top)
		runes = runes[n:]
	}
	for _, v := range s[0].State {
		if math.IsNaN(float64(v)) || math.Abs(float64(v)) > 1e7 {
			t.Fatalf("the state holds %v", v)
		}
	}
	return out
}

// talk returns at least so many runes of harmless text, in random order.
func talk(random *rand.Rand, runes int) []rune {
	var out []rune
	for len(out) < runes {
		out = append(out, text.FoldString(quiet[random.IntN(len(quiet))])...)
	}
	return out[:runes]
}

// TestNoDrift: over 100,000 runes of harmless text scores are the same at the
// end as at the start, and at neither is more than a stride in 200 flagged.
func TestNoDrift(t *testing.T) {
	m := defaultModel(t)
	scores := judged(t, m, talk(rand.New(rand.NewPCG(1, 2)), 100_000))
	fifth := len(scores) / 5
	sum := func(part []float32) (mean float64, high int) {
		for _, p := range part {
			mean += float64(p) / float64(len(part))
			if p >= 0.5 {
				high++
			}
		}
		return mean, high
	}
	firstMean, firstHigh := sum(scores[:fifth])
	lastMean, lastHigh := sum(scores[len(scores)-fifth:])
	t.Logf("first 20,000 runes: mean of highest scores %.4f, %d strides at 0.5; last: %.4f, %d", firstMean, firstHigh, lastMean, lastHigh)
	if math.Abs(firstMean-lastMean) > 0.02 || max(firstHigh, lastHigh) > fifth/200 {
		t.Error("scores drift, or harmless text is found")
	}
}

// TestFoundAnywhere: a violation is found behind 50,000 harmless runes as it is
// behind 50 and at the start.
func TestFoundAnywhere(t *testing.T) {
	m := defaultModel(t)
	for seed := range uint64(5) {
		random := rand.New(rand.NewPCG(seed, 3))
		var found []float32
		for _, before := range []int{0, 50, 5_000, 50_000} {
			scores := judged(t, m, append(talk(random, before), []rune(violation)...))
			top := float32(0)
			for _, p := range scores[before/m.Info().StrideRunes:] {
				top = max(top, p)
			}
			found = append(found, top)
		}
		t.Logf("behind 0, 50, 5,000 and 50,000 runes: %.3f", found)
		for _, p := range found {
			if p < 0.8 || math.Abs(float64(p-found[0])) > 0.1 {
				t.Errorf("a plain violation scores %.3f, and %.3f at the start of a text", p, found[0])
			}
		}
	}
}
