package lexicon

import (
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// Match is an entry found in the text, before policy.
type Match struct {
	Entry      EntryID
	Categories policy.CategorySet // of the entry, less those in which a match that is at least as severe already covers this place
	Span       policy.Span
}

// EntryID is the index of an entry among all entries of a Matcher.
type EntryID int32

// EntryInfo is what a Matcher remembers of an entry: enough to explain a match
// without keeping its text.
type EntryInfo struct {
	Pack       string
	Line       int32 // in the pack file
	Severity   policy.Severity
	Categories policy.CategorySet
}

// Matcher finds the entries of one or more packs in streams of folded runes.
// It is immutable and safe for concurrent use; each stream has its own State.
type Matcher struct {
	plain    *view // nil without entries of that kind
	skeleton *view
	entries  []EntryInfo
	combos   []combo
}

// State is where one stream stands: about 200 bytes, and for each view eight
// bytes for every rune of the longest term. It belongs to one goroutine.
// Get one from NewState.
type State struct {
	plain, skeleton viewState
	folding         text.Skeleton
	combos          []part // parts of combinations seen lately, by combo and part
	comboLimit      int    // when combos is longer, those out of reach are dropped
	scratch         []text.Rune
}

// MaxRunes is the most runes that one call of Scan or Advance takes.
const MaxRunes = 32

// refKind says what a term stands for.
type refKind uint8

const (
	refEntry     refKind = iota // an entry's term
	refException                // an exception of that entry
	refPart                     // a part of a combination
)

// ref connects a term with an entry.
type ref struct {
	entry    EntryID
	combo    int32 // refPart: index in Matcher.combos
	part     uint8
	kind     refKind
	runes    uint8
	wordLeft bool       // must begin at a word boundary
	hold     bool       // holds text back
	excepted bool       // the entry has exceptions
	reject   text.Class // classes that must not follow
	severity policy.Severity
}

// view is one automaton with what its outputs mean.
type view struct {
	automaton
	refs    []ref
	longest int // runes of the longest term
}

// viewState is a stream's position in one view.
type viewState struct {
	count   uint64      // runes read
	node    state       // of the automaton
	prev    text.Class  // class of the last rune; 0 at the start and after a gap
	ring    []uint64    // start offset and class of the rune before it, of rune i at i&(len-1)
	pending []candidate // terms that ended and are not decided, in order of their ends
	covered *coverage   // nil until the first match
}

func (s *viewState) take(p position) { s.node, s.prev, s.count = p.node, p.prev, p.count }

// classBits is how many low bits of a ring entry hold the class.
const classBits = 8

// candidate is a term that ended but may still be beaten, excepted, or refused
// by the rune that follows.
type candidate struct {
	ref              uint32
	settled          bool   // the rune after it is known not to continue the word
	runeStart        uint64 // rune index
	runeEnd          uint64
	startOff, endOff int64
}

// coverage is, per category and severity, the rune index before which a match
// of at least that severity has been reported.
type coverage [policy.NumCategories][policy.NumSeverities]uint64

// NewState returns the state of a new stream.
func (m *Matcher) NewState() State {
	var s State
	if m.plain != nil {
		s.plain.node = m.plain.start
		s.plain.ring = make([]uint64, ringSize(m.plain.longest))
	}
	if m.skeleton != nil {
		s.skeleton.node = m.skeleton.start
		s.skeleton.ring = make([]uint64, ringSize(m.skeleton.longest))
		s.scratch = make([]text.Rune, 0, text.MaxSkeletonExpansion*MaxRunes)
	}
	return s
}

// ringSize leaves room for the runes that a failed advance has written ahead.
func ringSize(longest int) int {
	n := 64
	for n < longest+MaxRunes+1 {
		n *= 2
	}
	return n
}

// Entry returns what is known of an entry.
func (m *Matcher) Entry(id EntryID) EntryInfo { return m.entries[id] }

// Len returns the number of entries.
func (m *Matcher) Len() int { return len(m.entries) }

// SizeBytes returns the memory that the matcher takes, without the pack names.
func (m *Matcher) SizeBytes() int {
	n := len(m.entries)*32 + len(m.combos)*16
	for _, v := range [...]*view{m.plain, m.skeleton} {
		if v != nil {
			n += v.sizeBytes() + len(v.refs)*refBytes
		}
	}
	return n
}

// Advance moves s over at most MaxRunes plain runes if no term ends in them
// and none is undecided, and reports whether it did. If it returns false, s is
// as it was and Scan must be given the same runes. It is the fast path: it
// allocates nothing and reports no match, because there is none.
func (m *Matcher) Advance(s *State, runes []text.Rune) bool {
	if len(runes) == 0 {
		return true
	}
	var plain, skeleton position
	var ok bool
	if m.plain != nil {
		if plain, ok = m.plain.advance(&s.plain, runes); !ok {
			return false
		}
	}
	if m.skeleton != nil {
		folding := s.folding
		s.scratch = folding.Append(s.scratch[:0], runes)
		if skeleton, ok = m.skeleton.advanceSkeleton(&s.skeleton, s.scratch); !ok {
			return false
		}
		s.folding = folding
		s.skeleton.take(skeleton)
	}
	if m.plain != nil {
		s.plain.take(plain)
	}
	return true
}

// Scan moves s over one plain rune and appends the matches that are decided by
// it. The result of a text is the sequence of all matches of its runes, each at
// the rune that decides it; it depends on the text alone.
func (m *Matcher) Scan(s *State, r text.Rune, dst []Match) []Match {
	if m.plain != nil {
		dst = m.step(m.plain, s, &s.plain, r, dst)
	}
	if m.skeleton != nil {
		one := [1]text.Rune{r}
		s.scratch = s.folding.Append(s.scratch[:0], one[:])
		for i := range s.scratch {
			dst = m.step(m.skeleton, s, &s.skeleton, s.scratch[i], dst)
		}
	}
	return dst
}

// Close appends the matches that the end of the text decides.
func (m *Matcher) Close(s *State, dst []Match) []Match {
	if m.plain != nil {
		dst = m.finish(m.plain, s, &s.plain, dst)
	}
	if m.skeleton != nil {
		dst = m.finish(m.skeleton, s, &s.skeleton, dst)
	}
	s.combos = s.combos[:0]
	return dst
}

// finish decides everything pending as if a boundary followed.
func (m *Matcher) finish(v *view, s *State, vs *viewState, dst []Match) []Match {
	dst = m.settle(v, s, vs, 0, dst)
	vs.node, vs.prev = v.start, 0
	return m.decide(v, vs, dst)
}

// step reads one rune of a view.
func (m *Matcher) step(v *view, s *State, vs *viewState, r text.Rune, dst []Match) []Match {
	if r.Class&text.Gap != 0 {
		dst = m.settle(v, s, vs, 0, dst)
		if r.Class&text.Repeat != 0 {
			v.repeat(vs, vs.count, r.Start)
		}
		if r.Class&text.Break != 0 {
			vs.node = v.start
		}
		vs.prev = r.Class & text.Word // of a repeated letter
		return m.decide(v, vs, dst)
	}
	dst = m.settle(v, s, vs, r.Class, dst)
	vs.ring[vs.count&uint64(len(vs.ring)-1)] = uint64(r.Start)<<classBits | uint64(vs.prev)
	vs.count++
	vs.prev = r.Class
	vs.node = v.next(vs.node, v.codes.of(r.R))
	for o := v.detailOf(vs.node).out; o != noOutput; o = v.outputs[o].next {
		for i := v.outputs[o].refs; i < v.outputs[o].refsEnd; i++ {
			dst = m.end(v, s, vs, i, r.End(), dst)
		}
	}
	return m.decide(v, vs, dst)
}

// end takes up the term of ref i, which ends at the last rune.
func (m *Matcher) end(v *view, s *State, vs *viewState, i uint32, end int64, dst []Match) []Match {
	ref := &v.refs[i]
	from := vs.count - uint64(ref.runes)
	entry := vs.ring[from&uint64(len(vs.ring)-1)]
	if ref.wordLeft && text.Class(entry)&text.Word != 0 {
		return dst
	}
	c := candidate{
		ref: i, settled: ref.reject == 0, runeStart: from, runeEnd: vs.count,
		startOff: int64(entry >> classBits), endOff: end,
	}
	if c.settled && ref.kind == refPart {
		return m.combine(s, ref, c, dst)
	}
	if n := len(vs.pending); n > 0 && m.dominates(v, &vs.pending[n-1], &c) {
		return dst
	}
	vs.pending = append(vs.pending, c)
	return dst
}

// dominates reports whether c can be forgotten because b, which ends at the
// same rune, contains it and shares its fate: if b is reported it covers c, and
// if b is not, it is because something that covers both was. This bounds the
// work on texts where a hundred terms end at every rune.
func (m *Matcher) dominates(v *view, b, c *candidate) bool {
	x, y := &v.refs[b.ref], &v.refs[c.ref]
	return x.kind == refEntry && y.kind == refEntry && b.runeEnd == c.runeEnd && b.runeStart <= c.runeStart &&
		x.reject == y.reject && !x.excepted && x.severity >= y.severity && (x.hold || !y.hold) &&
		m.entries[y.entry].Categories&^m.entries[x.entry].Categories == 0
}

// settle tells the candidates that wait for it which class of rune follows.
// Those it continues are no matches and go.
func (m *Matcher) settle(v *view, s *State, vs *viewState, next text.Class, dst []Match) []Match {
	kept := vs.pending[:0]
	for _, c := range vs.pending {
		if !c.settled {
			ref := &v.refs[c.ref]
			if next&ref.reject != 0 {
				continue
			}
			c.settled = true
			if ref.kind == refPart {
				dst = m.combine(s, ref, c, dst)
				continue
			}
		}
		kept = append(kept, c)
	}
	vs.pending = kept
	return dst
}

// repeat moves the start of the last letter to where it was repeated after a
// gap, if the first one was inside a word: "xb b" is b, b with one start, and a
// word may begin at the second.
func (v *view) repeat(vs *viewState, count uint64, start int64) {
	if count == 0 {
		return
	}
	e := &vs.ring[(count-1)&uint64(len(vs.ring)-1)]
	if text.Class(*e)&text.Word != 0 {
		*e = uint64(start) << classBits
	}
}
