package classifier

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// BatcherOptions configure a Batcher. Zero values mean the defaults.
type BatcherOptions struct {
	Workers  int           // steps that run at once. Default one per core but one: what feeds the models needs a core too
	MaxBatch int           // streams in one step. Default 32: more adds latency and no throughput
	MaxQueue int           // streams that may wait for a worker; more are turned away. Default 4,096
	Timeout  time.Duration // of a step; its streams fail then. Default 2s, negative for none
	Cache    *Cache        // nil for none
	Trace    *BatcherTrace // hooks for metrics; nil for none
}

// BatcherTrace is a set of hooks, each of which may be nil. They are called on
// workers, must be safe for concurrent use and must not block.
type BatcherTrace struct {
	// Stepped is called after every step with the number of its streams, the
	// longest time that one of them waited, and how long the step took.
	Stepped func(streams int, waited, took time.Duration, err error)
	// Shed is called for every stream that is turned away.
	Shed func()
	// Stuck is called when a step has not ended in time.
	Stuck func()
}

// Batcher runs one model for all streams. It is safe for concurrent use.
type Batcher struct {
	// Immutable.
	model    Model
	info     Info
	id       string // of the model in cache keys
	workers  int
	maxBatch int
	maxQueue int
	timeout  time.Duration
	cache    *Cache
	trace    BatcherTrace
	cancel   context.CancelFunc // of all steps
	steps    context.Context    // parent of the contexts of steps; ends with Close

	mu      sync.Mutex // guards the following
	ready   *sync.Cond // a worker may take something
	queue   ring
	idle    int // workers that wait
	running int // workers in all
	stuck   int // of them, workers whose step did not end in time
	closed  bool
	ended   sync.WaitGroup
}

// NewBatcher starts the workers. It fails if the model's Info cannot be used.
// The batcher must be closed; the model is the caller's to close after that.
func NewBatcher(m Model, o BatcherOptions) (*Batcher, error) {
	info := m.Info()
	if info.StrideRunes < 1 || info.StateLen < 0 || info.WindowRunes < 0 || len(info.Labels) == 0 {
		return nil, fmt.Errorf("classifier: model %s: stride %d, state %d, window %d, %d labels: want at least 1, 0, 0 and 1",
			info.Name, info.StrideRunes, info.StateLen, info.WindowRunes, len(info.Labels))
	}
	if info.WindowRunes > 0 && (info.StateLen > 0 || info.WindowRunes < info.StrideRunes) {
		return nil, fmt.Errorf("classifier: model %s: window %d, stride %d, state %d: a window holds at least one stride and needs no state",
			info.Name, info.WindowRunes, info.StrideRunes, info.StateLen)
	}
	if info.Original && info.WindowRunes == 0 {
		return nil, fmt.Errorf("classifier: model %s: only a window model can read original runes", info.Name)
	}
	b := &Batcher{
		model: m, info: info, id: info.Name + "@" + info.Version,
		workers: o.Workers, maxBatch: o.MaxBatch, maxQueue: o.MaxQueue, timeout: o.Timeout, cache: o.Cache,
	}
	if o.Trace != nil {
		b.trace = *o.Trace
	}
	if b.workers <= 0 {
		b.workers = max(1, runtime.NumCPU()-1)
	}
	if b.maxBatch <= 0 {
		b.maxBatch = 32
	}
	if b.maxQueue <= 0 {
		b.maxQueue = 4096
	}
	if b.timeout == 0 {
		b.timeout = 2 * time.Second
	}
	b.ready = sync.NewCond(&b.mu)
	b.steps, b.cancel = context.WithCancel(context.Background())
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.workers {
		b.start()
	}
	return b, nil
}

// Info returns the model's description.
func (b *Batcher) Info() Info { return b.info }

// Queued returns the number of streams that wait for a worker.
func (b *Batcher) Queued() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.queue.n
}

// Close cancels the steps that run and ends the workers; a step that is stuck is
// not waited for. Streams that wait, or come later, get ErrClosed.
func (b *Batcher) Close() {
	b.mu.Lock()
	b.closed = true
	b.ready.Broadcast()
	var waiting []*Session
	for b.queue.n > 0 {
		s, _ := b.queue.pop()
		waiting = append(waiting, s)
	}
	b.mu.Unlock()
	b.cancel()
	for _, s := range waiting {
		s.done(nil, nil, ErrClosed)
	}
	b.ended.Wait()
}

// enqueue makes a stream wait for a worker. A stream that is on its way through
// its strides is not turned away, only one that comes from outside.
func (b *Batcher) enqueue(s *Session, entering bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return ErrClosed
	case b.queue.n >= b.maxQueue && entering:
		if b.trace.Shed != nil {
			b.trace.Shed()
		}
		return ErrOverloaded
	}
	var now time.Time
	if b.trace.Stepped != nil {
		now = time.Now()
	}
	b.queue.push(s, now)
	if b.idle > 0 {
		b.ready.Signal()
	}
	return nil
}

// start starts a worker. mu is held.
func (b *Batcher) start() {
	b.running++
	b.ended.Add(1)
	w := &worker{batcher: b}
	w.ctx, w.cancel = context.WithCancel(b.steps)
	go w.work()
}

// worker runs steps, one at a time, in buffers of its own: what a step is given
// are copies, so that a step that fails or never ends leaves the streams as
// they were.
type worker struct {
	batcher *Batcher
	ctx     context.Context // of its steps; cancelled when one is stuck
	cancel  context.CancelFunc
	streams []*Session
	steps   []Step
	one     [1]Step

	// owner is who may tell the streams of the step what it came to.
	owner atomic.Int32
}

const (
	nobody int32 = iota
	byWorker
	byWatchdog
)

