package text_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/engine/text"
)

var seeds = []string{
	"", "Hello, World", "ＡＢＣ ｶﾞ が ﷺ ﬁ ẞ", "國際貿易 与 发展", "b\xe4o\xf0\x9fm\xc3b\xed\xa0\x80\xf4\x90", "a\u200b \u3000\n b\u0301",
	"zz-t3rm 0001", "b o--o m", "b@d|$ a@@a", "ʙᴏᴍʙ вомв", "\xf0\x9f\x98ﷺ", "--------- x --------- x", "人人 ああ 1, 1, 1", "x\x00\xff ´´",
}

// chunksOf cuts s at places that depend on cuts: each of its bytes is a length.
func chunksOf(s string, cuts []byte) []string {
	var chunks []string
	for i := 0; len(s) > 0; i++ {
		n := len(s)
		if len(cuts) > 0 {
			n = min(n, int(cuts[i%len(cuts)])%9)
			if n == 0 && i%len(cuts) == 0 {
				n = 1 // or it would never end
			}
		}
		chunks = append(chunks, s[:n])
		s = s[n:]
	}
	return chunks
}

// foldEach is the naive plain view: the language's own decoder, every rune
// folded by itself, then runs of blanks collapsed. Spans only.
func foldEach(s string) []text.Rune {
	var out []text.Rune
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		for _, f := range text.FoldString(string(r)) {
			if f != ' ' || len(out) == 0 || out[len(out)-1].R != ' ' {
				out = append(out, text.Rune{Start: int64(i), R: f, Len: uint8(size)})
			}
		}
		i += size
	}
	return out
}

// FuzzFolderChunks: any cut gives what the whole gives, and that is what the
// naive view gives; spans are in order and do not overlap.
func FuzzFolderChunks(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, []byte{1})
		f.Add(s, []byte{3, 0, 2})
	}
	f.Fuzz(func(t *testing.T, s string, cuts []byte) { checkFolder(t, s, cuts) })
}

func checkFolder(t *testing.T, s string, cuts []byte) {
	whole := plain(t, s)
	sameView(t, s, "whole +cut", whole, plain(t, chunksOf(s, cuts)...))
	end := int64(0)
	spans := make([]text.Rune, len(whole))
	for i, r := range whole {
		if same := i > 0 && r.Start == whole[i-1].Start && r.Len == whole[i-1].Len; !same && r.Start < end ||
			r.Len < 1 || r.Len > utf8.UTFMax || r.End() > int64(len(s)) {
			t.Fatalf("%+q: span [%d, %d) after %d", s, r.Start, r.End(), end)
		}
		end = r.End()
		if r.Class&^(text.Word|text.VoiceMark|text.Upper) != 0 {
			t.Fatalf("%+q: class %#x", s, r.Class)
		}
		if got := r.Class&text.Word != 0; got != text.IsWord(r.R) {
			t.Fatalf("%+q: %q is of class Word: %v, IsWord says otherwise", s, r.R, got)
		}
		r.Class = 0
		spans[i] = r
	}
	sameView(t, s, "naive +got", foldEach(s), spans)
}

// sameView fails unless both views are the same. The diff is for humans: it is
// made only when there is one.
func sameView(t testing.TB, s, what string, want, got []text.Rune) {
	t.Helper()
	if !slices.Equal(want, got) {
		t.Fatalf("%+q: -%s:\n%s", s, what, cmp.Diff(want, got))
	}
}

// FuzzFoldIdempotent: folding a folded text changes nothing, in either view.
func FuzzFoldIdempotent(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := string(text.FoldString(s))
		if twice := string(text.FoldString(once)); twice != once {
			t.Fatalf("%+q folds to %+q, and that to %+q", s, once, twice)
		}
		if strings.Contains(draw(skeleton(t, plain(t, s), 64)), "|") {
			return // letters on both sides of a Break would meet
		}
		once = string(text.SkeletonString(s))
		if twice := string(text.SkeletonString(once)); twice != once {
			t.Fatalf("the skeleton of %+q is %+q, and of that %+q", s, once, twice)
		}
	})
}

