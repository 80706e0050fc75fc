package engine_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// reader is a window model that finds nothing and remembers what it was given.
type reader struct {
	window int
	mu     sync.Mutex
	seen   []string
}

func (r *reader) Info() classifier.Info {
	return classifier.Info{Name: "reader", Version: "1", StrideRunes: 4, WindowRunes: r.window, Original: true, Labels: []policy.Category{policy.Sexual}}
}

func (r *reader) Step(_ context.Context, batch []classifier.Step) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range batch {
		r.seen = append(r.seen, string(batch[i].Runes))
		batch[i].Scores[0] = 0
	}
	return nil
}

func (r *reader) read(t *testing.T, e *engine.Engine, text string, cut func() int) []string {
	t.Helper()
	r.seen = nil
	chunked(t, e, []byte(text), cut)
	return r.seen
}

// TestOriginal: a model that asks for the text as it was written gets it so,
// with strides that are counted in folded runes.
func TestOriginal(t *testing.T) {
	for _, c := range []struct {
		about, text string
		window      int
		want        []string
	}{
		{"capitals and accents", "Ça Va ÉTÉ", 64, []string{"Ça V", "Ça Va ÉT", "Ça Va ÉTÉ"}},
		{"one rune that folds to two", "abcßdef", 64, []string{"abcß", "abcßdef"}},
		{"runes that fold to none go with the next one", "ab\u200bcd\u200be", 64, []string{"ab\u200bcd", "ab\u200bcd\u200be"}},
		{"bytes that are no text", "a\xffb\xe4\xbd", 64, []string{"a\ufffdb\ufffd", "a\ufffdb\ufffd\ufffd"}},
		{"the last runes only", "ABCDEFGHIJ", 5, []string{"ABCD", "DEFGH", "FGHIJ"}},
		{"a flood of runes that fold to none", "ab" + strings.Repeat("\u200b", 1000) + "CD", 5, []string{"\u200b\u200b\u200bCD"}},
	} {
		r := &reader{window: c.window}
		e := modelEngine(t, r, "strict", "closed", engine.Options{})
		if diff := cmp.Diff(c.want, r.read(t, e, c.text, func() int { return len(c.text) })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.about, diff)
		}
	}
}

// FuzzOriginal: what such a model is given is the beginning of the text, however
// the text was cut.
func FuzzOriginal(f *testing.F) {
	f.Add("Ça Va ß ÉTÉ ﷺ and MORE", uint64(1))
	f.Add("a\u200b\u200bb\xff\xe4\xb8 \xf0\x9f\x98", uint64(2))
	f.Add("\u200b\u200b\u200b", uint64(3))
	r := &reader{window: 1 << 10}
	e := modelEngine(f, r, "strict", "closed", engine.Options{})
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		if len(text) > 400 {
			return
		}
		random := rand.New(rand.NewPCG(seed, 2))
		whole := slices.Clone(r.read(t, e, text, func() int { return len(text) }))
		cut := r.read(t, e, text, func() int { return 1 + random.IntN(5) })
		if diff := cmp.Diff(whole, cut); diff != "" {
			t.Errorf("cut otherwise (-whole +cut):\n%s", diff)
		}
		last := 0
		for _, w := range whole {
			if !strings.HasPrefix(string([]rune(text)), w) || len(w) < last {
				t.Errorf("%q was judged, which does not begin the text", w)
			}
			last = len(w)
		}
	})
}
