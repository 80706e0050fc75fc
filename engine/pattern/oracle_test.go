package pattern_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	. "github.com/seed-4f09bd3a/weir/engine/pattern"
)

// oracle finds the matches of one rule in a whole ASCII text by trying every
// regular expression at every position. It knows nothing of the state machines.
type oracle struct {
	forms []string            // anchored at the start of a match, case-insensitive
	valid func(s string) bool // what the form cannot tell
	start func(text string, at int) bool
	end   func(text string, at int) bool
}

func isWordByte(text string, at int) bool {
	return at >= 0 && at < len(text) && (text[at] == '_' || text[at]|0x20 >= 'a' && text[at]|0x20 <= 'z' || text[at] >= '0' && text[at] <= '9')
}

func byteAt(text string, at int) byte {
	if at < 0 || at >= len(text) {
		return 0
	}
	return text[at]
}

// numberStart is where a number may begin: not in a word, a decimal or an
// amount, not behind a hyphen that joins it to a word; behind a plus sign only
// where the sign belongs to something else.
func numberStart(text string, at int) bool {
	switch before := byteAt(text, at-1); {
	case isWordByte(text, at-1), before == '.', before == '$':
		return false
	case before == '-':
		return !isWordByte(text, at-2)
	case before == '+':
		return isWordByte(text, at-2)
	}
	return true
}

// numberEnd is where a number may end: not inside a word, and not before a
// hyphen or dot that joins it to one.
func numberEnd(text string, at int) bool {
	if isWordByte(text, at) {
		return false
	}
	return byteAt(text, at) != '-' && byteAt(text, at) != '.' || !isWordByte(text, at+1)
}

// find returns the matches: of those that overlap the one that ends first, of
// those that end together the longest; a form that goes on where an earlier form
// ends wins if extends says so.
func (o *oracle) find(text string, extends bool) (found []string) {
	var expressions []*regexp.Regexp
	for _, form := range o.forms {
		expressions = append(expressions, regexp.MustCompile(`(?i)^(?:`+form+`)`))
	}
	from := 0
	for from < len(text) {
		bestStart, bestEnd := -1, len(text)+1
		for at := from; at < len(text); at++ {
			if !o.start(text, at) {
				continue
			}
			for _, e := range expressions {
				// Greedy would miss shorter ends; forms here have one length each.
				if loc := e.FindStringIndex(text[at:]); loc != nil {
					end := at + loc[1]
					if !o.end(text, end) || !o.valid(text[at:end]) {
						continue
					}
					if end < bestEnd || extends && at == bestStart && end > bestEnd {
						bestStart, bestEnd = at, end
					}
				}
			}
		}
		if bestStart < 0 {
			return found
		}
		found = append(found, fmt.Sprintf("%d:%s", bestStart, text[bestStart:bestEnd]))
		from = bestEnd
	}
	return found
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == 'x' || r == 'X' {
			return r
		}
		return -1
	}, s)
}

func both(form string) []string {
	return []string{strings.ReplaceAll(form, "~", " "), strings.ReplaceAll(form, "~", "-")}
}

