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
	ID         int32
	Content    string
	SingleWord bool // not where a letter or digit is next to it
	LStrip     bool // takes the white space before it along
	RStrip     bool // takes the white space behind it along
	Normalized bool // looked for in the normalised text
	Special    bool // matters for decoding only
}

// cursor is how far a text has been searched. A token that takes white space along
// covers more than was searched; the next token may begin in there, and then, as
// with the original, what is covered can even shrink. Up to blanks is white space
// that was gone over before, for a token that is white space itself.
type cursor struct{ searched, covered, blanks int }

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
			stop = a.blanksEnd(text, stop, at)
		}
		at.searched, at.covered = i, stop
		return start, token.ID
	}
	at.searched = len(text)
	start, at.covered = len(text), len(text)
	return start, none
}

// blanksEnd returns where the white space at i ends.
func (a *addedTokens) blanksEnd(text []byte, i int, at *cursor) int {
	if i < at.blanks {
		return at.blanks
	}
	for i < len(text) {
		r, size := decode(text[i:])
		if a.classes.of(r)&space == 0 {
			break
		}
		i += size
	}
	at.blanks = i
	return i
}

func (a *addedTokens) wordBefore(text []byte) bool {
	r, size := utf8.DecodeLastRune(text)
	return size > 0 && a.classes.of(r)&word != 0
}

func (a *addedTokens) wordBehind(text []byte) bool {
	r, size := utf8.DecodeRune(text)
	return size > 0 && a.classes.of(r)&word != 0
}
