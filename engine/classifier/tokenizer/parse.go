package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Tokenizer turns text into ids. It is immutable and safe for concurrent use.
type Tokenizer struct {
	added         addedTokens
	normalizer    bertNormalizer
	model         wordPiece
	before, after []int32
	pad           int32
	size          int
}

// file is tokenizer.json. Truncation, padding and the decoder change no id of a
// text that is neither cut nor filled up, and are the caller's.
type file struct {
	Version       string          `json:"version"`
	Truncation    json.RawMessage `json:"truncation"`
	Padding       json.RawMessage `json:"padding"`
	AddedTokens   []addedToken    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         json.RawMessage `json:"model"`
}

type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
}

// Parse reads tokenizer.json. All that it does not support is reported at once.
func Parse(data []byte) (*Tokenizer, error) {
	var f file
	if err := strict(data, &f); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	t := &Tokenizer{}
	problems := []error{
		t.parseNormalizer(f.Normalizer), t.parsePreTokenizer(f.PreTokenizer), t.parseModel(f.Model),
	}
	problems = append(problems, t.parseAdded(f.AddedTokens), t.parsePostProcessor(f.PostProcessor))
	if f.Version != "1.0" {
		problems = append(problems, fmt.Errorf("version: %.20q: want 1.0", f.Version))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return t, nil
}

func strict(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// typed checks a stage's type and reads it.
func typed(path string, data json.RawMessage, into any, supported ...string) (string, error) {
	var kind struct {
		Type string `json:"type"`
	}
	if len(data) == 0 || string(data) == "null" {
		return "", fmt.Errorf("%s: is missing: want %s", path, strings.Join(supported, " or "))
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if !slices.Contains(supported, kind.Type) {
		return "", fmt.Errorf("%s.type: %.40q is not supported: want %s", path, kind.Type, strings.Join(supported, " or "))
	}
	if into == nil {
		return kind.Type, nil
	}
	if err := strict(data, into); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return kind.Type, nil
}

func (t *Tokenizer) parseNormalizer(data json.RawMessage) error {
	n := struct {
		Type         string `json:"type"`
		Clean        *bool  `json:"clean_text"`
		Chinese      *bool  `json:"handle_chinese_chars"`
		StripAccents *bool  `json:"strip_accents"`
		Lowercase    *bool  `json:"lowercase"`
	}{}
	if _, err := typed("normalizer", data, &n, "BertNormalizer"); err != nil {
		return err
	}
	if n.Clean == nil || n.Chinese == nil || n.Lowercase == nil {
		return errors.New("normalizer: want clean_text, handle_chinese_chars and lowercase")
	}
	t.normalizer = bertNormalizer{clean: *n.Clean, chinese: *n.Chinese, lowercase: *n.Lowercase, stripAccents: *n.Lowercase}
	if n.StripAccents != nil {
		t.normalizer.stripAccents = *n.StripAccents
	}
	return nil
}

func (t *Tokenizer) parsePreTokenizer(data json.RawMessage) error {
	var p struct {
		Type string `json:"type"`
	}
	_, err := typed("pre_tokenizer", data, &p, "BertPreTokenizer")
	return err
}

func (t *Tokenizer) parseModel(data json.RawMessage) error {
	m := struct {
		Type     string           `json:"type"`
		Unknown  string           `json:"unk_token"`
		Prefix   string           `json:"continuing_subword_prefix"`
		MaxRunes int              `json:"max_input_chars_per_word"`
		Vocab    map[string]int32 `json:"vocab"`
	}{MaxRunes: 100, Prefix: "##"}
	if _, err := typed("model", data, &m, "WordPiece"); err != nil {
		return err
	}
	unknown, ok := m.Vocab[m.Unknown]
	switch {
	case len(m.Vocab) == 0:
		return errors.New("model.vocab: is empty")
	case !ok:
		return fmt.Errorf("model.unk_token: %.40q is not in model.vocab", m.Unknown)
	case m.MaxRunes < 1 || m.MaxRunes > 10_000:
		return fmt.Errorf("model.max_input_chars_per_word: %d: out of range [1, 10000]", m.MaxRunes)
	case m.Prefix == "":
		return errors.New("model.continuing_subword_prefix: is empty, which is not supported")
	}
	t.model = wordPiece{unknown: unknown, maxRunes: m.MaxRunes, first: map[string]int32{}, rest: map[string]int32{}}
	for token, id := range m.Vocab {
		if id < 0 || int(id) >= 1<<24 {
			return fmt.Errorf("model.vocab: id %d: out of range", id)
		}
		t.size = max(t.size, int(id)+1)
		t.model.first[token] = id
		t.model.longest = max(t.model.longest, len(token))
		if rest, ok := strings.CutPrefix(token, m.Prefix); ok {
			t.model.rest[rest] = id
		}
	}
	return nil
}

func (t *Tokenizer) parseAdded(tokens []addedToken) error {
	t.pad = 0
	for i, a := range tokens {
		if a.Content == "" || a.ID < 0 {
			return fmt.Errorf("added_tokens[%d]: want content and an id", i)
		}
		if a.SingleWord || a.LStrip || a.RStrip || a.Normalized {
			return fmt.Errorf("added_tokens[%d]: %.40q: single_word, lstrip, rstrip and normalized are not supported: want them false", i, a.Content)
		}
		t.size = max(t.size, int(a.ID)+1)
		t.added = append(t.added, a)
		if a.Content == "[PAD]" {
			t.pad = a.ID
		}
	}
	// The longest one that matches counts.
	slices.SortStableFunc(t.added, func(a, b addedToken) int { return len(b.Content) - len(a.Content) })
	return nil
}

func (t *Tokenizer) parsePostProcessor(data json.RawMessage) error {
	type piece struct {
		Special *struct {
			ID     string `json:"id"`
			TypeID int    `json:"type_id"`
		} `json:"SpecialToken"`
		Sequence *struct {
			ID     string `json:"id"`
			TypeID int    `json:"type_id"`
		} `json:"Sequence"`
	}
	kind, err := typed("post_processor", data, nil, "TemplateProcessing", "BertProcessing")
	if err != nil {
		return err
	}
	if kind == "BertProcessing" {
		var p struct {
			Type string             `json:"type"`
			Sep  [2]json.RawMessage `json:"sep"`
			Cls  [2]json.RawMessage `json:"cls"`
		}
		if err := strict(data, &p); err != nil {
			return fmt.Errorf("post_processor: %w", err)
		}
		var cls, sep int32
		if json.Unmarshal(p.Cls[1], &cls) != nil || json.Unmarshal(p.Sep[1], &sep) != nil {
			return errors.New("post_processor: want cls and sep as [token, id]")
		}
		t.before, t.after = []int32{cls}, []int32{sep}
		return nil
	}
	var p struct {
		Type    string          `json:"type"`
		Single  []piece         `json:"single"`
		Pair    json.RawMessage `json:"pair"`
		Special map[string]struct {
			ID     string   `json:"id"`
			IDs    []int32  `json:"ids"`
			Tokens []string `json:"tokens"`
		} `json:"special_tokens"`
	}
	if err := strict(data, &p); err != nil {
		return fmt.Errorf("post_processor: %w", err)
	}
	seen := false
	for i, s := range p.Single {
		switch {
		case s.Sequence != nil && s.Sequence.ID == "A" && s.Sequence.TypeID == 0 && !seen:
			seen = true
		case s.Special != nil && s.Special.TypeID == 0:
			special, ok := p.Special[s.Special.ID]
			if !ok {
				return fmt.Errorf("post_processor.single[%d]: %.40q is not in special_tokens", i, s.Special.ID)
			}
			if seen {
				t.after = append(t.after, special.IDs...)
			} else {
				t.before = append(t.before, special.IDs...)
			}
		default:
			return fmt.Errorf("post_processor.single[%d]: want special tokens of type 0 around one sequence A of type 0", i)
		}
	}
	if !seen {
		return errors.New("post_processor.single: has no sequence A")
	}
	return nil
}