func oracles() map[Rule]*oracle {
	join := func(lists ...[]string) (all []string) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	mobileSegment := regexp.MustCompile(`^(13\d|14[5-9]|15[0-35-9]|16[2567]|17[0-8]|18\d|19[0-35-9])\d{8}$`)
	spaced := regexp.MustCompile(` `)
	special := []netip.Prefix{}
	for _, p := range strings.Fields("0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 " +
		"192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/3 2.5.4.0/24 2.5.29.0/24 1.3.101.0/24 2001:db8::/32 3fff::/20") {
		special = append(special, netip.MustParsePrefix(p))
	}
	public := func(a netip.Addr) bool {
		for _, p := range special {
			if p.Contains(a) {
				return false
			}
		}
		return true
	}
	return map[Rule]*oracle{
		CNResidentID: {
			forms: join([]string{`\d{17}[\dx]`}, both(`\d{6}~\d{8}~\d{3}[\dx]`)),
			start: numberStart, end: numberEnd,
			valid: func(s string) bool {
				s = strings.ToUpper(onlyDigits(s))
				born, err := time.Parse("20060102", s[6:14])
				return err == nil && born.Year() >= 1900 && born.Year() < 2100 && residentID(s[:17]) == s &&
					strings.Contains(" 11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83 ", " "+s[:2]+" ")
			},
		},
		BankCard: {
			forms: join([]string{
				`4\d{15}`, `5[1-5]\d{14}`, `2[2-7]\d{14}`, `6\d{15}`, `35\d{14}`, `3[47]\d{13}`, `3\d{13}`, `62\d{15}`, `62\d{16}`, `62\d{17}`,
			}, both(`\d{4}~\d{4}~\d{4}~\d{4}`), both(`62\d{2}~\d{4}~\d{4}~\d{4}~\d{3}`), both(`3[47]\d{2}~\d{6}~\d{5}`), both(`3\d{3}~\d{6}~\d{4}`), both(`62\d{4}~\d{13}`)),
			start: numberStart, end: numberEnd,
			valid: func(s string) bool {
				s = onlyDigits(s)
				network := regexp.MustCompile(`^(4\d{15}|5[1-5]\d{14}|(222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|6011\d{12}|64[4-9]\d{13}|65\d{14}|` +
					`35(2[89]|[3-8]\d)\d{12}|62\d{14,17}|3[47]\d{13}|(30[0-5]|36\d|38\d|39\d)\d{11})$`)
				return network.MatchString(s) && card(s[:len(s)-1]) == s
			},
		},
		JPMyNumber: {
			forms: both(`\d{4}~\d{4}~\d{4}`),
			start: func(text string, at int) bool {
				if byteAt(text, at-1) == ' ' && isDigitByte(text, at-2) && byteAt(text, at+4) == ' ' {
					return false
				}
				return numberStart(text, at)
			},
			end: func(text string, at int) bool {
				if byteAt(text, at) == ' ' && isDigitByte(text, at+1) && byteAt(text, at-5) == ' ' {
					return false
				}
				return numberEnd(text, at)
			},
			valid: func(s string) bool {
				s = onlyDigits(s)
				return myNumber(s[:11]) == s && s[2:4]+s[6:8]+s[10:] != "000000" && strings.Trim(s, s[:1]) != ""
			},
		},
		USSSN: {
			forms: []string{`\d{3}-\d{2}-\d{4}`},
			start: numberStart, end: numberEnd,
			valid: func(s string) bool {
				return !regexp.MustCompile(`^(000|666|9..)|-00-|-0000$|^078-05-1120$|^219-09-9999$`).MatchString(s)
			},
		},
		CNMobile: {
			forms: []string{`1\d{10}`, `1\d\d[ -]\d{4}[ -]\d{4}`, `\+861\d{10}`, `00861\d{10}`, `\+?86[ -]1\d{10}`, `0086[ -]1\d{10}`,
				`\+?86[ -]1\d\d[ -]\d{4}[ -]\d{4}`, `0086[ -]1\d\d[ -]\d{4}[ -]\d{4}`},
			start: func(text string, at int) bool {
				if byteAt(text, at) == '+' {
					return !isWordByte(text, at-1)
				}
				return numberStart(text, at)
			},
			end: numberEnd,
			valid: func(s string) bool {
				s = onlyDigits(s)
				s = s[len(s)-11:]
				return mobileSegment.MatchString(s) && s != "17179869184" && !strings.HasSuffix(s, "000000")
			},
		},
		JPPhone: {
			forms: []string{`0[5789]0[1-9]\d{7}`, `0[5789]0[ -][1-9]\d{3}[ -]\d{4}`, `0[1-9][ -]\d{4}[ -]\d{4}`, `0[1-9]\d[ -]\d{3}[ -]\d{4}`,
				`0[1-9]\d{2}[ -]\d{2}[ -]\d{4}`, `0[1-9]\d{3}[ -]\d[ -]\d{4}`},
			start: numberStart, end: numberEnd,
			valid: func(s string) bool {
				s = onlyDigits(s)
				return len(s) == 11 || !regexp.MustCompile(`^(0120|0170|0180|0570|0800|0990)|0{8}$`).MatchString(s)
			},
		},
		IPv4: {
			forms: []string{`\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}`},
			start: func(text string, at int) bool {
				before := byteAt(text, at-1)
				return !isWordByte(text, at-1) && before != '.' && before != '-' && (before != '/' || byteAt(text, at-2) == '/')
			},
			end: func(text string, at int) bool { return numberEnd(text, at) && byteAt(text, at) != '-' },
			valid: func(s string) bool {
				a, err := netip.ParseAddr(s)
				return err == nil && public(a) && !regexp.MustCompile(`^([12]?\d\.|3[01]\.){3}([12]?\d|3[01])$`).MatchString(s)
			},
		},
		IPv6: {
			// The longest run of the characters, without a single colon at its end.
			forms: []string{`[23][0-9a-f]{3}(?::{1,2}[0-9a-f]+)*(?:::)?`},
			start: func(text string, at int) bool {
				switch before := byteAt(text, at-1); {
				case isWordByte(text, at-1), before == '.', before == '-':
					return false
				case before == ':':
					return !strings.Contains("0123456789abcdefABCDEF:", string(byteAt(text, at-2)))
				}
				return true
			},
			end: func(text string, at int) bool {
				if byteAt(text, at) == ':' {
					return byteAt(text, at-1) != ':' && byteAt(text, at+1) != ':' && !isWordByte(text, at+1)
				}
				return !isWordByte(text, at)
			},
			valid: func(s string) bool {
				a, err := netip.ParseAddr(s)
				return err == nil && public(a) && len(strings.FieldsFunc(s, func(r rune) bool { return r == ':' })) >= 3
			},
		},
		IBAN: {
			forms: []string{`(?:DE|GB)[0-9]{2}[0-9A-Z]{18}`, `NO[0-9]{13}`, `NO[0-9]{2} [0-9]{4} [0-9]{4} [0-9]{3}`, `NO[0-9]{2}-[0-9]{4}-[0-9]{4}-[0-9]{3}`},
			start: func(text string, at int) bool { return !isWordByte(text, at-1) },
			end:   func(text string, at int) bool { return !isWordByte(text, at) },
			valid: func(s string) bool {
				s = strings.ToUpper(strings.ReplaceAll(spaced.ReplaceAllString(s, ""), "-", ""))
				var digits strings.Builder
				for _, c := range s[4:] + s[:4] {
					if c <= '9' {
						digits.WriteRune(c)
					} else {
						fmt.Fprint(&digits, c-'A'+10)
					}
				}
				n, _ := new(big.Int).SetString(digits.String(), 10)
				return new(big.Int).Mod(n, big.NewInt(97)).Int64() == 1
			},
		},
	}
}

