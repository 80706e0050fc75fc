package tokenizer_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-4f09bd3a/weir/engine/classifier/tokenizer"
)

func seed(f *testing.F, add func(text string)) {
	for _, text := range readGoldens(f, "testdata/golden.json.bz2").Lines[:200] {
		add(text)
	}
}

// FuzzTokenizer: no text breaks a tokenizer, ids are in range, and the same again
// the second time.
func FuzzTokenizer(f *testing.F) {
	var all []*tokenizer.Tokenizer
	for _, name := range trained {
		all = append(all, parse(f, "testdata/"+name+".json"))
	}
	all = append(all, parseChanged(f, "probe", change(addedTokens(
		`{"id":512,"content":"<s>","lstrip":true,"rstrip":true}`, `{"id":513,"content":"\n","rstrip":true,"normalized":true}`,
		`{"id":514,"content":" ","normalized":true,"single_word":true}`, `{"id":515,"content":"the","single_word":true}`))))
	seed(f, func(text string) { f.Add(text) })
	f.Fuzz(func(t *testing.T, text string) {
		for i, k := range all {
			ids := k.AppendIDs(nil, text)
			for _, id := range ids {
				if id < 0 || int(id) >= k.VocabSize() {
					t.Fatalf("tokenizer %d: id %d: out of range", i, id)
				}
			}
			if again := k.AppendIDs(nil, text); !slices.Equal(again, ids) {
				t.Errorf("tokenizer %d: %v and then %v", i, ids, again)
			}
		}
	})
}

// FuzzApart: BERT tokenizes words that blanks separate each by itself.
func FuzzApart(f *testing.F) {
	k := parse(f, "testdata/wordpiece.json")
	seed(f, func(text string) { f.Add(text, "more") })
	f.Fuzz(func(t *testing.T, a, b string) {
		if strings.ContainsAny(a+b, "[]") {
			return // an added token could begin in one and end in the other
		}
		apart := k.AppendIDs(k.AppendIDs(nil, a), b)
		if both := k.AppendIDs(nil, a+" "+b); !slices.Equal(both, apart) {
			t.Errorf("%q and %q apart: %v, together %v", a, b, apart, both)
		}
	})
}

// FuzzMerges: the heap of merges finds what going over the word for each merge
// does.
func FuzzMerges(f *testing.F) {
	k := parseChanged(f, "llama2", change(`{"normalizer":null,"added_tokens":[],"post_processor":null}`))
	naive := readNaive(f)
	seed(f, func(text string) { f.Add(text) })
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || strings.Count(text, "")-1 > 500 {
			return
		}
		var want []int32
		for _, symbol := range naive.split(text) {
			want = append(want, naive.vocab[symbol])
		}
		if got := k.AppendIDs(nil, text); !slices.Equal(got, want) {
			t.Errorf("%+q:\n got %v\nwant %v", text, got, want)
		}
	})
}

// naiveBPE merges as BPE is usually described.
type naiveBPE struct {
	vocab map[string]int32
	ranks map[[2]string]int
}

func readNaive(t testing.TB) naiveBPE {
	var file struct {
		Model struct {
			Vocab  map[string]int32 `json:"vocab"`
			Merges [][2]string      `json:"merges"`
		} `json:"model"`
	}
	if err := json.Unmarshal(changed(t, "testdata/llama2.json", nil), &file); err != nil {
		t.Fatal(err)
	}
	n := naiveBPE{file.Model.Vocab, map[[2]string]int{}}
	for rank, pair := range file.Model.Merges {
		n.ranks[pair] = rank
	}
	if len(n.ranks) < 50 {
		t.Fatalf("%d merges", len(n.ranks))
	}
	return n
}

func (n naiveBPE) split(text string) (symbols []string) {
	for _, r := range text {
		if _, ok := n.vocab[string(r)]; ok {
			symbols = append(symbols, string(r))
			continue
		}
		for _, b := range []byte(string(r)) {
			symbols = append(symbols, fmt.Sprintf("<0x%02X>", b))
		}
	}
	for {
		best, at := len(n.ranks), -1
		for i := 1; i < len(symbols); i++ {
			if rank, ok := n.ranks[[2]string{symbols[i-1], symbols[i]}]; ok && rank < best {
				best, at = rank, i-1
			}
		}
		if at < 0 {
			return symbols
		}
		symbols = slices.Replace(symbols, at, at+2, symbols[at]+symbols[at+1])
	}
}
