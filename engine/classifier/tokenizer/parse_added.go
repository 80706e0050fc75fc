package tokenizer

import (
	"encoding/json"
	"fmt"
)

// parseAdded reads added_tokens. The original does not go by the ids in the file:
// a token of the model's vocabulary has its id there, and the others are counted on
// from the vocabulary's size. A file that says otherwise is refused.
func (p *parser) parseAdded(data json.RawMessage) error {
	var tokens []addedToken
	if !absent(data) {
		if err := strict("added_tokens", data, &tokens); err != nil {
			return err
		}
	}
	counted := int32(len(p.vocab))
	seen := map[string]addedToken{}
	var verbatim, normalized addedTokens
	verbatimContents, normalizedContents := map[string]int32{}, map[string]int32{}
	for i, a := range tokens {
		path := fmt.Sprintf("added_tokens[%d]", i)
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
			counted++
		}
		if a.ID != id {
			return fmt.Errorf("%s.id: %d: the original takes %d for %.40q: want that", path, a.ID, id, a.Content)
		}
		p.size = max(p.size, int(id)+1)
		into, contents, content := &verbatim, verbatimContents, a.Content
		if a.Normalized {
			s := &scratch{}
			into, contents, content = &normalized, normalizedContents, string(p.normalize(s, []byte(content)))
		}
		if content == "" {
			return fmt.Errorf("%s.content: %.40q: the normalizer leaves nothing of it", path, a.Content)
		}
		if _, ok := contents[content]; ok {
			return fmt.Errorf("%s.content: %.40q: another token is the same once normalized", path, a.Content)
		}
		contents[content] = int32(len(into.tokens))
		into.tokens = append(into.tokens, a)
	}
	for content, a := range seen {
		p.vocab[content] = a.ID
	}
	p.verbatim, p.normalized = p.finish(verbatim, verbatimContents), p.finish(normalized, normalizedContents)
	return nil
}

func (p *parser) finish(a addedTokens, contents map[string]int32) addedTokens {
	if len(contents) > 0 {
		a.trie, a.classes = newTrie(contents), p.classes
	}
	return a
}
