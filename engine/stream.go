package engine

import (
	"context"
	"errors"
	"time"

	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/lexicon"
	"github.com/seed-4f09bd3a/weir/engine/pattern"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// Stream judges one text. It belongs to one goroutine at a time and must be
// ended by Close or Abort. It keeps no text: only the state of its detectors,
// StreamBytes at most for the default policy.
//
// Every write is, by definition, the same as writing its bytes one by one: the
// stream reads rune by rune, and after each rune takes the findings that this
// rune decided. Reading blocks of runes at once is a shortcut for blocks in
// which nothing is decided.
type Stream struct {
	// Immutable.
	trace    *Trace
	snapshot *Snapshot
	plan     *plan

	// Owned by the stream's goroutine.
	folder   text.Folder
	lex      lexicon.State
	pat      pattern.State
	judges   judges
	scores   func(Stride) // may be nil
	delay    *delay       // nil without holdback_runes
	state    streamState
	writes   uint8 // modulo 256, for timedWrites
	untold   int   // bytes that Trace.Wrote has not been told of
	received policy.Offset
	released policy.Offset
	action   policy.Action
	halt     policy.Offset // NoOffset before a halt
	retract  policy.Offset // of the verdict being made
	readEnd  int64         // end of the last rune read one by one, or of the last stride
	degraded bool
	open     bool // a detector failed and the fail mode is open: nothing is judged any more

	findings []policy.Finding // of the verdict being made
	edits    []policy.Edit    // of the verdict being made
	waiting  []policy.Edit    // redactions not yet released, by start, disjoint
	decided  []policy.Finding // by the rune being read
	matches  []lexicon.Match
	hits     []pattern.Match
	runes    [lexicon.MaxRunes]text.Rune
}

// timedWrites is how many writes there are for each one that is timed and reported:
// looking at the clock twice costs as much as judging a token half.
const timedWrites = 16

type streamState uint8

const (
	streamOpen streamState = iota
	streamHalted
	streamClosed
)

func newStream(t *Trace, snap *Snapshot, p *plan, o *StreamOptions) *Stream {
	s := &Stream{trace: t, snapshot: snap, plan: p, halt: policy.NoOffset, lex: p.matcher.NewState(), scores: o.Scores}
	if n := p.profile.HoldbackRunes; n > 0 && !p.observe {
		s.delay = newDelay(n)
	}
	s.openJudges(o.Late)
	return s
}

// Snapshot returns the rules that the stream is judged by.
func (s *Stream) Snapshot() *Snapshot { return s.snapshot }

// Profile returns the profile that the stream is judged by.
func (s *Stream) Profile() *policy.Profile { return s.plan.profile }

// Write takes the next bytes of the text, cut anywhere, and returns what may be
// shown now. The verdict's slices are valid until the next call. After a
// verdict that halts, Write returns ErrHalted, and ErrClosed after Close.
//
// ctx bounds the time that models may take; its end is a failure of the model,
// which the profile's fail mode answers. Without models Write never blocks.
func (s *Stream) Write(ctx context.Context, chunk []byte) (v policy.Verdict, err error) {
	if err := s.err(); err != nil {
		return policy.Verdict{}, err
	}
	began := s.begin()
	s.received += policy.Offset(len(chunk))
	if s.judges.written != nil {
		s.judges.written.add(chunk)
	}
	for rest := chunk; len(rest) > 0 && s.state == streamOpen && !s.open; {
		runes, n := s.folder.Append(s.runes[:0], rest)
		rest = rest[n:]
		s.read(ctx, runes)
	}
	s.readUnseen()
	s.verdict(&v, len(chunk), began, false)
	return v, nil
}

// Close ends the text: an incomplete rune at its end counts as invalid, what is
// pending is decided as if a boundary followed, asynchronous detectors are
// waited for, and the rest is released. A stream that halted returns ErrHalted.
func (s *Stream) Close(ctx context.Context) (v policy.Verdict, err error) {
	if err := s.err(); err != nil {
		return policy.Verdict{}, err
	}
	began := s.begin()
	if !s.open {
		s.read(ctx, s.folder.Close(s.runes[:0]))
		s.finish(ctx)
	}
	s.verdict(&v, 0, began, true)
	if s.state == streamOpen {
		s.state = streamClosed
		s.free(v, false)
	}
	return v, nil
}

// Abort gives the stream up and frees what it holds. It may be called at any
// time, more than once, and after Close.
func (s *Stream) Abort() {
	if s.state != streamOpen {
		return
	}
	s.state = streamClosed
	s.free(policy.Verdict{Action: s.action, Released: s.released, Received: s.received,
		HaltOffset: s.halt, RetractFrom: policy.NoOffset, Degraded: s.degraded}, true)
}

// Late returns a channel that is readable when an asynchronous detector has
// results that no verdict has carried yet; then call Poll. It is nil when the
// profile has no such detector.
func (s *Stream) Late() <-chan struct{} {
	return s.judges.late
}

// Poll returns a verdict on what asynchronous detectors have found since the
// last call. It does not block.
func (s *Stream) Poll() (v policy.Verdict, err error) {
	if err := s.err(); err != nil {
		return policy.Verdict{}, err
	}
	s.verdict(&v, 0, s.begin(), false)
	return v, nil
}

func (s *Stream) err() error {
	switch s.state {
	case streamHalted:
		return ErrHalted
	case streamClosed:
		return ErrClosed
	}
	return nil
}

// begin starts a verdict, and the clock if anybody asks for it.
func (s *Stream) begin() (began time.Time) {
	s.findings, s.edits, s.retract = s.findings[:0], s.edits[:0], policy.NoOffset
	if s.trace.Wrote != nil {
		if s.writes%timedWrites == 0 {
			began = time.Now()
		}
		s.writes++
	}
	s.takeLate()
	return began
}

// read takes at most lexicon.MaxRunes runes, up to the rune that halts.
//
// The shortcut: if neither patterns nor lexicon decide anything in the runes,
// no rune of them has a finding, so there is nothing to take in between. If
// one does, both go back and read the same runes one by one; so no block is
// read more than twice. Strides of models end between blocks.
func (s *Stream) read(ctx context.Context, runes []text.Rune) {
	for len(runes) > 0 && s.state == streamOpen && !s.open {
		n := s.untilStride(len(runes))
		s.readBlock(runes[:n])
		if s.state != streamOpen {
			return
		}
		s.judge(ctx, runes[:n])
		runes = runes[n:]
	}
}

func (s *Stream) readBlock(runes []text.Rune) {
	saved := s.pat
	s.hits = s.plan.patterns.Scan(&s.pat, runes, s.hits[:0])
	if len(s.hits) == 0 && s.plan.matcher.Advance(&s.lex, runes) {
		if s.delay != nil {
			s.delay.add(runes)
		}
		return
	}
	s.pat = saved
	for i := range runes {
		s.hits = s.plan.patterns.Scan(&s.pat, runes[i:i+1], s.hits[:0])
		s.matches = s.plan.matcher.Scan(&s.lex, runes[i], s.matches[:0])
		if s.delay != nil {
			s.delay.add(runes[i : i+1])
		}
		if len(s.hits)+len(s.matches) > 0 {
			s.readEnd = runes[i].End()
			s.collect()
			s.decide()
			if s.state != streamOpen {
				return
			}
		}
	}
}

// finish decides what only the end of the text decides.
func (s *Stream) finish(ctx context.Context) {
	if s.state != streamOpen || s.open {
		return
	}
	s.hits = s.plan.patterns.Close(&s.pat, s.hits[:0])
	s.matches = s.plan.matcher.Close(&s.lex, s.matches[:0])
	s.collect()
	s.judgeRest(ctx)
	s.readEnd = s.folder.Scanned()
	s.decide()
	s.waitLate(ctx)
}

// collect turns matches into findings of the rune being read.
func (s *Stream) collect() {
	p := s.plan
	for _, m := range s.matches {
		e := p.matcher.Entry(m.Entry)
		for _, c := range m.Categories.Categories() {
			s.decided = append(s.decided, policy.Finding{
				Category: c, Severity: e.Severity, Action: p.profile.SeverityAction(c, e.Severity), Score: 1,
				Span:   m.Span,
				Source: policy.Source{Kind: policy.SourceLexicon, Name: e.Pack, Line: e.Line},
			})
		}
	}
	for _, m := range s.hits {
		if m.Continues {
			// The rest of a secret whose finding has been made: hidden with it,
			// with no replacement of its own.
			if p.patternActions[m.Rule] == policy.Redact && !p.observe {
				s.hide(policy.Edit{Span: m.Span})
			}
			continue
		}
		s.decided = append(s.decided, policy.Finding{
			Category: m.Rule.Category(), Severity: m.Rule.Severity(), Action: p.patternActions[m.Rule], Score: 1,
			Span:   m.Span,
			Source: policy.Source{Kind: policy.SourcePattern, Name: m.Rule.String()},
		})
	}
}

// tell reports what was written since the last time.
func (s *Stream) tell(took time.Duration, v policy.Verdict) {
	s.trace.Wrote(s.plan.profile.Name, s.untold, took, v)
	s.untold = 0
}

// free ends what the stream has running.
func (s *Stream) free(v policy.Verdict, aborted bool) {
	if s.untold > 0 && s.trace.Wrote != nil {
		s.tell(0, v)
	}
	if s.judges.session != nil {
		s.judges.session.Stop()
	}
	if s.trace.Closed != nil {
		s.trace.Closed(s.plan.profile.Name, v, aborted)
	}
}

// fail answers the failure of a detector by the profile's fail mode.
func (s *Stream) fail(source policy.Source, at policy.Span, err error) {
	if s.trace.Failed != nil && !errors.Is(err, context.Canceled) { // then the caller gave up
		s.trace.Failed(s.plan.profile.Name, source, err)
	}
	mode := s.plan.profile.Fail
	if s.plan.observe && mode == policy.Closed {
		mode = policy.Degraded // a profile that only observes never halts
	}
	switch mode {
	case policy.Closed:
		reason := "failed"
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, classifier.ErrTimeout) {
			reason = "timed out"
		} else if errors.Is(err, classifier.ErrOverloaded) {
			reason = "overloaded"
		}
		s.decided = append(s.decided, policy.Finding{
			Category: policy.NoCategory, Severity: policy.Critical, Action: policy.Halt, Score: 1, Span: at,
			Source: policy.Source{Kind: policy.SourceEngine, Name: source.String() + " " + reason},
		})
	case policy.Open:
		s.open = true
		fallthrough
	case policy.Degraded:
		s.degraded = true
	}
}

// StreamBytes is the most memory that a stream takes while nothing is found,
// with the longest terms of the default packs; a longer term adds 16 bytes a
// rune, holdback_runes 8 bytes a rune, a model its state and one stride.
const StreamBytes = 4 << 10 // 4 KiB
