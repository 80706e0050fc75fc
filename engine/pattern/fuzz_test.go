package pattern_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	. "github.com/seed-4f09bd3a/weir/engine/pattern"
)

// fragments are what random texts are made of: pieces of every format, whole
// examples, and what separates them.
var fragments = []string{
	"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "０", "00", "12", "34", "123", "1234", "4111", "1111", "86", "81", "138", "090", "03",
	" ", "-", ".", "+", "(", ")", ",", "/", ":", "::", "_", "@", "–", "￥", "\u200b", "\n", "\\n", "、", "x", "X", "a", "e", "G", "Z", "é", "я", "人", "ﬁ", "①", "⑫", "㈱", "℡", "…", "¼", "\xff",
	"passport ", "护照", "my number ", "マイナンバー", "ssn ", "version ", "版本",
	"4111111111111111", "13800138001", "110105", "19491231", "002X", "11010519491231002X", "219-09-1234", "TK1234567", "E12345678",
	"zz", "zzcorp", ".com", ".cn", "example", "81.2.69.142", "2001", "2606", ":800", "DE89", "3704", "0044", "0532", "0130", "DE89370400440532013000",
	"sk-", "ghp_", "AKIA", "eyJ", jwtHeader, "." + jwtPayload, body[:16], body[:36], body[:80],
	"-----", "BEGIN ", "END ", "PRIVATE KEY", "-----BEGIN PRIVATE KEY-----", pemLine, "-----END PRIVATE KEY-----", " words of prose ",
}

// compose makes a text of one fragment for each byte of recipe.
func compose(recipe []byte) string {
	var b strings.Builder
	for _, i := range recipe {
		b.WriteString(fragments[int(i)%len(fragments)])
	}
	return b.String()
}

// checkStream checks the promises of Set for a text: what is found, and when, is
// the same for every cut and with or without shortcuts, and nothing of a match of
// a hold rule is let go before it is decided.
func checkStream(t testing.TB, plain string, hold []Rule, cuts ...int) {
	t.Helper()
	runes := fold(plain)
	s := NewSet(Rules(), hold)
	want := decisions(t, s, hold, runes)
	checkCuts(t, s, runes, want, cuts...)
	var quick, slow State
	for i := range runes {
		a, b := s.Scan(&quick, runes[i:i+1], nil), s.ScanSlowly(&slow, runes[i:i+1], nil)
		aStart, aHeld := s.Hold(&quick)
		bStart, bHeld := s.Hold(&slow)
		if len(a) != len(b) || aHeld != bHeld || aHeld && aStart != bStart {
			t.Fatalf("rune %d: %v, hold %d %v; without shortcuts %v, hold %d %v", i, a, aStart, aHeld, b, bStart, bHeld)
		}
	}
}

func holdRules(mask uint32) (hold []Rule) {
	for _, r := range Rules() {
		if mask>>r&1 != 0 {
			hold = append(hold, r)
		}
	}
	return hold
}

func FuzzText(f *testing.F) {
	for i, c := range patternCases {
		plain, _ := unmark(c.text)
		f.Add(plain, uint32(0xFFFF), uint8(i))
		f.Add(plain, uint32(1)<<c.rule, uint8(i))
	}
	f.Fuzz(func(t *testing.T, plain string, mask uint32, cut uint8) {
		checkStream(t, plain, holdRules(mask), int(cut%16)+1, int(cut/16))
	})
}

func FuzzFragments(f *testing.F) {
	f.Add([]byte{17, 24, 18, 24, 18, 24, 18, 23, 57}, uint32(0xFFFF), uint8(3))
	f.Fuzz(func(t *testing.T, recipe []byte, mask uint32, cut uint8) {
		if len(recipe) > 200 {
			t.Skip()
		}
		checkStream(t, compose(recipe), holdRules(mask), int(cut%16)+1, int(cut/16))
	})
}

// TestRandomFragments runs the fuzz properties over a fixed set of texts, so that
// they are checked where nothing is fuzzed.
func TestRandomFragments(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2500 {
		recipe := make([]byte, 1+random.IntN(40))
		for i := range recipe {
			recipe[i] = byte(random.IntN(len(fragments)))
		}
		plain := compose(recipe)
		mask := random.Uint32() | random.Uint32()
		checkStream(t, plain, holdRules(mask), 1+random.IntN(9), random.IntN(9), 1+random.IntN(30))
		if t.Failed() {
			t.Fatalf("text %q, hold %v", plain, holdRules(mask))
		}
	}
}

func TestSecretPrefixesAreApart(t *testing.T) {
	prefixes := SecretPrefixes()
	for _, p := range prefixes {
		for _, q := range prefixes {
			if p != q && strings.HasPrefix(q, p) {
				t.Errorf("prefix %s begins %s", p, q)
			}
		}
	}
}
