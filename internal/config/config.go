// Package config reads what a server is configured with: its own YAML file, and
// the policy and packs that make a snapshot, which it reads again when asked or
// when the files change.
package config

import (
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/seed-4f09bd3a/weir/internal/strictyaml"
)

// Config is the server's configuration file. Default returns the values that
// hold where the file is silent.
type Config struct {
	Listen       string        `yaml:"listen"`        // TCP address for gRPC; "" for none. Default 127.0.0.1:7443
	Unix         Unix          `yaml:"unix"`          // Unix socket for gRPC
	TLS          TLS           `yaml:"tls"`           // for the TCP address
	Admin        Admin         `yaml:"admin"`         // HTTP port for metrics and probes
	Policy       string        `yaml:"policy"`        // policy file; "" for the embedded one. Paths are relative to the working directory
	Watch        bool          `yaml:"watch"`         // reload when policy or packs change. Default true
	Limits       Limits        `yaml:"limits"`        //
	Classifier   Classifier    `yaml:"classifier"`    // how models run; which ones is the policy's to say
	Cache        Cache         `yaml:"cache"`         // of decisions of models
	Gateway      Gateway       `yaml:"gateway"`       // how HTTP answers are guarded
	Proxy        Proxy         `yaml:"proxy"`         // the HTTP proxy (weir proxy)
	ExtProc      ExtProc       `yaml:"ext_proc"`      // Envoy's external processor (weir serve)
	DrainTimeout time.Duration `yaml:"drain_timeout"` // how long open streams may go on after SIGTERM. Default 30s
	Log          Log           `yaml:"log"`
}

// Unix is a Unix domain socket.
type Unix struct {
	Path string   `yaml:"path"` // "" for none
	Mode FileMode `yaml:"mode"` // permissions of the socket. Default 0660
}

// TLS is the server's identity, and whom it lets in. The files are read again
// when they change.
type TLS struct {
	Cert     string `yaml:"cert"`      // PEM file; "" for no TLS
	Key      string `yaml:"key"`       // PEM file
	ClientCA string `yaml:"client_ca"` // PEM file: clients must show a certificate that one of these signed
}

// Admin is the HTTP port for /metrics, /healthz and /readyz.
type Admin struct {
	Listen string `yaml:"listen"` // "" for none. Default 127.0.0.1:7444
	Pprof  bool   `yaml:"pprof"`  // serve profiles under /debug/pprof/. Default false
}

// Limits bound what clients may take. 0 means no limit where it is allowed.
type Limits struct {
	MessageBytes      int           `yaml:"message_bytes"`      // one gRPC message. Default 4 MiB
	ChunkBytes        int           `yaml:"chunk_bytes"`        // one chunk. Default 1 MiB
	TextBytes         int64         `yaml:"text_bytes"`         // one text; 0 for no limit. Default 64 MiB
	Streams           int           `yaml:"streams"`            // open at once. Default 20,000
	BatchStreams      int           `yaml:"batch_streams"`      // open at once on one ModerateBatch call. Default 8,192
	Findings          int           `yaml:"findings"`           // reported in one verdict; the rest is counted in metrics only. Default 1,000
	IdleTimeout       time.Duration `yaml:"idle_timeout"`       // without a message in either direction, unless it is a ModerateBatch call with no stream open; 0 for no limit. Default 5m
	ConnectionTimeout time.Duration `yaml:"connection_timeout"` // for a handshake. Default 10s
}

// Classifier says how models run.
type Classifier struct {
	Library   string        `yaml:"library"`   // shared library of ONNX Runtime; "" for $WEIR_ONNXRUNTIME or what the set-up fetched
	Providers []string      `yaml:"providers"` // execution providers, tried in order: cpu, cuda, tensorrt, openvino, coreml, directml. Default [cpu]
	Workers   int           `yaml:"workers"`   // steps that run at once, per model; 0 for one per core but one
	Threads   int           `yaml:"threads"`   // of ONNX Runtime inside one step. Default 1
	MaxBatch  int           `yaml:"max_batch"` // streams in one step. Default 32; more serve a GPU
	MaxQueue  int           `yaml:"max_queue"` // streams that wait for a worker, per model; more are turned away, which the policy's fail mode answers. Default 4,096
	Timeout   time.Duration `yaml:"timeout"`   // of one step; its streams' fail mode follows. Default 2s
}

// Cache keeps what strides of text came to, so that repeated generations cost
// no inference. It holds scores and states, never text.
type Cache struct {
	MaxBytes int64 `yaml:"max_bytes"` // 0 for none. Default 64 MiB
}

