package text_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/engine/text"
)

// plain returns the plain view of a text that comes in the given chunks.
func plain(t testing.TB, chunks ...string) []text.Rune {
	t.Helper()
	var f text.Folder
	var all []text.Rune
	dst := make([]text.Rune, 0, 2*text.MaxExpansion)
	received := 0
	for _, chunk := range chunks {
		for rest := []byte(chunk); len(rest) > 0; {
			out, n := f.Append(dst, rest)
			if n <= 0 {
				t.Fatalf("Append consumed %d of %d bytes with %d free places", n, len(rest), cap(dst))
			}
			all = append(all, out...)
			rest = rest[n:]
			received += n
			if f.Received() != int64(received) || f.Scanned() > f.Received() || f.Scanned() < f.Received()-3 {
				t.Fatalf("received %d, scanned %d after %d bytes", f.Received(), f.Scanned(), received)
			}
		}
	}
	all = f.Close(all)
	if f.Scanned() != f.Received() {
		t.Fatalf("scanned %d, received %d after Close", f.Scanned(), f.Received())
	}
	return all
}

func runesOf(view []text.Rune) string {
	var b strings.Builder
	for _, r := range view {
		b.WriteRune(r.R)
	}
	return b.String()
}

func TestFold(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"lower case", "Hello", "hello"},
		{"full width", "ＡＢＣ１２３！", "abc123!"},
		{"mathematical", "𝐀𝓫𝟙", "ab1"},
		{"circled", "Ⓐⓑ①㊀", "ab1一"},
		{"superscript", "x²ᵃ", "x2a"},
		{"ligature", "ﬁ ﬄ ﬅ", "fi ffl st"},
		{"one rune, eighteen", "ﷺ", "صلى الله عليه وسلم"},
		{"sharp s", "Straße ẞ", "strasse ss"},
		{"title case", "ǅ", "dz"},
		{"final sigma", "ΣΊΣΥΦΟΣ σς", "σισυφοσ σσ"},
		{"Greek accents", "Ἀθῆναι ᾳ ᾼ", "αθηναι α α"},
		{"Cyrillic accents", "Ёй Ї", "еи і"},
		{"Latin accents", "Ça Åé ṩ Việt", "ca ae s viet"},
		{"accents of their own", "e\u0301 a\u0308\u0323", "e a"},
		{"Turkish dotted I", "İI", "ii"},
		{"Cherokee folds to capitals", "ꭰᏸ", "ᎠᏰ"},
		{"stacked marks", "b\u0300\u036f\u0489o\u1ab0\u1dc4\u20dd\ufe20m", "bom"},
		{"Devanagari marks stay", "कि क़", "कि क\u093c"},
		{"Thai marks stay", "ที่", "ที่"},
		{"Arabic marks stay, tatweel goes", "كِتـــاب", "كِتاب"},
		{"Arabic presentation form", "ﻼ", "لا"},
		{"Hebrew points stay", "שׁ", "ש\u05c1"},
		{"kana voiced", "がぱガパ", "か\u3099は\u309aカ\u3099ハ\u309a"},
		{"kana voiced by a mark", "か\u3099は\u309a", "か\u3099は\u309a"},
		{"kana voiced by a spacing mark", "か゛は゜", "か\u3099は\u309a"},
		{"half-width kana", "ｶﾞﾊﾟｱｰ", "カ\u3099ハ\u309aアー"},
		{"kana scripts differ", "かカ", "かカ"},
		{"squared kana", "㌀", "アハ\u309aート"},
		{"Hangul stays", "한국어", "한국어"},
		{"compatibility jamo stay", "ㅋㅋ", "ㅋㅋ"},
		{"half-width jamo", "ﾡﾾￂￜ", "ㄱㅎㅏㅣ"},
		{"parenthesised Hangul", "㈎", "(가)"},
		{"traditional Chinese", "國際貿易與發展", "国际贸易与发展"},
		{"two steps to simplified", "薴", "苎"},
		{"simplified Chinese stays", "国际贸易", "国际贸易"},
		{"compatibility ideograph", "\uf91e\U0002f800", "烂丽"},
		{"radical", "⼀⾺", "一马"},
		{"zero width", "b\u200bo\u200cm\u200db\ufeff\u2060", "bomb"},
		{"bidi", "\u202eb\u2066o\u200fmb\u202c", "bomb"},
		{"variation selectors", "a\ufe0fb\U000e0100\u180b", "ab"},
		{"keycap", "1\ufe0f\u20e3", "1"},
		{"soft hyphen", "bo\u00admb", "bomb"},
		{"tags", "a\U000e0061\U000e007fb", "ab"},
		{"fillers", "a\u115f\u1160\u3164\uffa0\u034f\u17b4b", "ab"},
		{"controls", "a\x00\x07\x1b\x7f\u009fb", "ab"},
		{"white space", "a \t\r\n\u0085\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000\u2800b", "a b"},
		{"white space around what is dropped", "a \u200b b", "a b"},
		{"white space at the ends", "  a  ", " a "},
		{"blanks out of expansions", " ´ ", " "},
		{"a blank within an expansion", "a \ufe70 b", "a \u064b b"},
		{"fraction", "½", "1⁄2"},
		{"emoji", "💣👍🏽", "💣👍🏽"},
		{"private use, unassigned", "\ue000\U0010fffd\u0378", "\ue000\U0010fffd\u0378"},
		{"invalid byte", "a\xffb", "a\ufffdb"},
		{"stray lead bytes hide nothing", "b\xe4o\xf0\x9fm\xc3b", "b\ufffdo\ufffd\ufffdm\ufffdb"},
		{"stray continuation", "\x80a\xbf", "\ufffda\ufffd"},
		{"overlong", "\xc0\xaf\xe0\x80\xaf", "\ufffd\ufffd\ufffd\ufffd\ufffd"},
		{"surrogate", "\xed\xa0\x80", "\ufffd\ufffd\ufffd"},
		{"beyond Unicode", "\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd"},
		{"cut at the end", "a\xe4\xb8", "a\ufffd\ufffd"},
		{"lead byte before a rune", "\xf0\x9f\x98中", "\ufffd\ufffd\ufffd中"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := runesOf(plain(t, tt.in)); got != tt.want {
				t.Errorf("fold of %+q\n got %+q\nwant %+q", tt.in, got, tt.want)
			}
			if got := string(text.FoldString(tt.in)); got != tt.want {
				t.Errorf("FoldString(%+q)\n got %+q\nwant %+q", tt.in, got, tt.want)
			}
			var bytes []string
			for i := range len(tt.in) {
				bytes = append(bytes, tt.in[i:i+1])
			}
			if got := runesOf(plain(t, bytes...)); got != tt.want {
				t.Errorf("fold of %+q byte by byte\n got %+q\nwant %+q", tt.in, got, tt.want)
			}
		})
	}
}

