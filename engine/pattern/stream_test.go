package pattern_test

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	. "github.com/seed-4f09bd3a/weir/engine/pattern"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// decision is a match and the number of runes scanned when it was decided.
type decision struct {
	Match Match
	At    int
}

// decisions scans rune by rune. It fails the test if a match of a hold rule has
// a byte that an earlier Hold had let go, or if a hold goes back.
func decisions(t testing.TB, s *Set, hold []Rule, runes []text.Rune) []decision {
	t.Helper()
	var st State
	var all []decision
	holds := map[Rule]bool{}
	for _, r := range hold {
		holds[r] = true
	}
	released := int64(0)
	note := func(at int, matches []Match) {
		for _, m := range matches {
			if holds[m.Rule] && int64(m.Span.Start) < released {
				t.Fatalf("match %v at rune %d begins before the released offset %d", m, at, released)
			}
			if m.Span.Start >= m.Span.End || int64(m.Span.End) > runes[at-1].End() {
				t.Fatalf("match %v at rune %d is empty or ends in the future", m, at)
			}
			all = append(all, decision{m, at})
		}
	}
	for i := range runes {
		note(i+1, s.Scan(&st, runes[i:i+1], nil))
		if i+1 < len(runes) && runes[i+1].Start == runes[i].Start {
			continue // inside the expansion of one rune
		}
		free := runes[i].End()
		if start, held := s.Hold(&st); held {
			free = start
		}
		if free < released {
			t.Fatalf("after rune %d the hold goes back from %d to %d", i+1, released, free)
		}
		released = free
	}
	note(len(runes), s.Close(&st, nil))
	if st != (State{}) {
		t.Fatal("Close leaves a state behind")
	}
	return all
}

// checkCuts compares scanning in pieces of the given lengths, used in turn, with
// scanning rune by rune, copying the state between pieces.
func checkCuts(t testing.TB, s *Set, runes []text.Rune, want []decision, lengths ...int) {
	t.Helper()
	var st State
	var got, early []Match
	pos := 0
	for i := 0; pos < len(runes); i++ {
		n := min(max(lengths[i%len(lengths)], 0), len(runes)-pos)
		copied := st
		got = s.Scan(&copied, runes[pos:pos+n], got)
		st = copied
		pos += n
		early = early[:0]
		for _, d := range want {
			// What Close decides comes last, with the number of all runes.
			if d.At <= pos {
				early = append(early, d.Match)
			}
		}
		if pos < len(runes) && len(early) != len(got) {
			t.Fatalf("after %d runes in pieces of %v: %d matches, rune by rune %d", pos, lengths, len(got), len(early))
		}
	}
	got = s.Close(&st, got)
	if len(got) != len(want) {
		t.Fatalf("in pieces of %v: %d matches, rune by rune %d", lengths, len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i].Match {
			t.Fatalf("in pieces of %v: match %d is %v, rune by rune %v", lengths, i, got[i], want[i].Match)
		}
	}
}

// TestCutsChangeNothing cuts every case at every rune.
func TestCutsChangeNothing(t *testing.T) {
	s := NewSet(Rules(), Rules())
	for _, c := range patternCases {
		plain, _ := unmark(c.text)
		runes := fold(plain)
		want := decisions(t, s, Rules(), runes)
		for cut := 1; cut < len(runes); cut++ {
			checkCuts(t, s, runes, want, cut, len(runes))
		}
		checkCuts(t, s, runes, want, 1)
		checkCuts(t, s, runes, want, 2)
		checkCuts(t, s, runes, want, 0, 3, 1)
	}
}

// TestHoldRulesOnly checks that rules which do not hold find the same and hold
// nothing, alone and beside one that holds.
func TestHoldRulesOnly(t *testing.T) {
	all := NewSet(Rules(), Rules())
	free := NewSet(Rules(), nil)
	for _, c := range patternCases {
		plain, _ := unmark(c.text)
		runes := fold(plain)
		want := decisions(t, all, Rules(), runes)
		hold := []Rule{c.rule}
		if diff := cmp.Diff(want, decisions(t, NewSet(Rules(), hold), hold, runes)); diff != "" {
			t.Errorf("%v/%s holding alone (-want +got):\n%s", c.rule, c.name, diff)
		}
		var st State
		for i := range runes {
			free.Scan(&st, runes[i:i+1], nil)
			if start, held := free.Hold(&st); held {
				t.Errorf("%v/%s: holds from %d without hold rules", c.rule, c.name, start)
			}
		}
	}
}

// holdback returns, for each rune of the text, what is held once it has been
// scanned.
func holdback(s *Set, plain string) (held []string) {
	var st State
	for _, r := range fold(plain) {
		s.Scan(&st, []text.Rune{r}, nil)
		h := ""
		if start, ok := s.Hold(&st); ok {
			h = plain[start:r.End()]
		}
		held = append(held, h)
	}
	return held
}

