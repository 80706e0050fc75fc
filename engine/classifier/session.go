package classifier

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// Member is one model of those that judge a stream.
type Member struct {
	Batcher *Batcher
	Gate    *Gate             // nil: it judges every stride
	Judges  []policy.Category // the only labels whose scores count; nil for all. The session does not look at it
}

// Gate lets a model judge only what another one suspects.
type Gate struct {
	Member  int     // index of the other model, less than the index of the gated one
	Labels  []int   // labels of the other model that open the gate; nil for all
	AtLeast float32 // score that opens it
}

// Result is what one stride came to.
type Result struct {
	Member  int
	Runes   int       // of the stride
	Scores  []float32 // a probability per label; nil if Skipped or Err
	Skipped bool      // the gate was shut
	Err     error     // the model judges no further stride of this stream
}

// Session is one stream's way through its models: the strides that are being
// filled, those that wait, and the states. Add, Submit, Wait, Take and Stop
// belong to one goroutine; results come from the batchers' workers.
//
// Strides are judged one at a time and in the order of Submit, so that a gate
// has been judged before what it gates, and results do not depend on timing.
type Session struct {
	// Immutable.
	members []Member
	notify  chan<- struct{} // signalled when there are results; may be nil

	// Owned by the caller's goroutine.
	fills []fill

	mu sync.Mutex // guards the following; taken before a batcher's, never after
	sessionState
}

type fill struct {
	runes  []rune // of the stride; for a window model, behind those before it
	stride int    // folded runes of the stride
}

type sessionState struct {
	seats   []seat
	queue   []stride
	spare   [][]rune      // buffers of strides that are done
	running bool          // the first of queue is with a batcher
	stopped bool          //
	results []Result      //
	scores  []float32     // behind results
	taken   []float32     // behind the results of the last Take
	arrived chan struct{} // has room for one
	keys    keyer
}

// seat is a member's place in the session.
type seat struct {
	state  []float32
	scores []float32
	opened float32  // highest score of the gate since the last stride
	chain  cacheKey // of the last stride
	off    bool     // failed
}

type stride struct {
	member int
	runes  []rune // for a window model, the window
	count  int    // runes of the stride
	last   bool
}

// NewSession begins a stream. The gates must be in order; see Gate.
func NewSession(members []Member, notify chan<- struct{}) *Session {
	s := &Session{members: members, notify: notify, fills: make([]fill, len(members))}
	s.seats = make([]seat, len(members))
	s.arrived = make(chan struct{}, 1)
	for i := range members {
		info := members[i].Batcher.Info()
		values := make([]float32, info.StateLen+len(info.Labels))
		s.seats[i] = seat{state: values[:info.StateLen], scores: values[info.StateLen:]}
	}
	return s
}

// Add takes the next rune of a member's stride, which must not be full.
func (s *Session) Add(member int, r rune) {
	f := &s.fills[member]
	f.runes = append(f.runes, r)
	f.stride++
}

// AddOriginal takes the next bytes of the text, which end with a rune, for a
// member that reads it as it was written: folded is how many runes of its stride
// they are. A byte that is not part of valid UTF-8 is read as U+FFFD.
func (s *Session) AddOriginal(member int, original []byte, folded int) {
	f := &s.fills[member]
	f.stride += folded
	window := s.members[member].Batcher.info.WindowRunes
	for len(original) > 0 {
		r, n := utf8.DecodeRune(original)
		original = original[n:]
		if len(f.runes) >= 4*window { // runes that fold to nothing fill no stride
			f.runes = f.runes[:copy(f.runes, f.runes[len(f.runes)-window+1:])]
		}
		f.runes = append(f.runes, r)
	}
}

// Submit has the runes added since the last Submit judged. It does not wait.
func (s *Session) Submit(member int, last bool) {
	f := &s.fills[member]
	info := s.members[member].Batcher.Info()
	s.mu.Lock()
	defer s.mu.Unlock()
	next := stride{member: member, count: f.stride, last: last}
	if n := len(s.spare); n > 0 {
		next.runes, s.spare = s.spare[n-1], s.spare[:n-1]
	}
	f.stride = 0
	if window := info.WindowRunes; window > 0 {
		f.runes = f.runes[max(len(f.runes)-window, 0):]
		next.runes = append(next.runes[:0], f.runes...)
		if cap(f.runes) < window+info.StrideRunes {
			f.runes = append(make([]rune, 0, 4*window+info.StrideRunes), f.runes...)
		}
	} else {
		next.runes, f.runes = append(next.runes[:0], f.runes...), f.runes[:0]
	}
	if s.stopped || s.seats[member].off {
		s.spare = append(s.spare, next.runes)
		return
	}
	s.queue = append(s.queue, next)
	if !s.running {
		s.advance(true)
	}
}

