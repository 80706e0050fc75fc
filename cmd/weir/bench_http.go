package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-4f09bd3a/weir/bench"
)

// benchHTTPCmd is what benchCmd starts before and beside weir proxy.
type benchHTTPCmd struct {
	Listen string `help:"HTTP address."`
	Texts  string `help:"JSON file of texts, for the model server."`
	Plain  string `help:"URL of the upstream, for the plain proxy."`
}

// Run serves until standard input closes, so that it ends with the process that
// started it.
func (c *benchHTTPCmd) Run() error {
	var handler http.Handler
	if c.Plain != "" {
		var err error
		if handler, err = bench.NewPlainProxy(c.Plain); err != nil {
			return err
		}
	} else {
		data, err := os.ReadFile(c.Texts)
		if err != nil {
			return err
		}
		var texts []bench.Text
		if err := json.Unmarshal(data, &texts); err != nil {
			return fmt.Errorf("%s: %w", c.Texts, err)
		}
		handler = bench.NewUpstream(texts)
	}
	s := &http.Server{Addr: c.Listen, Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = s.Close()
	}()
	if err := s.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// measureHTTP runs the chosen scenarios of proxies.
func (c *benchCmd) measureHTTP(ctx context.Context) ([]bench.Result, error) {
	scenarios := bench.HTTPScenarios()
	if len(c.Scenario) > 0 {
		scenarios = slices.DeleteFunc(scenarios, func(s bench.HTTPScenario) bool { return !slices.Contains(c.Scenario, s.Name) })
	}
	if len(scenarios) == 0 || c.Address != "" { // what runs there is no proxy
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "weir-bench-http")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	tell := newProgress("bench")
	defer tell.end()
	plain, err := c.withoutModels(dir)
	if err != nil {
		return nil, err
	}
	var texts bench.Suite
	if _, err := c.texts(&texts, plain); err != nil {
		return nil, err
	}
	suite := &bench.HTTPSuite{
		Scenarios: scenarios, Rounds: c.Rounds, Warm: c.Warm, Measured: c.Duration,
		Texts: func(s *bench.HTTPScenario) ([]bench.Text, error) {
			return texts.Texts(&bench.Scenario{Tokens: s.Tokens, Violating: c.Violating})
		},
		Start: func(ctx context.Context, texts []bench.Text) (weir, plain bench.HTTPTarget, stop func(), err error) {
			return c.startHTTP(ctx, dir, texts)
		},
		Progress: func(done, total int, what string) { tell.tell(fmt.Sprintf("%d of %d rounds, %s", done, total, what)) },
	}
	return suite.Run(ctx)
}

// startHTTP starts a model server with texts, and both proxies in front of it.
func (c *benchCmd) startHTTP(ctx context.Context, dir string, texts []bench.Text) (weir, plain bench.HTTPTarget, stop func(), err error) {
	var running []*child
	stop = func() {
		for _, p := range slices.Backward(running) {
			p.end()
		}
	}
	start := func(address string, args ...string) (t bench.HTTPTarget, err error) {
		p, err := startHTTPChild(ctx, address, args...)
		if err == nil {
			running = append(running, p)
			t = bench.HTTPTarget{URL: "http://" + address, PID: p.cmd.Process.Pid}
		}
		return t, err
	}
	data, err := json.Marshal(texts)
	if err != nil {
		return weir, plain, nil, err
	}
	file, conf := filepath.Join(dir, "texts.json"), filepath.Join(dir, "proxy.yaml")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return weir, plain, nil, err
	}
	var addresses [3]string
	for i := range addresses {
		if addresses[i], err = freePort(); err != nil {
			return weir, plain, nil, err
		}
	}
	upstream := "http://" + addresses[0]
	policy, err := c.withoutModels(dir)
	if err != nil {
		return weir, plain, nil, err
	}
	data, err = json.Marshal(map[string]any{ // JSON is YAML
		"admin": map[string]any{"listen": ""}, "watch": false, "log": map[string]any{"level": "error"}, "policy": policy,
		"gateway": map[string]any{"profile": c.Profile}, "proxy": map[string]any{"listen": addresses[1], "upstream": upstream},
	})
	if err == nil {
		err = os.WriteFile(conf, data, 0o600)
	}
	if err == nil {
		_, err = start(addresses[0], "bench-http", "--listen", addresses[0], "--texts", file)
	}
	if err == nil {
		weir, err = start(addresses[1], "proxy", "--config", conf)
	}
	if err == nil {
		plain, err = start(addresses[2], "bench-http", "--listen", addresses[2], "--plain", upstream)
	}
	if err != nil {
		stop()
		return weir, plain, nil, err
	}
	return weir, plain, stop, nil
}

// startHTTPChild starts a process that serves HTTP and waits until it answers.
func startHTTPChild(ctx context.Context, address string, args ...string) (*child, error) {
	p, err := startChild(ctx, args...)
	if err != nil {
		return nil, err
	}
	for until := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get("http://" + address + "/ready")
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return p, nil
			}
		}
		if time.Now().After(until) || ctx.Err() != nil {
			p.end()
			return nil, fmt.Errorf("bench: %s did not start: %s", args[0], bytes.TrimSpace(p.stderr.Bytes()))
		}
	}
}
