package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-4f09bd3a/weir/internal/config"
	"github.com/seed-4f09bd3a/weir/internal/gateway"
	"github.com/seed-4f09bd3a/weir/internal/server"
)

// proxyCmd runs the HTTP proxy.
type proxyCmd struct {
	commonFlags
	Upstream    string `help:"URL of the model server, such as http://127.0.0.1:8000, without /v1." placeholder:"URL" env:"WEIR_UPSTREAM"`
	Listen      string `help:"HTTP address (default 127.0.0.1:8080)." placeholder:"HOST:PORT" env:"WEIR_PROXY_LISTEN"`
	Profile     string `help:"Profile of the policy for answers." placeholder:"NAME" env:"WEIR_PROFILE"`
	Replacement bool   `help:"Show the policy's replacement text after a halt."`
}

// Run serves until SIGINT or SIGTERM, then lets answers that have begun end.
func (c *proxyCmd) Run() error {
	conf, err := c.configuration(func(conf *config.Config) {
		set(&conf.Proxy.Listen, c.Listen)
		set(&conf.Proxy.Upstream, c.Upstream)
		set(&conf.Gateway.Profile, c.Profile)
		conf.Gateway.Replacement = conf.Gateway.Replacement || c.Replacement
	})
	if err != nil {
		return err
	}
	if conf.Proxy.Upstream == "" {
		return errors.New("no upstream: say where the model server is with --upstream or proxy.upstream")
	}
	upstream, err := gateway.ParseUpstream(conf.Proxy.Upstream)
	if err != nil {
		return err
	}
	i, err := newInstance(&conf)
	if err != nil {
		return err
	}
	guard, err := newGuard(i)
	if err != nil {
		return err
	}
	traced, err := newTracing(context.Background(), version, i.log)
	if err != nil {
		return err
	}
	defer traced.stop(i.log)
	done, cancelled := i.metrics.Requests()
	handler := traced.handler(gateway.NewProxy(gateway.ProxyOptions{
		Guard: guard, Upstream: upstream, Transport: traced.transport(gateway.NewTransport(conf.Proxy.HeaderTimeout)),
		Stall: conf.Proxy.StallTimeout, Exchanges: conf.Proxy.Exchanges, Refuse: conf.Proxy.Unguarded == "refuse", Log: i.log,
		Trace: gateway.ProxyTrace{Done: done, Cancelled: cancelled},
	}))
	l, err := server.ListenTCP(conf.Proxy.Listen, conf.Proxy.TLS, []string{"h2", "http/1.1"}, i.log)
	if err != nil {
		return fmt.Errorf("proxy.listen: %w", err)
	}
	i.serving("proxy", l, "upstream", upstream.Redacted())
	h := &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, // 64 KiB
		ErrorLog: slog.NewLogLogger(i.log.Handler(), slog.LevelDebug),
	}
	var draining atomic.Bool
	return i.run(func() bool { return !draining.Load() }, []net.Listener{l}, func(ctx context.Context) error {
		failed := make(chan error, 1)
		go func() { failed <- h.Serve(l) }()
		select {
		case err := <-failed:
			return fmt.Errorf("proxy: %w", err)
		case <-ctx.Done():
		}
		draining.Store(true)
		i.log.Info("draining", "timeout", conf.DrainTimeout)
		within, cancel := context.WithTimeout(context.Background(), conf.DrainTimeout)
		defer cancel()
		if err := h.Shutdown(within); err != nil {
			i.log.Warn("drain timeout: ending the answers that are left")
			_ = h.Close() // connections only
		}
		return nil
	})
}

// newGuard makes the guard of HTTP answers, and checks that its profile exists.
func newGuard(i *instance) (*gateway.Guard, error) {
	g := i.conf.Gateway
	if g.Profile != "" {
		if _, ok := i.engine.Snapshot().Policy().Profile(g.Profile); !ok {
			return nil, fmt.Errorf("gateway.profile: the policy has no profile %q: want one of %s", g.Profile, strings.Join(i.engine.Snapshot().Policy().ProfileNames(), ", "))
		}
	}
	details := map[string]gateway.Detail{"full": gateway.DetailFull, "category": gateway.DetailCategory, "none": gateway.DetailNone}
	return &gateway.Guard{Engine: i.engine, Options: gateway.Options{
		Findings: details[g.Findings], Profile: g.Profile, Language: g.Language, Replacement: g.Replacement, EventBytes: g.EventBytes, BodyBytes: g.BodyBytes,
	}}, nil
}