func (w *worker) work() {
	b := w.batcher
	defer w.cancel()
	var watchdog *time.Timer
	for {
		waited, ok := w.take()
		if !ok {
			b.mu.Lock()
			b.running--
			b.mu.Unlock()
			b.ended.Done()
			return
		}
		if len(w.streams) == 0 {
			continue // all of them have stopped
		}
		w.owner.Store(byWorker)
		if b.timeout > 0 {
			if watchdog == nil {
				watchdog = time.AfterFunc(b.timeout, w.overdue)
			} else {
				watchdog.Reset(b.timeout)
			}
		}
		began := time.Now()
		err := w.run(w.steps)
		took := time.Since(began)
		if watchdog != nil {
			watchdog.Stop()
		}
		if !w.owner.CompareAndSwap(byWorker, nobody) {
			// The watchdog has answered the streams and started another worker.
			b.mu.Lock()
			b.stuck--
			b.mu.Unlock()
			return
		}
		if b.trace.Stepped != nil {
			if !waited.IsZero() {
				b.trace.Stepped(len(w.streams), began.Sub(waited), took, err)
			}
		}
		w.answer(err)
	}
}

// take waits for streams and copies their strides. It takes a fair share of
// what waits, so that workers run side by side, but no less than makes a step
// worth its while.
func (w *worker) take() (oldest time.Time, ok bool) {
	const enough = 8 // streams: a step of more costs as much per stream
	b := w.batcher
	b.mu.Lock()
	for b.queue.n == 0 && !b.closed {
		b.idle++
		b.ready.Wait()
		b.idle--
	}
	if b.closed {
		b.mu.Unlock()
		return oldest, false
	}
	share := max((b.queue.n+b.workers-1)/b.workers, enough)
	w.streams = w.streams[:0]
	for range min(share, b.maxBatch, b.queue.n) {
		s, since := b.queue.pop()
		if len(w.streams) == 0 {
			oldest = since
		}
		w.streams = append(w.streams, s)
	}
	if b.queue.n > 0 && b.idle > 0 {
		b.ready.Signal()
	}
	b.mu.Unlock()

	n := 0
	for _, s := range w.streams {
		if n < cap(w.steps) {
			w.steps = w.steps[:max(len(w.steps), n+1)] // a used one, with its buffers
		} else {
			w.steps = append(w.steps, Step{})
		}
		if s.load(&w.steps[n], &b.info) {
			w.streams[n] = s
			n++
		}
	}
	clear(w.streams[n:])
	w.streams, w.steps = w.streams[:n], w.steps[:n]
	return oldest, true
}

// load copies the first stride and its state into a step. It reports whether
// there is still something to do.
func (s *Session) load(step *Step, info *Info) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		s.running, s.queue = false, nil
		return false
	}
	head := &s.queue[0]
	step.Runes = append(step.Runes[:0], head.runes...)
	step.State = append(step.State[:0], s.seats[head.member].state...)
	if len(step.Scores) != len(info.Labels) {
		step.Scores = make([]float32, len(info.Labels))
	}
	step.Last = head.last
	return true
}

// run runs a step. A panic of the model is an error that says nothing of its
// cause, which may hold text.
func (w *worker) run(steps []Step) (err error) {
	defer func() {
		if recover() != nil {
			err = fmt.Errorf("%w: panic in step", ErrModel)
		}
	}()
	if err := w.batcher.model.Step(w.ctx, steps); err != nil {
		return fmt.Errorf("%w: %w", ErrModel, err)
	}
	return nil
}

// answer tells every stream what its stride came to. If a step of several
// failed, each stream's stride runs by itself: one that breaks the model must
// not break the others.
func (w *worker) answer(err error) {
	for i, s := range w.streams {
		own := err
		if err != nil && len(w.streams) > 1 && !errors.Is(err, context.Canceled) {
			if !s.load(&w.one[0], &w.batcher.info) {
				continue
			}
			if own = w.run(w.one[:]); own == nil {
				w.steps[i], w.one[0] = w.one[0], w.steps[i]
			}
		}
		step := &w.steps[i]
		if own == nil {
			for _, p := range step.Scores {
				if !(p >= 0 && p <= 1) {
					own = fmt.Errorf("%w: score %v: out of range [0, 1]", ErrModel, p)
				}
			}
		}
		s.done(step.Scores, step.State, own)
	}
	clear(w.streams)
}

// overdue answers the streams of a step that did not end in time, cancels it,
// and starts a worker in its place.
func (w *worker) overdue() {
	if !w.owner.CompareAndSwap(byWorker, byWatchdog) {
		return
	}
	w.cancel()
	b := w.batcher
	b.mu.Lock()
	b.running--
	b.stuck++
	if !b.closed {
		b.start()
	}
	b.mu.Unlock()
	b.ended.Done()
	if b.trace.Stuck != nil {
		b.trace.Stuck()
	}
	for _, s := range w.streams {
		s.done(nil, nil, ErrTimeout)
	}
}

// ring is a queue of streams.
type ring struct {
	items   []waiting
	head, n int
}

type waiting struct {
	session *Session
	since   time.Time
}

func (r *ring) push(s *Session, since time.Time) {
	if r.n == len(r.items) {
		grown := make([]waiting, max(64, 2*r.n))
		for i := range r.n {
			grown[i] = r.items[(r.head+i)%len(r.items)]
		}
		r.items, r.head = grown, 0
	}
	r.items[(r.head+r.n)%len(r.items)] = waiting{s, since}
	r.n++
}

func (r *ring) pop() (*Session, time.Time) {
	w := r.items[r.head]
	r.items[r.head] = waiting{}
	r.head = (r.head + 1) % len(r.items)
	r.n--
	return w.session, w.since
}
