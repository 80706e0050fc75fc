package tokenizer_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
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

type golden struct {
	Text string  `json:"text"`
	IDs  []int32 `json:"ids"`
}

func readGolden(t testing.TB, path string) (out []golden) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	if len(out) < 1000 {
		t.Fatalf("%d golden lines", len(out))
	}
	return out
}

// TestGolden: the ids are those of Hugging Face's own tokenizers, on ordinary,
// adversarial and random lines (testdata/make.py). With WEIR_TOKENIZER and
// WEIR_GOLDEN it compares another pair of files.
func TestGolden(t *testing.T) {
	file, want := "testdata/wordpiece.json", "testdata/golden.json"
	if other := os.Getenv("WEIR_TOKENIZER"); other != "" {
		file, want = other, os.Getenv("WEIR_GOLDEN")
	}
	k := parse(t, file)
	wrong := 0
	all := readGolden(t, want)
	for _, g := range all {
		if got := k.AppendIDs(nil, g.Text); !slices.Equal(got, g.IDs) {
			if wrong++; wrong <= 10 {
				t.Errorf("%+q:\n got %v\nwant %v", g.Text, got, g.IDs)
			}
		}
	}
	t.Logf("%d of %d lines differ", wrong, len(all))
}

func TestSpecial(t *testing.T) {
	k := parse(t, "testdata/wordpiece.json")
	if !slices.Equal(k.Before(), []int32{2}) || !slices.Equal(k.After(), []int32{3}) || k.Pad() != 0 || k.VocabSize() < 300 {
		t.Errorf("before %v, after %v, pad %d, size %d", k.Before(), k.After(), k.Pad(), k.VocabSize())
	}
}

// TestRefused: what Weir does not support is refused, and the error says where
// it is and what is supported.
func TestRefused(t *testing.T) {
	data, err := os.ReadFile("testdata/wordpiece.json")
	if err != nil {
		t.Fatal(err)
	}
	for change, want := range map[[2]string]string{
		{`"type":"WordPiece","unk`, `"type":"Unigram","unk`}:                       `model.type: "Unigram" is not supported: want WordPiece`,
		{`"type":"BertNormalizer"`, `"type":"NFKC"`}:                               `normalizer.type: "NFKC" is not supported: want BertNormalizer`,
		{`"type":"BertPreTokenizer"`, `"type":"Metaspace"`}:                        `pre_tokenizer.type: "Metaspace" is not supported`,
		{`"type":"TemplateProcessing"`, `"type":"ByteLevel"`}:                      `post_processor.type: "ByteLevel" is not supported`,
		{`"lowercase":true`, `"lowercase":true,"fold":true`}:                       `normalizer: json: unknown field "fold"`,
		{`"unk_token":"[UNK]"`, `"unk_token":"[NOPE]"`}:                            `model.unk_token: "[NOPE]" is not in model.vocab`,
		{`"lstrip":false`, `"lstrip":true`}:                                        "added_tokens[0]",
		{`"version":"1.0"`, `"version":"2.0"`}:                                     `version: "2.0": want 1.0`,
		{`"max_input_chars_per_word":100`, `"max_input_chars_per_word":0`}:         "max_input_chars_per_word: 0: out of range",
		{`"Sequence":{"id":"A","type_id":0}`, `"Sequence":{"id":"A","type_id":1}`}: "post_processor.single[1]",
	} {
		if !strings.Contains(string(data), change[0]) {
			t.Errorf("the file has no %s", change[0])
		}
		_, err := tokenizer.Parse([]byte(strings.Replace(string(data), change[0], change[1], 1)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", change[1], err, want)
		}
	}
	for _, bad := range []string{"", "{", "[]", "null", `{"version":"1.0"}`} {
		if _, err := tokenizer.Parse([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// FuzzTokenizer: no text breaks it, ids are in range, and words that blanks
// separate are tokenized each by itself.
func FuzzTokenizer(f *testing.F) {
	k := parse(f, "testdata/wordpiece.json")
	for _, g := range readGolden(f, "testdata/golden.json")[:80] {
		f.Add(g.Text, "more")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		one, two := k.AppendIDs(nil, a), k.AppendIDs(nil, b)
		for _, id := range slices.Concat(one, two) {
			if id < 0 || int(id) >= k.VocabSize() {
				t.Fatalf("id %d: out of range", id)
			}
		}
		if strings.ContainsAny(a+b, "[]") {
			return // an added token could begin in one and end in the other
		}
		if both := k.AppendIDs(nil, a+" "+b); !slices.Equal(both, slices.Concat(one, two)) {
			t.Errorf("%q and %q apart: %v and %v, together %v", a, b, one, two, both)
		}
	})
}

func BenchmarkAppendIDs(b *testing.B) {
	k := parse(b, "testdata/wordpiece.json")
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. 今天天气很好。", 20)
	var ids []int32
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		ids = k.AppendIDs(ids[:0], text)
	}
	if len(ids) < 100 {
		b.Fatal(len(ids))
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
