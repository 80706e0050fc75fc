package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/seed-4f09bd3a/weir/internal/config"
	"github.com/seed-4f09bd3a/weir/internal/server"
)

// serveCmd runs the server. Flags go before the file, the file before defaults.
type serveCmd struct {
	commonFlags
	Listen string `help:"TCP address for gRPC (default 127.0.0.1:7443); - for none." placeholder:"HOST:PORT" env:"WEIR_LISTEN"`
	Unix   string `help:"Unix socket for gRPC." placeholder:"PATH" env:"WEIR_UNIX"`

	ExtProc     string `help:"TCP address of an external processor for Envoy's ext_proc filter; none without it." placeholder:"HOST:PORT" env:"WEIR_EXT_PROC"`
	ExtProcUnix string `help:"Unix socket of the external processor." placeholder:"PATH" env:"WEIR_EXT_PROC_UNIX"`
}

// commonFlags are those of all verbs that serve.
type commonFlags struct {
	Config    string `help:"Configuration file." type:"path" placeholder:"FILE" env:"WEIR_CONFIG"`
	Admin     string `help:"HTTP address for metrics and probes (default 127.0.0.1:7444); - for none." placeholder:"HOST:PORT" env:"WEIR_ADMIN"`
	Policy    string `help:"Policy file; without it the embedded policy." type:"path" placeholder:"FILE" env:"WEIR_POLICY"`
	LogLevel  string `help:"debug, info, warn or error." placeholder:"LEVEL" env:"WEIR_LOG_LEVEL"`
	LogFormat string `help:"text or json." placeholder:"FORMAT" env:"WEIR_LOG_FORMAT"`
}

// configuration merges flags, file and defaults; flags sets those of one verb.
func (c *commonFlags) configuration(flags func(conf *config.Config)) (config.Config, error) {
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
	set(&out.Admin.Listen, c.Admin)
	set(&out.Policy, c.Policy)
	set(&out.Log.Format, c.LogFormat)
	if c.LogLevel != "" {
		if err := out.Log.Level.UnmarshalText([]byte(c.LogLevel)); err != nil {
			return out, fmt.Errorf("--log-level: %w", err)
		}
	}
	flags(&out)
	return out, out.Validate()
}

// set puts a flag's value over that of the file; - stands for nothing.
func set(into *string, flag string) {
	switch flag {
	case "":
	case "-":
		*into = ""
	default:
		*into = flag
	}
}

// Run serves until SIGINT or SIGTERM, then drains.
func (c *serveCmd) Run() error {
	conf, err := c.configuration(func(conf *config.Config) {
		set(&conf.Listen, c.Listen)
		set(&conf.Unix.Path, c.Unix)
		set(&conf.ExtProc.Listen, c.ExtProc)
		set(&conf.ExtProc.Unix.Path, c.ExtProcUnix)
	})
	if err != nil {
		return err
	}
	i, err := newInstance(&conf)
	if err != nil {
		return err
	}
	srv, err := server.New(server.Options{
		Config: conf, Engine: i.engine, Reload: i.reload, Metrics: i.metrics, Log: i.log, Version: version,
	})
	if err != nil {
		return err
	}
	ext, err := newExtProc(i)
	if err != nil {
		return err
	}
	defer ext.stop()
	listeners, err := server.Listen(&conf, i.log)
	if err != nil {
		ext.close()
		return err
	}
	for _, l := range listeners {
		i.serving("serving", l)
	}
	for _, l := range ext.listeners {
		i.serving("ext_proc", l)
	}
	return i.run(srv.Ready, append(listeners, ext.listeners...), func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		failed := make(chan error, 1)
		go func() {
			defer cancel() // if one cannot go on, both end
			failed <- ext.serve(ctx)
		}()
		err := srv.Serve(ctx, listeners...)
		cancel()
		return errors.Join(err, <-failed)
	})
}