func isDigitByte(text string, at int) bool { return byteAt(text, at) >= '0' && byteAt(text, at) <= '9' }

// numberSeeds are texts of a rule that the random texts are made of; random
// digits alone would hardly ever be valid.
var numberSeeds = map[Rule][]string{
	CNResidentID: {"11010519491231002X", "110105 19491231 002X", "110105-19491231-002X", "440301200002294560"},
	BankCard: {"4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "1111", "4111", "378282246310005", "3782 822463 10005", "30569309025904",
		"3056-930902-5904", "6217003010123450", "6217003010123456782", "6217 0030 1012 3456 782", "6217 0030 1012 3450", "621700 3010123456782"},
	JPMyNumber: {grouped(myNumber("23456789012"), " ", 4, 4), grouped(myNumber("98765432109"), "-", 4, 4), "0000 0000 0000", "2345", "0"},
	USSSN:      {"219-09-1234", "219-09-9999", "666-12-1234", "219", "09", "1234"},
	CNMobile:   {"13800138001", "+86", "86", "0086", "138 0013 8001", "138-0013-8001", "138", "0013", "8001", "15000000000"},
	JPPhone:    {"09012345678", "090-1234-5678", "03-1234-5678", "045 123 4567", "0466-12-3456", "04992-1-2345", "0120-123-456", "03", "1234", "5678"},
	IPv4:       {"81.2.69.142", "10.1.2.99", "255", ".", "0", "8.8.8.8", "93.184.216.34", "//"},
	IPv6:       {"2606:2800:220:1:248:1893:25c8:1946", "2a02::1", ":1", "::", "2001:db8::1", "3fff", ":ab", "20"},
	IBAN:       {"DE89370400440532013000", "GB29NWBK60161331926819", "NO9386011117947", "NO93 8601 1117 947", "NO93-8601-1117-947", "de", "no", "93"},
}

// TestOracle compares the state machines with the oracle over random texts.
func TestOracle(t *testing.T) {
	separators := []string{" ", " ", "-", "-", ".", ",", "+", "/", ":", "_", "a", "x", "$", "=", "1", "4", " 1", "- ", ". ", ""}
	for rule, o := range oracles() {
		random := rand.New(rand.NewPCG(uint64(rule), 7))
		s := NewSet([]Rule{rule}, nil)
		matched := 0
		for range 2000 {
			var b strings.Builder
			for range 1 + random.IntN(6) {
				seed := []byte(numberSeeds[rule][random.IntN(len(numberSeeds[rule]))])
				if random.IntN(4) == 0 {
					at := random.IntN(len(seed))
					seed[at] = "0123456789 -.ax"[random.IntN(15)]
				}
				b.Write(seed)
				b.WriteString(separators[random.IntN(len(separators))])
			}
			// Folding makes one blank of several.
			plain := strings.Join(strings.Fields(b.String()), " ")
			var found []string
			for _, m := range scanAll(s, fold(plain)) {
				found = append(found, fmt.Sprintf("%d:%s", m.Span.Start, plain[m.Span.Start:m.Span.End]))
			}
			want := o.find(plain, rule == BankCard)
			if diff := cmp.Diff(want, found); diff != "" {
				t.Errorf("%v in %q (-oracle +got):\n%s", rule, plain, diff)
				break
			}
			matched += len(found)
		}
		if matched < 300 {
			t.Errorf("%v: only %d matches in all texts", rule, matched)
		}
	}
}
