package pattern

import (
	"strings"

	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// The lengths that RFC 5321 section 4.5.3.1 and RFC 1035 section 2.3.4 allow.
const (
	maxLocal  = 64
	maxDomain = 255
	maxLabel  = 63
)

// emailState reads the local part up to the @, then the domain label by label.
type emailState struct {
	start    int64  // of the local part
	validEnd int64  // End of the longest domain so far that is complete; 0 without one
	label    uint64 // letters of the current label, 5 bits each
	domain   uint16 // runes of the domain
	local    uint8  // runes of the local part
	runes    uint8  // of the current label
	labels   uint8  // labels before the current one; stops at 255
	flags    emailFlags
}

type emailFlags uint8

const (
	labelNotLetters emailFlags = 1 << iota // the current label has a digit or a hyphen
	afterExample                           // the label before the current one is example
	validIsReserved                        // the domain that ends at validEnd is reserved
)

// grow counts n more runes of the local part. A longer token is no address:
// RFC 5321 ends a local part at 64.
func (e *emailState) grow(st *State, n int) {
	if int(e.local)+n > maxLocal {
		st.live &^= mLocal
		return
	}
	e.local += uint8(n)
}

func (s *Set) stepLocal(st *State, r *text.Rune, k kind) {
	e := &st.email
	switch {
	case r.R == '@':
		st.live &^= mLocal
		// git@host is how source repositories are addressed.
		if st.prev&kDot != 0 || e.local == 3 && e.isGit(st) {
			return
		}
		*e = emailState{start: e.start}
		st.live |= mDomain
	case k&kLocal == 0 || k&kDot != 0 && st.prev&kDot != 0:
		st.live &^= mLocal
	default:
		e.grow(st, 1)
	}
}

// isGit reports whether the latest three letters are git. The @ has already
// been taken as a separator.
func (e *emailState) isGit(st *State) bool {
	packed, mask := packWord("git ")
	return st.words.ascii&mask == packed
}

func (s *Set) stepDomain(st *State, r *text.Rune, k kind, dst []Match) []Match {
	e := &st.email
	e.domain++
	switch {
	case k&(kLetter|kDigit) != 0 && k&kWide == 0 && e.runes < maxLabel && e.domain <= maxDomain:
		e.runes++
		e.label = e.label<<5 | uint64(r.R)&31
		if k&kLetter == 0 {
			e.flags |= labelNotLetters
		}
		return dst
	case r.R == '-' && e.runes > 0 && e.runes < maxLabel && e.domain <= maxDomain:
		if e.flags&labelNotLetters == 0 {
			s.endLabel(st)
		}
		e.runes++
		e.flags |= labelNotLetters
		return dst
	case k&kDot != 0 && e.runes > 0 && e.domain <= maxDomain:
		s.endLabel(st)
		if e.isLabel("example") {
			e.flags |= afterExample
		} else {
			e.flags &^= afterExample
		}
		e.flags &^= labelNotLetters
		e.label, e.runes = 0, 0
		e.labels += 1 - e.labels/255
		return dst
	}
	st.live &^= mDomain
	if k&kWord == 0 {
		s.endLabel(st)
	}
	if e.validEnd != 0 && e.flags&validIsReserved == 0 {
		dst = append(dst, Match{Rule: Email, Span: policy.Span{Start: policy.Offset(e.start), End: policy.Offset(e.validEnd)}})
	}
	return dst
}

// endLabel notes a complete domain if the label that ended is a top-level
// domain behind another label.
func (s *Set) endLabel(st *State) {
	e := &st.email
	if e.labels == 0 || e.runes < 2 || e.flags&labelNotLetters != 0 {
		return
	}
	if e.isLabel("example") || e.isLabel("invalid") || e.isLabel("test") || e.isLabel("localhost") {
		e.validEnd = st.end
		e.flags |= validIsReserved
		return
	}
	if _, ok := s.tlds[e.label]; !ok || e.runes > 12 {
		return
	}
	e.validEnd = st.end
	e.flags &^= validIsReserved
	if e.flags&afterExample != 0 && (e.isLabel("com") || e.isLabel("net") || e.isLabel("org")) {
		e.flags |= validIsReserved
	}
}

// isLabel reports whether the current label is name, of at most 12 letters.
func (e *emailState) isLabel(name string) bool {
	packed, _ := packWord(name)
	return int(e.runes) == len(name) && e.label == packed && e.flags&labelNotLetters == 0
}

// countryTLDs are the second letters of the two-letter top-level domains, by
// the first letter; countries in the IANA root zone database of February 2026.
var countryTLDs = [26]string{
	"cdefgilmoqrstuwxz", "abdefghijmnorstvwyz", "acdfghiklmnoruvwxyz", "ejkmoz", "cegrstu", "ijkmor",
	"abdefghilmnpqrstuwy", "kmnrtu", "delmnoqrst", "emop", "eghimnprwyz", "abcikrstuvy",
	"acdeghklmnopqrstuvwxyz", "acefgilopruz", "m", "aefghklmnrstwy", "a", "eosuw",
	"abcdeghijklmnorstuvxyz", "cdfghjklmnortvwz", "agksyz", "aceginu", "fs", "", "et", "amw",
}

// genericTLDs are the generic top-level domains in which mail addresses are
// common, and those of each kind in the IANA root zone that look like neither
// a file name extension nor an attribute in program text (icon@2x.png,
// a@b.transpose).
const genericTLDs = "com net org edu gov mil int info biz name pro mobi tel asia cat aero coop museum travel jobs post " +
	"app dev xyz online site top club shop store cloud tech email work live life world today space website news media " +
	"social studio design agency company group team global network digital solutions services systems support center " +
	"expert community technology academy school education university institute foundation consulting finance money fund " +
	"bank capital law legal health care clinic dental hospital art blog fun icu vip win wiki zone tokyo osaka nagoya " +
	"london paris berlin nyc moe one link click ltd llc inc xin wang ren red pub plus page host run games software " +
	"engineer engineering kim chat ink rocks guru ninja cool city land house farm eco earth green energy press " +
	"review video photo photos gallery events international"

func compileTLDs() map[uint64]struct{} {
	tlds := make(map[uint64]struct{})
	for _, name := range strings.Fields(genericTLDs) {
		if len(name) <= 12 {
			packed, _ := packWord(name)
			tlds[packed] = struct{}{}
		}
	}
	for first, seconds := range countryTLDs {
		for i := range len(seconds) {
			packed, _ := packWord(string(rune('a'+first)) + seconds[i:i+1])
			tlds[packed] = struct{}{}
		}
	}
	return tlds
}
