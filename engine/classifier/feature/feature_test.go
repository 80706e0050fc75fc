package feature_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/seed-4f09bd3a/weir/engine/classifier/feature"
)

// TestGolden: the rows are those that the training pipeline computes. The file
// is written by models/train/tests/test_features.py --write.
func TestGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden []struct {
		Text string  `json:"text"`
		Rows []int32 `json:"rows"`
	}
	if err := json.Unmarshal(data, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden) < 10 {
		t.Fatalf("%d golden texts", len(golden))
	}
	for _, g := range golden {
		if got := feature.Append(nil, make([]float32, feature.StateLen), []rune(g.Text)); !slices.Equal(got, g.Rows) {
			t.Errorf("%q: got %v, want %v", g.Text, got, g.Rows)
		}
	}
}

// FuzzCut: where a text is cut changes nothing.
func FuzzCut(f *testing.F) {
	f.Add("hello wörld, it's 你好 の 123abc", 7)
	f.Fuzz(func(t *testing.T, s string, cut int) {
		runes := []rune(s)
		if len(runes) == 0 {
			return
		}
		cut = ((cut % len(runes)) + len(runes)) % len(runes)
		whole := feature.Append(nil, make([]float32, feature.StateLen), runes)
		state := make([]float32, feature.StateLen)
		parts := feature.Append(nil, state, runes[:cut])
		parts = feature.Append(parts, state, runes[cut:])
		if !slices.Equal(whole, parts) {
			t.Errorf("cut at %d: got %v, want %v", cut, parts, whole)
		}
		for _, row := range whole {
			if row < 0 || row >= feature.Rows {
				t.Errorf("row %d: out of range", row)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	runes := []rune("a stride of text")
	state := make([]float32, feature.StateLen)
	var rows []int32
	b.ReportAllocs()
	for b.Loop() {
		rows = feature.Append(rows[:0], state, runes)
	}
	if len(rows) != len(runes)*feature.PerRune {
		b.Fatal(len(rows))
	}
}
