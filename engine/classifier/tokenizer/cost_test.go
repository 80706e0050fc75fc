package tokenizer_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-4f09bd3a/weir/engine/classifier/tokenizer"
)

// trained are the tokenizers of testdata, the probe aside.
var trained = []string{"wordpiece", "unigram", "precompiled", "unigram-bytes", "gpt2", "llama3", "qwen2", "clip", "llama2", "prefixed"}

// TestLinear: 32 times the text takes about 32 times as long, even for texts that
// are one word, or that a careless search would go over again and again. It takes
// up to 120 times as long, as the longer text outgrows the caches and the pool;
// what is quadratic takes 1,024 times as long.
func TestLinear(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes times meaningless")
	}
	tokenizers := map[string]*tokenizer.Tokenizer{}
	for _, name := range trained {
		tokenizers[name] = parse(t, "testdata/"+name+".json")
	}
	whole := change(`{"normalizer":null,"pre_tokenizer":null}`) // the text is one word
	for _, name := range []string{"unigram", "gpt2", "llama2", "clip"} {
		tokenizers[name+"/whole"] = parseChanged(t, name, whole)
	}
	stripping := addedTokens(`{"id":512,"content":"\n","rstrip":true}`, `{"id":513,"content":"<s>","lstrip":true}`, `{"id":64,"content":"a","single_word":true}`)
	tokenizers["added"] = parseChanged(t, "probe", change(stripping))

	const small, times, limit = 1 << 11, 32, 300
	for name, k := range tokenizers {
		for _, unit := range []string{
			"a", "ab", "the", "aab", "the ", " ", "\n", "\t ", "\u00a0", "'", "1", "!", "é", "e\u0301", "\u0301", "\u0301\u0327", "好", "😀", "👩\u200d", "🇯🇵",
			"क\u094d", "\u1100", "\u0600", "\r\n", "▁", "<s> ", "\n <s>", "<mask> ", "<|end", "<0x0A>", "\x00", "\xff",
		} {
			short := strings.Repeat(unit, small/len([]rune(unit)))
			long := strings.Repeat(short, times)
			ratio := math.Inf(1)
			for range 8 { // the machine may have been busy with something else
				if ratio = min(ratio, float64(cost(k, long))/float64(cost(k, short))); ratio < limit {
					break
				}
			}
			if ratio >= limit {
				t.Errorf("%s: %d times %+q costs %.0f times", name, times, unit, ratio)
			}
		}
	}
}

func cost(k *tokenizer.Tokenizer, text string) time.Duration {
	ids := make([]int32, 0, 2*len(text))
	start := time.Now()
	k.AppendIDs(ids, text)
	return max(time.Since(start), 1)
}

// TestAllocations: once its buffers have grown, a call allocates nothing.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector has pools forget what they hold")
	}
	texts := []string{"The quick brown fox jumps over the lazy dog.", "今天天气很好，naïve café e\u0301 👩\u200d👧 İ <mask> 12 \r\n  x's", strings.Repeat("ab", 500)}
	for _, name := range trained {
		k := parse(t, "testdata/"+name+".json")
		ids := make([]int32, 0, 8192)
		if n := testing.AllocsPerRun(100, func() {
			for _, text := range texts {
				ids = k.AppendIDs(ids[:0], text)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkAppendIDs(b *testing.B) {
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. 今天天气很好。", 20)
	for _, name := range trained {
		b.Run(name, func(b *testing.B) { bench(b, parse(b, "testdata/"+name+".json"), text) })
	}
}

// BenchmarkLongWord: what a rune costs does not grow with the word.
func BenchmarkLongWord(b *testing.B) {
	for _, name := range []string{"unigram", "gpt2", "llama2"} {
		k := parseChanged(b, name, change(`{"normalizer":null,"pre_tokenizer":null}`))
		for _, n := range []int{1 << 10, 1 << 14, 1 << 18} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) { bench(b, k, strings.Repeat("the", n/3)) })
		}
	}
}

func bench(b *testing.B, k *tokenizer.Tokenizer, text string) {
	runes := len([]rune(text))
	ids := slices.Grow([]int32(nil), 4*len(text))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		ids = k.AppendIDs(ids[:0], text)
	}
	if len(ids) < 100 {
		b.Fatal(len(ids))
	}
	b.ReportMetric(float64(runes)*float64(b.N)/b.Elapsed().Seconds(), "runes/s")
}

// TestScratchTripwire: a new field of the pooled scratch must be emptied where it
// is used, counted in size, and then here: one user's text must not reach another.
func TestScratchTripwire(t *testing.T) {
	if n := tokenizer.ScratchFields(); n != 9 {
		t.Errorf("scratch has %d fields, want 9", n)
	}
}

// TestNoLeak: what a tokenizer read before changes no ids, nor does what it reads
// at the same time.
func TestNoLeak(t *testing.T) {
	g := readGoldens(t, "testdata/golden.json.bz2")
	var group sync.WaitGroup
	for _, c := range g.Cases[:len(trained)] { // these have the ids of all lines
		k := parse(t, "testdata/"+c.File)
		for worker := range 2 {
			group.Go(func() {
				for i := range c.IDs {
					i = (i*7919 + worker*613) % len(c.IDs)
					if got := k.AppendIDs(nil, g.Lines[i]); !slices.Equal(got, c.IDs[i]) {
						t.Errorf("%s: %+q: got %v, want %v", c.Name, g.Lines[i], got, c.IDs[i])
					}
				}
			})
		}
	}
	group.Wait()
}