// Gateway says how answers of HTTP APIs are guarded.
type Gateway struct {
	Profile     string `yaml:"profile"`     // of answers; "" for default
	Language    string `yaml:"language"`    // of the replacement text, as a BCP 47 tag; "" for en
	Replacement bool   `yaml:"replacement"` // show the policy's replacement text after a halt. Default false
	Findings    string `yaml:"findings"`    // what answers say of findings: full, category (no rule but its pack, no score) or none. Default full
	EventBytes  int    `yaml:"event_bytes"` // longest server-sent event. Default 1 MiB
	BodyBytes   int64  `yaml:"body_bytes"`  // longest request body, and longest answer that is not streamed. Default 16 MiB
}

// Proxy is the HTTP proxy in front of a model server.
type Proxy struct {
	Listen        string        `yaml:"listen"`         // HTTP address. Default 127.0.0.1:8080
	TLS           TLS           `yaml:"tls"`            // for this address
	Upstream      string        `yaml:"upstream"`       // URL of the model server, without /v1
	Unguarded     string        `yaml:"unguarded"`      // paths that carry no text known here: pass, or refuse (all but GET). Default pass
	Exchanges     int           `yaml:"exchanges"`      // guarded at once; more are answered 503. Default 10,000
	HeaderTimeout time.Duration `yaml:"header_timeout"` // until the upstream begins its answer; 0 for no limit. Default 10m
	StallTimeout  time.Duration `yaml:"stall_timeout"`  // until the next byte of an answer; 0 for no limit. Default 2m
}

// ExtProc is the gRPC server that Envoy's ext_proc filter calls. It answers like the
// proxy, and Gateway holds for both.
type ExtProc struct {
	Listen       string        `yaml:"listen"`        // TCP address for gRPC; "" for none
	Unix         Unix          `yaml:"unix"`          // Unix socket for gRPC
	TLS          TLS           `yaml:"tls"`           // for the TCP address
	Unguarded    string        `yaml:"unguarded"`     // paths that carry no text known here: pass, or refuse (all but GET). Default pass
	Exchanges    int           `yaml:"exchanges"`     // guarded at once; more are answered 503. Default 10,000
	StallTimeout time.Duration `yaml:"stall_timeout"` // until the next piece of an answer in mode FULL_DUPLEX_STREAMED; 0 for no limit. Default 2m
}

// Serves reports whether the server has an address.
func (e *ExtProc) Serves() bool { return e.Listen != "" || e.Unix.Path != "" }

// Log is where and how the server logs. It never logs text of users.
type Log struct {
	Level  Level  `yaml:"level"`  // debug, info, warn or error. Default info
	Format string `yaml:"format"` // text or json. Default text
}

// Level is the least level that is logged.
type Level slog.Level

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Level) UnmarshalText(b []byte) error {
	if (*slog.Level)(l).UnmarshalText(b) != nil {
		return fmt.Errorf("%s: want debug, info, warn or error", strictyaml.Quote(string(b)))
	}
	return nil
}

// FileMode is a mode such as 0660.
type FileMode fs.FileMode

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *FileMode) UnmarshalText(b []byte) error {
	n, err := strconv.ParseUint(string(b), 8, 32)
	if err != nil || n > 0o777 {
		return fmt.Errorf("%s: want octal permissions such as 0660", strictyaml.Quote(string(b)))
	}
	*m = FileMode(n)
	return nil
}

// Default returns the configuration of a server without a file.
func Default() Config {
	return Config{
		Listen: "127.0.0.1:7443",
		Unix:   Unix{Mode: 0o660},
		Admin:  Admin{Listen: "127.0.0.1:7444"},
		Watch:  true,
		Limits: Limits{
			MessageBytes:      4 << 20,  // 4 MiB
			ChunkBytes:        1 << 20,  // 1 MiB
			TextBytes:         64 << 20, // 64 MiB
			Streams:           20_000,
			BatchStreams:      8_192,
			Findings:          1_000,
			IdleTimeout:       5 * time.Minute,
			ConnectionTimeout: 10 * time.Second,
		},
		Classifier: Classifier{Providers: []string{"cpu"}, Threads: 1, MaxBatch: 32, MaxQueue: 4096, Timeout: 2 * time.Second},
		Cache:      Cache{MaxBytes: 64 << 20},                                           // 64 MiB
		Gateway:    Gateway{Findings: "full", EventBytes: 1 << 20, BodyBytes: 16 << 20}, // 1 MiB, 16 MiB
		Proxy: Proxy{
			Listen: "127.0.0.1:8080", Unguarded: "pass", Exchanges: 10_000, HeaderTimeout: 10 * time.Minute, StallTimeout: 2 * time.Minute,
		},
		ExtProc:      ExtProc{Unix: Unix{Mode: 0o660}, Unguarded: "pass", Exchanges: 10_000, StallTimeout: 2 * time.Minute},
		DrainTimeout: 30 * time.Second,
		Log:          Log{Format: "text"},
	}
}

