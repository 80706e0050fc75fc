package tokenizer

import (
	"bytes"
	"unicode/utf8"
)

// cutAt cuts at runes of certain classes: white space, punctuation, digits.
type cutAt struct {
	classes   *classTable
	class     class
	behaviour behaviour
}

func (c *cutAt) cut(text []byte, first bool, out next) {
	p := pieces{text: text, first: first, behaviour: c.behaviour, out: out}
	start := 0
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[i:])
		}
		if c.classes.of(r)&c.class != 0 {
			if start < i {
				p.add(start, i, false)
			}
			p.add(i, i+size, true)
			start = i + size
		}
		i += size
	}
	if start < len(text) {
		p.add(start, len(text), false)
	}
	p.flush()
}

// whitespace cuts into runs of letters, digits and the like, and runs of all else
// but white space.
type whitespace struct{ classes *classTable }

func (w *whitespace) cut(text []byte, first bool, out next) {
	start, kind := 0, space
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[i:])
		}
		k := w.classes.of(r) & (space | word)
		if k != kind {
			if kind != space {
				out.piece(text[start:i], first && start == 0)
			}
			start, kind = i, k
		}
		i += size
	}
	if kind != space {
		out.piece(text[start:], first && start == 0)
	}
}

// metaspace writes blanks as a visible rune, ▁, and cuts before it.
type metaspace struct {
	replacement string
	prepend     prepend
	split       bool
}

// prepend is which pieces get a blank in front if they have none.
type prepend uint8

const (
	prependNever prepend = iota
	prependFirst         // only the text's start
	prependAlways
)

func (m *metaspace) cut(text []byte, first bool, out next) {
	a, b := out.buffers()
	begins := text[0] == ' ' || bytes.HasPrefix(text, []byte(m.replacement))
	if !begins && (m.prepend == prependAlways || m.prepend == prependFirst && first) {
		a = append(a, m.replacement...)
	}
	for rest := text; ; {
		i := bytes.IndexByte(rest, ' ')
		if i < 0 {
			a = append(a, rest...)
			break
		}
		a = append(append(a, rest[:i]...), m.replacement...)
		rest = rest[i+1:]
	}
	out.keep(a, b)
	if !m.split {
		out.piece(a, first)
		return
	}
	start, i := 0, 0
	if bytes.HasPrefix(a, []byte(m.replacement)) {
		i = len(m.replacement)
	}
	for i < len(a) {
		k := bytes.Index(a[i:], []byte(m.replacement))
		if k < 0 {
			break
		}
		out.piece(a[start:i+k], first && start == 0)
		start, i = i+k, i+k+len(m.replacement)
	}
	out.piece(a[start:], first && start == 0)
}

// byteLevel writes every byte as a visible rune, so that a vocabulary of runes has
// a token for whatever there is.
type byteLevel struct {
	alphabet    *[256]string
	prefixSpace bool
	split       *splitter // or nil
}

func (l *byteLevel) cut(text []byte, first bool, out next) {
	a, b := out.buffers()
	if l.prefixSpace && text[0] != ' ' {
		a = append(append(a, ' '), text...)
		text = a
	}
	for start := 0; start < len(text); {
		size := len(text) - start
		if l.split != nil {
			size, _ = l.split.scan(l.split.classes, text[start:])
		}
		b = b[:0]
		for _, c := range text[start : start+size] {
			b = append(b, l.alphabet[c]...)
		}
		out.keep(a, b)
		out.piece(b, first && start == 0)
		start += size
	}
}

// byteAlphabet returns the runes of bytes: printable ones stand for themselves,
// the others are counted on from U+0100.
func byteAlphabet() *[256]string {
	var a [256]string
	n := rune(0x100)
	for b := range rune(256) {
		if '!' <= b && b <= '~' || 0xA1 <= b && b <= 0xAC || 0xAE <= b {
			a[b] = string(b)
			continue
		}
		a[b] = string(n)
		n++
	}
	return &a
}
