package tokenizer

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// parseAdded reads added_tokens. The original does not go by the ids in the file:
// a token of the model's vocabulary has its id there, and the others are counted on
// from the vocabulary's size. A file that says otherwise is refused.
func (p *parser) parseAdded(data json.RawMessage) error {
	var tokens []json.RawMessage
	if !absent(data) {
		if err := strict("added_tokens", data, &tokens); err != nil {
			return err
		}
	}
	counted := int32(len(p.vocab)) // the next id
	seen := map[string]addedToken{}
	strips, problem := false, error(nil)
	var verbatim, normalized addedTokens
	verbatimContents, normalizedContents := map[string]int32{}, map[string]int32{}
	for i, data := range tokens {
		path := fmt.Sprintf("added_tokens[%d]", i)
		a, err := parseAddedToken(path, data)
		if err != nil {
			return err
		}
		if a.Content == "" {
			return fmt.Errorf("%s.content: is empty", path)
		}
		if before, ok := seen[a.Content]; ok {
			if a != before {
				return fmt.Errorf("%s.content: %.40q: is there twice, with different settings", path, a.Content)
			}
			continue
		}
		seen[a.Content] = a
		id, ok := p.vocab[a.Content]
		if !ok {
			id = counted
		}
		counted = max(counted, id+1)
		if a.ID != id {
			return fmt.Errorf("%s.id: %d: the original takes %d for %.40q: want that", path, a.ID, id, a.Content)
		}
		p.size = max(p.size, int(id)+1)
		into, contents, content := &verbatim, verbatimContents, a.Content
		if a.Normalized {
			s := &scratch{}
			into, contents, content = &normalized, normalizedContents, string(p.normalise(s, []byte(content)))
		}
		if content == "" {
			return fmt.Errorf("%s.content: %.40q: the normalizer leaves nothing of it", path, a.Content)
		}
		if _, ok := contents[content]; ok {
			return fmt.Errorf("%s.content: %.40q: another token is the same once normalised", path, a.Content)
		}
		contents[content] = int32(len(into.tokens))
		into.tokens = append(into.tokens, a)
		if r, _ := utf8.DecodeRuneInString(content); a.LStrip && p.classes.of(r)&space != 0 {
			problem = fmt.Errorf("%s.lstrip: true for %.40q, which begins with white space: not supported where another token has rstrip", path, a.Content)
		}
		strips = strips || a.RStrip
	}
	// The token before may then have taken the whole of it. The original fails.
	if strips && problem != nil {
		return problem
	}
	for content, a := range seen {
		p.vocab[content] = a.ID
	}
	p.verbatim, p.normalized = p.finish(verbatim, verbatimContents), p.finish(normalized, normalizedContents)
	return nil
}

func parseAddedToken(path string, data json.RawMessage) (addedToken, error) {
	var a struct {
		ID         *int32  `json:"id"`
		Content    *string `json:"content"`
		SingleWord *bool   `json:"single_word"`
		LStrip     *bool   `json:"lstrip"`
		RStrip     *bool   `json:"rstrip"`
		Normalized *bool   `json:"normalized"`
		Special    *bool   `json:"special"` // matters for decoding only
	}
	if err := strict(path, data, &a); err != nil {
		return addedToken{}, err
	}
	return addedToken{*a.ID, *a.Content, *a.SingleWord, *a.LStrip, *a.RStrip, *a.Normalized, *a.Special}, nil
}

// finish makes tokens findable; contents has their indices.
func (p *parser) finish(a addedTokens, contents map[string]int32) addedTokens {
	if len(contents) > 0 {
		a.trie, a.classes = newTrie(contents), p.classes
	}
	return a
}
