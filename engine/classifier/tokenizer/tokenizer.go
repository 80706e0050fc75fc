package tokenizer

import (
	"sync"
	"unicode/utf8"
)

// Tokenizer turns text into ids. It is immutable and safe for concurrent use.
type Tokenizer struct {
	verbatim      addedTokens    // looked for in the text as it is
	normalized    addedTokens    // looked for in the normalised text
	normalizers   []normalizer   // one after the other
	preTokenizers []preTokenizer // each cuts the pieces of the one before
	model         model
	before, after []int32
	pad           int32
	size          int
}

// normalizer rewrites text.
type normalizer interface {
	// normalise appends what becomes of text to dst and returns that and true. If
	// text stays as it is, it returns nil or dst, whatever is in it, and false.
	normalise(dst, text []byte, s *scratch) ([]byte, bool)
}

// preTokenizer cuts text into pieces.
type preTokenizer interface {
	// cut hands the pieces of text, which is not empty, to out in their order.
	// first says that text is from the very start of the whole text.
	cut(text []byte, first bool, out next)
}

// model cuts a piece of text into tokens and appends their ids.
type model interface {
	append(dst []int32, text []byte, s *scratch) []int32
}

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
// is linear in the text, but for a factor log n in a long word of BPE. Bytes that
// are no UTF-8 count as U+FFFD each. The text must be shorter than 256 MiB.
func (t *Tokenizer) AppendIDs(dst []int32, text string) []int32 {
	s := scratches.Get().(*scratch)
	s.ids = dst
	s.text = appendValid(s.text[:0], text)
	for at := (cursor{}); ; {
		from := at.covered
		start, id := t.verbatim.next(s.text, &at)
		if from < start {
			t.segment(s, s.text[from:start], from == 0)
		}
		if id == none {
			break
		}
		s.ids = append(s.ids, id)
	}
	dst, s.ids = s.ids, nil
	if s.size() <= maxScratch {
		scratches.Put(s)
	}
	return dst
}

// segment tokenizes what lies between two verbatim added tokens.
func (t *Tokenizer) segment(s *scratch, text []byte, first bool) {
	text = t.normalise(s, text)
	for at := (cursor{}); ; {
		from := at.covered
		start, id := t.normalized.next(text, &at)
		if from < start {
			t.cut(s, 0, text[from:start], first && from == 0)
		}
		if id == none {
			return
		}
		s.ids = append(s.ids, id)
	}
}

// normalise runs the normalizers. What it returns is text or one of two buffers
// that take turns.
func (t *Tokenizer) normalise(s *scratch, text []byte) []byte {
	for _, n := range t.normalizers {
		switch out, changed := n.normalise(s.spare[:0], text, s); {
		case changed:
			s.spare, s.work = s.work, out
			text = out
		case out != nil:
			s.spare = out // it may have grown
		}
	}
	return text
}

// cut runs the pre-tokenizers from stage on, depth first, and at the end the model.
func (t *Tokenizer) cut(s *scratch, stage int, text []byte, first bool) {
	switch {
	case len(text) == 0:
	case stage == len(t.preTokenizers):
		s.ids = t.model.append(s.ids, text, s)
	default:
		t.preTokenizers[stage].cut(text, first, next{t, s, stage + 1})
	}
}

// next is what takes the pieces of a pre-tokenizer.
type next struct {
	t     *Tokenizer
	s     *scratch
	stage int
}

func (n next) piece(text []byte, first bool) { n.t.cut(n.s, n.stage, text, first) }

// buffers returns two buffers that are the sender's own; see keep.
func (n next) buffers() (a, b []byte) {
	for len(n.s.stages) < n.stage {
		n.s.stages = append(n.s.stages, [2][]byte{})
	}
	p := &n.s.stages[n.stage-1]
	return p[0][:0], p[1][:0]
}

// keep takes the buffers back, which may have grown.
func (n next) keep(a, b []byte) { n.s.stages[n.stage-1] = [2][]byte{a, b} }

// scratch is the memory of one call of AppendIDs.
type scratch struct {
	ids         []int32     // the result so far
	text        []byte      // the whole text, valid UTF-8
	spare, work []byte      // of normalise
	stages      [][2][]byte // of the pre-tokenizers
	marks       []mark      // of form
	best        []arrival   // of unigram
	symbols     []symbol    // of bpe
	queue       []merge     // of bpe
}

// maxScratch is the most bytes that a scratch may have to be used again: a huge
// text must not keep its buffers.
const maxScratch = 1 << 20 // 1 MiB

// size is roughly the bytes that s holds.
func (s *scratch) size() int {
	n := cap(s.text) + cap(s.spare) + cap(s.work) + 8*cap(s.marks) + 16*cap(s.best) + 12*cap(s.symbols) + 12*cap(s.queue)
	for _, b := range s.stages {
		n += cap(b[0]) + cap(b[1])
	}
	return n
}

var scratches = sync.Pool{New: func() any { return &scratch{} }}

// appendValid appends text, with U+FFFD for every byte that is no UTF-8.
func appendValid(dst []byte, text string) []byte {
	if utf8.ValidString(text) {
		return append(dst, text...)
	}
	for _, r := range text {
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// ascii says whether text is ASCII alone, for which many stages are short.
func ascii(text []byte) bool {
	for _, b := range text {
		if b >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