// skeletonEach is the naive skeleton view: first every rune by itself, then
// for each letter a look back at what came since the letter before.
func skeletonEach(plain []text.Rune) []text.Rune {
	type item struct {
		text.Rune
		separator bool
	}
	var items []item
	for _, p := range plain {
		to := text.SkeletonString(string(p.R))
		it := item{Rune: p, separator: len(to) == 0}
		if !it.separator {
			it.R = to[0]
		}
		items = append(items, it)
	}
	var out []text.Rune
	mark := func(at item, class text.Class) {
		out = append(out, text.Rune{Start: at.Start, Len: at.Len, Class: text.Gap | class})
	}
	letter := -1 // first of the row of equal letters, -1 after a Break
	repeats := 0
	for i, it := range items {
		gap := 0 // separators directly before i
		for i-gap > 0 && items[i-gap-1].separator {
			gap++
		}
		if letter < 0 && it.separator {
			continue
		}
		switch {
		case it.separator && gap == 0:
			mark(it, 0)
		case it.separator && gap == text.MaxGapRunes:
			mark(it, text.Break)
			letter = -1
		case it.separator:
		case letter >= 0 && it.R == items[letter].R && text.IsWord(it.R) && repeats < text.MaxRepeatRunes:
			repeats++
			if gap > 0 || it.Class&text.Word == 0 || items[i-1].Class&text.Word == 0 {
				mark(it, text.Repeat|it.Class&text.Word)
			}
		default:
			if letter >= 0 && it.R == items[letter].R && text.IsWord(it.R) {
				mark(it, text.Break)
			}
			out = append(out, it.Rune)
			letter, repeats = i, 0
		}
	}
	return out
}

// FuzzSkeletonChunks: any cut gives what the whole gives, and that is what the
// naive view gives; the expansion is bounded.
func FuzzSkeletonChunks(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, byte(1), uint16(0))
		f.Add(s, byte(3), uint16(7))
	}
	f.Add("a", byte(2), uint16(300))
	f.Add("a ", byte(2), uint16(150))
	f.Add("@a", byte(5), uint16(150))
	f.Add(" -", byte(2), uint16(9))
	f.Fuzz(func(t *testing.T, s string, size byte, repeat uint16) {
		checkSkeleton(t, strings.Repeat(s, 1+int(repeat)%300)+"b", 1+int(size))
	})
}

func checkSkeleton(t *testing.T, s string, size int) {
	view := plain(t, s)
	whole := skeleton(t, view, len(view))
	cut := skeleton(t, view, size) // checks the expansion of every piece
	sameView(t, s, "whole +cut", whole, cut)
	sameView(t, s, "naive +got", skeletonEach(view), whole)
}

// TestRandomTexts runs the checks of the fuzz targets on texts of pieces that
// matter to them, which chance alone seldom puts together.
func TestRandomTexts(t *testing.T) {
	pieces := []string{
		"a", "a", "A", "b", "@", "4", "в", "_", "-", " ", "\u3000", "\u200b", "\u0301", "國", "中", "が", "\u3099", "ﷺ", "ﬄ", "\ufe70", "💣", "\x00",
		"\xe4", "\xb8", "\xf0\x9f", "\xf0", "\xed\xa0", "\xc0", "\xff", strings.Repeat("-", text.MaxGapRunes), strings.Repeat("a", text.MaxRepeatRunes),
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		var b strings.Builder
		for range 1 + random.IntN(12) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		cuts := []byte{byte(random.IntN(4)), byte(random.IntN(4)), byte(random.IntN(9))}
		checkFolder(t, b.String(), cuts)
		checkSkeleton(t, b.String(), 1+random.IntN(5))
	}
}
