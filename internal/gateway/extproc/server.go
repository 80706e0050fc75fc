package extproc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

// Options are what a Server is made of.
type Options struct {
	Guard     *gateway.Guard
	Stall     time.Duration // longest wait for the next piece of an answer that is streamed; 0 for no limit
	Exchanges int           // guarded at once; more are answered 503. 0 for no limit
	Refuse    bool          // answer 404 to requests that cannot be guarded, GET, HEAD and OPTIONS aside, in place of passing them
	Drain     time.Duration // how long open exchanges may go on after Serve's context has ended
	Log       *slog.Logger
	Trace     Trace
	GRPC      []grpc.ServerOption // more options of the gRPC server, such as a stats handler
}

// Trace is a set of hooks for metrics. Each may be nil; they are called on the
// goroutines of exchanges.
type Trace struct {
	// Done is called once for every exchange, when its line is in the log, with the
	// routes and outcomes of gateway.ProxyTrace and two more outcomes: observed
	// (observability mode, whatever was found), and gone also for an upstream that
	// broke off, which Envoy does not tell from a client that left.
	Done func(route, outcome string, d time.Duration)
	// Panicked is called when an exchange panics.
	Panicked func()
}

// Server is Envoy's external processor. Serve may be called once. The service itself
// is safe for concurrent use.
type Server struct {
	extprocv3.UnimplementedExternalProcessorServer

	// Immutable.
	options Options
	grpc    *grpc.Server
	health  *health.Server
	slots   chan struct{}

	draining atomic.Bool
	readers  sync.WaitGroup // of messages
}

// New returns a server.
func New(o Options) *Server {
	s := &Server{options: o, health: health.NewServer()}
	if o.Exchanges > 0 {
		s.slots = make(chan struct{}, o.Exchanges)
	}
	s.grpc = grpc.NewServer(append([]grpc.ServerOption{
		// A body that is too long by less than itself is told so.
		grpc.MaxRecvMsgSize(int(min(2*o.Guard.BodyBytes()+64<<10, 1<<31-1))),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true),
	}, o.GRPC...)...)
	extprocv3.RegisterExternalProcessorServer(s.grpc, s)
	healthv1.RegisterHealthServer(s.grpc, s.health)
	s.setServing(healthv1.HealthCheckResponse_SERVING)
	return s
}

func (s *Server) setServing(state healthv1.HealthCheckResponse_ServingStatus) {
	s.health.SetServingStatus("", state)
	s.health.SetServingStatus(extprocv3.ExternalProcessor_ServiceDesc.ServiceName, state)
}

// Ready reports whether the server is not draining.
func (s *Server) Ready() bool { return !s.draining.Load() }

// Serve serves on the listeners until ctx ends, then drains: it turns unhealthy, lets
// Envoy open no new exchanges, waits for open ones at most Options.Drain, and ends the
// rest. It closes the listeners.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	failed := make(chan error, len(listeners))
	var serving sync.WaitGroup
	for _, l := range listeners {
		serving.Go(func() {
			if err := s.grpc.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
				failed <- fmt.Errorf("ext_proc: %s: %w", l.Addr(), err)
			}
		})
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	s.draining.Store(true)
	s.setServing(healthv1.HealthCheckResponse_NOT_SERVING)
	timer := time.AfterFunc(s.options.Drain, func() {
		s.options.Log.Warn("drain timeout: ending the exchanges that are left")
		s.grpc.Stop()
	})
	s.grpc.GracefulStop()
	timer.Stop()
	serving.Wait()
	s.readers.Wait()
	return err
}

// Process implements the service: one HTTP exchange.
func (s *Server) Process(stream extprocv3.ExternalProcessor_ProcessServer) (err error) {
	x := &exchange{server: s, ctx: stream.Context(), out: stream.Send, route: "other", outcome: "passed", began: time.Now()}
	defer s.done(x)
	defer func() {
		// The value may hold text of users, so only its type and the stack are logged.
		if p := recover(); p != nil {
			x.outcome = "failed"
			if s.options.Trace.Panicked != nil {
				s.options.Trace.Panicked()
			}
			s.options.Log.Error("panic in an exchange", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			err = grpcstatus.Error(codes.Internal, "the exchange could not be judged: see the guard's log")
		}
	}()
	messages := make(chan message)
	s.readers.Go(func() { read(stream, messages) })
	return x.run(messages)
}

// message is what Recv returned.
type message struct {
	request *extprocv3.ProcessingRequest
	err     error
}

// read hands messages over until one is an error, or the call has ended, which ends
// Recv too. No message waits in between, so that HTTP/2's flow control slows Envoy
// down, and Envoy the upstream.
func read(stream extprocv3.ExternalProcessor_ProcessServer, messages chan<- message) {
	for {
		m, err := stream.Recv()
		select {
		case messages <- message{m, err}:
		case <-stream.Context().Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// done frees, logs and counts an exchange. Nothing of its text, its query or its
// headers but the id is logged.
func (s *Server) done(x *exchange) {
	x.close()
	d := time.Since(x.began)
	outcome := x.outcome
	var more []any
	if x.observed && outcome != "passed" {
		more, outcome = []any{"would_be", outcome}, "observed"
	}
	if x.answer != nil && x.answer.Halted() {
		more = append(more, "cause", x.answer.Cause())
	}
	s.options.Log.Log(context.Background(), gateway.Level(x.outcome), "request",
		append([]any{"request_id", x.id, "route", x.route, "outcome", outcome, "duration", d}, more...)...)
	if s.options.Trace.Done != nil {
		s.options.Trace.Done(x.route, outcome, d)
	}
}
