package lexicon

import "github.com/seed-4f09bd3a/weir/engine/text"

// Hold returns the offset of the first byte that may still become part of a
// match that holds text back. held is false if there is none: then everything
// read may go. Nothing before start can be part of a match not yet reported.
func (m *Matcher) Hold(s *State) (start int64, held bool) {
	if m.plain != nil {
		start, held = m.plain.holdFrom(&s.plain)
	}
	if m.skeleton != nil {
		if at, ok := m.skeleton.holdFrom(&s.skeleton); ok && (!held || at < start) {
			start, held = at, true
		}
	}
	if len(m.combos) > 0 {
		if at, ok := m.holdCombos(s); ok && (!held || at < start) {
			start, held = at, true
		}
	}
	return start, held
}

// holdFrom is Hold for one view.
func (v *view) holdFrom(vs *viewState) (start int64, held bool) {
	if vs.node.hold() > 0 {
		start, held = v.holdPrefix(vs)
	}
	for i := range vs.pending {
		c := &vs.pending[i]
		if v.refs[c.ref].hold && (!held || c.startOff < start) {
			start, held = c.startOff, true
		}
	}
	return start, held
}

// holdPrefix returns the start of the longest live prefix that holds text back.
// A prefix inside a word is dead if all terms that it could become must begin at
// a word boundary; then the next shorter suffix is asked.
func (v *view) holdPrefix(vs *viewState) (start int64, held bool) {
	for node := vs.node; ; {
		h := node.hold()
		if h == 0 {
			return 0, false
		}
		e := vs.ring[(vs.count-h)&uint64(len(vs.ring)-1)]
		if node&wordOnlyBit == 0 || text.Class(e)&text.Word == 0 {
			return int64(e >> classBits), true
		}
		for uint64(v.detailOf(node).depth) > h {
			node = v.failOf(node)
		}
		node = v.failOf(node)
	}
}