func TestHoldIsExact(t *testing.T) {
	numbers := []Rule{CNResidentID, CNMobile, BankCard, JPMyNumber, JPPhone, USSSN, IBAN, CNPassport, JPPassport, USPassport}
	for _, c := range []struct {
		name string
		hold []Rule
		text string
		want string // what is held after each rune, separated by |
	}{
		{"words", numbers, "see far off", "s|se|||f||||o||"},
		{"words without iban", []Rule{BankCard, USSSN}, "abc def", "||||||"},
		{"han", numbers, "这是一段话。", "|||||"},
		{"year", []Rule{CNMobile, BankCard}, "in 2024 it", "|||2|20|202|2024|2024 ||"},
		{"year in han", []Rule{JPMyNumber}, "在2024年", "|2|20|202|2024|"},
		{"no first digit of a mobile", []Rule{CNMobile}, "23456", "||||"},
		{"longer than any number", []Rule{JPMyNumber}, "123456789", "1|12|123|1234|||||"},
		{"my number in context", []Rule{JPMyNumber}, "個人番号12345 1", "||||1|12|123|1234|12345||1"},
		{"ssn", []Rule{USSSN}, "a 219-09-1234 b", "||2|21|219|219-|219-0|219-09|219-09-|219-09-1|219-09-12|219-09-123|219-09-1234||"},
		{"ssn that is none", []Rule{USSSN}, "219-0912", "2|21|219|219-|219-0|219-09||"},
		{"plus sign", []Rule{CNMobile}, "1 +86 1+2", "1||+|+8|+86|+86 |+86 1||"},
		{"plus sign without a rule for it", []Rule{BankCard}, "1 +86", "||||"},
		{"email", []Rule{Email}, "to be@z, 你好a b", "t|to||b|be|be@|be@z|||||a||b"},
		{"email of other words", []Rule{Email}, "a.b c-d", "a|a.|a.b||c|c-|c-d"},
		{"ipv4", []Rule{IPv4}, "3.5 v1.2 300 81.2.69.142.", "3|3.|3.5|||||||3|30|||8|81|81.|81.2|81.2.|81.2.6|81.2.69|81.2.69.|81.2.69.1|81.2.69.14|81.2.69.142|81.2.69.142."},
		{"ipv6", []Rule{IPv6}, "1:2 2001:2 3:", "||||2|20|200|2001|2001:|2001:2||3|"},
		{"secret", []Rule{APIKey}, "say sk-ip skate ghp_x", "s||||s|sk|sk-|sk-i|sk-ip||s|sk|||||g|gh|ghp|ghp_|ghp_x"},
		{"jwt", []Rule{JWT}, "eye eyJ0 eY", "e|ey|||e|ey|eyJ|eyJ0||e|"},
		{"dashes", []Rule{PrivateKey}, "a-b ------ -----be", "|-|||-|--|---|----|-----|||-|--|---|----|-----|-----b|-----be"},
		{"passport", []Rule{USPassport}, "A1 passport A1 1", "||||||||||||A|A1||1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, strings.Join(holdback(NewSet(nil, c.hold), c.text), "|")); diff != "" {
				t.Errorf("held in %q (-want +got):\n%s", c.text, diff)
			}
		})
	}
}

// TestLongRuns checks that no run of characters, however long, holds more than
// the bound that doc.go gives.
func TestLongRuns(t *testing.T) {
	const size = 100 << 10
	fill := func(unit string) string { return strings.Repeat(unit, size/len(unit)) }
	all := NewSet(nil, Rules())
	for _, c := range []struct {
		name  string
		text  string
		bytes int // most that may be held
	}{
		{"letters", fill("a"), 64},
		{"digits", fill("1"), 64},
		{"digit groups", fill("4111 "), 64},
		{"hyphenated digits", fill("4111-"), 64},
		{"parentheses", "1" + fill("("), 64},
		{"dashes", fill("-"), 64},
		{"dots", fill("a."), 64},
		{"at signs", fill("a@"), 64},
		{"domain", "a@" + fill("a."), 320},
		{"one label", "a@" + fill("a"), 320},
		{"hyphens", "a@" + fill("a-"), 320},
		{"octets", fill("81."), 64},
		{"hexadecimal groups", fill("2001:"), 64},
		{"iban", "DE89 " + fill("3704 "), 64},
		{"key", "sk-" + fill(body), 300},
		{"same characters", "sk-" + fill("x"), 300},
		{"jwt header", "eyJ" + fill("ab1"), 2 << 10},
		{"jwt payload", jwtHeader + ".eyJ" + fill(body), 8<<10 + 1},
		{"jwt signature", jwtHeader + "." + jwtPayload + "." + fill(body), 256},
		{"pem body", "-----BEGIN PRIVATE KEY-----" + fill(body), 80},
		{"pem words", "-----BEGIN PRIVATE KEY-----" + fill("word "), 129},
		{"pem labels", "-----BEGIN " + fill("PRIVATE KEY "), 64},
	} {
		t.Run(c.name, func(t *testing.T) {
			var st State
			most := int64(0)
			for _, r := range fold(c.text) {
				all.Scan(&st, []text.Rune{r}, nil)
				if start, held := all.Hold(&st); held {
					most = max(most, r.End()-start)
				}
			}
			if most > int64(c.bytes) {
				t.Errorf("holds %d bytes, want at most %d", most, c.bytes)
			}
		})
	}
}

