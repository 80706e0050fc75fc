package tokenizer

import "unicode/utf8"

// addedTokens finds tokens that stand for themselves wherever they are, such as
// <s>: the leftmost one, and of those that begin there the longest.
type addedTokens struct {
	trie    *trie // of the contents; its values are indices of tokens
	tokens  []addedToken
	classes *classTable
}

type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // not where a letter or digit is next to it
	LStrip     bool   `json:"lstrip"`      // takes the white space before it along
	RStrip     bool   `json:"rstrip"`      // takes the white space behind it along
	Normalized bool   `json:"normalized"`  // looked for in the normalized text
	Special    bool   `json:"special"`     // matters for decoding only
}

// cursor is how far a text has been searched. A token that takes white space along
// covers more than was searched; the next token may begin in there, and then, as
// with the original, what is covered can even shrink.
type cursor struct{ searched, covered int }

// next returns where the next added token begins, counting the white space that
// it takes along, and its id; or the text's length and none.
func (a *addedTokens) next(text []byte, at *cursor) (start int, id int32) {
	if a.trie == nil {
		at.searched, at.covered = len(text), len(text)
		return len(text), none
	}
	for i := at.searched; i < len(text); {
		if a.trie.root[text[i]] == 0 {
			i++
			continue
		}
		which, size := a.trie.longest(text[i:])
		if size == 0 {
			i++
			continue
		}
		token, start, stop := &a.tokens[which], i, i+size
		i = stop
		if token.SingleWord && (a.wordBefore(text[:start]) || a.wordBehind(text[stop:])) {
			continue
		}
		if token.LStrip {
			for start > at.covered {
				r, size := utf8.DecodeLastRune(text[:start])
				if a.classes.of(r)&space == 0 {
					break
				}
				start -= size
			}
			start = max(start, at.covered)
		}
		if token.RStrip {
			for stop < len(text) {
				r, size := utf8.DecodeRune(text[stop:])
				if a.classes.of(r)&space == 0 {
					break
				}
				stop += size
			}
		}
		at.searched, at.covered = i, stop
		return start, token.ID
	}
	at.searched = len(text)
	start, at.covered = len(text), len(text)
	return start, none
}

func (a *addedTokens) wordBefore(text []byte) bool {
	r, size := utf8.DecodeLastRune(text)
	return size > 0 && a.classes.of(r)&word != 0
}

func (a *addedTokens) wordBehind(text []byte) bool {
	r, size := utf8.DecodeRune(text)
	return size > 0 && a.classes.of(r)&word != 0
}
