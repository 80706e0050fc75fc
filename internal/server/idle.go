package server

import (
	"math"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
)

// activity is when something last went in or out of a call, in Unix
// nanoseconds; 0 while nothing has to.
type activity struct{ last atomic.Int64 }

func (a *activity) touch() { a.last.Store(time.Now().UnixNano()) }
func (a *activity) rest()  { a.last.Store(0) }

// idle returns for how long nothing has happened.
func (a *activity) idle() time.Duration {
	if last := a.last.Load(); last != 0 {
		return time.Since(time.Unix(0, last))
	}
	return 0
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
	a.touch()
	limit := s.limits.IdleTimeout
	transport, ok := grpc.ServerTransportStreamFromContext(stream.Context()).(transportStream)
	if limit == 0 || !ok {
		return f(a)
	}
	var late atomic.Bool
	var timer *time.Timer
	timer = time.AfterFunc(math.MaxInt64, func() {
		if idle := a.idle(); idle < limit {
			timer.Reset(limit - idle)
			return
		}
		late.Store(true)
		_ = transport.WriteStatus(status.Convert(errIdle(limit))) // the client may have gone
	})
	timer.Reset(limit) // only now, since it sets itself again
	defer timer.Stop()
	if err := f(a); !late.Load() {
		return err
	}
	return errIdle(limit)
}
