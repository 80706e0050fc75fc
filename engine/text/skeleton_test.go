package text_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/engine/text"
)

// skeleton returns the skeleton view of plain, given in pieces of size runes.
func skeleton(t testing.TB, plain []text.Rune, size int) []text.Rune {
	t.Helper()
	var s text.Skeleton
	var all []text.Rune
	dst := make([]text.Rune, 0, text.MaxSkeletonExpansion*size)
	for i := 0; i < len(plain); i += size {
		out := s.Append(dst, plain[i:min(i+size, len(plain))])
		if len(out) > 0 && &out[0] != &dst[:1][0] {
			t.Fatalf("Append outgrew %d runes for %d", cap(dst), size)
		}
		all = append(all, out...)
	}
	return all
}

// draw writes a skeleton view with its gaps: "_" for Gap, "*" for Repeat (in
// front of the letter "w" if with Word), "|" for Break.
func draw(view []text.Rune) string {
	var b strings.Builder
	for _, r := range view {
		switch r.Class &^ text.Word {
		case text.Gap:
			b.WriteByte('_')
		case text.Gap | text.Repeat:
			b.WriteByte('*')
			if r.Class&text.Word != 0 {
				b.WriteByte('w')
			}
		case text.Gap | text.Break:
			b.WriteByte('|')
		default:
			b.WriteRune(r.R)
		}
	}
	return b.String()
}

func TestSkeleton(t *testing.T) {
	const long = text.MaxRepeatRunes
	tests := []struct{ name, in, want string }{
		{"separators", "z.z-x*m", "z_*w_x_m"},
		{"one gap for many separators", "a  - 💣b", "a_b"},
		{"nothing before the first letter", " -- b", "b"},
		{"a gap at the end", "b!?", "b_"},
		{"underscore separates", "b_m", "b_m"},
		{"modifier apostrophe separates", "bʼm", "b_m"},
		{"Han", "中 国。人", "中_国_人"},
		{"Han and kana repeat", "人人ああーー", "人人ああーー"},
		{"voice marks stay", "が-き", "か\u3099_き"},
		{"letters repeat", "bbooommm", "bom"},
		{"letters repeat over a gap", "bo o--om", "bo_*w_*wm"},
		{"a repetition next to a repetition", "b bba", "b_*wa"},
		{"digits repeat", "2222", "2"},
		{"leet", "0134578269", "oieastb269"},
		{"leet signs", "b@d|$", "badls"},
		{"a sign and its letter", "@a", "a*w"},
		{"a letter and its sign", "a@", "a*"},
		{"signs repeat", "a@@a", "a**" + "*w"},
		{"Cyrillic", "авекмнорстухі", "abekmhopctyxi"},
		{"Greek", "αβεικμνορτυχ", "abeikmvoptux"},
		{"small capitals", "ʙᴏᴍʙ", "bomb"},
		{"ornaments", "🅱🄾🅜🇧", "bomb"},
		{"strokes", "łøđ", "lod"},
		{"Latin letters keep apart", "ilmrn", "ilmrn"},
		{"no look-alike", "жщдл", "жщдл"},
		{"Han zero is not o", "二〇", "二〇"},
		{"Thai digit zero is o", "b๐m", "bom"},
		{"longest gap", "a" + strings.Repeat("-", text.MaxGapRunes) + "b", "a_b"},
		{"gap too long", "a" + strings.Repeat("-", text.MaxGapRunes+1) + "b", "a_|b"},
		{"gap much too long", "a" + strings.Repeat("-", 500) + "b", "a_|b"},
		{"a break forgets the letter", "a" + strings.Repeat("-", text.MaxGapRunes+1) + "a-b", "a_|a_b"},
		{"gaps count from the last repetition", "b------b------b", "b_*w_*w"},
		{"longest repetition", strings.Repeat("b", long+1) + "m", "bm"},
		{"repetition too long", strings.Repeat("b", long+2) + "m", "b|bm"},
		{"repetition much too long", strings.Repeat("b", 2*long+3), "b|b|b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{1, 2, 1 << 10} {
				if got := draw(skeleton(t, plain(t, tt.in), size)); got != tt.want {
					t.Errorf("skeleton of %+q by %d\n got %+q\nwant %+q", tt.in, size, got, tt.want)
				}
			}
		})
	}
}

func TestSkeletonSpansAndClasses(t *testing.T) {
	const (
		word = text.Word
		gap  = text.Gap
	)
	tests := []struct {
		name string
		in   string
		want []text.Rune
	}{
		{"the gap's span is the first separator's", "A\u3000-b", []text.Rune{
			{0, 'a', 1, word | text.Upper}, {1, 0, 3, gap}, {5, 'b', 1, word},
		}},
		{"look-alikes keep their span", "вß", []text.Rune{{0, 'b', 2, word}, {2, 's', 2, word}}},
		{"a sign is a boundary", "x$1", []text.Rune{{0, 'x', 1, word}, {1, 's', 1, 0}, {2, 'i', 1, word}}},
		{"the repetition's span", "b-\u200bｂ", []text.Rune{
			{0, 'b', 1, word}, {1, 0, 1, gap}, {5, 0, 3, gap | text.Repeat | word},
		}},
		{"a repeated sign", "s$", []text.Rune{{0, 's', 1, word}, {1, 0, 1, gap | text.Repeat}}},
		{"the break's span", "b-" + strings.Repeat("\u2013", text.MaxGapRunes) + "m", []text.Rune{
			{0, 'b', 1, word}, {1, 0, 1, gap}, {2 + 3*(text.MaxGapRunes-1), 0, 3, gap | text.Break},
			{2 + 3*text.MaxGapRunes, 'm', 1, word},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, skeleton(t, plain(t, tt.in), 1)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestSkeletonString(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""},
		{" - ", ""},
		{"ZZ-Term 0001", "ztermoi"},
		{"zzьоmь", "zbomb"},
		{"炸-彈", "炸弹"},
		{strings.Repeat("x", 200), "xxxx"}, // after each Break a new x
	}
	for _, tt := range tests {
		if got := string(text.SkeletonString(tt.in)); got != tt.want {
			t.Errorf("SkeletonString(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}
