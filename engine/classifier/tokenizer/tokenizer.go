package tokenizer

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Before and After return the ids that stand before and behind the text when a
// model reads it. They must not be changed.
func (t *Tokenizer) Before() []int32 { return t.before }

// After is described at Before.
func (t *Tokenizer) After() []int32 { return t.after }

// Pad returns the id that fills rows up.
func (t *Tokenizer) Pad() int32 { return t.pad }

// VocabSize returns a number greater than every id.
func (t *Tokenizer) VocabSize() int { return t.size }

// AppendIDs appends the ids of text, without those of Before and After. Its cost
// is linear in the text.
func (t *Tokenizer) AppendIDs(dst []int32, text string) []int32 {
	s := scratches.Get().(*scratch)
	for text != "" {
		at, token := t.added.find(text)
		s.text = t.normalizer.append(s.text[:0], text[:at], s)
		dst = t.words(dst, s.text)
		if token == nil {
			break
		}
		dst = append(dst, token.ID)
		text = text[at+len(token.Content):]
	}
	if cap(s.text) <= 1<<16 { // 64 KiB: a huge text must not keep its buffers
		scratches.Put(s)
	}
	return dst
}

type scratch struct{ text, work []byte }

var scratches = sync.Pool{New: func() any { return &scratch{} }}

type addedTokens []addedToken

// find returns where the first added token begins, or the text's length.
func (a addedTokens) find(text string) (int, *addedToken) {
	at, found := len(text), (*addedToken)(nil)
	for i := range a {
		if k := strings.Index(text[:min(len(text), at+len(a[i].Content)-1)], a[i].Content); k >= 0 && k < at {
			at, found = k, &a[i]
		}
	}
	return at, found
}

// bertNormalizer is the normalizer of BERT, stage by stage as the original.
type bertNormalizer struct {
	clean, chinese, stripAccents, lowercase bool
}

func (n *bertNormalizer) append(dst []byte, text string, s *scratch) []byte {
	start := len(dst)
	for _, r := range text {
		if n.clean {
			if r == 0 || r == utf8.RuneError || isControl(r) {
				continue
			}
			if isSpace(r) {
				r = ' '
			}
		}
		if n.chinese && isChinese(r) {
			dst = append(dst, ' ')
			dst = utf8.AppendRune(dst, r)
			dst = append(dst, ' ')
			continue
		}
		dst = utf8.AppendRune(dst, r)
	}
	ascii := true
	for _, b := range dst[start:] {
		ascii = ascii && b < utf8.RuneSelf
	}
	if n.stripAccents && !ascii {
		s.work = norm.NFD.Append(s.work[:0], dst[start:]...)
		dst = dst[:start]
		for rest := s.work; len(rest) > 0; {
			r, size := utf8.DecodeRune(rest)
			if !isMark(r) {
				dst = append(dst, rest[:size]...)
			}
			rest = rest[size:]
		}
	}
	if !n.lowercase {
		return dst
	}
	if ascii {
		for i, b := range dst[start:] {
			if b-'A' < 26 {
				dst[start+i] = b + 'a' - 'A'
			}
		}
		return dst
	}
	s.work = append(s.work[:0], dst[start:]...)
	dst = dst[:start]
	for rest := s.work; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		rest = rest[size:]
		if r == 'İ' { // the one letter whose small form is two
			dst = append(dst, "i\u0307"...)
			continue
		}
		dst = utf8.AppendRune(dst, small(r))
	}
	return dst
}

// words cuts normalized text at white space and around punctuation, as BERT's
// pre-tokenizer does, and appends the pieces of every word.
func (t *Tokenizer) words(dst []int32, text []byte) []int32 {
	start, runes := 0, 0
	flush := func(end int) {
		if end > start {
			dst = t.model.append(dst, text[start:end], runes)
		}
	}
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[i:])
		}
		switch {
		case isSpace(r):
			flush(i)
			start, runes = i+size, 0
		case isPunctuation(r):
			flush(i)
			start, runes = i, 1
			flush(i + size)
			start, runes = i+size, 0
		default:
			runes++
		}
		i += size
	}
	flush(len(text))
	return dst
}

// wordPiece cuts words into the longest pieces that the vocabulary has.
type wordPiece struct {
	first, rest map[string]int32 // pieces at the start of a word, and further on
	unknown     int32
	maxRunes    int // of a word; a longer one is unknown
	longest     int // bytes of a piece
}

func (m *wordPiece) append(dst []int32, word []byte, runes int) []int32 {
	n := len(dst)
	if runes > m.maxRunes {
		return append(dst, m.unknown)
	}
	pieces := m.first
	for len(word) > 0 {
		end := min(len(word), m.longest)
		for ; end > 0; end-- {
			if end < len(word) && !utf8.RuneStart(word[end]) {
				continue
			}
			if id, ok := pieces[string(word[:end])]; ok {
				dst = append(dst, id)
				break
			}
		}
		if end == 0 {
			return append(dst[:n], m.unknown)
		}
		word, pieces = word[end:], m.rest
	}
	return dst
}

// isSpace is Unicode's White_Space.
func isSpace(r rune) bool { return unicode.IsSpace(r) }

func isControl(r rune) bool {
	switch r {
	case '\t', '\n', '\r':
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co) && !unicode.Is(formatSince, r)
}

func isPunctuation(r rune) bool {
	if r < utf8.RuneSelf {
		return '!' <= r && r <= '/' || ':' <= r && r <= '@' || '[' <= r && r <= '`' || '{' <= r && r <= '~'
	}
	return unicode.IsPunct(r) && !unicode.Is(punctuationSince, r) || unicode.Is(punctuationOnce, r)
}

func isMark(r rune) bool {
	return unicode.Is(unicode.Mn, r) && !unicode.Is(marksSince, r) || unicode.Is(marksOnce, r)
}

func small(r rune) rune {
	if s, ok := smallSince[r]; ok {
		return s
	}
	return unicode.ToLower(r)
}

// isChinese is the ideographs that BERT takes for words of their own.
func isChinese(r rune) bool {
	return r >= 0x3400 && (r <= 0x4DBF || r >= 0x4E00 && r <= 0x9FFF || r >= 0xF900 && r <= 0xFAFF ||
		r >= 0x20000 && (r <= 0x2A6DF || r >= 0x2A700 && r <= 0x2B73F || r >= 0x2B740 && r <= 0x2B81F ||
			r >= 0x2B920 && r <= 0x2CEAF || r >= 0x2F800 && r <= 0x2FA1F))
}
