package pattern

import (
	"strings"

	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// ibanState reads an account number in one piece or in groups of four.
type ibanState struct {
	start     int64
	country   uint16 // its two letters
	remainder uint8  // of the national part, modulo 97
	check     uint8  // the check digits
	length    uint8  // of the country's numbers; 0 before it is known
	runes     uint8  // read, without separators
	join      join   // between groups; 0 when in one piece or not known yet
	gap       bool   // after a separator
}

func (s *Set) beginIBAN(st *State, r *text.Rune) {
	st.iban = ibanState{start: r.Start, country: uint16(r.R), runes: 1}
	st.live |= mIBAN
}

func (s *Set) stepIBAN(st *State, r *text.Rune, k kind, dst []Match) []Match {
	a := &st.iban
	alphanumeric := k&(kLetter|kDigit) != 0 && k&kWide == 0
	good := alphanumeric
	switch {
	case a.runes == 1:
		a.length = s.ibans.length(a.country, r)
		good = k&kLetter != 0 && k&kWide == 0 && a.length != 0
		a.country = a.country<<8 | uint16(r.R&0xFF)
	case a.runes < 4:
		a.check = a.check*10 + uint8(r.R-'0')
		good = k&kDigit != 0
	case a.runes == a.length:
		st.live &^= mIBAN
		if k&kWord == 0 && a.valid() {
			dst = append(dst, Match{Rule: IBAN, Span: policy.Span{Start: policy.Offset(a.start), End: policy.Offset(st.end)}})
		}
		return dst
	case alphanumeric:
		// Groups have four characters, all or none of them.
		good = a.runes%4 != 0 || a.gap || a.join == 0 && a.runes > 4 || a.runes == 4
		a.gap = false
		if k&kDigit != 0 {
			a.remainder = uint8((uint16(a.remainder)*10 + uint16(r.R-'0')) % 97)
		} else {
			a.remainder = uint8((uint16(a.remainder)*100 + uint16(r.R-'a') + 10) % 97)
		}
	case a.runes%4 == 0 && !a.gap:
		j := join(0)
		if k&kSpace != 0 {
			j = joinSpace
		} else if k&kHyphen != 0 {
			j = joinHyphen
		}
		if j != 0 && (a.runes == 4 || j == a.join) {
			a.join, a.gap = j, true
			return dst
		}
	}
	if !good {
		st.live &^= mIBAN
		return dst
	}
	a.runes++
	return dst
}

// valid checks ISO 13616-1 section 6: the national part, then the country's
// letters as two digits each, then the check digits, modulo 97, is 1.
func (a *ibanState) valid() bool {
	first, second := uint32(a.country>>8-'a'+10), uint32(a.country&0xFF-'a'+10)
	n := uint32(a.remainder)*1e6 + first*1e4 + second*1e2 + uint32(a.check)
	return n%97 == 1
}

// ibanLengths are the countries of the SWIFT IBAN registry, release 97 of May
// 2024, and the length of their numbers.
const ibanLengths = "15:no 16:be 18:dk fi fk fo gl nl sd 19:mk si 20:at ba ee kz lt lu mn xk 21:ch hr li lv " +
	"22:bg bh cr de gb ge ie me rs va 23:ae gi il iq om so tl 24:ad cz es md pk ro sa se sk tn vg " +
	"25:ly pt st 26:is tr 27:bi dj fr gr it mc mr sm 28:al az by cy do gt hn hu lb ni pl sv " +
	"29:br eg ps qa ua 30:jo kw mu ye 31:mt sc 32:lc 33:ru"

// ibanTable has the length of a country's numbers at the five low bits of each
// of its letters; 0 where there is none.
type ibanTable [1 << 10]uint8

// length returns the length of the numbers of the country with these letters, 0
// if there is none.
func (t *ibanTable) length(first uint16, second *text.Rune) uint8 {
	return t[first&31<<5|uint16(second.R&31)]
}

func compileIBANs() (lengths ibanTable) {
	var length uint8
	for _, field := range strings.Fields(ibanLengths) {
		if number, rest, ok := strings.Cut(field, ":"); ok {
			length = (number[0]-'0')*10 + number[1] - '0'
			field = rest
		}
		lengths[uint16(field[0])&31<<5|uint16(field[1])&31] = length
	}
	return lengths
}