func TestFoldSpansAndClasses(t *testing.T) {
	const (
		word  = text.Word
		upper = text.Word | text.Upper
		voice = text.VoiceMark
	)
	tests := []struct {
		name string
		in   string
		want []text.Rune
	}{
		{"ASCII", "Ab_1-", []text.Rune{
			{0, 'a', 1, upper}, {1, 'b', 1, word}, {2, '_', 1, word}, {3, '1', 1, word}, {4, '-', 1, 0},
		}},
		{"an expansion shares its span", "xﬁẞ", []text.Rune{
			{0, 'x', 1, word}, {1, 'f', 3, word}, {1, 'i', 3, word}, {4, 's', 3, upper}, {4, 's', 3, upper},
		}},
		{"full width and mathematical upper case", "Ａａ𝐀𝐚Ⓐ", []text.Rune{
			{0, 'a', 3, upper}, {3, 'a', 3, word}, {6, 'a', 4, upper}, {10, 'a', 4, word}, {14, 'a', 3, upper},
		}},
		{"only letters are upper case", "🄐", []text.Rune{{0, '(', 4, 0}, {0, 'a', 4, upper}, {0, ')', 4, 0}}},
		{"voiced kana", "がｶﾞ", []text.Rune{
			{0, 'か', 3, 0}, {0, 0x3099, 3, voice}, {3, 'カ', 3, 0}, {6, 0x3099, 3, voice},
		}},
		{"what is dropped leaves a hole", "a\u200bÁ", []text.Rune{{0, 'a', 1, word}, {4, 'a', 2, upper}}},
		{"the first blank stands for all", "a\u3000\nb", []text.Rune{{0, 'a', 1, word}, {1, ' ', 3, 0}, {5, 'b', 1, word}}},
		{"scripts without word separation", "國あア々ーทကㄅ", []text.Rune{
			{0, '国', 3, 0}, {3, 'あ', 3, 0}, {6, 'ア', 3, 0}, {9, '々', 3, 0}, {12, 'ー', 3, 0},
			{15, 'ท', 3, 0}, {18, 'က', 3, 0}, {21, 'ㄅ', 3, 0},
		}},
		{"scripts with word separation", "жक한", []text.Rune{{0, 'ж', 2, word}, {2, 'क', 3, word}, {5, '한', 3, word}}},
		{"invalid bytes", "\xe4\xb8a", []text.Rune{{0, 0xfffd, 1, 0}, {1, 0xfffd, 1, 0}, {2, 'a', 1, word}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, plain(t, tt.in)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestFolderCheckpoint: an assignment is a checkpoint, also inside a rune.
func TestFolderCheckpoint(t *testing.T) {
	var f text.Folder
	dst := make([]text.Rune, 0, text.MaxExpansion)
	f.Append(dst, []byte("a\xe4\xb8"))
	checkpoint := f
	first, _ := f.Append(dst, []byte("\xad"))
	if runesOf(first) != "中" || f.Scanned() != 4 {
		t.Errorf("got %q, scanned %d", runesOf(first), f.Scanned())
	}
	if checkpoint.Scanned() != 1 || checkpoint.Received() != 3 {
		t.Errorf("scanned %d, received %d in the middle of a rune", checkpoint.Scanned(), checkpoint.Received())
	}
	second, n := checkpoint.Append(dst, []byte("\xabx"))
	if runesOf(second) != "丫x" || n != 2 || second[0].Start != 1 {
		t.Errorf("after going back: got %q, consumed %d", runesOf(second), n)
	}
}

// TestFolderCapacity: dst is filled and never grown, at every capacity.
func TestFolderCapacity(t *testing.T) {
	const in = "a\xe4b ﬄ ﷺ\u200b  國が\xf0\x9f\x98"
	want := plain(t, in)
	for capacity := text.MaxExpansion; capacity < 2*text.MaxExpansion; capacity++ {
		for used := 0; used <= capacity; used++ {
			var f text.Folder
			var got []text.Rune
			dst := make([]text.Rune, used, capacity)
			for rest := []byte(in); len(rest) > 0; {
				out, n := f.Append(dst, rest)
				if cap(out) != cap(dst) || &out[:1][0] != &dst[:1][0] {
					t.Fatalf("capacity %d: dst was reallocated", capacity)
				}
				if n == 0 && len(out) == len(dst) {
					if capacity-used >= text.MaxExpansion {
						t.Fatalf("capacity %d, used %d: no progress", capacity, used)
					}
					dst = dst[:0] // what a caller does: take the runes out, come back
					continue
				}
				got = append(got, out[len(dst):]...)
				rest = rest[n:]
			}
			if diff := cmp.Diff(want, f.Close(got)); diff != "" {
				t.Fatalf("capacity %d, used %d: -want +got:\n%s", capacity, used, diff)
			}
		}
	}
}

func TestIsWord(t *testing.T) {
	for _, r := range "aéж_1α한क\u093f" {
		for _, folded := range text.FoldString(string(r)) {
			if !text.IsWord(folded) {
				t.Errorf("IsWord(%q) = false", folded)
			}
		}
	}
	for _, r := range " -.中あアทー💣\u3099\ufffd\U0010ffff" {
		if text.IsWord(r) {
			t.Errorf("IsWord(%q) = true", r)
		}
	}
	for _, r := range []rune{-1, 0x110000, 0xd800} {
		if text.IsWord(r) {
			t.Errorf("IsWord(%#x) = true", r)
		}
	}
}

func TestTakesVoiceMark(t *testing.T) {
	for _, r := range "かきほうゝカホウヷヽ" {
		r := text.FoldString(string(r))[0]
		if !text.TakesVoiceMark(r) {
			t.Errorf("TakesVoiceMark(%q) = false", r)
		}
	}
	for _, r := range "あなんアナンーa中\u3099" {
		if text.TakesVoiceMark(r) {
			t.Errorf("TakesVoiceMark(%q) = true", r)
		}
	}
	if text.TakesVoiceMark(-1) || text.TakesVoiceMark(0x30ff+1) {
		t.Error("TakesVoiceMark holds outside the kana blocks")
	}
}

func TestNoAllocations(t *testing.T) {
	chunk := []byte(strings.Repeat("Weir 是低壩 ﷺ が b.o-m_b aaa \xe4 𝐀 ", 50) + "\xe4\xb8")
	dst := make([]text.Rune, 0, 64)
	view := make([]text.Rune, 0, text.MaxSkeletonExpansion*cap(dst))
	runes := 0
	allocs := testing.AllocsPerRun(20, func() {
		var f text.Folder
		var skeleton text.Skeleton
		for rest := chunk; len(rest) > 0; {
			out, n := f.Append(dst, rest[:min(7, len(rest))])
			runes += len(skeleton.Append(view, out))
			rest = rest[n:]
		}
		runes += len(f.Close(dst))
	})
	if allocs != 0 || runes == 0 {
		t.Errorf("%v allocations for %d runes", allocs, runes)
	}
}
