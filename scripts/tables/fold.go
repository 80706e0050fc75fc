package main

import (
	"fmt"
	"slices"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// class bits, as in engine/text/rune.go.
const (
	word      = 1
	voiceMark = 2
	upper     = 4
)

// folded is one rune of a folding result.
type folded struct {
	r     rune
	class uint8
}

// folder computes the plain fold of single runes.
type folder struct {
	simplified map[rune]rune
	caser      cases.Caser
}

// all returns the plain fold of every rune and checks that folding a result
// again changes nothing.
func (f *folder) all() ([][]folded, error) {
	all := make([][]folded, unicode.MaxRune+1)
	for r := range all {
		if 0xD800 <= r && r <= 0xDFFF {
			continue // surrogates are not runes
		}
		all[r] = f.classify(rune(r))
	}
	for r, to := range all {
		for _, t := range to {
			if again := all[t.r]; len(again) != 1 || again[0].r != t.r {
				return nil, fmt.Errorf("fold of %U is not stable at %U", r, t.r)
			}
		}
	}
	return all, nil
}

// fold applies decompose, drop, case folding and simplification until nothing
// changes. Marks go before case folding, which would make a letter of one of
// them (U+0345).
func (f *folder) fold(runes []rune) []rune {
	for range 8 {
		var next []rune
		for _, r := range runes {
			for _, d := range decompose(r) {
				switch {
				case isBlank(d):
					next = append(next, ' ')
				case !isDropped(d):
					next = append(next, d)
				}
			}
		}
		next = f.foldCase(next)
		for i, r := range next {
			if s, ok := f.simplified[r]; ok {
				next[i] = s
			}
		}
		if slices.Equal(next, runes) {
			return next
		}
		runes = next
	}
	panic(fmt.Sprintf("fold of %U does not settle", runes))
}

// foldCase is full case folding. Cherokee is done by hand: it folds to capitals,
// and package cases swaps its capitals and small letters instead.
func (f *folder) foldCase(runes []rune) []rune {
	var out []rune
	for _, r := range runes {
		if unicode.Is(unicode.Cherokee, r) {
			out = append(out, unicode.ToUpper(r))
			continue
		}
		out = append(out, []rune(f.caser.String(string(r)))...)
	}
	return out
}

// classify returns the fold of r with the class of each rune.
func (f *folder) classify(r rune) []folded {
	isUpper := unicode.In(r, unicode.Lu, unicode.Lt, unicode.Other_Uppercase)
	for _, d := range decompose(r) {
		isUpper = isUpper || unicode.In(d, unicode.Lu, unicode.Lt)
	}
	var out []folded
	for _, t := range f.fold([]rune{r}) {
		c := classOf(t)
		if isUpper && unicode.IsLetter(t) {
			c |= upper
		}
		out = append(out, folded{t, c})
	}
	return out
}

// isBlank reports whether r is white space, or U+2800, an empty braille cell
// that no font draws.
func isBlank(r rune) bool { return unicode.Is(unicode.White_Space, r) || r == 0x2800 }

// isDropped reports whether r has no place in the plain view.
func isDropped(r rune) bool {
	switch {
	case isBlank(r):
		return false
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point):
		return true
	case r == 0x0640: // Arabic tatweel: stretches a word, means nothing
		return true
	}
	return unicode.Is(accents, r)
}

// accents are the combining marks of Latin, Greek, Cyrillic and Coptic, and
// those for symbols (keycaps, strokes). Marks of all other scripts carry
// meaning.
var accents = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x0300, Hi: 0x036F, Stride: 1},
	{Lo: 0x0483, Hi: 0x0489, Stride: 1},
	{Lo: 0x1AB0, Hi: 0x1AFF, Stride: 1},
	{Lo: 0x1DC0, Hi: 0x1DFF, Stride: 1},
	{Lo: 0x20D0, Hi: 0x20FF, Stride: 1},
	{Lo: 0x2CEF, Hi: 0x2CF1, Stride: 1},
	{Lo: 0x2DE0, Hi: 0x2DFF, Stride: 1},
	{Lo: 0xA66F, Hi: 0xA672, Stride: 1},
	{Lo: 0xA674, Hi: 0xA67D, Stride: 1},
	{Lo: 0xA69E, Hi: 0xA69F, Stride: 1},
	{Lo: 0xFE20, Hi: 0xFE2F, Stride: 1},
}}

// decompose is the compatibility decomposition (NFKD) of r, except that Hangul
// stays in the form in which people write it, and that the spacing voiced sound
// marks become the combining ones instead of a blank and a mark.
func decompose(r rune) []rune {
	switch {
	case 0xAC00 <= r && r <= 0xD7A3, 0x3131 <= r && r <= 0x318E:
		return []rune{r}
	case 0xFFA1 <= r && r <= 0xFFBE:
		return []rune{r - 0xFFA1 + 0x3131} // half-width jamo: consonants
	case 0xFFC2 <= r && r <= 0xFFDC && (r-0xFFC2)%8 < 6:
		return []rune{0x314F + (r-0xFFC2)/8*6 + (r-0xFFC2)%8} // vowels, six of every eight places
	case r == 0x309B, r == 0x309C:
		return []rune{r - 2}
	}
	return composeHangul([]rune(norm.NFKD.String(string(r))))
}

// composeHangul joins conjoining jamo to syllables (The Unicode Standard,
// section 3.12).
func composeHangul(runes []rune) []rune {
	const leads, vowels, trails = 19, 21, 28
	var out []rune
	for _, r := range runes {
		if n := len(out); n > 0 {
			last := out[n-1]
			v, t := r-0x1161, r-0x11A7
			if l := last - 0x1100; 0 <= l && l < leads && 0 <= v && v < vowels {
				out[n-1] = 0xAC00 + (l*vowels+v)*trails
				continue
			}
			if s := last - 0xAC00; 0 <= s && s < leads*vowels*trails && s%trails == 0 && 0 < t && t < trails {
				out[n-1] = last + t
				continue
			}
		}
		out = append(out, r)
	}
	return out
}

// classOf returns the class of a folded rune, without upper.
func classOf(r rune) uint8 {
	switch {
	case r == 0x3099, r == 0x309A:
		return voiceMark
	case r == '_':
		return word
	case isText(r) && !isUnspaced(r):
		return word
	}
	return 0
}

// isText reports whether r is a letter, a number or a mark.
func isText(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.M) }

// isUnspaced reports whether r belongs to a script that does not separate
// words. The block from U+3000 on adds what kana and Han share with all
// scripts, such as ー.
func isUnspaced(r rune) bool {
	return 0x3000 <= r && r <= 0x30FF || unicode.In(r,
		unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Nushu, unicode.Tangut,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tai_Le, unicode.New_Tai_Lue,
		unicode.Tai_Tham, unicode.Tai_Viet, unicode.Javanese, unicode.Balinese)
}
