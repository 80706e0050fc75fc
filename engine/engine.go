package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// Errors of the engine and its streams. A verdict is never an error.
var (
	// ErrUnknownProfile is returned by Open.
	ErrUnknownProfile = errors.New("engine: unknown profile")

	// ErrHalted is returned by Write and Close after a verdict that halts.
	ErrHalted = errors.New("engine: stream is halted")

	// ErrClosed is returned by the methods of a stream after Close or Abort.
	ErrClosed = errors.New("engine: stream is closed")
)

// DefaultProfile is the profile of streams that name none.
const DefaultProfile = "default"

// Options configure an Engine. The zero value is useful.
type Options struct {
	Trace *Trace // hooks for metrics; nil for none
}

// Engine opens streams under the current snapshot. It is shared and safe for
// concurrent use; only Swap changes it.
type Engine struct {
	trace    Trace
	snapshot atomic.Pointer[Snapshot]
}

// New returns an engine that judges by s.
func New(s *Snapshot, o Options) *Engine {
	e := &Engine{}
	if o.Trace != nil {
		e.trace = *o.Trace
	}
	e.snapshot.Store(s)
	return e
}

// Snapshot returns the snapshot that streams opened now would get.
func (e *Engine) Snapshot() *Snapshot { return e.snapshot.Load() }

// Swap makes s the snapshot of streams opened from now on and returns the one
// before. Streams that are open keep the snapshot that they began with.
func (e *Engine) Swap(s *Snapshot) *Snapshot { return e.snapshot.Swap(s) }

// StreamOptions say how a stream is judged.
type StreamOptions struct {
	Profile string // name of a profile of the policy; "" means DefaultProfile

	// Snapshot judges the stream in place of the engine's; nil for the engine's.
	Snapshot *Snapshot

	// Late is signalled when an asynchronous detector has results, in place of a
	// channel of the stream's own. It must have room for one; streams may share it.
	Late chan struct{}

	// Scores, if set, is called for every stride that a model judged, on the
	// stream's goroutine, before the verdict that it leads to.
	Scores func(Stride)
}

// Open begins a stream. The error wraps ErrUnknownProfile and lists the
// profiles that exist. The stream must be closed or aborted.
func (e *Engine) Open(o StreamOptions) (*Stream, error) {
	if o.Profile == "" {
		o.Profile = DefaultProfile
	}
	snap := o.Snapshot
	if snap == nil {
		snap = e.snapshot.Load()
	}
	i := slices.IndexFunc(snap.plans, func(p *plan) bool { return p.profile.Name == o.Profile })
	if i < 0 {
		return nil, fmt.Errorf("%w %.64q: the policy has %s", ErrUnknownProfile, o.Profile,
			strings.Join(snap.policy.ProfileNames(), ", "))
	}
	s := newStream(&e.trace, snap, snap.plans[i], &o)
	if e.trace.Opened != nil {
		e.trace.Opened(o.Profile)
	}
	return s, nil
}

// Check judges a whole text and returns one verdict with everything that was
// found. The verdict's slices belong to the caller. The outcome is the same as
// that of a stream that is given the text in pieces.
func (e *Engine) Check(ctx context.Context, o StreamOptions, text []byte) (policy.Verdict, error) {
	s, err := e.Open(o)
	if err != nil {
		return policy.Verdict{}, err
	}
	defer s.Abort()
	first, err := s.Write(ctx, text)
	if err != nil {
		return policy.Verdict{}, err
	}
	findings, edits := slices.Clone(first.Findings), slices.Clone(first.Edits)
	last := first
	if first.Action != policy.Halt {
		if last, err = s.Close(ctx); err != nil {
			return policy.Verdict{}, err
		}
		findings, edits = append(findings, last.Findings...), append(edits, last.Edits...)
	}
	last.Findings, last.Edits = findings, edits
	return last, nil
}