// TestJWTWithoutEnd checks that a token longer than the bound is decided at it,
// and that its pieces cover it to the end.
func TestJWTWithoutEnd(t *testing.T) {
	s := NewSet(nil, []Rule{JWT})
	plain := jwtHeader + ".eyJ" + strings.Repeat(body, 100) + "." + body
	end := policy.Offset(0)
	for i, m := range scanAll(s, fold(plain)) {
		if m.Span.Start != end || m.Continues != (i > 0) {
			t.Fatalf("match %d is %v, want one from %d", i, m, end)
		}
		end = m.Span.End
	}
	if int(end) != len(plain) {
		t.Errorf("matches end at %d, want %d", end, len(plain))
	}
}

func TestStateSize(t *testing.T) {
	if size := unsafe.Sizeof(State{}); size > 400 {
		t.Errorf("a State has %d bytes", size)
	}
}

const englishProse = "The dam keeps the water back until the gates are opened, and in 2024 about 1,200 visitors came to see it; " +
	"most of them, according to section 3.2 of the report, asked how high the wall is (35 m) and why nobody may walk on it. "

const chineseProse = "大坝在闸门打开之前一直拦住水流，2024年约有1200名游客前来参观；报告第3.2节说，大多数人问坝有多高，为什么不能在上面行走。"

// TestScanAllocatesNothing covers text without matches and, with room in dst,
// text with them.
func TestScanAllocatesNothing(t *testing.T) {
	s := NewSet(Rules(), Rules())
	plain, _ := unmark(patternCases[0].text)
	for _, sample := range []string{englishProse, chineseProse, plain, "zz@zzcorp.com 219-09-1234 81.2.69.142 4111 1111 1111 1111 "} {
		runes := fold(sample)
		var st State
		dst := make([]Match, 0, 16)
		allocs := testing.AllocsPerRun(100, func() {
			for i := range runes {
				dst = s.Scan(&st, runes[i:i+1], dst[:0])
				s.Hold(&st)
			}
			dst = s.Close(&st, dst[:0])
		})
		if allocs != 0 {
			t.Errorf("%.10q: %v allocations", sample, allocs)
		}
	}
}

// tokens cuts runes into pieces of about four bytes.
func tokens(runes []text.Rune) (pieces [][]text.Rune) {
	for len(runes) > 0 {
		n := 1
		for n < len(runes) && runes[n].Start < runes[0].Start+4 {
			n++
		}
		pieces = append(pieces, runes[:n])
		runes = runes[n:]
	}
	return pieces
}

func BenchmarkScan(b *testing.B) {
	var numbers strings.Builder
	for i := range 200 {
		fmt.Fprintf(&numbers, "%d, %d.%d; (%d %d) ", i*7919%2000, i, i*31%97, 2000+i%30, i*104729%100000)
	}
	for _, c := range []struct {
		name string
		text string
		set  *Set
	}{
		{"english/all", strings.Repeat(englishProse, 20), NewSet(Rules(), Rules())},
		{"english/numbers", strings.Repeat(englishProse, 20), NewSet(nil, []Rule{CNResidentID, CNMobile, BankCard, JPMyNumber, JPPhone, USSSN})},
		{"chinese/all", strings.Repeat(chineseProse, 20), NewSet(Rules(), Rules())},
		{"digits/all", numbers.String(), NewSet(Rules(), Rules())},
	} {
		b.Run(c.name, func(b *testing.B) {
			tokens := tokens(fold(c.text))
			dst := make([]Match, 0, 16)
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				var st State
				for _, token := range tokens {
					if dst = c.set.Scan(&st, token, dst[:0]); len(dst) != 0 {
						b.Fatalf("match %v in text without any", dst[0])
					}
					c.set.Hold(&st)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(tokens)), "ns/token")
		})
	}
}
