package tokenizer

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// cleaner is clean_text of BERT: it drops control characters and the like, and
// makes blanks of white space.
type cleaner struct{ classes *classTable }

func (n *cleaner) normalise(dst, text []byte, _ *scratch) ([]byte, bool) {
	for i := 0; i < len(text); {
		r, size := decode(text[i:])
		i += size
		switch c := n.classes.of(r); {
		case c&dropped != 0:
		case c&space != 0:
			dst = append(dst, ' ')
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst, true
}

// ideographs is handle_chinese_chars of BERT: it puts blanks around each.
type ideographs struct{}

func (ideographs) normalise(dst, text []byte, _ *scratch) ([]byte, bool) {
	if ascii(text) {
		return nil, false
	}
	for i := 0; i < len(text); {
		r, size := decode(text[i:])
		i += size
		if isChinese(r) {
			dst = append(dst, ' ')
			dst = utf8.AppendRune(dst, r)
			dst = append(dst, ' ')
		} else {
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst, true
}

// isChinese is the ideographs that BERT takes for words of their own.
func isChinese(r rune) bool {
	return r >= 0x3400 && (r <= 0x4DBF || r >= 0x4E00 && r <= 0x9FFF || r >= 0xF900 && r <= 0xFAFF ||
		r >= 0x20000 && (r <= 0x2A6DF || r >= 0x2A700 && r <= 0x2B73F || r >= 0x2B740 && r <= 0x2B81F ||
			r >= 0x2B920 && r <= 0x2CEAF || r >= 0x2F800 && r <= 0x2FA1F))
}

// dropper drops the runes of a class, marks above all; no ASCII.
type dropper struct {
	classes *classTable
	class   class
}

func (n *dropper) normalise(dst, text []byte, _ *scratch) ([]byte, bool) {
	if ascii(text) {
		return nil, false
	}
	for i := 0; i < len(text); {
		r, size := decode(text[i:])
		i += size
		if n.classes.of(r)&n.class == 0 {
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst, true
}

// lowercase writes small letters, rune by rune: a sigma at the end of a word
// is like any other.
type lowercase struct{}

func (lowercase) normalise(dst, text []byte, _ *scratch) ([]byte, bool) {
	changes := false
	for _, b := range text {
		changes = changes || b >= utf8.RuneSelf || 'A' <= b && b <= 'Z'
	}
	if !changes {
		return nil, false
	}
	for i := 0; i < len(text); {
		r, size := decode(text[i:])
		i += size
		switch {
		case r < utf8.RuneSelf:
			dst = append(dst, lower(byte(r)))
		case r == 'İ': // the one letter whose small form is two runes
			dst = append(dst, "i\u0307"...)
		default:
			dst = utf8.AppendRune(dst, small(r))
		}
	}
	return dst, true
}

func small(r rune) rune {
	if s, ok := smallSince[r]; ok {
		return s
	}
	return unicode.ToLower(r)
}

// stripper drops white space at the ends.
type stripper struct {
	classes     *classTable
	left, right bool
}

func (n *stripper) normalise(dst, text []byte, _ *scratch) ([]byte, bool) {
	isSpace := func(r rune) bool { return n.classes.of(r)&space != 0 }
	if n.left {
		text = bytes.TrimLeftFunc(text, isSpace)
	}
	if n.right {
		text = bytes.TrimRightFunc(text, isSpace)
	}
	return append(dst, text...), true
}

// replacer replaces a string.
type replacer struct{ from, to []byte }

func (n *replacer) normalise(dst, text []byte, _ *scratch) ([]byte, bool) {
	changed := false
	for {
		i := bytes.Index(text, n.from)
		if i < 0 {
			return append(dst, text...), changed
		}
		dst = append(append(dst, text[:i]...), n.to...)
		text, changed = text[i+len(n.from):], true
	}
}

// runReplacer replaces runs of blanks, or of all white space, that have at least so
// many runes.
type runReplacer struct {
	classes *classTable
	blanks  bool
	least   int
	to      string
}

// runPatterns are the regular expressions that Replace is known with.
var runPatterns = map[string]runReplacer{
	` {2,}`: {blanks: true, least: 2}, ` +`: {blanks: true, least: 1},
	`\s{2,}`: {least: 2}, `\s+`: {least: 1},
}

func (n *runReplacer) normalise(dst, text []byte, _ *scratch) ([]byte, bool) {
	changed := false
	for i := 0; i < len(text); {
		start, runes := i, 0
		for i < len(text) {
			r, size := decode(text[i:])
			if r != ' ' && (n.blanks || n.classes.of(r)&space == 0) {
				break
			}
			i += size
			runes++
		}
		if runes >= n.least {
			dst, changed = append(dst, n.to...), true
		} else {
			dst = append(dst, text[start:i]...)
		}
		if i < len(text) {
			_, size := decode(text[i:])
			dst = append(dst, text[i:i+size]...)
			i += size
		}
	}
	return dst, changed
}

// prefixer puts a string before the text, if there is any.
type prefixer struct{ prefix string }

func (n *prefixer) normalise(dst, text []byte, _ *scratch) ([]byte, bool) {
	if len(text) == 0 {
		return nil, false
	}
	return append(append(dst, n.prefix...), text...), true
}
