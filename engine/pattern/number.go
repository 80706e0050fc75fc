package pattern

import (
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// One machine reads all numbers: groups of digits, each joined to the one
// before it by white space, a hyphen or a parenthesis. When a group ends, the
// groups up to it are compared with the formats; see format.go.

const (
	maxGroups      = 5  // of the longest format
	maxGroupDigits = 19 // of the longest format; fits a uint64
	maxGapRunes    = 3  // between two groups, as in "(03) 1234"
)

// join is how a group of digits is joined to the group before it.
type join uint8

const (
	joinNone   join = 1 << iota // no group before it
	joinPlus                    // none, and a plus sign before it
	joinSpace                   // white space
	joinHyphen                  // hyphen
	joinParen                   // parenthesis, with or without white space
	joinDot                     // in a gap only: a decimal point unless the sentence ends here
)

// joinSoft are the joins that may also separate two numbers.
const joinSoft = joinSpace | joinParen

type numberPhase uint8

const (
	numberPlus  numberPhase = iota // after a plus sign
	numberGroup                    // in a group of digits
	numberX                        // after the X that ends a resident identity number
	numberGap                      // after a group, before the next
)

type numberState struct {
	starts [maxGroups]int64  // Start of each group, of its plus sign if it has one
	values [maxGroups]uint64 // of each group's digits, without X
	end    int64             // End of the last group
	digits [maxGroups]uint8  // of each group; X counts as one
	joins  [maxGroups]join   // of each group to the one before it
	groups uint8             // in the arrays
	phase  numberPhase
	gap    join  // in numberGap: what it consists of
	gapLen uint8 // runes in the gap
	withX  bool  // the last group ends in X

	// A complete number that waits for one more group: for digits that would
	// make it a longer number, or that forbid it.
	pending       uint8 // format's index + 1
	pendingFrom   uint8 // its first group
	pendingStrict bool  // digits after the gap forbid it
	pendingEnd    int64
}

func (s *Set) beginPlus(st *State, r *text.Rune) {
	st.number = numberState{phase: numberPlus}
	st.number.starts[0] = r.Start
	st.live |= mNumber
}

// beginNumber starts a number with a digit whose left neighbour is no word,
// unless the digits belong to a decimal fraction, an amount of money or an
// identifier such as order-1234.
func (s *Set) beginNumber(st *State, r *text.Rune) {
	if st.prev&(kDot|kMoney) != 0 || st.prev&kHyphen != 0 && st.before&kWord != 0 {
		return
	}
	st.number = numberState{phase: numberGroup, groups: 1}
	joined := joinNone
	if st.prev&(kSpace|kParen) != 0 && st.before&kDigit != 0 {
		joined = joinSpace // to digits that are part of no format
	}
	st.number.start(0, r.Start, r, joined)
	st.live |= mNumber
}

func (n *numberState) start(i uint8, at int64, r *text.Rune, j join) {
	n.starts[i], n.values[i], n.digits[i], n.joins[i] = at, uint64(r.R-'0'), 1, j
	n.phase = numberGroup
}

func (s *Set) stepNumber(st *State, r *text.Rune, k kind, dst []Match) []Match {
	n := &st.number
	switch n.phase {
	case numberPlus:
		if k&kDigit == 0 {
			st.live &^= mNumber
			return dst
		}
		n.groups = 1
		n.start(0, n.starts[0], r, joinPlus)
		return dst
	case numberGroup:
		last := n.groups - 1
		if k&kDigit != 0 {
			if n.digits[last] == maxGroupDigits {
				return s.dropNumber(st, dst)
			}
			n.values[last] = n.values[last]*10 + uint64(r.R-'0')
			n.digits[last]++
			return dst
		}
		n.end = st.end
		if r.R == 'x' && (n.digits[last] == 17 || last >= 2 && n.digits[last] == 3 && n.digits[last-1] == 8) {
			n.digits[last]++
			n.withX = true
			n.phase = numberX
			return dst
		}
		return s.endGroup(st, k, dst)
	case numberX:
		n.end = st.end
		if k&(kWord|kHyphen|kDot) != 0 {
			return s.endGroup(st, k, dst)
		}
		dst = s.settle(st, false, dst) // no format goes on after X
		return s.dropNumber(st, dst)
	default:
		return s.stepGap(st, r, k, dst)
	}
}

// endGroup takes the rune after a group.
func (s *Set) endGroup(st *State, k kind, dst []Match) []Match {
	n := &st.number
	n.phase, n.gapLen = numberGap, 1
	switch {
	case k&kWord != 0:
		return s.dropNumber(st, dst)
	case k&kSpace != 0:
		n.gap = joinSpace
		return s.settle(st, true, dst)
	case k&kParen != 0:
		n.gap = joinParen
		return s.settle(st, true, dst)
	case k&kHyphen != 0:
		n.gap = joinHyphen
		return dst
	case k&kDot != 0:
		n.gap = joinDot
		return dst
	}
	dst = s.settle(st, false, dst)
	return s.dropNumber(st, dst)
}

// stepGap takes a rune after the first one behind a group.
func (s *Set) stepGap(st *State, r *text.Rune, k kind, dst []Match) []Match {
	n := &st.number
	soft := n.gap&joinSoft != 0
	switch {
	case k&kDigit != 0 && n.gap != joinDot && !n.withX:
		if n.pendingStrict {
			n.pending, n.pendingStrict = 0, false
		}
		if n.pending != 0 && !soft {
			// The last group goes on as another number with hyphens, so it does
			// not make the waiting number a longer one.
			dst = s.emitPending(st, dst)
			n.shift(n.groups - 1)
		}
		if n.groups == maxGroups {
			n.shift(1)
		}
		n.start(n.groups, r.Start, r, n.gap)
		n.groups++
		return dst
	case soft && k&(kSpace|kParen) != 0 && n.gapLen < maxGapRunes:
		n.gapLen++
		if k&kParen != 0 {
			n.gap = joinParen
		}
		return dst
	case !soft && k&kWord == 0:
		dst = s.settle(st, false, dst)
	}
	return s.dropNumber(st, dst)
}

// dropNumber ends the run of groups; a complete number still waiting is one.
func (s *Set) dropNumber(st *State, dst []Match) []Match {
	dst = s.emitPending(st, dst)
	st.live &^= mNumber
	return dst
}

func (s *Set) emitPending(st *State, dst []Match) []Match {
	n := &st.number
	if n.pending == 0 {
		return dst
	}
	dst = append(dst, Match{
		Rule: s.numbers.formats[n.pending-1].rule,
		Span: policy.Span{Start: policy.Offset(n.starts[n.pendingFrom]), End: policy.Offset(n.pendingEnd)},
	})
	n.pending, n.pendingStrict = 0, false
	return dst
}

// settle decides which number, if any, ends with the last group. soft says that
// digits may follow after white space or a parenthesis; otherwise the run of
// groups ends here.
func (s *Set) settle(st *State, soft bool, dst []Match) []Match {
	n := &st.number
	i, from := s.findNumber(st)
	if n.pending != 0 && (i < 0 || from > n.pendingFrom) {
		// The group did not make the waiting number a longer one, so that
		// number stands; what follows it begins with the last group.
		dst = s.emitPending(st, dst)
		n.shift(n.groups - 1)
		i, from = s.findNumber(st)
	}
	if i < 0 {
		return dst
	}
	f := &s.numbers.formats[i]
	n.pending, n.pendingFrom, n.pendingStrict = uint8(i+1), from, f.strict && n.spaced(from)
	n.pendingEnd = n.end
	if soft && (n.pendingStrict || f.extends) {
		return dst
	}
	dst = s.emitPending(st, dst)
	st.live &^= mNumber
	return dst
}

// shift forgets the first count groups.
func (n *numberState) shift(count uint8) {
	copy(n.starts[:], n.starts[count:])
	copy(n.values[:], n.values[count:])
	copy(n.digits[:], n.digits[count:])
	copy(n.joins[:], n.joins[count:])
	n.groups -= count
	n.pendingFrom -= min(count, n.pendingFrom)
}
