package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// file is tokenizer.json. Truncation and the decoder change no id of a text that is
// not cut, and are the caller's.
type file struct {
	Version       string          `json:"version"`
	Truncation    json.RawMessage `json:"truncation"`
	Padding       json.RawMessage `json:"padding"`
	AddedTokens   json.RawMessage `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         json.RawMessage `json:"model"`
}

// parser reads the parts of the file, in the order in which they need each other.
type parser struct {
	*Tokenizer
	classes   *classTable
	vocab     map[string]int32 // the model's, and after parseAdded all
	templated bool             // by a post-processor
}

// Parse reads tokenizer.json. All that it does not support is reported at once,
// each with its path in the file.
func Parse(data []byte) (*Tokenizer, error) {
	var f file
	if err := strict("", data, &f); err != nil {
		return nil, fmt.Errorf("tokenizer%w", err)
	}
	p := &parser{Tokenizer: &Tokenizer{}, classes: newClassTable()}
	var problems []error
	if f.Version != "1.0" {
		problems = append(problems, fmt.Errorf("version: %.20q: want 1.0", f.Version))
	}
	problems = append(problems, p.parseNormalizer("normalizer", f.Normalizer),
		p.parsePreTokenizer("pre_tokenizer", f.PreTokenizer), p.parseModel("model", f.Model))
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if err := errors.Join(p.parseAdded(f.AddedTokens), p.parsePostProcessor("post_processor", f.PostProcessor), p.parsePadding(f.Padding)); err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return p.Tokenizer, p.checkIDs()
}

// checkIDs finds special tokens that are in no vocabulary.
func (p *parser) checkIDs() error {
	for _, ids := range [][]int32{p.before, p.after} {
		for _, id := range ids {
			if id < 0 || int(id) >= p.size {
				return fmt.Errorf("tokenizer: post_processor: id %d: is not in the vocabulary", id)
			}
		}
	}
	if p.pad < 0 || int(p.pad) >= p.size {
		return fmt.Errorf("tokenizer: padding.pad_id: %d: is not in the vocabulary", p.pad)
	}
	return nil
}

// strict reads data, which must have all fields of into that are pointers, unless
// they are tagged optional, and no others than into has.
func strict(path string, data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("%s: something follows the JSON value", path)
	}
	v := reflect.ValueOf(into).Elem()
	if v.Kind() != reflect.Struct {
		return nil
	}
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if v.Field(i).Kind() == reflect.Pointer && v.Field(i).IsNil() && field.Tag.Get("optional") == "" {
			return fmt.Errorf("%s.%s: is missing", path, field.Tag.Get("json"))
		}
	}
	return nil
}

func absent(data json.RawMessage) bool { return len(data) == 0 || string(data) == "null" }

// kindOf returns the type of a stage.
func kindOf(path string, data json.RawMessage) (string, error) {
	var kind struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(data, &kind); err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return kind.Type, nil
}

func unsupported(path, kind string, supported ...string) error {
	return fmt.Errorf("%s.type: %.40q is not supported: want %s or %s", path, kind,
		strings.Join(supported[:len(supported)-1], ", "), supported[len(supported)-1])
}

// onlyType is a stage without settings.
type onlyType struct {
	Type string `json:"type"`
}

// pattern is what Replace and Split look for.
type pattern struct {
	String *string `json:"String" optional:"yes"`
	Regex  *string `json:"Regex" optional:"yes"`
}

// padding has the id that fills rows up. The rest is the caller's.
func (p *parser) parsePadding(data json.RawMessage) error {
	for _, token := range []string{"<pad>", "[PAD]"} {
		if id, ok := p.vocab[token]; ok {
			p.pad = id
		}
	}
	if absent(data) {
		return nil
	}
	var padding struct {
		ID *int32 `json:"pad_id"`
	}
	if err := json.Unmarshal(data, &padding); err != nil {
		return fmt.Errorf("padding: %w", err)
	}
	if padding.ID == nil {
		return errors.New("padding.pad_id: is missing")
	}
	p.pad = *padding.ID
	return nil
}
