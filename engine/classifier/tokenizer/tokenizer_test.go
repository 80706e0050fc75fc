package tokenizer_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/seed-4f09bd3a/weir/engine/classifier/tokenizer"
)

func parse(t testing.TB, path string) *tokenizer.Tokenizer {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	k, err := tokenizer.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func parseChanged(t testing.TB, name string, change map[string]json.RawMessage) *tokenizer.Tokenizer {
	t.Helper()
	k, err := tokenizer.Parse(changed(t, "testdata/"+name+".json", change))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func change(data string) (out map[string]json.RawMessage) {
	if err := json.Unmarshal([]byte(data), &out); err != nil {
		panic(err)
	}
	return out
}

// TestAround: the ids before and after the text, the one that fills rows up, and
// a bound of all ids.
func TestAround(t *testing.T) {
	for _, test := range []struct {
		file, change  string
		before, after []int32
		pad           int32
		size          int
	}{
		{"wordpiece", `{}`, []int32{2}, []int32{3}, 0, 422},
		{"gpt2", `{}`, []int32{0}, []int32{2}, 1, 501},
		{"unigram", `{}`, []int32{0}, []int32{2}, 1, 0},
		{"llama3", `{}`, []int32{0}, []int32{1}, 0, 500},
		{"qwen2", `{}`, nil, nil, 0, 500},
		{"gpt2", `{"padding":{"strategy":"BatchLongest","direction":"Right","pad_to_multiple_of":null,"pad_id":7,"pad_type_id":0,"pad_token":"x"}}`, []int32{0}, []int32{2}, 7, 501},
		{"gpt2", addedTokens(`{"id":500,"content":"<new>"}`, `{"id":501,"content":"<newer>"}`), []int32{0}, []int32{2}, 1, 502},
	} {
		k := parseChanged(t, test.file, change(test.change))
		if !slices.Equal(k.Before(), test.before) || !slices.Equal(k.After(), test.after) || k.Pad() != test.pad || test.size > 0 && k.VocabSize() != test.size {
			t.Errorf("%s with %s: before %v, after %v, pad %d, size %d, want %v, %v, %d, %d", test.file, test.change, k.Before(), k.After(), k.Pad(), k.VocabSize(), test.before, test.after, test.pad, test.size)
		}
	}
}

// TestNoUTF8: a byte that is no UTF-8 counts as U+FFFD.
func TestNoUTF8(t *testing.T) {
	for _, name := range trained {
		k := parse(t, "testdata/"+name+".json")
		got, want := k.AppendIDs(nil, "a\xff\xe4\xbd b\xed\xa0\x80"), k.AppendIDs(nil, "a\ufffd\ufffd\ufffd b\ufffd\ufffd\ufffd")
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
}

// TestAppends: what is in dst already stays.
func TestAppends(t *testing.T) {
	for _, name := range trained {
		k := parse(t, "testdata/"+name+".json")
		alone := k.AppendIDs(nil, "The quick zqx fox. 天气")
		if got := k.AppendIDs([]int32{7, 8}, "The quick zqx fox. 天气"); !slices.Equal(got, append([]int32{7, 8}, alone...)) {
			t.Errorf("%s: got %v, alone %v", name, got, alone)
		}
	}
}

func ExampleTokenizer_AppendIDs() {
	data, err := os.ReadFile("testdata/wordpiece.json")
	if err != nil {
		panic(err)
	}
	t, err := tokenizer.Parse(data)
	if err != nil {
		panic(err)
	}
	ids := append(slices.Clone(t.Before()), t.AppendIDs(nil, "Tokens, please")...)
	ids = append(ids, t.After()...)
	fmt.Println(ids[0], ids[len(ids)-1], len(ids) > 4)
	// Output: 2 3 true
}
