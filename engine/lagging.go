package engine

import (
	"context"
	"sync"

	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// lagging runs the models of one stream behind it, for the release modes async
// and observe. One goroutine works while there are strides to score and ends
// when there are none; the stream waits for it in Close and Abort.
//
// The queue holds every stride that is not scored yet: four bytes a rune. Its
// length is the lag, which the stream's writer may bound by what it sends.
type lagging struct {
	ready  chan struct{} // readable when results wait
	filled [][]rune      // per judge: the stride being filled; owned by the stream

	cancel context.CancelFunc
	ctx    context.Context // of the models' steps; ends with the stream
	done   sync.WaitGroup  // the worker

	mu      sync.Mutex // guards the following
	queue   []lateStride
	results []lateResult
	working bool
}

type lateStride struct {
	session *classifier.Session
	judge   int
	at      policy.Span
	runes   []rune
	last    bool
}

type lateResult struct {
	judge  int
	at     policy.Span
	runes  int
	scores []float32
	err    error
}

func newLagging(judges int, ready chan struct{}) *lagging {
	if ready == nil {
		ready = make(chan struct{}, 1)
	}
	l := &lagging{ready: ready, filled: make([][]rune, judges)}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

// add keeps runes of a stride until it is sent.
func (l *lagging) add(judge int, runes []text.Rune) {
	for i := range runes {
		l.filled[judge] = append(l.filled[judge], runes[i].R)
	}
}

// send queues the stride that add has filled.
func (l *lagging) send(session *classifier.Session, judge int, at policy.Span, runes int, last bool) {
	stride := lateStride{session: session, judge: judge, at: at, runes: l.filled[judge], last: last}
	l.filled[judge] = make([]rune, 0, runes)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, stride)
	if !l.working {
		l.working = true
		l.done.Go(l.work)
	}
}

// work scores what is queued, in order.
func (l *lagging) work() {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 || l.ctx.Err() != nil {
			l.working = false
			l.mu.Unlock()
			return
		}
		next := l.queue[0]
		l.queue = l.queue[1:]
		l.mu.Unlock()

		for _, r := range next.runes {
			next.session.Add(r)
		}
		scores, err := next.session.Score(l.ctx, next.last)
		result := lateResult{judge: next.judge, at: next.at, runes: len(next.runes), err: err}
		result.scores = append(result.scores, scores...)

		l.mu.Lock()
		l.results = append(l.results, result)
		l.mu.Unlock()
		select {
		case l.ready <- struct{}{}:
		default:
		}
	}
}

// take returns the results since the last call.
func (l *lagging) take() []lateResult {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.results
	l.results = nil
	return r
}

// stop abandons what is queued and waits for the step that runs.
func (l *lagging) stop() {
	l.cancel()
	l.done.Wait()
}

// takeLate applies results of asynchronous models. A finding that redacts or
// halts text already released retracts it: the caller must withdraw everything
// from that offset on.
func (s *Stream) takeLate() {
	if s.lagging == nil {
		return
	}
	for _, r := range s.lagging.take() {
		j := &s.judges[r.judge]
		if s.state != streamOpen {
			break
		}
		if j.off {
			continue
		}
		if r.err != nil {
			j.off = true
			s.fail(j.source, r.at, r.err)
		} else {
			j.judged = int64(r.at.End)
			s.scored(j, r.at, r.runes, r.scores)
		}
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

// waitLate waits until everything sent has been scored, then applies it. When
// ctx ends first, what is missing counts as failed.
func (s *Stream) waitLate(ctx context.Context) {
	if s.lagging == nil {
		return
	}
	stop := context.AfterFunc(ctx, s.lagging.cancel)
	defer stop()
	s.lagging.done.Wait()
	s.takeLate()
	if ctx.Err() != nil && s.state == streamOpen {
		at := policy.Span{Start: policy.Offset(s.folder.Scanned()), End: policy.Offset(s.folder.Scanned())}
		for i := range s.judges {
			if j := &s.judges[i]; !j.off {
				j.off = true
				at.Start = policy.Offset(j.judged)
				s.fail(j.source, at, ctx.Err())
			}
		}
		s.readEnd = s.folder.Scanned()
		s.decide()
	}
}
