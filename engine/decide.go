package engine

import (
	"cmp"
	"slices"
	"time"

	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// decide takes the findings of one rune, in an order that depends on them
// alone. The first rune that has one which halts is the last that counts.
func (s *Stream) decide() {
	if len(s.decided) == 0 {
		return
	}
	slices.SortFunc(s.decided, compareFindings)
	for _, f := range s.decided {
		if s.plan.observe {
			f.Action = min(f.Action, policy.Flag)
		}
		s.findings = append(s.findings, f)
		s.action = max(s.action, f.Action)
		switch f.Action {
		case policy.Redact:
			s.redact(f)
		case policy.Halt:
			if s.halt == policy.NoOffset || f.Span.Start < s.halt {
				s.halt = f.Span.Start
			}
		}
		if s.trace.Found != nil {
			s.trace.Found(s.plan.profile.Name, f)
		}
	}
	s.decided = s.decided[:0]
	if s.halt != policy.NoOffset {
		s.state = streamHalted
	}
}

func compareFindings(a, b policy.Finding) int {
	return cmp.Or(
		cmp.Compare(a.Span.Start, b.Span.Start), cmp.Compare(a.Span.End, b.Span.End),
		cmp.Compare(a.Category, b.Category), cmp.Compare(a.Source.Kind, b.Source.Kind),
		cmp.Compare(a.Source.Name, b.Source.Name), cmp.Compare(a.Source.Line, b.Source.Line),
	)
}

// redact adds the edit of f to those that wait for release.
func (s *Stream) redact(f policy.Finding) {
	s.hide(policy.Edit{Span: f.Span, Replacement: s.plan.profile.Redaction(f.Source, f.Category)})
}

// hide adds an edit to those that wait for release. Edits that overlap become
// one, which shows the replacement of the first.
func (s *Stream) hide(e policy.Edit) {
	e.Span.Start = max(e.Span.Start, s.released) // only a late finding can begin before; it retracts
	if e.Span.Start >= e.Span.End {
		return
	}
	i, _ := slices.BinarySearchFunc(s.waiting, e.Span.Start, func(w policy.Edit, start policy.Offset) int {
		return cmp.Compare(w.Span.Start, start)
	})
	s.waiting = slices.Insert(s.waiting, i, e)
	merged := s.waiting[:1]
	for _, w := range s.waiting[1:] {
		last := &merged[len(merged)-1]
		if w.Span.Start < last.Span.End {
			last.Span.End = max(last.Span.End, w.Span.End)
			continue
		}
		merged = append(merged, w)
	}
	s.waiting = merged
}

// verdict moves the release watermark and makes the answer, in place: copying it is
// a tenth of the work on a token.
func (s *Stream) verdict(v *policy.Verdict, bytes int, began time.Time, closing bool) {
	s.release(closing)
	v.Action, v.Degraded = s.action, s.degraded
	v.Released, v.Scanned, v.Received = s.released, policy.Offset(s.scanned()), s.received
	v.HaltOffset, v.RetractFrom = s.halt, s.retract
	v.Findings, v.Edits = s.findings, s.edits
	if s.open {
		v.Scanned = s.received
	}
	if s.untold += bytes; !began.IsZero() {
		s.tell(time.Since(began), *v)
	}
	if s.state == streamHalted {
		s.free(*v, false)
	}
}

// release moves the watermark as far as every blocking detector has cleared
// the text, and no further than the halt. It stops before an edit whose end is
// not cleared, since a match that overlaps it may still make it longer.
func (s *Stream) release(closing bool) {
	limit := s.cleared(closing)
	if s.halt != policy.NoOffset {
		limit = min(limit, s.halt)
	}
	n := 0
	for ; n < len(s.waiting) && s.waiting[n].Span.Start < limit; n++ {
		if s.waiting[n].Span.End > limit {
			limit = s.waiting[n].Span.Start
			break
		}
		s.edits = append(s.edits, s.waiting[n])
	}
	s.waiting = slices.Delete(s.waiting, 0, n)
	s.released = max(s.released, limit)
}

// scanned returns how far the text has been read: for a halted stream, to the
// rune that decided, wherever its block ended.
func (s *Stream) scanned() int64 {
	if s.state == streamHalted && s.readEnd > 0 {
		return s.readEnd
	}
	return s.folder.Scanned()
}

// cleared returns the offset up to which no detector that blocks objects.
func (s *Stream) cleared(closing bool) policy.Offset {
	switch {
	case s.open || closing && s.state == streamOpen:
		return s.received
	case s.plan.observe:
		return policy.Offset(s.folder.Scanned())
	}
	limit := s.scanned()
	if start, held := s.plan.matcher.Hold(&s.lex); held {
		limit = min(limit, start)
	}
	if start, held := s.plan.patterns.Hold(&s.pat); held {
		limit = min(limit, start)
	}
	if s.delay != nil {
		limit = min(limit, s.delay.start())
	}
	return min(policy.Offset(limit), s.judgedTo())
}

// delay remembers where the last runes began, for profiles that hold back a
// fixed number of runes more. Owned by the stream.
type delay struct {
	ring  []int64
	count int
}

func newDelay(runes int) *delay { return &delay{ring: make([]int64, runes)} }

func (d *delay) add(runes []text.Rune) {
	for i := range runes {
		d.ring[d.count%len(d.ring)] = runes[i].Start
		d.count++
	}
}

// start returns the offset of the first rune that is held.
func (d *delay) start() int64 {
	if d.count < len(d.ring) {
		return 0
	}
	return d.ring[d.count%len(d.ring)]
}