// Waiting returns the number of strides that are not judged yet.
func (s *Session) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

// Wait returns when at most most strides wait, or with ctx's error.
func (s *Session) Wait(ctx context.Context, most int) error {
	for s.Waiting() > most {
		select {
		case <-s.arrived:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Take appends the results since the last call, in the order of Submit. Their
// scores are valid until the next call.
func (s *Session) Take(dst []Result) []Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	dst = append(dst, s.results...)
	s.results = s.results[:0]
	s.scores, s.taken = s.taken[:0], s.scores
	return dst
}

// Stop gives the session up: what waits is not judged, and a step that runs
// for it has no effect. Stop does not wait.
func (s *Session) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.running && len(s.queue) > 1 {
		s.queue = s.queue[:1]
	} else if !s.running {
		s.queue = nil
	}
}

// advance settles strides from the front of the queue for as long as no model
// has to run, then gives the first one that needs a model to its batcher.
// entering says that the session comes from outside and may be turned away.
// mu is held.
func (s *Session) advance(entering bool) {
	s.running = false
	for len(s.queue) > 0 && !s.stopped {
		head := &s.queue[0]
		m, seat := &s.members[head.member], &s.seats[head.member]
		switch {
		case seat.off:
			s.pop()
			continue
		case s.shut(m, seat):
			s.settle(Result{Member: head.member, Runes: head.count, Skipped: true})
			continue
		}
		if c := m.Batcher.cache; c != nil {
			before := seat.chain
			if m.Batcher.info.WindowRunes > 0 {
				before = cacheKey{}
			}
			seat.chain = s.keys.next(c, m.Batcher.id, before, head.runes, head.last)
			if hit, ok := c.get(seat.chain); ok {
				copy(seat.state, hit.state)
				s.judged(hit.scores)
				continue
			}
		}
		s.running = true
		if err := m.Batcher.enqueue(s, entering); err != nil {
			s.running = false
			s.failed(err)
			continue
		}
		return
	}
}

// shut reports whether a gate keeps the stride from being judged. A gate whose
// own model has failed stands open.
func (s *Session) shut(m *Member, own *seat) bool {
	if m.Gate == nil {
		return false
	}
	opened := own.opened
	own.opened = 0
	return opened < m.Gate.AtLeast && !s.seats[m.Gate.Member].off
}

// judged settles the first stride with its scores, which are copied.
func (s *Session) judged(scores []float32) {
	head := &s.queue[0]
	for i := head.member + 1; i < len(s.members); i++ {
		if g := s.members[i].Gate; g != nil && g.Member == head.member {
			for l, p := range scores {
				if g.Labels == nil || slices.Contains(g.Labels, l) {
					s.seats[i].opened = max(s.seats[i].opened, p)
				}
			}
		}
	}
	n := len(s.scores)
	s.scores = append(s.scores, scores...)
	s.settle(Result{Member: head.member, Runes: head.count, Scores: s.scores[n:len(s.scores):len(s.scores)]})
}

// failed settles the first stride with an error, which ends its member.
func (s *Session) failed(err error) {
	head := &s.queue[0]
	s.seats[head.member].off = true
	name := s.members[head.member].Batcher.info.Name
	s.settle(Result{Member: head.member, Runes: head.count, Err: fmt.Errorf("%s: %w", name, err)})
}

func (s *Session) settle(r Result) {
	s.pop()
	s.results = append(s.results, r)
	select {
	case s.arrived <- struct{}{}:
	default:
	}
	if s.notify != nil {
		select {
		case s.notify <- struct{}{}:
		default:
		}
	}
}

func (s *Session) pop() {
	const kept = 4 // buffers
	if len(s.spare) < kept {
		s.spare = append(s.spare, s.queue[0].runes)
	}
	n := copy(s.queue, s.queue[1:])
	s.queue[n] = stride{}
	s.queue = s.queue[:n]
}

// done is called by the worker that ran the first stride of the queue, with
// what it came to. The slices are copied.
func (s *Session) done(scores, state []float32, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		s.running, s.queue = false, nil
		return
	}
	if err != nil {
		s.failed(err)
	} else {
		head := &s.queue[0]
		m, seat := &s.members[head.member], &s.seats[head.member]
		copy(seat.state, state)
		if c := m.Batcher.cache; c != nil {
			c.put(seat.chain, scores, state)
		}
		s.judged(scores)
	}
	s.advance(false)
}
