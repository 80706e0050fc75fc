package lexicon

import "github.com/seed-4f09bd3a/weir/engine/policy"

// decide reports the candidates that nothing to come can beat: those that start
// before the longest live prefix. They are taken leftmost first, then longest.
func (m *Matcher) decide(v *view, vs *viewState, dst []Match) []Match {
	if len(vs.pending) == 0 {
		return dst
	}
	live := vs.count - uint64(v.detailOf(vs.node).live)
	for {
		best := -1
		for i := range vs.pending {
			if v.refs[vs.pending[i].ref].kind == refEntry && (best < 0 || m.before(v, &vs.pending[i], &vs.pending[best])) {
				best = i
			}
		}
		if best < 0 || vs.pending[best].runeStart >= live || !vs.pending[best].settled {
			break
		}
		c := vs.pending[best]
		excepted, wait := exceptedBy(v, vs.pending, &c)
		if wait {
			break
		}
		vs.pending = append(vs.pending[:best], vs.pending[best+1:]...)
		if !excepted {
			dst = m.report(v, vs, &c, dst)
		}
	}
	v.dropExceptions(vs, live)
	return dst
}

// dropExceptions forgets the exceptions that no undecided term can lie in.
func (v *view) dropExceptions(vs *viewState, live uint64) {
	for _, c := range vs.pending {
		if v.refs[c.ref].kind == refEntry {
			live = min(live, c.runeStart)
		}
	}
	kept := vs.pending[:0]
	for _, c := range vs.pending {
		if v.refs[c.ref].kind != refException || c.runeEnd > live || !c.settled {
			kept = append(kept, c)
		}
	}
	vs.pending = kept
}

// before orders candidates: leftmost, longest, worst, first listed.
func (m *Matcher) before(v *view, a, b *candidate) bool {
	switch {
	case a.runeStart != b.runeStart:
		return a.runeStart < b.runeStart
	case a.runeEnd != b.runeEnd:
		return a.runeEnd > b.runeEnd
	}
	x, y := &v.refs[a.ref], &v.refs[b.ref]
	if x.severity != y.severity {
		return x.severity > y.severity
	}
	return x.entry < y.entry
}

// exceptedBy reports whether an exception of c's entry covers c, or one may
// that waits for its right boundary.
func exceptedBy(v *view, pending []candidate, c *candidate) (excepted, wait bool) {
	entry := v.refs[c.ref].entry
	for i := range pending {
		e := &pending[i]
		if r := &v.refs[e.ref]; r.kind == refException && r.entry == entry &&
			e.runeStart <= c.runeStart && e.runeEnd >= c.runeEnd {
			if e.settled {
				return true, false
			}
			wait = true
		}
	}
	return false, wait
}

// report appends the match of c in the categories where no reported match that
// is at least as severe contains it. A longer match never hides a worse one, and
// matches that only overlap are both reported: their union is what must not be
// shown.
func (m *Matcher) report(v *view, vs *viewState, c *candidate, dst []Match) []Match {
	if vs.covered == nil {
		vs.covered = new(coverage)
	}
	ref := &v.refs[c.ref]
	e := &m.entries[ref.entry]
	var fresh policy.CategorySet
	for _, cat := range e.Categories.Categories() {
		ends := &vs.covered[cat]
		if c.runeEnd <= ends[e.Severity] {
			continue // matches are reported in the order of their starts
		}
		fresh = fresh.Set(cat)
		for sev := policy.Severity(0); sev <= e.Severity; sev++ {
			ends[sev] = max(ends[sev], c.runeEnd)
		}
	}
	if fresh == 0 {
		return dst
	}
	return append(dst, Match{Entry: ref.entry, Categories: fresh,
		Span: policy.Span{Start: policy.Offset(c.startOff), End: policy.Offset(c.endOff)}})
}
