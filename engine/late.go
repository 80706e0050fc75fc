package engine

import (
	"context"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// A stream whose profile does not block on models takes their results whenever
// they come: before a write, in Poll, at the end.

// maxBacklog is the most strides that may wait for the models of a stream that
// does not wait for them: a writer that is further ahead is slowed down, so that
// the lag and the memory it takes stay bounded.
const maxBacklog = 1024

// backlog slows the writer down when its models are too far behind.
func (s *Stream) backlog(ctx context.Context) {
	if len(s.judges.sent) <= maxBacklog {
		return
	}
	if s.judges.session.Waiting() > maxBacklog {
		if err := s.judges.session.Wait(ctx, maxBacklog/2); err != nil {
			s.giveUp(err)
			s.decide()
			return
		}
	}
	s.takeLate()
}

// takeLate applies results of models that are behind. A finding that redacts or
// halts text already released retracts it: the caller must withdraw everything
// from that offset on.
func (s *Stream) takeLate() {
	if s.judges.late == nil {
		return
	}
	s.judges.results = s.judges.session.Take(s.judges.results[:0])
	for i := range s.judges.results {
		if s.state != streamOpen {
			break
		}
		s.result(&s.judges.results[i])
		for _, f := range s.decided {
			if f.Action >= policy.Redact && f.Span.Start < s.released && !s.plan.observe {
				if s.retract == policy.NoOffset || f.Span.Start < s.retract {
					s.retract = f.Span.Start
				}
			}
		}
		s.readEnd = s.folder.Scanned()
		s.decide()
	}
	if s.retract != policy.NoOffset && s.trace.Retracted != nil {
		s.trace.Retracted(s.plan.profile.Name, int64(s.released-s.retract))
	}
}

// waitLate waits until everything submitted has been scored, then applies it.
// When ctx ends first, what is missing counts as failed.
func (s *Stream) waitLate(ctx context.Context) {
	if s.judges.late == nil {
		return
	}
	err := s.judges.session.Wait(ctx, 0)
	s.takeLate()
	if err != nil && s.state == streamOpen {
		s.giveUp(err)
		s.readEnd = s.folder.Scanned()
		s.decide()
	}
}
