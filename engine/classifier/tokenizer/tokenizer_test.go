package tokenizer_test

import (
	"fmt"
	"maps"
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

// TestSpecial: the ids around a text are those of the post-processors, with
// which the small tokenizers were made.
func TestSpecial(t *testing.T) {
	for file, want := range map[string]struct {
		before, after []int32
		pad           int32
	}{
		"wordpiece": {[]int32{2}, []int32{3}, 0},
		"unigram":   {[]int32{0}, []int32{2}, 1},
		"bytelevel": {[]int32{0}, []int32{2}, 1},
		"bpe":       {[]int32{1}, nil, 0},
		"affixes":   {nil, nil, 0},
	} {
		k := parse(t, "testdata/"+file+".json")
		if !slices.Equal(k.Before(), want.before) || !slices.Equal(k.After(), want.after) || k.Pad() != want.pad || k.VocabSize() < 300 {
			t.Errorf("%s: before %v, after %v, pad %d, size %d", file, k.Before(), k.After(), k.Pad(), k.VocabSize())
		}
	}
}

// TestProcessors: ids of processors in a sequence go around those before.
func TestProcessors(t *testing.T) {
	data := readFile(t, "bytelevel")
	roberta := `{"type":"RobertaProcessing","sep":["</s>",2],"cls":["<s>",0],"trim_offsets":true,"add_prefix_space":true}`
	if !strings.Contains(data, roberta) {
		t.Fatal("the file has another post-processor")
	}
	sequence := `{"type":"Sequence","processors":[{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":false},` +
		`{"type":"BertProcessing","sep":["</s>",2],"cls":["<s>",0]},` +
		`{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<pad>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{"<pad>":{"id":"<pad>","ids":[1],"tokens":["<pad>"]}}}]}`
	k, err := tokenizer.Parse([]byte(strings.Replace(data, roberta, sequence, 1)))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(k.Before(), []int32{1, 0}) || !slices.Equal(k.After(), []int32{2}) {
		t.Errorf("before %v, after %v", k.Before(), k.After())
	}
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestRefused: what Weir does not support is refused, and the error says where
// it is and what is supported.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ file, old, changed, want string }{
		{"wordpiece", `"type":"WordPiece","unk`, `"type":"WordLevel","unk`, `model.type: "WordLevel" is not supported: want WordPiece, BPE or Unigram`},
		{"wordpiece", `"type":"BertNormalizer"`, `"type":"Nmt"`, `normalizer.type: "Nmt" is not supported: want BertNormalizer`},
		{"wordpiece", `"type":"BertPreTokenizer"`, `"type":"UnicodeScripts"`, `pre_tokenizer.type: "UnicodeScripts" is not supported`},
		{"wordpiece", `"type":"TemplateProcessing"`, `"type":"Other"`, `post_processor.type: "Other" is not supported`},
		{"wordpiece", `"lowercase":true`, `"lowercase":true,"fold":true`, `normalizer: json: unknown field "fold"`},
		{"wordpiece", `"unk_token":"[UNK]"`, `"unk_token":"[NOPE]"`, `model.unk_token: "[NOPE]" is not in model.vocab`},
		{"wordpiece", `"version":"1.0"`, `"version":"2.0"`, `version: "2.0": want 1.0`},
		{"wordpiece", `"max_input_chars_per_word":100`, `"max_input_chars_per_word":0`, "max_input_chars_per_word: 0: out of range"},
		{"wordpiece", `"Sequence":{"id":"A","type_id":0}`, `"Sequence":{"id":"A","type_id":1}`, "post_processor.single[1]"},
		{"wordpiece", `{"id":0,"content":"[PAD]"`, `{"id":9,"content":"[PAD]"`, "added_tokens[0].id: 9: the original takes 0"},
		{"wordpiece", `{"id":0,"content":"[PAD]"`, `{"id":0,"content":""`, "added_tokens[0].content: is empty"},
		{"unigram", `"normalizer":{"type":"NFKC"}`, `"normalizer":{"type":"NFKC","form":1}`, `normalizer: json: unknown field "form"`},
		{"unigram", `"normalizer":{"type":"NFKC"}`, `"normalizer":{"type":"Replace","pattern":{"Regex":"a|b"},"content":""}`, `normalizer.pattern.Regex: "a|b" is not supported: want a String or one of`},
		{"unigram", `"normalizer":{"type":"NFKC"}`, `"normalizer":{"type":"Precompiled","precompiled_charsmap":"AAAA"}`, "normalizer.precompiled_charsmap: is too short"},
		{"unigram", `"normalizer":{"type":"NFKC"}`, `"normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Huh"}]}`, `normalizer.normalizers[1].type: "Huh" is not supported`},
		{"unigram", `"prepend_scheme":"always"`, `"prepend_scheme":"once"`, `pre_tokenizer.prepend_scheme: "once" is not supported: want always, first or never`},
		{"unigram", `"prepend_scheme":"always"`, `"prepend_scheme":"first"`, "prepend_scheme: first is supported only if no normalizer"},
		{"unigram", `"unk_id":3`, `"unk_id":99999`, "model.unk_id: 99999 is not in model.vocab"},
		{"unigram", `["<pad>",0.0]`, `["<s>",0.0]`, "model.vocab: has a token twice"},
		{"unigram", `["<pad>",0.0]`, `["<pad>","x"]`, "want [token, score]"},
		{"bytelevel", `"dropout":null`, `"dropout":0.1`, "model.dropout"},
		{"bytelevel", `"merges":[["`, `"merges":[["nowhere`, "model.merges[0]: "},
		{"bytelevel", `"pre_tokenizer":{"type":"ByteLevel"`, `"pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\w+"},"behavior":"Isolated","invert":false},"x":{"type":"ByteLevel"`, `json: unknown field "x"`},
		{"bytelevel", `"cls":["<s>",0]`, `"cls":["<s>",70000]`, "post_processor: id 70000: is not in the vocabulary"},
	} {
		data := readFile(t, c.file)
		if !strings.Contains(data, c.old) {
			t.Errorf("%s has no %s", c.file, c.old)
		}
		_, err := tokenizer.Parse([]byte(strings.Replace(data, c.old, c.changed, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.changed, err, c.want)
		}
	}
	split := strings.Replace(string(variants(t)["split-gpt2"]), `|\\s+\"`, `|\\s+x\"`, 1)
	for _, bad := range []string{"", "{", "[]", "null", `{"version":"1.0"}`, readFile(t, "bpe") + "{}", strings.Replace(split, `?\\p{L}`, `?\\p{Lu}`, 1)} {
		if _, err := tokenizer.Parse([]byte(bad)); err == nil {
			t.Errorf("%.60q was taken", bad)
		}
	}
}

// FuzzTokenizer: no text breaks any variant, ids are in range, and the same text
// gives the same ids whatever was tokenized before.
func FuzzTokenizer(f *testing.F) {
	var tokenizers []*tokenizer.Tokenizer
	files := variants(f)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		k, err := tokenizer.Parse(files[name])
		if err != nil {
			f.Fatalf("%s: %v", name, err)
		}
		tokenizers = append(tokenizers, k)
	}
	for i, line := range readJSON[golden](f, "testdata/golden.json").Lines[:120] {
		f.Add(line, uint8(i))
	}
	f.Fuzz(func(t *testing.T, text string, which uint8) {
		k := tokenizers[int(which)%len(tokenizers)]
		ids := k.AppendIDs(nil, text)
		for _, id := range ids {
			if id < 0 || int(id) >= k.VocabSize() {
				t.Fatalf("id %d: out of range", id)
			}
		}
		if len(ids) > 16*len(text)+16 {
			t.Fatalf("%d ids for %d bytes", len(ids), len(text))
		}
		if again := k.AppendIDs([]int32{-7}, text); again[0] != -7 || !slices.Equal(again[1:], ids) {
			t.Errorf("%+q: first %v, then %v", text, ids, again)
		}
	})
}

