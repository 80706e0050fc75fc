package engine

import (
	"time"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// Trace is a set of hooks for metrics and logs. Each may be nil. They are
// called on the goroutine of the stream, so they must be safe for concurrent
// use, and they must not block. No text of users passes through them.
type Trace struct {
	// Opened is called when a stream begins.
	Opened func(profile string)
	// Wrote is called for the first of every 16 calls of Write, Poll and Close of a
	// stream, with its verdict and the time it took in the engine, and at the stream's
	// end with its last verdict and 0. bytes are those written since the call before.
	// v's slices must not be kept.
	Wrote func(profile string, bytes int, d time.Duration, v policy.Verdict)
	// Found is called for every finding, in the order of the verdicts.
	Found func(profile string, f policy.Finding)
	// Retracted is called when an asynchronous detector withdraws released text;
	// lag is the number of bytes from the retracted offset to the released one.
	Retracted func(profile string, lag int64)
	// Failed is called when a detector fails, but not when the caller gives up waiting
	// for it; the profile's fail mode follows.
	Failed func(profile string, source policy.Source, err error)
	// Closed is called once per stream, with its last verdict.
	Closed func(profile string, v policy.Verdict, aborted bool)
}
