package engine

import (
	"context"
	"slices"

	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// judges are the models of one stream. They cut the text into strides, have
// them judged by the session, and turn scores into findings. A profile that
// releases nothing unscored waits for every stride; others take the results as
// they come (see late.go). Owned by the stream.
type judges struct {
	session *classifier.Session // nil without models
	each    []judge
	sent    []sentStride // submitted, not yet taken; in order
	results []classifier.Result
	late    chan struct{} // readable when results wait; nil if the stream waits for them
	written *written      // nil unless a model reads the text as it was written
}

// judge is one model.
type judge struct {
	source policy.Source
	start  int64 // offset of the first rune of the stride being filled
	left   int   // runes until the stride is full
	stride int
	judged int64 // end of the last stride scored
	runs   []run // per label
	off    bool  // failed; the fail mode let the stream go on without it
	reads  reads
}

// reads says which runes a model wants.
type reads uint8

const (
	folded reads = iota
	original
)

// run is how long a label's score has stayed at or above its thresholds.
type run struct {
	start    [policy.NumActions]policy.Offset // where it rose
	runes    [policy.NumActions]int           // how long it has stayed; 0: it is below
	reported policy.Action                    // highest action reported in this run
}

type sentStride struct {
	judge int
	at    policy.Span
}

// Stride is what one model made of one stride of a stream.
type Stride struct {
	Model  string // name@version
	Labels []policy.Category
	Span   policy.Span
	Runes  int
	Scores []float32 // in [0, 1], one per label; nil if a gate kept the model from judging. Valid during the call
}

func (s *Stream) openJudges(late chan struct{}) {
	models := s.plan.models
	if len(models) == 0 {
		return
	}
	s.judges.each = make([]judge, len(models))
	for i := range models {
		info := models[i].Batcher.Info()
		s.judges.each[i] = judge{source: s.plan.sources[i], left: info.StrideRunes, stride: info.StrideRunes, runs: make([]run, len(info.Labels))}
		if info.Original {
			s.judges.each[i].reads, s.judges.written = original, &written{}
		}
	}
	if !s.plan.blocking {
		if late == nil {
			late = make(chan struct{}, 1)
		}
		s.judges.late = late
	}
	s.judges.session = classifier.NewSession(models, s.judges.late)
}

// MayWait reports whether writing so many bytes may wait for a model. A caller
// that has several streams to write then writes them side by side, so that
// their strides share the model's steps.
func (s *Stream) MayWait(bytes int) bool {
	if s.judges.late != nil {
		return false
	}
	for i := range s.judges.each {
		if j := &s.judges.each[i]; !j.off && j.left <= bytes*text.MaxExpansion {
			return true
		}
	}
	return false
}

// untilStride returns how many of n runes may be read before a stride ends.
func (s *Stream) untilStride(n int) int {
	for i := range s.judges.each {
		n = min(n, s.judges.each[i].left)
	}
	return n
}

// judge gives the runes, which end no later than the nearest stride, to the
// models and takes the findings of strides that end with them.
func (s *Stream) judge(ctx context.Context, runes []text.Rune) {
	if s.judges.session == nil || len(runes) == 0 {
		return
	}
	end := runes[len(runes)-1].End()
	full := false
	for i := range s.judges.each {
		j := &s.judges.each[i]
		if j.left == j.stride {
			j.start = runes[0].Start
		}
		switch {
		case j.off:
		case j.reads == original:
			s.judges.session.AddOriginal(i, s.judges.written.upTo(end), len(runes))
		default:
			for k := range runes {
				s.judges.session.Add(i, runes[k].R)
			}
		}
		if j.left -= len(runes); j.left == 0 {
			j.left = j.stride
			s.submit(i, end, false)
			full = true
		}
	}
	if w := s.judges.written; w != nil {
		w.taken(end)
	}
	if full {
		s.readEnd = end
		s.await(ctx)
	}
}

// judgeRest has the strides scored that the end of the text cuts short.
func (s *Stream) judgeRest(ctx context.Context) {
	for i := range s.judges.each {
		if j := &s.judges.each[i]; j.left < j.stride {
			s.submit(i, s.folder.Scanned(), true)
		}
	}
	if s.judges.session != nil {
		s.readEnd = s.folder.Scanned()
		s.await(ctx)
	}
}

func (s *Stream) submit(i int, end int64, last bool) {
	if j := &s.judges.each[i]; !j.off {
		s.judges.sent = append(s.judges.sent, sentStride{i, policy.Span{Start: policy.Offset(j.start), End: policy.Offset(end)}})
		s.judges.session.Submit(i, last)
	}
}

// await waits for what was submitted, if the profile blocks on it, and decides.
func (s *Stream) await(ctx context.Context) {
	if s.judges.late != nil {
		s.backlog(ctx)
		return
	}
	err := s.judges.session.Wait(ctx, 0)
	s.judges.results = s.judges.session.Take(s.judges.results[:0])
	for i := range s.judges.results {
		s.result(&s.judges.results[i])
	}
	if err != nil {
		s.giveUp(err)
	}
	s.decide()
}

// result takes what one stride came to.
func (s *Stream) result(r *classifier.Result) {
	at := s.judges.sent[0].at
	s.judges.sent = slices.Delete(s.judges.sent, 0, 1)
	j := &s.judges.each[r.Member]
	if r.Err != nil {
		// The session drops what it has left for this model.
		s.judges.sent = slices.DeleteFunc(s.judges.sent, func(o sentStride) bool { return o.judge == r.Member })
		j.off = true
		s.fail(j.source, at, r.Err)
		return
	}
	j.judged = int64(at.End)
	s.scored(r.Member, at, r.Runes, r.Scores)
	if s.scores != nil {
		info := s.plan.models[r.Member].Batcher.Info()
		s.scores(Stride{Model: j.source.Name, Labels: info.Labels, Span: at, Runes: r.Runes, Scores: r.Scores})
	}
}

// giveUp is for a caller that does not wait any longer: the models it waits for
// have failed.
func (s *Stream) giveUp(err error) {
	s.judges.session.Stop()
	for i := range s.judges.each {
		j := &s.judges.each[i]
		if j.off {
			continue
		}
		j.off = true
		if n := slices.IndexFunc(s.judges.sent, func(o sentStride) bool { return o.judge == i }); n >= 0 {
			s.fail(j.source, s.judges.sent[n].at, err)
		}
	}
	s.judges.sent = s.judges.sent[:0]
}

// scored turns the scores of one stride into findings; nil is a stride that a
// gate kept from being judged, and counts as zeros. An action applies when the
// score has stayed at or above its threshold for sustain_runes; flag and halt
// are reported once per run, redact for every stride.
func (s *Stream) scored(i int, at policy.Span, runes int, scores []float32) {
	j := &s.judges.each[i]
	for l, c := range s.plan.labels[i] {
		if c == policy.NoCategory {
			continue
		}
		score := float32(0)
		if scores != nil {
			score = scores[l]
		}
		t, r := s.plan.profile.Score(c), &j.runs[l]
		reached, threshold := policy.Allow, float32(0)
		for _, a := range [...]struct {
			action    policy.Action
			threshold float32
		}{{policy.Flag, t.Flag}, {policy.Redact, t.Redact}, {policy.Halt, t.Halt}} {
			if a.threshold >= policy.Never || score < a.threshold {
				r.runes[a.action] = 0
				continue
			}
			if r.runes[a.action] == 0 {
				r.start[a.action] = at.Start
			}
			r.runes[a.action] += runes
			if r.runes[a.action] >= t.SustainRunes {
				reached, threshold = a.action, a.threshold
			}
		}
		if reached == policy.Allow {
			r.reported = policy.Allow
			continue
		}
		if reached <= r.reported && reached != policy.Redact {
			continue
		}
		span := policy.Span{Start: r.start[reached], End: at.End}
		if reached == r.reported {
			span.Start = at.Start // the strides before have been redacted
		}
		r.reported = reached
		s.decided = append(s.decided, policy.Finding{
			Category: c, Action: reached, Score: score, Threshold: threshold, Span: span, Source: j.source,
		})
	}
}

// judgedTo returns the offset up to which models that block have cleared the
// text: the end of the last stride scored, or the start of a run that may still
// last long enough to redact or halt.
func (s *Stream) judgedTo() policy.Offset {
	limit := policy.Offset(s.folder.Scanned())
	if s.judges.late != nil {
		return limit
	}
	for i := range s.judges.each {
		j := &s.judges.each[i]
		if j.off {
			continue
		}
		limit = min(limit, policy.Offset(j.judged))
		for l, c := range s.plan.labels[i] {
			if c == policy.NoCategory {
				continue
			}
			for a := policy.Redact; a <= policy.Halt; a++ {
				if r := &j.runs[l]; r.runes[a] > 0 && r.runes[a] < s.plan.profile.Score(c).SustainRunes {
					limit = min(limit, r.start[a])
				}
			}
		}
	}
	return limit
}
