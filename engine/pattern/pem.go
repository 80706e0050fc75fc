package pattern

import (
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// A private key in PEM text is decided with the last dash of its header, and
// its span is the header. Behind it comes the body, reported in pieces as it is
// read: a piece ends with the footer, or with a run of base64 that is long
// enough. So no more than pemGap runes are held, whatever follows, and a
// header that is only talked about takes nothing of the prose behind it along.
const (
	pemLabel   = 48  // longest label between the dashes, in runes
	pemRun     = 24  // runes of base64 without a break that are body and not a word
	pemGap     = 128 // runes without such a run that end the body; more than a footer and two short lines
	pemRunHeld = 80  // runes of a body after which a piece is reported within a line; lines have 64 or 76
	pemDashes  = 5   // on either side of a label, RFC 7468 section 2
)

type pemPhase uint8

const (
	pemIdle    pemPhase = iota
	pemOpening          // in the dashes before BEGIN or END
	pemWord             // in BEGIN or END and the blank behind it
	pemName             // in the label
	pemClosing          // in the dashes behind the label
)

type pemState struct {
	start int64  // of the boundary line being read, its first dash
	body  int64  // where the body that has not been reported begins
	label uint64 // latest twelve runes of the label, 5 bits each
	runes uint8  // in the phase
	held  uint8  // runes since body
	run   uint8  // runes of base64 without a break; stops at pemRun
	phase pemPhase
	flags pemFlags
}

type pemFlags uint8

const (
	pemInBody   pemFlags = 1 << iota // behind a header
	pemIsEnd                         // the boundary line says END
	pemNamesKey                      // its label has the words PRIVATE KEY
	pemSeen                          // a piece of the body has been reported
	pemForeign                       // since body there was a rune that is neither base64 nor white space
)

// The words of a boundary line before its label.
const (
	pemBegin = "begin "
	pemEnd   = "end "
)

func (s *Set) beginPEM(st *State, r *text.Rune) {
	if st.prev&kHyphen != 0 {
		return // exactly five dashes
	}
	st.pem = pemState{phase: pemOpening, start: r.Start, runes: 1}
	st.live |= mPEM
}

// stepPEM reads a boundary line, and the body if there is one.
func (s *Set) stepPEM(st *State, r *text.Rune, k kind, dst []Match) []Match {
	p := &st.pem
	complete := p.stepBoundary(st, r, k)
	if complete && p.flags&pemIsEnd == 0 {
		dst = append(dst, Match{Rule: PrivateKey, Span: policy.Span{Start: policy.Offset(p.start), End: policy.Offset(r.End())}})
		*p = pemState{body: r.End(), flags: pemInBody}
		return dst
	}
	if p.flags&pemInBody != 0 {
		dst = p.stepBody(st, r, k, complete, dst)
	}
	if p.flags&pemInBody == 0 && p.phase == pemIdle {
		st.live &^= mPEM
	}
	return dst
}

// stepBoundary reports whether r completes a header or a footer of a private key.
func (p *pemState) stepBoundary(st *State, r *text.Rune, k kind) bool {
	switch p.phase {
	case pemOpening:
		if p.runes < pemDashes {
			if r.R == '-' {
				p.runes++
				return false
			}
			break
		}
		p.phase, p.runes, p.flags = pemWord, 0, p.flags&^(pemIsEnd|pemNamesKey)
		if r.R == 'e' && p.flags&pemInBody != 0 {
			p.flags |= pemIsEnd
		}
		fallthrough
	case pemWord:
		word := pemBegin
		if p.flags&pemIsEnd != 0 {
			word = pemEnd
		}
		if r.R != rune(word[p.runes]) {
			break
		}
		if p.runes++; int(p.runes) == len(word) {
			p.phase, p.runes, p.label = pemName, 0, 0
		}
		return false
	case pemName:
		p.runes++
		switch {
		case k&(kLetter|kSpace|kDigit) != 0 && k&kWide == 0 && p.runes <= pemLabel:
			p.label = p.label << 5
			if k&kLetter != 0 {
				p.label |= uint64(r.R) & 31
			}
			if p.endsWith("private key") {
				p.flags |= pemNamesKey
			}
			return false
		case r.R == '-' && (p.endsWith("private key") || p.flags&pemNamesKey != 0 && p.endsWith(" block")):
			p.phase, p.runes = pemClosing, 1
			return false
		}
	case pemClosing:
		if r.R == '-' {
			p.runes++
			return p.runes == pemDashes
		}
	}
	p.phase = pemIdle
	if r.R == '-' && st.prev&kHyphen == 0 {
		p.phase, p.start, p.runes = pemOpening, r.Start, 1
	}
	return false
}

func (p *pemState) endsWith(words string) bool {
	packed, mask := packWord(words)
	return p.label&mask == packed
}

// stepBody takes a rune behind a header. complete says that it completes the
// footer.
func (p *pemState) stepBody(st *State, r *text.Rune, k kind, complete bool, dst []Match) []Match {
	p.held++
	switch {
	case complete:
		dst = p.report(r.End(), dst)
		*p = pemState{}
	case k&kBase64 != 0:
		p.run = min(p.run+1, pemRun)
		if p.run == pemRun && p.held >= pemRunHeld {
			dst = p.report(r.End(), dst)
		}
	default:
		if p.run == pemRun {
			dst = p.report(st.end, dst)
			p.held = 1
		}
		p.run = 0
		if k&kSpace == 0 {
			p.flags |= pemForeign
		}
	}
	if p.held > pemGap {
		p.flags &^= pemInBody | pemSeen | pemForeign
	}
	return dst
}

// report reports the body up to end. It may have been reported as part of a rune
// that folds to several.
func (p *pemState) report(end int64, dst []Match) []Match {
	if end <= p.body {
		return dst
	}
	dst = append(dst, Match{
		Rule:      PrivateKey,
		Span:      policy.Span{Start: policy.Offset(p.body), End: policy.Offset(end)},
		Continues: true,
	})
	p.body, p.held = end, 0
	p.flags = p.flags&^pemForeign | pemSeen
	return dst
}

// closePEM ends the stream: a body that breaks off is reported to its end, even
// in a short last line.
func (s *Set) closePEM(st *State, dst []Match) []Match {
	p := &st.pem
	broken := p.run == pemRun || p.flags&(pemSeen|pemForeign) == pemSeen
	if p.flags&pemInBody != 0 && broken {
		dst = p.report(st.end, dst)
	}
	st.live &^= mPEM
	return dst
}

// holdStart returns the start of what may still be reported.
func (p *pemState) holdStart() int64 {
	if p.flags&pemInBody != 0 {
		return p.body
	}
	return p.start
}