// Parse reads a configuration file over the defaults. file names it in errors,
// which are strictyaml.Errors with every problem at once.
func Parse(file string, data []byte) (Config, error) {
	c := Default()
	p := strictyaml.Problems{File: file}
	p.Unmarshal(data, &c)
	c.check(&p)
	return c, p.Err()
}

// Validate checks a configuration that was changed after Parse.
func (c *Config) Validate() error {
	p := strictyaml.Problems{File: "configuration"}
	c.check(&p)
	return p.Err()
}

func (c *Config) check(p *strictyaml.Problems) {
	if c.Listen == "" && c.Unix.Path == "" && !c.ExtProc.Serves() {
		p.AddKey("listen", "set listen, unix.path or both, or those of ext_proc: the server has no address")
	}
	for path, address := range map[string]string{
		"listen": c.Listen, "admin.listen": c.Admin.Listen, "proxy.listen": c.Proxy.Listen, "ext_proc.listen": c.ExtProc.Listen,
	} {
		if _, _, err := net.SplitHostPort(address); err != nil && (address != "" || path == "proxy.listen") {
			p.AddKey(path, "%s: want host:port", strictyaml.Quote(address))
		}
	}
	for path, t := range map[string]*TLS{"tls": &c.TLS, "proxy.tls": &c.Proxy.TLS, "ext_proc.tls": &c.ExtProc.TLS} {
		if (t.Cert == "") != (t.Key == "") || t.ClientCA != "" && t.Cert == "" {
			p.AddKey(path, "set cert and key together; client_ca needs both")
		}
	}
	for path, unguarded := range map[string]string{"proxy.unguarded": c.Proxy.Unguarded, "ext_proc.unguarded": c.ExtProc.Unguarded} {
		if unguarded != "pass" && unguarded != "refuse" {
			p.AddKey(path, "%s: want pass or refuse", strictyaml.Quote(unguarded))
		}
	}
	if f := c.Gateway.Findings; f != "full" && f != "category" && f != "none" {
		p.AddKey("gateway.findings", "%s: want full, category or none", strictyaml.Quote(f))
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		p.AddKey("log.format", "%s: want text or json", strictyaml.Quote(c.Log.Format))
	}
	if len(c.Classifier.Providers) == 0 {
		p.AddKey("classifier.providers", "want at least one, such as cpu")
	}
	if n := c.Cache.MaxBytes; n < 0 || n > 0 && n < 1<<20 {
		p.AddKey("cache.max_bytes", "%d: want 0 for no cache, or at least 1048576", n)
	}
	l := &c.Limits
	for path, n := range map[string]struct{ value, least int64 }{
		"limits.message_bytes": {int64(l.MessageBytes), 1},
		"limits.chunk_bytes":   {int64(l.ChunkBytes), 1},
		"limits.text_bytes":    {l.TextBytes, 0},
		"limits.streams":       {int64(l.Streams), 1},
		"limits.batch_streams": {int64(l.BatchStreams), 1},
		"limits.findings":      {int64(l.Findings), 1},
		"classifier.workers":   {int64(c.Classifier.Workers), 0},
		"classifier.threads":   {int64(c.Classifier.Threads), 1},
		"classifier.max_batch": {int64(c.Classifier.MaxBatch), 1},
		"classifier.max_queue": {int64(c.Classifier.MaxQueue), 1},
		"gateway.event_bytes":  {int64(c.Gateway.EventBytes), 1 << 10},
		"gateway.body_bytes":   {c.Gateway.BodyBytes, 1 << 10},
		"proxy.exchanges":      {int64(c.Proxy.Exchanges), 1},
		"ext_proc.exchanges":   {int64(c.ExtProc.Exchanges), 1},
	} {
		if n.value < n.least {
			p.AddKey(path, "%d: want %d or more", n.value, n.least)
		}
	}
	for path, d := range map[string]time.Duration{
		"limits.idle_timeout": l.IdleTimeout, "proxy.header_timeout": c.Proxy.HeaderTimeout, "proxy.stall_timeout": c.Proxy.StallTimeout,
		"ext_proc.stall_timeout": c.ExtProc.StallTimeout, "drain_timeout": c.DrainTimeout,
	} {
		if d < 0 {
			p.AddKey(path, "%s: want 0 or more", d)
		}
	}
	for path, d := range map[string]time.Duration{"limits.connection_timeout": l.ConnectionTimeout, "classifier.timeout": c.Classifier.Timeout} {
		if d <= 0 {
			p.AddKey(path, "%s: want more than 0", d)
		}
	}
	if l.ChunkBytes > l.MessageBytes {
		p.AddKey("limits.chunk_bytes", "%d: more than message_bytes, %d, so it never applies", l.ChunkBytes, l.MessageBytes)
	}
}
