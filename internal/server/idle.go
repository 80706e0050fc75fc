package server

import (
	"context"
	"math"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// activity is what ends a streaming call while its handler waits in gRPC.
type activity struct {
	last      atomic.Int64 // when something last went in or out, in Unix nanoseconds; 0 while nothing has to
	cause     atomic.Pointer[error]
	transport transportStream // nil if gRPC has none: the handler goes on waiting
}

func (a *activity) touch() { a.last.Store(time.Now().UnixNano()) }
func (a *activity) rest()  { a.last.Store(0) }

// idle returns for how long nothing has happened.
func (a *activity) idle() time.Duration {
	if last := a.last.Load(); last != 0 {
		return time.Since(time.Unix(0, last))
	}
	return 0
}

// stop ends the call with err, the first that it is given, from any goroutine. nil
// ends it well.
func (a *activity) stop(err error) {
	if a.cause.CompareAndSwap(nil, &err) && a.transport != nil {
		_ = a.transport.WriteStatus(status.Convert(err)) // the client may have gone
	}
}

// poll calls found whenever late is readable, until it fails, which ends the call, or
// ctx ends. The call's own goroutine waits in gRPC meanwhile.
func (a *activity) poll(ctx context.Context, s *Server, late <-chan struct{}, found func() error) {
	defer func() { // gRPC's interceptors see no panic here
		if v := recover(); v != nil {
			a.stop(s.panicked(v))
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-late:
		}
		if err := found(); err != nil {
			a.stop(err)
			return
		}
	}
}

// transportStream is what gRPC ends a call with, from whichever goroutine it
// learns of a failure in: the status goes out, and receiving and sending return.
// The method is not part of gRPC's interface for handlers; TestIdle fails if it goes.
type transportStream interface {
	WriteStatus(*status.Status) error
}

// run calls f, the loop of a streaming call, and returns what it returns, or an
// error when the call has been idle for too long: when the client sends nothing,
// or reads nothing so that f is stuck in sending. A second goroutine for every
// call, to return while f waits, would be a fourth of an idle stream's memory.
func (s *Server) run(stream grpc.ServerStream, f func(a *activity) error) error {
	a := &activity{}
	a.transport, _ = grpc.ServerTransportStreamFromContext(stream.Context()).(transportStream)
	a.touch()
	if limit := s.limits.IdleTimeout; limit > 0 {
		var timer *time.Timer
		timer = time.AfterFunc(math.MaxInt64, func() {
			if idle := a.idle(); idle < limit {
				timer.Reset(limit - idle)
				return
			}
			a.stop(errIdle(limit))
		})
		timer.Reset(limit) // only now, since it sets itself again
		defer timer.Stop()
	}
	err := f(a)
	if cause := a.cause.Load(); cause != nil {
		return *cause
	}
	return err
}
