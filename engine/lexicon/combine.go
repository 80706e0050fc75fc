package lexicon

import (
	"cmp"
	"slices"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// combo is a combination: all parts within so many runes, in any order.
type combo struct {
	entry  EntryID
	parts  uint8
	within uint16 // runes from the first part's start to the last part's end
	hold   bool
}

// part is the latest occurrence of a part of a combination.
type part struct {
	combo              int32
	part               uint8
	runeStart, runeEnd uint64
	startOff, endOff   int64
}

// minComboLimit is how many parts a stream remembers before it looks which of
// them are out of reach.
const minComboLimit = 64

// combine takes up an occurrence of a part and appends a match if it completes
// its combination. Only the latest occurrence of each part counts: it is the
// one that stays in reach longest. A part that occurs again costs two binary
// searches, so that no text makes this slow.
func (m *Matcher) combine(s *State, r *ref, c candidate, dst []Match) []Match {
	co := &m.combos[r.combo]
	if s.comboLimit = max(s.comboLimit, minComboLimit); len(s.combos) >= s.comboLimit {
		now := s.plain.count
		s.combos = slices.DeleteFunc(s.combos, func(p part) bool {
			return now-p.runeStart > uint64(m.combos[p.combo].within)
		})
		s.comboLimit = 2 * len(s.combos)
	}
	p := part{
		combo: r.combo, part: r.part,
		runeStart: c.runeStart, runeEnd: c.runeEnd, startOff: c.startOff, endOff: c.endOff,
	}
	at, found := slices.BinarySearchFunc(s.combos, p, func(a, b part) int {
		return cmp.Or(cmp.Compare(a.combo, b.combo), cmp.Compare(a.part, b.part))
	})
	if found {
		s.combos[at] = p
	} else {
		s.combos = slices.Insert(s.combos, at, p)
	}
	lo := at - int(r.part)
	lo = max(lo, 0)
	for s.combos[lo].combo != r.combo {
		lo++
	}
	hi := lo
	first, last := p, p
	for ; hi < len(s.combos) && s.combos[hi].combo == r.combo; hi++ {
		q := &s.combos[hi]
		if q.runeStart < first.runeStart {
			first = *q
		}
		if q.runeEnd > last.runeEnd {
			last = *q
		}
	}
	if hi-lo < int(co.parts) || last.runeEnd-first.runeStart > uint64(co.within) {
		return dst
	}
	s.combos = slices.Delete(s.combos, lo, hi)
	return append(dst, Match{Entry: co.entry, Categories: m.entries[co.entry].Categories,
		Span: policy.Span{Start: policy.Offset(first.startOff), End: policy.Offset(last.endOff)}})
}

// holdCombos returns the start of the first part that may still be completed.
// The last part would end one rune from now at the earliest, or has ended and
// waits for its right boundary.
func (m *Matcher) holdCombos(s *State) (start int64, held bool) {
	ended := s.plain.count + 1
	for i := range s.plain.pending {
		if m.plain.refs[s.plain.pending[i].ref].kind == refPart {
			ended = s.plain.count
			break
		}
	}
	for i := range s.combos {
		p := &s.combos[i]
		co := &m.combos[p.combo]
		if co.hold && ended-p.runeStart <= uint64(co.within) && (!held || p.startOff < start) {
			start, held = p.startOff, true
		}
	}
	return start, held
}
