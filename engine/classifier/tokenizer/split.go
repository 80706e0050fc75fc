package tokenizer

import (
	"bytes"
	"unicode/utf8"
)

// splitter cuts at the matches of an expression or of a string.
//
// The expressions of byte-level tokenizers look ahead, which Go's regexp cannot.
// There are few of them, so each known one has a scanner of its own, by hand.
type splitter struct {
	classes   *classTable
	scan      scanner
	literal   string // in place of scan
	invert    bool
	behaviour behaviour
}

// scanner returns the size of the match that text, not empty, begins with; or of
// what is before the next match, and false.
type scanner func(c *classTable, text []byte) (size int, match bool)

func (s *splitter) cut(text []byte, first bool, out next) {
	p := pieces{text: text, first: first, behaviour: s.behaviour, out: out}
	for start := 0; start < len(text); {
		size, match := 0, false
		if s.scan != nil {
			size, match = s.scan(s.classes, text[start:])
		} else {
			size, match = scanLiteral(s.literal, text[start:])
		}
		p.add(start, start+size, match != s.invert)
		start += size
	}
	p.flush()
}

func scanLiteral(literal string, text []byte) (size int, match bool) {
	switch i := bytes.Index(text, []byte(literal)); i {
	case -1:
		return len(text), false
	case 0:
		return len(literal), true
	default:
		return i, false
	}
}

// scanners has the scanners by their expressions, as they are written in the files.
var scanners = map[string]scanner{
	`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`:                                          scanGPT2,
	`'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`:                                             scanGPT2,
	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`: scanLlama3,
	`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+`:       scanLlama3,
	`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`:      scanQwen2,
	`'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+`:                                                           scanCLIP,
}

func decode(text []byte) (rune, int) {
	if text[0] < utf8.RuneSelf {
		return rune(text[0]), 1
	}
	return utf8.DecodeRune(text)
}

// kind returns whether r is a letter, a number, white space or, 0, none of them.
func (t *classTable) kind(r rune) class { return t.of(r) & (letter | number | space) }

// runOf returns the bytes of the runes of one kind that text begins with.
func (t *classTable) runOf(kind class, text []byte) int {
	i := 0
	for i < len(text) {
		r, size := decode(text[i:])
		if t.kind(r) != kind {
			break
		}
		i += size
	}
	return i
}

// contraction returns the size of the ending that text begins with: 's 't 'm 'd
// 're 've 'll. If case does not count, ſ is an s.
func contraction(text []byte, fold bool) int {
	if len(text) < 2 || text[0] != '\'' {
		return 0
	}
	a, b := text[1], byte(0)
	if len(text) > 2 {
		b = text[2]
	}
	if fold {
		if a == 0xC5 && b == 0xBF {
			return 3
		}
		a, b = lower(a), lower(b)
	}
	switch {
	case a == 's' || a == 't' || a == 'm' || a == 'd':
		return 2
	case (a == 'r' || a == 'v') && b == 'e', a == 'l' && b == 'l':
		return 3
	}
	return 0
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// blanks returns how much of white space is a piece: all at the text's end, else
// all but the last rune, which goes with what follows; one rune in any case.
func (t *classTable) blanks(text []byte) int {
	end := t.runOf(space, text)
	if end == len(text) {
		return end
	}
	_, last := utf8.DecodeLastRune(text[:end])
	if end > last {
		return end - last
	}
	return end
}

// scanGPT2: an ending; a run of letters, of numbers or of anything else, with a
// blank before it or without; white space.
func scanGPT2(c *classTable, text []byte) (int, bool) {
	if n := contraction(text, false); n > 0 {
		return n, true
	}
	blank := 0
	if text[0] == ' ' && len(text) > 1 {
		blank = 1
	}
	r, _ := decode(text[blank:])
	if kind := c.kind(r); kind != space {
		return blank + c.runOf(kind, text[blank:]), true
	}
	return c.blanks(text), true
}

func scanLlama3(c *classTable, text []byte) (int, bool) { return scanCL100K(c, text, 3), true }
func scanQwen2(c *classTable, text []byte) (int, bool)  { return scanCL100K(c, text, 1), true }

// scanCL100K: an ending, whatever its case; letters, with any one rune before them
// that is no line break, letter or number; up to so many numbers; anything else,
// with a blank before and line breaks behind; white space up to its last line
// break; other white space.
func scanCL100K(c *classTable, text []byte, numbers int) int {
	if n := contraction(text, true); n > 0 {
		return n
	}
	r, size := decode(text)
	kind := c.kind(r)
	if kind == letter {
		return c.runOf(letter, text)
	}
	if kind == number {
		n := 0
		for ; numbers > 0 && n < len(text); numbers-- {
			r, size := decode(text[n:])
			if c.kind(r) != number {
				break
			}
			n += size
		}
		return n
	}
	if r != '\r' && r != '\n' {
		if n := c.runOf(letter, text[size:]); n > 0 {
			return size + n
		}
	}
	blank := 0
	if r == ' ' {
		blank = 1
	}
	if n := c.runOf(0, text[blank:]); n > 0 {
		for n += blank; n < len(text) && (text[n] == '\r' || text[n] == '\n'); n++ {
		}
		return n
	}
	run := text[:c.runOf(space, text)]
	if n := bytes.LastIndexAny(run, "\r\n"); n >= 0 {
		return n + 1
	}
	return c.blanks(text)
}

// scanCLIP: an ending; a run of letters; a single number; a run of anything else
// but white space, which is between the matches.
func scanCLIP(c *classTable, text []byte) (int, bool) {
	if n := contraction(text, false); n > 0 {
		return n, true
	}
	r, size := decode(text)
	switch kind := c.kind(r); kind {
	case number:
		return size, true
	case space:
		return c.runOf(space, text), false
	default:
		return c.runOf(kind, text), true
	}
}
