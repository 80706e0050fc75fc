package tokenizer

import (
	"encoding/json"
	"fmt"
	"slices"
)

// parsePostProcessor finds the ids that go around a text. In a sequence, a
// processor's ids go around those of the ones before. But a template leaves its
// special tokens as sequences of their own, which the next would wrap one by one.
func (p *parser) parsePostProcessor(path string, data json.RawMessage) error {
	if absent(data) {
		return nil
	}
	kind, err := kindOf(path, data)
	if err != nil {
		return err
	}
	if p.templated && kind != "ByteLevel" && kind != "Sequence" {
		return fmt.Errorf("%s.type: %.40q behind TemplateProcessing is not supported: want ByteLevel or nothing there", path, kind)
	}
	switch kind {
	case "TemplateProcessing":
		p.templated = true
		return p.parseTemplate(path, data)
	case "BertProcessing":
		var b struct {
			onlyType
			Sep *tokenID `json:"sep"`
			Cls *tokenID `json:"cls"`
		}
		if err := strict(path, data, &b); err != nil {
			return err
		}
		p.wrap([]int32{int32(*b.Cls)}, []int32{int32(*b.Sep)})
	case "RobertaProcessing":
		var b struct {
			onlyType
			Sep         *tokenID `json:"sep"`
			Cls         *tokenID `json:"cls"`
			TrimOffsets *bool    `json:"trim_offsets"`     // changes no id
			PrefixSpace *bool    `json:"add_prefix_space"` // for trimming
		}
		if err := strict(path, data, &b); err != nil {
			return err
		}
		p.wrap([]int32{int32(*b.Cls)}, []int32{int32(*b.Sep)})
	case "ByteLevel": // trims offsets
		var b struct {
			onlyType
			PrefixSpace *bool `json:"add_prefix_space"`
			TrimOffsets *bool `json:"trim_offsets"`
			UseRegex    *bool `json:"use_regex" optional:"true"`
		}
		return strict(path, data, &b)
	case "Sequence":
		var s struct {
			onlyType
			Processors *[]json.RawMessage `json:"processors"`
		}
		if err := strict(path, data, &s); err != nil {
			return err
		}
		for i, b := range *s.Processors {
			at := fmt.Sprintf("%s.processors[%d]", path, i)
			if absent(b) {
				return fmt.Errorf("%s: is null", at)
			}
			if err := p.parsePostProcessor(at, b); err != nil {
				return err
			}
		}
	default:
		return unsupported(path, kind, "TemplateProcessing", "BertProcessing", "RobertaProcessing", "ByteLevel", "Sequence", "null")
	}
	return nil
}

func (p *parser) wrap(before, after []int32) {
	p.before, p.after = slices.Concat(before, p.before), slices.Concat(p.after, after)
}

// tokenID is [token, id], of which the id counts.
type tokenID int32

func (t *tokenID) UnmarshalJSON(data []byte) error {
	var pair []json.RawMessage
	var token string
	var id int32
	if json.Unmarshal(data, &pair) != nil || len(pair) != 2 || json.Unmarshal(pair[0], &token) != nil || json.Unmarshal(pair[1], &id) != nil {
		return fmt.Errorf("want [token, id], got %.60q", data)
	}
	*t = tokenID(id)
	return nil
}

func (p *parser) parseTemplate(path string, data json.RawMessage) error {
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
	var t struct {
		onlyType
		Single  *[]piece         `json:"single"`
		Pair    *json.RawMessage `json:"pair"`
		Special *map[string]struct {
			ID     string   `json:"id"`
			IDs    []int32  `json:"ids"`
			Tokens []string `json:"tokens"`
		} `json:"special_tokens"`
		// Some files have what was once a ByteLevel's; the original passes over it.
		PrefixSpace *bool `json:"add_prefix_space" optional:"yes"`
		TrimOffsets *bool `json:"trim_offsets" optional:"yes"`
		UseRegex    *bool `json:"use_regex" optional:"yes"`
	}
	if err := strict(path, data, &t); err != nil {
		return err
	}
	seen := false
	var before, after []int32
	for i, s := range *t.Single {
		switch {
		case s.Sequence != nil && s.Special == nil && s.Sequence.ID == "A" && s.Sequence.TypeID == 0 && !seen:
			seen = true
		case s.Special != nil && s.Sequence == nil && s.Special.TypeID == 0:
			special, ok := (*t.Special)[s.Special.ID]
			if !ok {
				return fmt.Errorf("%s.single[%d]: %.40q is not in special_tokens", path, i, s.Special.ID)
			}
			if seen {
				after = append(after, special.IDs...)
			} else {
				before = append(before, special.IDs...)
			}
		default:
			return fmt.Errorf("%s.single[%d]: want special tokens of type 0 around one sequence A of type 0", path, i)
		}
	}
	if !seen {
		return fmt.Errorf("%s.single: has no sequence A", path)
	}
	p.wrap(before, after)
	return nil
}
