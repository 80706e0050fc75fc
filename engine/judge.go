package engine

import (
	"context"

	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// judge is one model on one stream: it cuts the text into strides and turns
// scores into findings. Owned by the stream, except session in a profile that
// judges asynchronously, which then belongs to lagging.
type judge struct {
	session *classifier.Session
	source  policy.Source
	start   int64 // offset of the first rune of the stride being filled
	left    int   // runes until the stride is full
	stride  int
	judged  int64 // end of the last stride scored
	runs    []run // per label
	off     bool  // failed; the fail mode let the stream go on without it
}

// run is how long a label's score has stayed at or above its thresholds.
type run struct {
	start    [policy.NumActions]policy.Offset // where it rose
	runes    [policy.NumActions]int           // how long it has stayed; 0: it is below
	reported policy.Action                    // highest action reported in this run
}

func (s *Stream) openJudges(late chan struct{}) error {
	for _, m := range s.plan.models {
		session, err := classifier.NewSession(m)
		if err != nil {
			return err
		}
		info := session.Info()
		s.judges = append(s.judges, judge{
			session: session, source: policy.Source{Kind: policy.SourceModel, Name: info.Name + "@" + info.Version},
			left: info.StrideRunes, stride: info.StrideRunes, runs: make([]run, len(info.Labels)),
		})
	}
	if len(s.judges) > 0 && !s.plan.blocking {
		s.lagging = newLagging(len(s.judges), late)
	}
	return nil
}

// untilStride returns how many of n runes may be read before a stride ends.
func (s *Stream) untilStride(n int) int {
	for i := range s.judges {
		n = min(n, s.judges[i].left)
	}
	return n
}

// judge gives the runes, which end no later than the nearest stride, to the
// models and takes the findings of a stride that ends with them.
func (s *Stream) judge(ctx context.Context, runes []text.Rune) {
	if len(s.judges) == 0 || len(runes) == 0 {
		return
	}
	end := runes[len(runes)-1].End()
	for i := range s.judges {
		j := &s.judges[i]
		if j.left == j.stride {
			j.start = runes[0].Start
		}
		if s.lagging != nil {
			s.lagging.add(i, runes)
		} else if !j.off {
			for k := range runes {
				j.session.Add(runes[k].R)
			}
		}
		if j.left -= len(runes); j.left > 0 {
			continue
		}
		j.left = j.stride
		s.stride(ctx, j, i, policy.Span{Start: policy.Offset(j.start), End: policy.Offset(end)}, j.stride, false)
	}
	s.readEnd = end
	s.decide()
}

// judgeRest scores the strides that the end of the text cuts short.
func (s *Stream) judgeRest(ctx context.Context) {
	for i := range s.judges {
		if j := &s.judges[i]; j.left < j.stride {
			s.stride(ctx, j, i, policy.Span{Start: policy.Offset(j.start), End: policy.Offset(s.folder.Scanned())}, j.stride-j.left, true)
		}
	}
}

// stride scores one stride now, or sends it to be scored behind.
func (s *Stream) stride(ctx context.Context, j *judge, i int, at policy.Span, runes int, last bool) {
	if j.off {
		return
	}
	if s.lagging != nil {
		s.lagging.send(j.session, i, at, runes, last)
		return
	}
	scores, err := j.session.Score(ctx, last)
	if err != nil {
		j.off = true
		s.fail(j.source, at, err)
		return
	}
	j.judged = int64(at.End)
	s.scored(j, at, runes, scores)
}

// scored turns the scores of one stride into findings. An action applies when
// the score has stayed at or above its threshold for sustain_runes; flag and
// halt are reported once per run, redact for every stride.
func (s *Stream) scored(j *judge, at policy.Span, runes int, scores []float32) {
	for l, c := range j.session.Info().Labels {
		t, r := s.plan.profile.Score(c), &j.runs[l]
		reached, threshold := policy.Allow, float32(0)
		for _, a := range [...]struct {
			action    policy.Action
			threshold float32
		}{{policy.Flag, t.Flag}, {policy.Redact, t.Redact}, {policy.Halt, t.Halt}} {
			if a.threshold >= policy.Never || scores[l] < a.threshold {
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
			Category: c, Action: reached, Score: scores[l], Threshold: threshold, Span: span, Source: j.source,
		})
	}
}

// judgedTo returns the offset up to which models that block have cleared the
// text: the end of the last stride scored, or the start of a run that may still
// last long enough to redact or halt.
func (s *Stream) judgedTo() policy.Offset {
	limit := policy.Offset(s.folder.Scanned())
	if s.lagging != nil {
		return limit
	}
	for i := range s.judges {
		j := &s.judges[i]
		if j.off {
			continue
		}
		limit = min(limit, policy.Offset(j.judged))
		for l, c := range j.session.Info().Labels {
			for a := policy.Redact; a <= policy.Halt; a++ {
				if r := &j.runs[l]; r.runes[a] > 0 && r.runes[a] < s.plan.profile.Score(c).SustainRunes {
					limit = min(limit, r.start[a])
				}
			}
		}
	}
	return limit
}