// TestParallel: one tokenizer serves many goroutines.
func TestParallel(t *testing.T) {
	k := parse(t, "testdata/unigram.json")
	lines := readJSON[golden](t, "testdata/golden.json").Lines
	for range 8 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			want := readJSON[golden](t, "testdata/golden.json").IDs["unigram"]
			for i, line := range lines {
				if checksum(k.AppendIDs(nil, line)) != want[i] {
					t.Fatalf("line %d differs beside others", i)
				}
			}
		})
	}
}

// BenchmarkAppendIDs is prose in two scripts. ns/op divided by runes is flat in
// the length of the text (BenchmarkLongWord) and there are no allocations.
func BenchmarkAppendIDs(b *testing.B) {
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. 今天天气很好。", 20)
	files := variants(b)
	for _, name := range []string{"wordpiece", "unigram", "xlm-roberta", "bytelevel", "split-llama3", "bpe"} {
		b.Run(name, func(b *testing.B) { benchmark(b, files[name], text) })
	}
}

// BenchmarkLongWord is one word without a blank, which quadratic algorithms trip over.
func BenchmarkLongWord(b *testing.B) {
	files := variants(b)
	for _, name := range []string{"unigram", "bytelevel", "bpe"} {
		for _, n := range []int{1_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) { benchmark(b, files[name], strings.Repeat("tokenize", n/8)) })
		}
	}
}

func benchmark(b *testing.B, file []byte, text string) {
	k, err := tokenizer.Parse(file)
	if err != nil {
		b.Fatal(err)
	}
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
