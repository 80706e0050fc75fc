package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
)

func (p *parser) parseNormalizer(path string, data json.RawMessage) error {
	if absent(data) {
		return nil
	}
	kind, err := kindOf(path, data)
	if err != nil {
		return err
	}
	switch kind {
	case "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents":
		if err := strict(path, data, &onlyType{}); err != nil {
			return err
		}
	}
	switch kind {
	case "Sequence":
		var s struct {
			onlyType
			Normalizers *[]json.RawMessage `json:"normalizers"`
		}
		if err := strict(path, data, &s); err != nil {
			return err
		}
		var problems []error
		for i, n := range *s.Normalizers {
			at := fmt.Sprintf("%s.normalizers[%d]", path, i)
			if absent(n) {
				problems = append(problems, fmt.Errorf("%s: is null", at))
				continue
			}
			problems = append(problems, p.parseNormalizer(at, n))
		}
		return errors.Join(problems...)
	case "BertNormalizer":
		return p.parseBert(path, data)
	case "NFC":
		p.addNormalizer(newForm(p.classes, false, true))
	case "NFD":
		p.addNormalizer(newForm(p.classes, false, false))
	case "NFKC":
		p.addNormalizer(newForm(p.classes, true, true))
	case "NFKD":
		p.addNormalizer(newForm(p.classes, true, false))
	case "Lowercase":
		p.addNormalizer(lowercase{})
	case "StripAccents":
		p.addNormalizer(&dropper{p.classes, stripped})
	case "Strip":
		var s struct {
			onlyType
			Left  *bool `json:"strip_left"`
			Right *bool `json:"strip_right"`
		}
		if err := strict(path, data, &s); err != nil {
			return err
		}
		p.addNormalizer(&stripper{p.classes, *s.Left, *s.Right})
	case "Prepend":
		var s struct {
			onlyType
			Prepend *string `json:"prepend"`
		}
		if err := strict(path, data, &s); err != nil {
			return err
		}
		p.addNormalizer(&prefixer{*s.Prepend})
	case "Replace":
		return p.parseReplace(path, data)
	case "Precompiled":
		return p.parsePrecompiled(path, data)
	default:
		return unsupported(path, kind, "BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents",
			"Strip", "Replace", "Prepend", "Precompiled", "Sequence", "null")
	}
	return nil
}

func (p *parser) addNormalizer(n ...normalizer) { p.normalizers = append(p.normalizers, n...) }

// parseBert takes BERT's normalizer for what it is, a sequence.
func (p *parser) parseBert(path string, data json.RawMessage) error {
	var n struct {
		onlyType
		Clean        *bool `json:"clean_text"`
		Chinese      *bool `json:"handle_chinese_chars"`
		StripAccents *bool `json:"strip_accents" optional:"as lowercase"`
		Lowercase    *bool `json:"lowercase"`
	}
	if err := strict(path, data, &n); err != nil {
		return err
	}
	if n.StripAccents == nil {
		n.StripAccents = n.Lowercase
	}
	if *n.Clean {
		p.addNormalizer(&cleaner{p.classes})
	}
	if *n.Chinese {
		p.addNormalizer(ideographs{})
	}
	if *n.StripAccents {
		p.addNormalizer(newForm(p.classes, false, false), &dropper{p.classes, accent})
	}
	if *n.Lowercase {
		p.addNormalizer(lowercase{})
	}
	return nil
}

func (p *parser) parseReplace(path string, data json.RawMessage) error {
	var r struct {
		onlyType
		Pattern *pattern `json:"pattern"`
		Content *string  `json:"content"`
	}
	if err := strict(path, data, &r); err != nil {
		return err
	}
	switch {
	case r.Pattern.String != nil && r.Pattern.Regex == nil:
		if *r.Pattern.String == "" {
			return fmt.Errorf("%s.pattern.String: is empty", path)
		}
		p.addNormalizer(&replacer{[]byte(*r.Pattern.String), []byte(*r.Content)})
	case r.Pattern.Regex != nil && r.Pattern.String == nil:
		n, ok := runPatterns[*r.Pattern.Regex]
		if !ok {
			return fmt.Errorf("%s.pattern.Regex: %.60q is not supported: want a String or one of %s",
				path, *r.Pattern.Regex, quotedKeys(runPatterns))
		}
		n.classes, n.to = p.classes, *r.Content
		p.addNormalizer(&n)
	default:
		return fmt.Errorf("%s.pattern: want String or Regex", path)
	}
	return nil
}
