package tokenizer

import (
	"slices"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// form is a normal form of Unicode: NFD, NFC, NFKD or NFKC.
//
// What a rune consists of and how marks are ordered is in golang.org/x/text, but
// its normal forms know a newer edition of Unicode than the original, and put a
// joiner into long rows of marks (TestNotTheLibrary). So only its tables are used,
// and those only for the runes that the original knows of.
type form struct {
	classes    *classTable
	compatible bool             // NFKC and NFKD
	composed   map[[2]rune]rune // NFC and NFKC: what two runes make, but for Hangul; else nil
	properties func([]byte) norm.Properties
}

// mark is a rune and its combining class: 0, or where it goes among other marks.
type mark struct {
	r     rune
	class uint8
}

func newForm(classes *classTable, compatible, compose bool) *form {
	n := &form{classes: classes, compatible: compatible, properties: norm.NFD.Properties}
	if compatible {
		n.properties = norm.NFKD.Properties
	}
	if compose {
		n.composed = map[[2]rune]rune{}
		for i, run := range runs {
			if run.class&canonical == 0 {
				continue
			}
			for r := run.from; r < runs[i+1].from; r++ {
				n.addPair(r)
			}
		}
	}
	return n
}

// addPair notes which two runes make r. Some that have parts are never made of them.
func (n *form) addPair(r rune) {
	whole := string(r)
	parts := []rune(norm.NFD.String(whole))
	if isHangul(r) || len(parts) < 2 || norm.NFC.String(whole) != whole {
		return
	}
	first := []rune(norm.NFC.String(string(parts[:len(parts)-1])))
	if len(first) == 1 {
		n.composed[[2]rune{first[0], parts[len(parts)-1]}] = r
	}
}

func (n *form) normalise(dst, text []byte, s *scratch) ([]byte, bool) {
	if ascii(text) {
		return nil, false
	}
	marks := s.marks[:0]
	for i := 0; i < len(text); {
		r, size := decode(text[i:])
		marks = n.decompose(marks, r, text[i:i+size])
		i += size
	}
	order(marks)
	if n.composed != nil {
		marks = n.compose(marks)
	}
	for _, m := range marks {
		dst = utf8.AppendRune(dst, m.r)
	}
	s.marks = marks
	return dst, true
}

// decompose appends what r, encoded in text, consists of.
func (n *form) decompose(marks []mark, r rune, text []byte) []mark {
	c := n.classes.of(r)
	switch {
	case c&(canonical|compatible|reorders) == 0:
		return append(marks, mark{r, 0})
	case isHangul(r):
		return decomposeHangul(marks, r)
	case c&canonical != 0 || c&compatible != 0 && n.compatible:
		if parts := n.properties(text).Decomposition(); len(parts) > 0 {
			for len(parts) > 0 {
				r, size := decode(parts)
				marks = append(marks, mark{r, n.class(r)})
				parts = parts[size:]
			}
			return marks
		}
	}
	return append(marks, mark{r, n.class(r)})
}

func (n *form) class(r rune) uint8 {
	if n.classes.of(r)&reorders == 0 {
		return 0
	}
	var b [utf8.UTFMax]byte
	return norm.NFD.Properties(b[:utf8.EncodeRune(b[:], r)]).CCC()
}

// order sorts the marks between runes of class 0 by their classes.
func order(marks []mark) {
	for i := 0; i < len(marks); {
		if marks[i].class == 0 {
			i++
			continue
		}
		end := i + 1
		for end < len(marks) && marks[end].class != 0 {
			end++
		}
		if end-i > 1 {
			slices.SortStableFunc(marks[i:end], func(a, b mark) int { return int(a.class) - int(b.class) })
		}
		i = end
	}
}

// compose joins marks to the rune of class 0 before them, and such runes to each
// other, wherever no mark of the same or a higher class is in between.
func (n *form) compose(marks []mark) []mark {
	out := marks[:0]
	base, last := -1, -1 // of the rune that may take something; of the mark before, if there is one
	for _, m := range marks {
		if base >= 0 && last < int(m.class) {
			if r, ok := n.pair(out[base].r, m.r); ok {
				out[base].r = r
				continue
			}
		}
		if m.class == 0 {
			base, last = len(out), -1
		} else {
			last = int(m.class)
		}
		out = append(out, m)
	}
	return out
}

// Hangul syllables are made of two or three letters, by arithmetic.
const (
	hangul       = 0xAC00
	hangulFirst  = 0x1100
	hangulMiddle = 0x1161
	hangulLast   = 0x11A7 // which is no letter: a syllable need not have a last one
	firsts       = 19
	middles      = 21
	lasts        = 28
)

func isHangul(r rune) bool { return hangul <= r && r < hangul+firsts*middles*lasts }

func decomposeHangul(marks []mark, r rune) []mark {
	r -= hangul
	marks = append(marks, mark{hangulFirst + r/(middles*lasts), 0}, mark{hangulMiddle + r/lasts%middles, 0})
	if r%lasts != 0 {
		marks = append(marks, mark{hangulLast + r%lasts, 0})
	}
	return marks
}

func (n *form) pair(a, b rune) (rune, bool) {
	if i, k := a-hangulFirst, b-hangulMiddle; 0 <= i && i < firsts && 0 <= k && k < middles {
		return hangul + (i*middles+k)*lasts, true
	}
	if isHangul(a) && (a-hangul)%lasts == 0 && hangulLast < b && b < hangulLast+lasts {
		return a + b - hangulLast, true
	}
	r, ok := n.composed[[2]rune{a, b}]
	return r, ok
}
