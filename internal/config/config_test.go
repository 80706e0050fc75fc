package config_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/internal/config"
	"github.com/seed-4f09bd3a/weir/internal/strictyaml"
)

// all sets every key of the file.
const all = `
listen: 0.0.0.0:9000
unix: {path: /run/weir.sock, mode: 0600}
tls: {cert: a.crt, key: a.key, client_ca: ca.crt}
admin: {listen: "", pprof: true}
policy: my.yaml
watch: false
limits: {message_bytes: 200, chunk_bytes: 100, text_bytes: 0, streams: 3, batch_streams: 2, findings: 1, idle_timeout: 0s, connection_timeout: 1s}
classifier: {library: lib.so, providers: [cuda, cpu], workers: 3, threads: 2, max_batch: 64, max_queue: 9, timeout: 1s}
cache: {max_bytes: 2097152}
gateway: {profile: minor, language: zh, replacement: true, findings: none, event_bytes: 2048, body_bytes: 4096}
proxy: {listen: ":80", tls: {cert: p.crt, key: p.key}, upstream: "http://a", unguarded: refuse, exchanges: 5, header_timeout: 0s, stall_timeout: 3s}
ext_proc: {listen: ":81", unix: {path: e.sock, mode: 0600}, tls: {cert: e.crt, key: e.key}, unguarded: refuse, exchanges: 6, stall_timeout: 4s}
drain_timeout: 1m30s
log: {level: warn, format: json}
`

func TestParseAll(t *testing.T) {
	got, err := config.Parse("weir.yaml", []byte(all))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		Listen: "0.0.0.0:9000",
		Unix:   config.Unix{Path: "/run/weir.sock", Mode: 0o600},
		TLS:    config.TLS{Cert: "a.crt", Key: "a.key", ClientCA: "ca.crt"},
		Admin:  config.Admin{Pprof: true},
		Policy: "my.yaml",
		Limits: config.Limits{
			MessageBytes: 200, ChunkBytes: 100, Streams: 3, BatchStreams: 2, Findings: 1, ConnectionTimeout: time.Second,
		},
		Classifier: config.Classifier{
			Library: "lib.so", Providers: []string{"cuda", "cpu"}, Workers: 3, Threads: 2, MaxBatch: 64, MaxQueue: 9, Timeout: time.Second,
		},
		Cache:   config.Cache{MaxBytes: 2 << 20},
		Gateway: config.Gateway{Profile: "minor", Language: "zh", Replacement: true, Findings: "none", EventBytes: 2 << 10, BodyBytes: 4 << 10},
		Proxy: config.Proxy{
			Listen: ":80", TLS: config.TLS{Cert: "p.crt", Key: "p.key"}, Upstream: "http://a", Unguarded: "refuse", Exchanges: 5, StallTimeout: 3 * time.Second,
		},
		ExtProc: config.ExtProc{
			Listen: ":81", Unix: config.Unix{Path: "e.sock", Mode: 0o600}, TLS: config.TLS{Cert: "e.crt", Key: "e.key"}, Unguarded: "refuse", Exchanges: 6, StallTimeout: 4 * time.Second,
		},
		DrainTimeout: 90 * time.Second,
		Log:          config.Log{Level: config.Level(slog.LevelWarn), Format: "json"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

// TestParseDefaults: an empty file and a part of one keep the defaults, which
// are valid.
func TestParseDefaults(t *testing.T) {
	want := config.Default()
	if err := want.Validate(); err != nil {
		t.Fatalf("the defaults: %v", err)
	}
	got, err := config.Parse("weir.yaml", []byte("limits: {streams: 7}\nlog: {level: debug}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want.Limits.Streams, want.Log.Level = 7, config.Level(slog.LevelDebug)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
}

// TestParseErrors: every problem is reported, with its place and what to do.
func TestParseErrors(t *testing.T) {
	_, err := config.Parse("weir.yaml", []byte(`
listen: nowhere
lissten: 127.0.0.1:1
unix: {mode: 0999}
tls: {client_ca: ca.crt}
limits:
  chunk_bytes: 9000000
  streams: 0
  idle_timeout: -1s
log: {level: loud, format: xml}
drain_timeout: -5s
gateway: {event_bytes: 10, findings: some}
proxy: {unguarded: maybe, listen: "", exchanges: 0, tls: {key: k}}
ext_proc: {listen: here, unguarded: perhaps, tls: {key: k}}
`))
	if err == nil {
		t.Fatal("no error")
	}
	problems := strings.Split(err.Error(), "\n")
	for _, want := range []string{
		`weir.yaml:2:9: listen: "nowhere": want host:port`,
		`lissten`,
		`weir.yaml:4:14: unix.mode: "0999": want octal permissions`,
		`weir.yaml:5:6: tls: set cert and key together`,
		`weir.yaml:7:16: limits.chunk_bytes: 9000000: more than message_bytes`,
		`weir.yaml:8:12: limits.streams: 0: want 1 or more`,
		`weir.yaml:9:17: limits.idle_timeout: -1s: want 0 or more`,
		`weir.yaml:10:14: log.level: "loud": want debug, info, warn or error`,
		`weir.yaml:10:28: log.format: "xml": want text or json`,
		`weir.yaml:11:16: drain_timeout: -5s: want 0 or more`,
		`weir.yaml:12:24: gateway.event_bytes: 10: want 1024 or more`,
		`weir.yaml:12:38: gateway.findings: "some": want full, category or none`,
		`weir.yaml:13:20: proxy.unguarded: "maybe": want pass or refuse`,
		`weir.yaml:13:35: proxy.listen: "": want host:port`,
		`weir.yaml:13:50: proxy.exchanges: 0: want 1 or more`,
		`weir.yaml:13:58: proxy.tls: set cert and key together`,
		`ext_proc.listen: "here": want host:port`,
		`weir.yaml:14:37: ext_proc.unguarded: "perhaps": want pass or refuse`,
		`weir.yaml:14:51: ext_proc.tls: set cert and key together`,
	} {
		found := 0
		for _, p := range problems {
			if strings.HasPrefix(p, "weir.yaml:") && strings.Contains(p, want) {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%d problems say %q:\n%v", found, want, err)
		}
	}
	if all, ok := err.(strictyaml.Errors); !ok || len(all) != 19 { //nolint:errorlint // the very type is promised
		t.Errorf("got %d problems, want 19:\n%v", len(problems), err)
	}
}

// TestValidate checks what flags may have changed after Parse.
func TestValidate(t *testing.T) {
	c := config.Default()
	c.Listen = ""
	if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "set listen, unix.path or both") {
		t.Errorf("without an address: %v", err)
	}
	e := c
	e.ExtProc.Listen = "127.0.0.1:0"
	if err := e.Validate(); err != nil {
		t.Errorf("with an address for Envoy alone: %v", err)
	}
	e.ExtProc.Exchanges = 0
	if err := e.Validate(); err == nil || !strings.Contains(err.Error(), "configuration: ext_proc.exchanges: 0: want 1 or more") {
		t.Errorf("without exchanges: %v", err)
	}
	c.Unix.Path = "weir.sock"
	if err := c.Validate(); err != nil {
		t.Errorf("with a socket alone: %v", err)
	}
}
