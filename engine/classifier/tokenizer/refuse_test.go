package tokenizer_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed-4f09bd3a/weir/engine/classifier/tokenizer"
)

// TestRefused: what Weir does not support is refused, and the error says where in
// the file it is and what is supported.
func TestRefused(t *testing.T) {
	tests := []struct{ file, change, want string }{
		{"wordpiece", `{"version":"2.0"}`, `version: "2.0": want 1.0`},
		{"wordpiece", `{"extra":1}`, `unknown field "extra"`},

		{"wordpiece", `{"model":null}`, `model: is missing: want WordPiece, BPE or Unigram`},
		{"wordpiece", `{"model.type":"WordLevel"}`, `model.type: "WordLevel" is not supported: want WordPiece, BPE or Unigram`},
		{"wordpiece", `{"model.type":"-","model.max_input_chars_per_word":"-"}`, `model.type: "" is not supported`},
		{"wordpiece", `{"model.type":"Unigram"}`, `model: json: unknown field "continuing_subword_prefix"`},
		{"wordpiece", `{"model.fold":true}`, `model: json: unknown field "fold"`},
		{"wordpiece", `{"model.vocab":{}}`, `model.vocab: is empty`},
		{"wordpiece", `{"model.vocab":{"[UNK]":-1}}`, `model.vocab: id -1 of "[UNK]": out of range`},
		{"wordpiece", `{"model.vocab":{"[UNK]":99999999}}`, `model.vocab: id 99999999 of "[UNK]": out of range`},
		{"wordpiece", `{"model.unk_token":"[NOPE]"}`, `model.unk_token: "[NOPE]" is not in model.vocab`},
		{"wordpiece", `{"model.unk_token":"-"}`, `model.unk_token: is missing`},
		{"wordpiece", `{"model.continuing_subword_prefix":""}`, `model.continuing_subword_prefix: is empty, which is not supported`},
		{"wordpiece", `{"model.max_input_chars_per_word":0}`, `model.max_input_chars_per_word: 0: out of range`},

		{"gpt2", `{"model.dropout":0.1}`, `model.dropout: 0.1 is not supported: want null or 0`},
		{"gpt2", `{"model.unk_token":"<nope>"}`, `model.unk_token: "<nope>" is not in model.vocab`},
		{"gpt2", `{"model.merges":["a b c"]}`, `model: want merges of two tokens each`},
		{"gpt2", `{"model.merges":[["zqzq","a"]]}`, `model.merges[0]: "zqzq" and "a"`},
		{"gpt2", `{"model.cache_capacity":10}`, `model: json: unknown field "cache_capacity"`},
		{"prefixed", `{"model.merges":[["a","b"]]}`, `model.merges[0]: "b" is shorter than continuing_subword_prefix`},

		{"unigram", `{"model.unk_id":null}`, `model.unk_id: is missing`},
		{"unigram", `{"model.unk_id":100000}`, `model.unk_id: 100000 is not in model.vocab`},
		{"unigram", `{"model.vocab":[]}`, `model.vocab: has 0 tokens`},
		{"unigram", `{"model.vocab":[["<unk>",0],["a"]]}`, `model: want [token, score]`},
		{"unigram", `{"model.vocab":[["<unk>",0],["a",1e999]]}`, `out of range`},
		{"unigram", `{"model.vocab":[["<unk>",0],["<s>",0],["a",-1],["</s>",-2],["a",-1]]}`, `model.vocab: has a token twice`},

		{"gpt2", `{"normalizer":{"type":"Nmt"}}`, `normalizer.type: "Nmt" is not supported: want BertNormalizer, NFC`},
		{"gpt2", `{"normalizer":{"type":"ByteLevel"}}`, `normalizer.type: "ByteLevel" is not supported`},
		{"gpt2", `{"normalizer":{"type":"NFC","strict":true}}`, `normalizer: json: unknown field "strict"`},
		{"gpt2", `{"normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Nmt"}]}}`, `normalizer.normalizers[1].type: "Nmt"`},
		{"gpt2", `{"normalizer":{"type":"Sequence","normalizers":[null]}}`, `normalizer.normalizers[0]: is null`},
		{"gpt2", `{"normalizer":{"type":"Sequence"}}`, `normalizer.normalizers: is missing`},
		{"gpt2", `{"normalizer":{"type":"BertNormalizer","clean_text":true}}`, `normalizer.handle_chinese_chars: is missing`},
		{"gpt2", `{"normalizer":{"type":"Strip","strip_left":true}}`, `normalizer.strip_right: is missing`},
		{"gpt2", `{"normalizer":{"type":"Prepend"}}`, `normalizer.prepend: is missing`},
		{"gpt2", `{"normalizer":{"type":"Replace","pattern":{"Regex":"a|b"},"content":"c"}}`, `normalizer.pattern.Regex: "a|b" is not supported: want a String or one of " +"`},
		{"gpt2", `{"normalizer":{"type":"Replace","pattern":{"String":""},"content":"c"}}`, `normalizer.pattern.String: is empty`},
		{"gpt2", `{"normalizer":{"type":"Replace","pattern":{},"content":"c"}}`, `normalizer.pattern: want String or Regex`},
		{"gpt2", `{"normalizer":{"type":"Precompiled","precompiled_charsmap":"?"}}`, `normalizer.precompiled_charsmap: illegal base64`},
		{"gpt2", `{"normalizer":{"type":"Precompiled","precompiled_charsmap":"AAA="}}`, `normalizer.precompiled_charsmap: is too short`},
		{"gpt2", `{"normalizer":{"type":"Precompiled","precompiled_charsmap":"AAEAAAAA"}}`, `normalizer.precompiled_charsmap: has no trie`},

		{"gpt2", `{"pre_tokenizer":{"type":"CharDelimiterSplit","delimiter":"x"}}`, `pre_tokenizer.type: "CharDelimiterSplit" is not supported: want BertPreTokenizer, Whitespace`},
		{"gpt2", `{"pre_tokenizer":{"type":"UnicodeScripts"}}`, `pre_tokenizer.type: "UnicodeScripts" is not supported`},
		{"gpt2", `{"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Nope"},{"type":"Digits"}]}}`, `pre_tokenizer.pretokenizers[0].type: "Nope"`},
		{"gpt2", `{"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Whitespace"},{"type":"Digits"}]}}`, `pre_tokenizer.pretokenizers[1].individual_digits: is missing`},
		{"gpt2", `{"pre_tokenizer":{"type":"Whitespace","x":1}}`, `pre_tokenizer: json: unknown field "x"`},
		{"gpt2", `{"pre_tokenizer":{"type":"Punctuation","behavior":"Kept"}}`, `pre_tokenizer.behavior: "Kept" is not supported: want one of "Contiguous"`}, //nolint:misspell // so it is written there
		{"gpt2", `{"pre_tokenizer":{"type":"Metaspace","replacement":"▁▁","prepend_scheme":"always"}}`, `pre_tokenizer.replacement: "▁▁": want one character`},
		{"gpt2", `{"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"last"}}`, `pre_tokenizer.prepend_scheme: "last" is not supported`},
		{"gpt2", `{"pre_tokenizer":{"type":"Metaspace","replacement":"▁","add_prefix_space":false}}`, `pre_tokenizer.add_prefix_space: false: want prepend_scheme never`},
		{"qwen2", `{"pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"first"}}`, `pre_tokenizer.prepend_scheme: first is supported only if no normalizer`},
		{"gpt2", `{"pre_tokenizer":{"type":"Split","pattern":{"Regex":"\\w+"},"behavior":"Isolated","invert":false}}`, `pre_tokenizer.pattern.Regex: "\\w+" is not supported: want a String, or the expression of GPT-2`}, //nolint:misspell // so it is written there
		{"gpt2", `{"pre_tokenizer":{"type":"Split","pattern":{"String":""},"behavior":"Isolated","invert":false}}`, `pre_tokenizer.pattern.String: is empty`},                                                             //nolint:misspell // so it is written there
		{"gpt2", `{"pre_tokenizer":{"type":"Split","pattern":{"String":"x"},"invert":false}}`, `pre_tokenizer.behavior: is missing`},
		{"gpt2", `{"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false}}`, `pre_tokenizer.trim_offsets: is missing`},

		{"gpt2", `{"post_processor":{"type":"Nope"}}`, `post_processor.type: "Nope" is not supported: want TemplateProcessing`},
		{"gpt2", `{"post_processor":{"type":"Sequence","processors":[{"type":"Nope"}]}}`, `post_processor.processors[0].type: "Nope"`},
		{"gpt2", `{"post_processor":{"type":"BertProcessing","sep":["</s>",2],"cls":["<s>",70000]}}`, `post_processor: id 70000: is not in the vocabulary`},
		{"gpt2", `{"post_processor":{"type":"BertProcessing","sep":["</s>"],"cls":["<s>",0]}}`, `post_processor: want [token, id]`},
		{"gpt2", `{"post_processor":{"type":"RobertaProcessing","sep":["</s>",2],"cls":["<s>",0]}}`, `post_processor.trim_offsets: is missing`},
		{"gpt2", `{"post_processor":{"type":"TemplateProcessing","single":[],"pair":[],"special_tokens":{}}}`, `post_processor.single: has no sequence A`},
		{"gpt2", `{"post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":1}}],"pair":[],"special_tokens":{}}}`, `post_processor.single[0]: want special tokens of type 0 around one sequence A of type 0`},
		{"gpt2", `{"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"x","type_id":0}}],"pair":[],"special_tokens":{}}}`, `post_processor.single[0]: "x" is not in special_tokens`},
		{"gpt2", `{"post_processor":{"type":"Sequence","processors":[{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}}],"pair":[],"special_tokens":{}},{"type":"BertProcessing","sep":["</s>",2],"cls":["<s>",0]}]}}`, `post_processor.processors[1].type: "BertProcessing" behind TemplateProcessing is not supported`},

		{"gpt2", `{"added_tokens":[{"id":0,"content":"<s>"}]}`, `added_tokens[0].single_word: is missing`},
		{"gpt2", addedTokens(`{"id":0,"content":""}`), `added_tokens[0].content: is empty`},
		{"gpt2", addedTokens(`{"id":7000,"content":"zqzq"}`), `added_tokens[0].id: 7000: the original takes 500 for "zqzq"`},
		{"gpt2", addedTokens(`{"id":0,"content":"<s>"}`, `{"id":0,"content":"<s>","lstrip":true}`), `added_tokens[1].content: "<s>": is there twice, with different settings`},
		{"clip", addedTokens(`{"id":620,"content":"\u00a0","normalized":true}`, `{"id":621,"content":"\u2003","normalized":true}`), `added_tokens[1].content: "\u2003": another token is the same once normalised`},
		{"prefixed", addedTokens(`{"id":380,"content":"\u0301","normalized":true}`), "added_tokens[0].content: \"\u0301\": the normalizer leaves nothing of it"},
		{"gpt2", addedTokens(`{"id":500,"content":" q","lstrip":true}`, `{"id":0,"content":"<s>","rstrip":true}`), `added_tokens[0].lstrip: true for " q", which begins with white space: not supported where another token has rstrip`},
		{"gpt2", `{"padding":{"strategy":"BatchLongest","pad_id":7000}}`, `padding.pad_id: 7000: is not in the vocabulary`},
		{"gpt2", `{"padding":{"strategy":"BatchLongest"}}`, `padding.pad_id: is missing`},
	}
	for _, test := range tests {
		var change map[string]json.RawMessage
		if err := json.Unmarshal([]byte(test.change), &change); err != nil {
			t.Fatalf("%s: %v", test.change, err)
		}
		_, err := tokenizer.Parse(changed(t, "testdata/"+test.file+".json", change))
		if err == nil || !strings.HasPrefix(err.Error(), "tokenizer: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s with %.100s:\n got %v\nwant %s", test.file, test.change, err, test.want)
		}
	}
	for _, bad := range []string{"", "{", "[]", "null", `{"version":"1.0"}`, `{"version":"1.0"} 1`} {
		if _, err := tokenizer.Parse([]byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestRefusedTogether: a file with several faults is told of all of them.
func TestRefusedTogether(t *testing.T) {
	_, err := tokenizer.Parse(changed(t, "testdata/gpt2.json", map[string]json.RawMessage{
		"normalizer":    json.RawMessage(`{"type":"Sequence","normalizers":[{"type":"Nmt"},{"type":"Nope"}]}`),
		"pre_tokenizer": json.RawMessage(`{"type":"Nope"}`), "model.dropout": json.RawMessage(`1`),
	}))
	for _, path := range []string{"normalizer.normalizers[0].type", "normalizer.normalizers[1].type", "pre_tokenizer.type", "model.dropout"} {
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("got %v, want %s among it", err, path)
		}
	}
}

// addedTokens is a change of added_tokens; what a token does not say is false.
func addedTokens(tokens ...string) string {
	all := make([]string, len(tokens))
	for i, token := range tokens {
		flags := map[string]any{"single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": false}
		if err := json.Unmarshal([]byte(token), &flags); err != nil {
			panic(err)
		}
		data, err := json.Marshal(flags)
		if err != nil {
			panic(err)
		}
		all[i] = string(data)
	}
	return `{"added_tokens":[` + strings.Join(all, ",") + `]}`
}
