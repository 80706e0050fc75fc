package text_test

import (
	"testing"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"github.com/seed-4f09bd3a/weir/engine/text"
)

// needsSameUnicode skips a test that asks packages of the toolchain about runes
// where they are of another edition of Unicode than the tables.
func needsSameUnicode(t *testing.T) {
	t.Helper()
	if unicode.Version != text.UnicodeVersion || norm.Version != text.UnicodeVersion {
		t.Skipf("tables are of Unicode %s, the toolchain is of %s", text.UnicodeVersion, unicode.Version)
	}
}

// TestFoldAgreesWithNormAndCases compares the fold of every rune that Weir has
// no rule of its own for with NFKD and full case folding of package x/text.
func TestFoldAgreesWithNormAndCases(t *testing.T) {
	needsSameUnicode(t)
	caser := cases.Fold()
	compared := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		switch {
		case unicode.In(r, unicode.Cs, unicode.Cc, unicode.Cf, unicode.White_Space,
			unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
			continue // dropped or blank
		case unicode.Is(unicode.Mn, r) && unicode.In(r, unicode.Inherited, unicode.Cyrillic, unicode.Coptic), unicode.Is(unicode.Me, r):
			continue // dropped or not, by script
		case 0x1ab0 <= r && r <= 0x1aff, 0x20d0 <= r && r <= 0x20ff:
			continue // dropped, also those that later versions of Unicode add
		case unicode.Is(unicode.Han, r):
			continue // simplified
		case unicode.In(r, unicode.Hangul, unicode.Cherokee):
			continue // left composed; package cases swaps Cherokee capitals and small letters
		case r == 0x2800 || r == 0x309b || r == 0x309c || r == 0x0640:
			continue // empty braille cell, spacing sound marks, tatweel
		}
		want := norm.NFKD.String(string(r))
		want = caser.String(dropAccents(want))
		want = caser.String(dropAccents(norm.NFKD.String(want)))
		ours := false
		var folded []rune
		for _, w := range want {
			switch {
			case unicode.Is(unicode.Han, w), unicode.Is(unicode.Hangul, w):
				ours = true // an ideograph in a circle or square: simplified
			case w == 0x0640:
			case w == ' ' && len(folded) > 0 && folded[len(folded)-1] == ' ':
			default:
				folded = append(folded, w)
			}
		}
		if ours {
			continue
		}
		if got := text.FoldString(string(r)); string(got) != string(folded) {
			t.Errorf("%U %q folds to %+q, package x/text makes it %+q", r, r, got, folded)
		}
		compared++
	}
	if compared < 900_000 { // most of them unassigned or private, but no table must touch those either
		t.Errorf("compared only %d runes", compared)
	}
}

// dropAccents drops marks as the package says it does, from the properties of
// the runes instead of the generator's list.
func dropAccents(s string) string {
	var out []rune
	for _, r := range s {
		if unicode.In(r, unicode.Mn, unicode.Me) && unicode.In(r, unicode.Inherited, unicode.Greek, unicode.Cyrillic, unicode.Coptic) &&
			!unicode.In(r, meaningful) {
			continue
		}
		if unicode.In(r, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point, unicode.Cf) {
			continue
		}
		out = append(out, r)
	}
	return string(out)
}

// meaningful are the marks that several scripts share, none of them Latin,
// Greek or Cyrillic: Arabic, Devanagari and Vedic, kana, music of all times.
var meaningful = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x064b, Hi: 0x0655, Stride: 1},
		{Lo: 0x0670, Hi: 0x0670, Stride: 1},
		{Lo: 0x0951, Hi: 0x0954, Stride: 1},
		{Lo: 0x1cd0, Hi: 0x1cf9, Stride: 1},
		{Lo: 0x302a, Hi: 0x302d, Stride: 1},
		{Lo: 0x3099, Hi: 0x309a, Stride: 1},
	},
	R32: []unicode.Range32{{Lo: 0x1133b, Hi: 0x1d244, Stride: 1}},
}

// TestFoldComposedAndDecomposed: how accents and sound marks are encoded does
// not matter. Hangul is the exception: it is left as it comes.
func TestFoldComposedAndDecomposed(t *testing.T) {
	needsSameUnicode(t)
	compared := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		decomposed := norm.NFD.String(string(r))
		if unicode.Is(unicode.Cs, r) || decomposed == string(r) || unicode.Is(unicode.Hangul, r) {
			continue
		}
		if one, two := string(text.FoldString(string(r))), string(text.FoldString(decomposed)); one != two {
			t.Errorf("%U %q folds to %+q, decomposed to %+q", r, r, one, two)
		}
		compared++
	}
	if compared < 2000 {
		t.Errorf("compared only %d runes", compared)
	}
}

// TestFoldEveryRune: the expansion is bounded, and folding again changes nothing
// in either view.
func TestFoldEveryRune(t *testing.T) {
	needsSameUnicode(t)
	longest := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		folded := text.FoldString(string(r))
		longest = max(longest, len(folded))
		if again := text.FoldString(string(folded)); string(again) != string(folded) {
			t.Errorf("%U folds to %+q, and that to %+q", r, folded, again)
		}
		for _, f := range folded {
			if unicode.In(f, unicode.Cc, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) {
				t.Errorf("%U folds to %+q", r, folded)
			}
		}
		skeleton := text.SkeletonString(string(r))
		if again := text.SkeletonString(string(skeleton)); string(again) != string(skeleton) {
			t.Errorf("the skeleton of %U is %+q, and of that %+q", r, skeleton, again)
		}
	}
	if want := text.MaxExpansion - 3; longest != want {
		t.Errorf("the longest expansion is %d runes, want %d", longest, want)
	}
}
