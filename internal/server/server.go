package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grpc-ecosystem/go-grpc-middleware/v2/interceptors/recovery"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/internal/config"
	"github.com/seed-4f09bd3a/weir/internal/wire"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// Options are what a Server is made of.
type Options struct {
	Config  config.Config
	Engine  *engine.Engine
	Reload  *config.Reloader
	Metrics *Metrics // the engine's trace reports to it
	Log     *slog.Logger
	Version string // of the binary
}

// Server serves one engine. Serve may be called once.
type Server struct {
	weirv1.UnimplementedModerationServiceServer

	// Immutable.
	engine  *engine.Engine
	reload  *config.Reloader
	limits  config.Limits
	config  config.Config
	metrics *Metrics
	log     *slog.Logger
	version string
	started time.Time
	grpc    *grpc.Server
	health  *health.Server

	open     atomic.Int64    // streams
	stopping context.Context // ends when draining begins; a context for AfterFunc, since calls wait in gRPC
	stop     context.CancelFunc
	children sync.WaitGroup // goroutines of streaming calls
}

// New builds a server. The error says which certificate cannot be read.
func New(o Options) (*Server, error) {
	s := &Server{
		engine: o.Engine, reload: o.Reload, limits: o.Config.Limits, config: o.Config,
		metrics: o.Metrics, log: o.Log, version: o.Version, started: time.Now(), health: health.NewServer(),
	}
	s.stopping, s.stop = context.WithCancel(context.Background())
	recovered := recovery.WithRecoveryHandlerContext(func(_ context.Context, p any) error { return s.panicked(p) })
	before, behind := unwatched()
	s.grpc = grpc.NewServer(
		grpc.ForceServerCodecV2(wire.NewCodec()),
		grpc.MaxRecvMsgSize(s.limits.MessageBytes),
		// Per connection. More than the limit of streams, so that a stream too many
		// is told so, and health checks get through, instead of waiting unseen.
		grpc.MaxConcurrentStreams(uint32(min(s.limits.Streams+1000, 1<<31))),
		grpc.MaxHeaderListSize(16<<10), // 16 KiB; the default is a thousand times that
		grpc.ConnectionTimeout(s.limits.ConnectionTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true),
		grpc.ChainUnaryInterceptor(o.Metrics.grpc.UnaryServerInterceptor(), recovery.UnaryServerInterceptor(recovered)),
		grpc.ChainStreamInterceptor(before, o.Metrics.grpc.StreamServerInterceptor(), behind, recovery.StreamServerInterceptor(recovered)),
	)
	weirv1.RegisterModerationServiceServer(s.grpc, s)
	weirv1.RegisterAdminServiceServer(s.grpc, &adminService{server: s})
	healthv1.RegisterHealthServer(s.grpc, s.health)
	reflection.Register(s.grpc)
	o.Metrics.grpc.InitializeMetrics(s.grpc)
	s.setServing(healthv1.HealthCheckResponse_SERVING)
	return s, nil
}

func (s *Server) setServing(state healthv1.HealthCheckResponse_ServingStatus) {
	s.health.SetServingStatus("", state)
	s.health.SetServingStatus(weirv1.ModerationService_ServiceDesc.ServiceName, state)
	s.health.SetServingStatus(weirv1.AdminService_ServiceDesc.ServiceName, state)
}

// Serve serves on the listeners until ctx ends, then drains: it turns unhealthy,
// refuses new streams, waits for open ones at most the drain timeout, and ends
// the rest. It closes the listeners.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	failed := make(chan error, len(listeners))
	var serving sync.WaitGroup
	for _, l := range listeners {
		serving.Go(func() {
			if err := s.grpc.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
				failed <- fmt.Errorf("server: %s: %w", l.Addr(), err)
			}
		})
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	s.drain()
	serving.Wait()
	s.children.Wait()
	return err
}

// drain ends the server within the drain timeout.
func (s *Server) drain() {
	s.stop()
	s.setServing(healthv1.HealthCheckResponse_NOT_SERVING)
	s.log.Info("draining", "streams", s.open.Load(), "timeout", s.config.DrainTimeout)
	stopped := make(chan struct{})
	go func() {
		s.grpc.GracefulStop()
		close(stopped)
	}()
	timeout := time.NewTimer(s.config.DrainTimeout)
	defer timeout.Stop()
	select {
	case <-stopped:
	case <-timeout.C:
		s.log.Warn("drain timeout: ending the streams that are left", "streams", s.open.Load())
		s.grpc.Stop()
		<-stopped
	}
}

// Ready reports whether new streams are let in.
func (s *Server) Ready() bool { return s.stopping.Err() == nil }

// admit counts a stream in, if there is room for it. leave counts it out.
func (s *Server) admit() error {
	if !s.Ready() {
		return errDraining
	}
	if s.open.Add(1) > int64(s.limits.Streams) {
		s.open.Add(-1)
		s.metrics.refused.Inc()
		return errTooManyStreams(s.limits.Streams)
	}
	return nil
}

func (s *Server) leave() { s.open.Add(-1) }
