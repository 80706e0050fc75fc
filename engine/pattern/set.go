package pattern

import (
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// Match is one occurrence of a rule, before policy.
type Match struct {
	Rule Rule
	// Span is the occurrence in bytes of the original stream.
	Span policy.Span
	// Continues says that the match goes on where the match of this rule before
	// it ended: together they are one secret, too long to hold until its end.
	// One replacement text is enough for both.
	Continues bool
}

// Set is a compiled choice of rules. It is immutable and safe for concurrent
// use; each stream has its own State.
type Set struct {
	enabled ruleSet
	hold    ruleSet

	// Machines that the rules need, and those of them that hold.
	machines, holding machine

	numbers numberFormats
	secrets secretFormats
	context contextWords
	tlds    map[uint64]struct{}
	ibans   ibanTable
}

// NewSet compiles a choice of rules: those in enabled are found, those in hold
// are found and also hold back the text that could still become a match. Order
// and repetition do not matter; a rule in hold need not be in enabled.
func NewSet(enabled, hold []Rule) *Set {
	s := &Set{hold: setOf(hold)}
	s.enabled = setOf(enabled) | s.hold
	s.machines, s.holding = machinesFor(s.enabled), machinesFor(s.hold)
	s.numbers = compileNumbers(s.enabled, s.hold)
	s.secrets = compileSecrets(s.enabled, s.hold)
	s.context = compileContext()
	s.tlds = compileTLDs()
	s.ibans = compileIBANs()
	return s
}

// State is where one stream stands. The zero value is the start of a stream.
// It holds no pointers: assignment copies it. It belongs to one goroutine and
// to the Set that it was first scanned with.
type State struct {
	end          int64   // End of the last rune
	live         machine // machines inside something that could become a match
	prev, before kind    // of the last rune and of the one before it
	words        wordState
	number       numberState
	email        emailState
	ipv4         ipv4State
	ipv6         ipv6State
	iban         ibanState
	passport     passportState
	secret       secretState
	pem          pemState
}

// End returns the end of the text scanned so far, in bytes of the original
// stream.
func (st *State) End() int64 { return st.end }

// machine is a set of state machines.
type machine uint16

const (
	mNumber machine = 1 << iota
	mLocal          // e-mail address before its @
	mDomain         // e-mail address after its @
	mIPv4
	mIPv6
	mIBAN
	mPassport
	mSecret
	mPEM
)

func machinesFor(rules ruleSet) machine {
	var m machine
	for _, need := range [...]struct {
		machine machine
		rules   ruleSet
	}{
		{mNumber, setOf([]Rule{CNResidentID, CNMobile, BankCard, JPMyNumber, JPPhone, USSSN})},
		{mLocal | mDomain, setOf([]Rule{Email})},
		{mIPv4, setOf([]Rule{IPv4})},
		{mIPv6, setOf([]Rule{IPv6})},
		{mIBAN, setOf([]Rule{IBAN})},
		{mPassport, setOf([]Rule{CNPassport, JPPassport, USPassport})},
		{mSecret, setOf([]Rule{APIKey, JWT})},
		{mPEM, setOf([]Rule{PrivateKey})},
	} {
		if rules&need.rules != 0 {
			m |= need.machine
		}
	}
	return m
}

// Scan reads the next runes of the plain view and appends the matches decided
// by them to dst, in the order of their decision. Matches and the rune at which
// each is decided do not depend on how the runes are cut into calls. The cost
// is constant per rune; nothing is allocated unless dst must grow.
func (s *Set) Scan(st *State, runes []text.Rune, dst []Match) []Match {
	for i := 0; i < len(runes); i++ {
		r := &runes[i]
		var k kind
		if uint32(r.R) < uint32(len(asciiKinds)) {
			k = asciiKinds[r.R]
			if k&kLetter != 0 {
				if st.live&(mSecret|mIBAN) != 0 {
					s.dropPrefixes(st, r)
				}
				if st.live&^mLocal == 0 {
					if n := s.scanWord(st, runes[i:], k); n > 0 {
						i += n - 1
						continue
					}
				}
			} else if k == kSpace && st.live&^mLocal == 0 {
				s.scanSpace(st, r)
				continue
			}
		} else {
			k = wideKind(r)
		}
		dst = s.step(st, r, k, dst)
	}
	return dst
}

// Most words end the hope for a token with a vendor's prefix and for an IBAN with
// their second letter. dropPrefixes does that part of step for the letter r, so
// that the rest of the word takes the fast path.
func (s *Set) dropPrefixes(st *State, r *text.Rune) {
	if t := &st.secret; st.live&mSecret != 0 && t.phase == secretPrefix && t.formats&s.secrets.at[t.position][exact(r)] == 0 {
		st.live &^= mSecret
	}
	if a := &st.iban; st.live&mIBAN != 0 && a.runes == 1 && s.ibans.length(a.country, r) == 0 {
		st.live &^= mIBAN
	}
}

// scanWord reads ASCII letters that runes begins with, with nothing live but an
// e-mail address that may have begun with the same word. It does what step would
// do with them: one that begins a word may begin something; behind it lower-case
// letters change little, because nothing begins inside a word, and no context
// word ends there. It returns the number of letters read, 0 if the first is a
// capital inside a word.
func (s *Set) scanWord(st *State, runes []text.Rune, k kind) int {
	first := &runes[0]
	if st.prev&kWord == 0 {
		st.words.letter(first.R)
		// What is live here is an e-mail address such as a.b.
		if st.live != 0 {
			st.email.grow(st, 1)
		}
		s.begin(st, first, k)
		st.end, st.prev, st.before = first.End(), k, st.prev
		return 1
	}
	n, latest := 0, st.words.ascii
	for n < len(runes) {
		r := &runes[n]
		if r.Class&text.Upper != 0 || uint32(r.R-'a') > 'z'-'a' {
			break
		}
		latest = latest<<5 | uint64(r.R)&31
		n++
	}
	if n == 0 {
		return 0
	}
	st.words.ascii = latest
	if st.live != 0 {
		st.email.grow(st, n)
	}
	last := &runes[n-1]
	st.end = last.End()
	st.before = st.prev
	if st.prev = asciiKinds[last.R]; n > 1 {
		st.before = asciiKinds[runes[n-2].R]
	}
	return n
}

// scanSpace does what step would do with a blank when nothing is live but the
// local part of an e-mail address: it ends there, and nothing begins.
func (s *Set) scanSpace(st *State, r *text.Rune) {
	s.context.step(st, r, kSpace)
	st.live = 0
	st.end, st.prev, st.before = r.End(), kSpace, st.prev
}

// Close ends the stream: it decides what is pending, as if a rune followed that
// belongs to no format. The State is then at the start of a new stream.
func (s *Set) Close(st *State, dst []Match) []Match {
	if st.live&mPEM != 0 {
		dst = s.closePEM(st, dst)
	}
	dst = s.step(st, &text.Rune{Start: st.end}, 0, dst)
	*st = State{}
	return dst
}

// step moves every live machine over one rune, then starts those that can
// begin with it.
func (s *Set) step(st *State, r *text.Rune, k kind, dst []Match) []Match {
	s.context.step(st, r, k)
	if live := st.live; live != 0 {
		if live&mNumber != 0 {
			dst = s.stepNumber(st, r, k, dst)
		}
		if live&mLocal != 0 {
			s.stepLocal(st, r, k)
		} else if live&mDomain != 0 {
			dst = s.stepDomain(st, r, k, dst)
		}
		if live&mIPv4 != 0 {
			dst = s.stepIPv4(st, r, k, dst)
		}
		if live&mIPv6 != 0 {
			dst = s.stepIPv6(st, r, k, dst)
		}
		if live&mIBAN != 0 {
			dst = s.stepIBAN(st, r, k, dst)
		}
		if live&mPassport != 0 {
			dst = s.stepPassport(st, r, k, dst)
		}
		if live&mSecret != 0 {
			dst = s.stepSecret(st, r, k, dst)
		}
		if live&mPEM != 0 {
			dst = s.stepPEM(st, r, k, dst)
		}
	}
	if k&kHyphen != 0 || k&(kWord|kPlus) != 0 && st.prev&kWord == 0 {
		s.begin(st, r, k)
	}
	st.end, st.prev, st.before = r.End(), k, st.prev
	return dst
}

// begin starts the machines that are not live and can begin with r: a hyphen, or
// a rune whose left neighbour is no part of a word.
func (s *Set) begin(st *State, r *text.Rune, k kind) {
	idle := s.machines &^ st.live
	switch {
	case k&kHyphen != 0:
		if idle&mPEM != 0 && r.R == '-' {
			s.beginPEM(st, r)
		}
	case k&kPlus != 0:
		if idle&mNumber != 0 {
			s.beginPlus(st, r)
		}
	case k&kWide != 0:
	default: // ASCII letter, digit or underscore
		if idle&mLocal != 0 && st.live&mDomain == 0 {
			st.email = emailState{start: r.Start, local: 1}
			st.live |= mLocal
		}
		if k&(kLetter|kDigit) == 0 {
			return
		}
		if idle&mSecret != 0 {
			s.beginSecret(st, r)
		}
		if idle&mPassport != 0 {
			s.beginPassport(st, r, k)
		}
		if k&kDigit == 0 {
			if idle&mIBAN != 0 {
				s.beginIBAN(st, r)
			}
			return
		}
		if idle&mNumber != 0 {
			s.beginNumber(st, r)
		}
		if idle&mIPv4 != 0 {
			s.beginIPv4(st, r)
		}
		if idle&mIPv6 != 0 {
			s.beginIPv6(st, r)
		}
	}
}

// Hold returns the start of the earliest text that could still become a match
// of a hold rule, in bytes of the original stream, and whether there is any. No
// match of a hold rule that is decided later has a byte before start, or, when
// held is false, before the End of the last rune scanned. Where one original
// rune folds to several, ask behind the last of them.
func (s *Set) Hold(st *State) (start int64, held bool) {
	live := st.live & s.holding
	if live&^(mLocal|mDomain) == 0 {
		return st.email.start, live != 0
	}
	h := holdback{start: -1}
	if live&(mLocal|mDomain) != 0 {
		h.at(st.email.start)
	}
	if live&mNumber != 0 {
		s.holdNumber(st, &h)
	}
	if live&mIPv4 != 0 {
		h.at(st.ipv4.start)
	}
	if live&mIPv6 != 0 {
		h.at(st.ipv6.start)
	}
	if live&mIBAN != 0 {
		h.at(st.iban.start)
	}
	if live&mPassport != 0 {
		h.at(st.passport.start)
	}
	if live&mSecret != 0 && st.secret.formats&s.secrets.hold != 0 {
		h.at(st.secret.start)
	}
	if live&mPEM != 0 {
		h.at(st.pem.holdStart())
	}
	return max(h.start, 0), h.start >= 0
}

// holdback collects the earliest of several offsets; start is -1 without any.
type holdback struct{ start int64 }

func (h *holdback) at(start int64) {
	if h.start < 0 || start < h.start {
		h.start = start
	}
}
