package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/internal/config"
	"github.com/seed-4f09bd3a/weir/internal/server"
)

// instance is what all verbs that serve have in common: the rules and what keeps
// them new, metrics, the log.
type instance struct {
	conf    *config.Config
	log     *slog.Logger
	metrics *server.Metrics
	engine  *engine.Engine
	reload  *config.Reloader
}

// newInstance loads the rules of a configuration.
func newInstance(conf *config.Config) (*instance, error) {
	options := &slog.HandlerOptions{Level: slog.Level(conf.Log.Level)}
	i := &instance{conf: conf, log: slog.New(slog.NewTextHandler(os.Stderr, options))}
	if conf.Log.Format == "json" {
		i.log = slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	i.metrics = server.NewMetrics(version, func() *engine.Snapshot { return i.engine.Snapshot() })
	store, err := newModelStore(conf, i.log, i.metrics.ModelTrace)
	if err != nil {
		return nil, err
	}
	i.metrics.Cache(store.cache)
	snap, files, err := config.LoadSnapshot(conf.Policy, store)
	if err != nil {
		return nil, err
	}
	if named := len(snap.Policy().Models()); named > len(snap.Models()) {
		i.log.Warn("serving WITHOUT classifiers, as the policy's classifier: optional allows", "models", named)
	}
	trace := i.metrics.Trace()
	server.LogFailures(trace, i.log)
	i.engine = engine.New(snap, engine.Options{Trace: trace})
	i.reload = config.NewReloader(i.engine, conf.Policy, files, i.log, i.metrics.Reloaded)
	i.reload.Models = store
	return i, nil
}

// serving logs an address.
func (i *instance) serving(what string, l net.Listener, more ...any) {
	snap := i.engine.Snapshot()
	i.log.Info(what, append([]any{"network", l.Addr().Network(), "address", l.Addr().String(),
		"snapshot", snap.Version(), "policy", snap.Policy().Name, "lexicon_bytes", snap.LexiconBytes()}, more...)...)
}

// run calls serve with a context that ends with SIGINT or SIGTERM; a second signal
// ends the process. Beside it the rules are kept new and the admin port is served.
// The listeners are serve's; run closes them if it cannot begin.
func (i *instance) run(ready func() bool, listeners []net.Listener, serve func(ctx context.Context) error) error {
	var admin net.Listener
	if i.conf.Admin.Listen != "" {
		var err error
		if admin, err = net.Listen("tcp", i.conf.Admin.Listen); err != nil {
			for _, l := range listeners {
				_ = l.Close() // nobody has connected
			}
			return fmt.Errorf("admin.listen: %w", err)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	var background sync.WaitGroup
	defer background.Wait()
	defer stop()
	if i.conf.Watch {
		background.Go(func() {
			if err := i.reload.Watch(ctx); err != nil {
				i.log.Error("files are not watched: reload by SIGHUP", "err", err)
			}
		})
	}
	background.Go(func() { reloadOnHangup(ctx, i.reload) })
	if admin != nil {
		i.log.Info("admin", "address", admin.Addr().String())
		h := &http.Server{Handler: server.AdminHandler(i.metrics, ready, i.conf.Admin.Pprof), ReadHeaderTimeout: 5 * time.Second}
		background.Go(func() {
			if err := h.Serve(admin); !errors.Is(err, http.ErrServerClosed) {
				i.log.Error("admin", "err", err)
			}
		})
		defer h.Close() //nolint:errcheck // the process ends
	}
	err := serve(ctx)
	i.log.Info("stopped")
	return err
}

// reloadOnHangup reloads on every SIGHUP until ctx ends. The result is logged.
func reloadOnHangup(ctx context.Context, r *config.Reloader) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			_, _ = r.Reload()
		}
	}
}
