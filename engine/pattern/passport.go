package pattern

import (
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// passportState reads up to two letters and the digits after them. Passport
// numbers have no check digit outside the machine readable zone, so they count
// only shortly after a word for passport.
type passportState struct {
	start   int64
	first   byte  // letter
	second  byte  // letter
	letters uint8 // at most 2
	digits  uint8 // at most 9
}

func (s *Set) beginPassport(st *State, r *text.Rune, k kind) {
	if !st.words.near(aboutPassport, r.Start) {
		return
	}
	st.passport = passportState{start: r.Start}
	st.live |= mPassport
	st.passport.take(r, k)
}

func (s *Set) stepPassport(st *State, r *text.Rune, k kind, dst []Match) []Match {
	p := &st.passport
	if k&(kLetter|kDigit) != 0 && k&kWide == 0 {
		if !p.take(r, k) {
			st.live &^= mPassport
		}
		return dst
	}
	st.live &^= mPassport
	if rule, ok := p.rule(); ok && k&kWord == 0 && s.enabled.has(rule) {
		dst = append(dst, Match{Rule: rule, Span: policy.Span{Start: policy.Offset(p.start), End: policy.Offset(st.end)}})
	}
	return dst
}

// take reports whether the number may go on with r.
func (p *passportState) take(r *text.Rune, k kind) bool {
	if k&kDigit != 0 {
		p.digits++
		return p.digits <= 9-p.letters
	}
	p.first, p.second = p.second, byte(r.R)
	p.letters++
	return p.letters <= 2 && p.digits == 0
}

// rule tells by the form alone whose passport it is. PRC: E, G, D, S or P and 8
// digits, since 2012 also E, a letter but I and O, and 7 digits; Hong Kong K or
// H, Macao M, and 8 digits. Japan: two letters and 7 digits. United States: 9
// digits, or since 2021 any other letter and 8 digits.
func (p *passportState) rule() (Rule, bool) {
	switch {
	case p.letters == 0 && p.digits == 9:
		return USPassport, true
	case p.letters == 1 && p.digits == 8:
		switch p.second {
		case 'e', 'g', 'd', 's', 'p', 'k', 'h', 'm':
			return CNPassport, true
		}
		return USPassport, true
	case p.letters == 2 && p.digits == 7:
		if p.first == 'e' && p.second != 'i' && p.second != 'o' {
			return CNPassport, true
		}
		return JPPassport, true
	}
	return 0, false
}
