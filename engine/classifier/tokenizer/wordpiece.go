package tokenizer

import "unicode/utf8"

// wordPiece cuts words into the longest pieces that the vocabulary has, from left
// to right. A word with a part for which there is no piece is unknown as a whole.
type wordPiece struct {
	first, rest *trie // pieces at the start of a word, and further on
	unknown     int32
	maxRunes    int // of a word; a longer one is unknown
}

func (m *wordPiece) append(dst []int32, text []byte, _ *scratch) []int32 {
	if len(text) > m.maxRunes && utf8.RuneCount(text) > m.maxRunes {
		return append(dst, m.unknown)
	}
	n, pieces := len(dst), m.first
	for len(text) > 0 {
		id, size := pieces.longest(text)
		if id == none {
			return append(dst[:n], m.unknown)
		}
		dst = append(dst, id)
		text, pieces = text[size:], m.rest
	}
	return dst
}
