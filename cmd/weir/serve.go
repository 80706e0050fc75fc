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

// serveCmd runs the server. Flags go before the file, the file before defaults.
type serveCmd struct {
	Config    string `help:"Configuration file." type:"path" placeholder:"FILE" env:"WEIR_CONFIG"`
	Listen    string `help:"TCP address for gRPC (default 127.0.0.1:7443); - for none." placeholder:"HOST:PORT" env:"WEIR_LISTEN"`
	Unix      string `help:"Unix socket for gRPC." placeholder:"PATH" env:"WEIR_UNIX"`
	Admin     string `help:"HTTP address for metrics and probes (default 127.0.0.1:7444); - for none." placeholder:"HOST:PORT" env:"WEIR_ADMIN"`
	Policy    string `help:"Policy file; without it the embedded policy." type:"path" placeholder:"FILE" env:"WEIR_POLICY"`
	LogLevel  string `help:"debug, info, warn or error." placeholder:"LEVEL" env:"WEIR_LOG_LEVEL"`
	LogFormat string `help:"text or json." placeholder:"FORMAT" env:"WEIR_LOG_FORMAT"`
}

// configuration merges flags, file and defaults.
func (c *serveCmd) configuration() (config.Config, error) {
	out := config.Default()
	if c.Config != "" {
		data, err := os.ReadFile(c.Config)
		if err != nil {
			return out, fmt.Errorf("configuration: %w", err)
		}
		if out, err = config.Parse(c.Config, data); err != nil {
			return out, err
		}
	}
	set := func(into *string, flag string) {
		switch flag {
		case "":
		case "-":
			*into = ""
		default:
			*into = flag
		}
	}
	set(&out.Listen, c.Listen)
	set(&out.Unix.Path, c.Unix)
	set(&out.Admin.Listen, c.Admin)
	set(&out.Policy, c.Policy)
	set(&out.Log.Format, c.LogFormat)
	if c.LogLevel != "" {
		if err := out.Log.Level.UnmarshalText([]byte(c.LogLevel)); err != nil {
			return out, fmt.Errorf("--log-level: %w: want debug, info, warn or error", err)
		}
	}
	return out, out.Validate()
}

// Run serves until SIGINT or SIGTERM, then drains.
func (c *serveCmd) Run() error {
	conf, err := c.configuration()
	if err != nil {
		return err
	}
	options := &slog.HandlerOptions{Level: conf.Log.Level}
	log := slog.New(slog.NewTextHandler(os.Stderr, options))
	if conf.Log.Format == "json" {
		log = slog.New(slog.NewJSONHandler(os.Stderr, options))
	}
	var eng *engine.Engine
	metrics := server.NewMetrics(version, func() *engine.Snapshot { return eng.Snapshot() })
	store, err := newModelStore(&conf, log, metrics.ModelTrace)
	if err != nil {
		return err
	}
	metrics.Cache(store.cache)
	snap, files, err := config.LoadSnapshot(conf.Policy, store)
	if err != nil {
		return err
	}
	if named := len(snap.Policy().Models()); named > len(snap.Models()) {
		log.Warn("serving WITHOUT classifiers, as the policy's classifier: optional allows", "models", named)
	}
	trace := metrics.Trace()
	server.LogFailures(trace, log)
	eng = engine.New(snap, engine.Options{Trace: trace})
	reload := config.NewReloader(eng, conf.Policy, files, log, metrics.Reloaded)
	reload.Models = store
	srv, err := server.New(server.Options{
		Config: conf, Engine: eng, Reload: reload, Metrics: metrics, Log: log, Version: version,
	})
	if err != nil {
		return err
	}
	listeners, err := server.Listen(&conf, log)
	if err != nil {
		return err
	}
	var admin net.Listener
	if conf.Admin.Listen != "" {
		if admin, err = net.Listen("tcp", conf.Admin.Listen); err != nil {
			for _, l := range listeners {
				_ = l.Close()
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
	if conf.Watch {
		background.Go(func() {
			if err := reload.Watch(ctx); err != nil {
				log.Error("files are not watched: reload by SIGHUP", "err", err)
			}
		})
	}
	background.Go(func() { reloadOnHangup(ctx, reload) })
	if admin != nil {
		log.Info("admin", "address", admin.Addr().String())
		h := &http.Server{Handler: server.AdminHandler(metrics, srv.Ready, conf.Admin.Pprof), ReadHeaderTimeout: 5 * time.Second}
		background.Go(func() {
			if err := h.Serve(admin); !errors.Is(err, http.ErrServerClosed) {
				log.Error("admin", "err", err)
			}
		})
		defer h.Close() //nolint:errcheck // the process ends
	}
	for _, l := range listeners {
		log.Info("serving", "network", l.Addr().Network(), "address", l.Addr().String(),
			"snapshot", snap.Version(), "policy", snap.Policy().Name, "lexicon_bytes", snap.LexiconBytes())
	}
	err = srv.Serve(ctx, listeners...)
	log.Info("stopped")
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
