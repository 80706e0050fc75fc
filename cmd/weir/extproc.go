package main

import (
	"context"
	"net"

	"google.golang.org/grpc"

	"github.com/seed-4f09bd3a/weir/internal/gateway/extproc"
	"github.com/seed-4f09bd3a/weir/internal/server"
)

// extProc is Envoy's external processor beside the gRPC server.
type extProc struct {
	listeners []net.Listener // none if it has no address
	serve     func(ctx context.Context) error
	stop      func() // after serve
}

// newExtProc opens the addresses of the external processor, if it has any.
func newExtProc(i *instance) (*extProc, error) {
	c := i.conf.ExtProc
	if !c.Serves() {
		return &extProc{serve: func(ctx context.Context) error { <-ctx.Done(); return nil }, stop: func() {}}, nil
	}
	guard, err := newGuard(i)
	if err != nil {
		return nil, err
	}
	traced, err := newTracing(context.Background(), version, i.log)
	if err != nil {
		return nil, err
	}
	done, _ := i.metrics.Requests()
	var options []grpc.ServerOption
	if h := traced.calls(); h != nil {
		options = append(options, grpc.StatsHandler(h))
	}
	s := extproc.New(extproc.Options{
		Guard: guard, Stall: c.StallTimeout, Exchanges: c.Exchanges, Refuse: c.Unguarded == "refuse", Drain: i.conf.DrainTimeout, Log: i.log,
		Trace: extproc.Trace{Done: done, Panicked: i.metrics.Panicked},
		GRPC:  options,
	})
	listeners, err := server.ListenExtProc(&c, i.log)
	if err != nil {
		return nil, err
	}
	return &extProc{
		listeners: listeners,
		serve:     func(ctx context.Context) error { return s.Serve(ctx, listeners...) },
		stop:      func() { traced.stop(i.log) },
	}, nil
}

// close closes the addresses if serve is not called.
func (e *extProc) close() {
	for _, l := range e.listeners {
		_ = l.Close() // nobody has connected
	}
}
