package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

func (p *parser) parsePreTokenizer(path string, data json.RawMessage) error {
	if absent(data) {
		return nil
	}
	kind, err := kindOf(path, data)
	if err != nil {
		return err
	}
	switch kind {
	case "BertPreTokenizer", "Whitespace", "WhitespaceSplit":
		if err := strict(path, data, &onlyType{}); err != nil {
			return err
		}
	}
	switch kind {
	case "Sequence":
		var s struct {
			onlyType
			PreTokenizers *[]json.RawMessage `json:"pretokenizers"`
		}
		if err := strict(path, data, &s); err != nil {
			return err
		}
		var problems []error
		for i, n := range *s.PreTokenizers {
			at := fmt.Sprintf("%s.pretokenizers[%d]", path, i)
			if absent(n) {
				problems = append(problems, fmt.Errorf("%s: is null", at))
				continue
			}
			problems = append(problems, p.parsePreTokenizer(at, n))
		}
		return errors.Join(problems...)
	case "BertPreTokenizer":
		p.addPreTokenizer(&cutAt{p.classes, space, removed}, &cutAt{p.classes, punctuation, isolated})
	case "Whitespace":
		p.addPreTokenizer(&whitespace{p.classes})
	case "WhitespaceSplit":
		p.addPreTokenizer(&cutAt{p.classes, space, removed})
	case "Punctuation":
		s := struct {
			onlyType
			Behaviour string `json:"behavior"` //nolint:misspell // so it is written there
		}{Behaviour: "Isolated"}
		if err := strict(path, data, &s); err != nil {
			return err
		}
		b, err := parseBehaviour(path, s.Behaviour)
		if err != nil {
			return err
		}
		p.addPreTokenizer(&cutAt{p.classes, punctuation, b})
	case "Digits":
		var s struct {
			onlyType
			Individual *bool `json:"individual_digits"`
		}
		if err := strict(path, data, &s); err != nil {
			return err
		}
		b := contiguous
		if *s.Individual {
			b = isolated
		}
		p.addPreTokenizer(&cutAt{p.classes, digit, b})
	case "Metaspace":
		return p.parseMetaspace(path, data)
	case "ByteLevel":
		return p.parseByteLevel(path, data)
	case "Split":
		return p.parseSplit(path, data)
	default:
		return unsupported(path, kind, "BertPreTokenizer", "Whitespace", "WhitespaceSplit", "Punctuation", "Digits",
			"Metaspace", "ByteLevel", "Split", "Sequence", "null")
	}
	return nil
}

func (p *parser) addPreTokenizer(c ...preTokenizer) { p.preTokenizers = append(p.preTokenizers, c...) }

func parseBehaviour(path, name string) (behaviour, error) {
	b, ok := behaviours[name]
	if !ok {
		return 0, fmt.Errorf("%s.behavior: %.40q is not supported: want one of %s", path, name, quotedKeys(behaviours))
	}
	return b, nil
}

func quotedKeys[V any](m map[string]V) string {
	keys := slices.Sorted(maps.Keys(m))
	for i, k := range keys {
		keys[i] = fmt.Sprintf("%q", k)
	}
	return strings.Join(keys, ", ")
}

func (p *parser) parseMetaspace(path string, data json.RawMessage) error {
	s := struct {
		onlyType
		Replacement    *string `json:"replacement"`
		AddPrefixSpace *bool   `json:"add_prefix_space" optional:"older files"`
		Prepend        string  `json:"prepend_scheme"`
		Split          *bool   `json:"split" optional:"true"`
		Rep            string  `json:"str_rep"` // older files, the same as replacement
	}{Prepend: "always"}
	if err := strict(path, data, &s); err != nil {
		return err
	}
	if utf8.RuneCountInString(*s.Replacement) != 1 {
		return fmt.Errorf("%s.replacement: %.40q: want one character", path, *s.Replacement)
	}
	if s.AddPrefixSpace != nil && !*s.AddPrefixSpace {
		// The original insists on the other field, though files from before it had none.
		if s.Prepend != "never" {
			return fmt.Errorf("%s.add_prefix_space: false: want prepend_scheme never with it", path)
		}
	}
	m := &metaspace{replacement: *s.Replacement, split: s.Split == nil || *s.Split}
	switch s.Prepend {
	case "always":
		m.prepend = prependAlways
	case "never":
	case "first":
		if err := p.knowsFirst(path); err != nil {
			return err
		}
		m.prepend = prependFirst
	default:
		return fmt.Errorf("%s.prepend_scheme: %.40q is not supported: want always, first or never", path, s.Prepend)
	}
	p.addPreTokenizer(m)
	return nil
}

// knowsFirst refuses what would have to trace runes back to where they came from,
// to tell which piece is the first.
func (p *parser) knowsFirst(path string) error {
	rewritten := len(p.normalizers) > 0
	for _, c := range p.preTokenizers {
		switch c.(type) {
		case *metaspace, *byteLevel:
			rewritten = true
		}
	}
	if rewritten {
		return fmt.Errorf("%s.prepend_scheme: first is supported only if no normalizer, Metaspace or ByteLevel comes before: want always or never", path)
	}
	return nil
}

func (p *parser) parseByteLevel(path string, data json.RawMessage) error {
	var s struct {
		onlyType
		PrefixSpace *bool `json:"add_prefix_space"`
		TrimOffsets *bool `json:"trim_offsets"` // changes no id
		UseRegex    *bool `json:"use_regex" optional:"true"`
	}
	if err := strict(path, data, &s); err != nil {
		return err
	}
	l := &byteLevel{alphabet: byteAlphabet(), prefixSpace: *s.PrefixSpace}
	if s.UseRegex == nil || *s.UseRegex {
		l.split = &splitter{classes: p.classes, scan: scanGPT2}
	}
	p.addPreTokenizer(l)
	return nil
}

func (p *parser) parseSplit(path string, data json.RawMessage) error {
	var s struct {
		onlyType
		Pattern   *pattern `json:"pattern"`
		Behaviour *string  `json:"behavior"` //nolint:misspell // so it is written there
		Invert    *bool    `json:"invert"`
	}
	if err := strict(path, data, &s); err != nil {
		return err
	}
	b, err := parseBehaviour(path, *s.Behaviour)
	if err != nil {
		return err
	}
	c := &splitter{classes: p.classes, invert: *s.Invert, behaviour: b}
	switch {
	case s.Pattern.String != nil && s.Pattern.Regex == nil:
		if *s.Pattern.String == "" {
			return fmt.Errorf("%s.pattern.String: is empty", path)
		}
		c.literal = *s.Pattern.String
	case s.Pattern.Regex != nil && s.Pattern.String == nil:
		if c.scan = scanners[*s.Pattern.Regex]; c.scan == nil {
			return fmt.Errorf("%s.pattern.Regex: %.200q is not supported: want a String, or the expression of GPT-2, GPT-4, Llama 3, Qwen2 or CLIP, letter by letter", path, *s.Pattern.Regex)
		}
	default:
		return fmt.Errorf("%s.pattern: want String or Regex", path)
	}
	p.addPreTokenizer(c)
	return nil
}
