package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

// Parts are what the time of a server is divided into, in the order of reports.
// Each sample of the CPU profile counts for one: by the innermost function on its
// stack that belongs to a package named here.
var Parts = []string{"onnxruntime", "engine", "server", "codec", "metrics", "grpc", "system calls", "collector", "scheduler", "other"}

var partOf = []struct{ prefix, part string }{
	{"github.com/seed-4f09bd3a/weir/engine", "engine"},
	{"github.com/seed-4f09bd3a/weir/internal/wire", "codec"},
	{"github.com/seed-4f09bd3a/weir/", "server"},
	{"github.com/yalue/onnxruntime_go", "server"},
	{"google.golang.org/protobuf", "codec"},
	{"github.com/prometheus", "metrics"},
	{"google.golang.org/grpc", "grpc"},
	{"golang.org/x/net", "grpc"},
	{"github.com/grpc-ecosystem", "grpc"},
	{"runtime.gcBgMarkWorker", "collector"},
	{"runtime.bgsweep", "collector"},
	{"runtime.bgscavenge", "collector"},
	{"runtime.mcall", "scheduler"},
	{"runtime.mstart", "scheduler"},
	{"runtime.morestack", "scheduler"},
}

// part finds the part of a stack, innermost function first.
func part(stack []string) string {
	if len(stack) > 0 && (strings.HasPrefix(stack[0], "internal/runtime/syscall") || strings.HasPrefix(stack[0], "syscall.")) {
		return "system calls"
	}
	if slices.Contains(stack, "runtime.cgocall") {
		return "onnxruntime" // the only code that is no Go
	}
	for _, name := range stack {
		for _, p := range partOf {
			if strings.HasPrefix(name, p.prefix) {
				return p.part
			}
		}
	}
	return "other"
}

// shares reads a CPU profile, as net/http/pprof writes it.
func shares(r io.Reader) (map[string]float64, error) {
	p, err := profile.Parse(r)
	if err != nil {
		return nil, fmt.Errorf("bench: profile: %w", err)
	}
	value := len(p.SampleType) - 1 // CPU time; before it the number of samples
	out, total := map[string]float64{}, 0.0
	var stack []string
	for _, s := range p.Sample {
		stack = stack[:0]
		for _, l := range s.Location {
			for _, line := range l.Line {
				if line.Function != nil {
					stack = append(stack, line.Function.Name)
				}
			}
		}
		out[part(stack)] += float64(s.Value[value])
		total += float64(s.Value[value])
	}
	for name := range out {
		out[name] /= total
	}
	return out, nil
}

// admin is the HTTP port of a server with metrics and profiles.
type admin struct{ address string }

func (a admin) get(ctx context.Context, path string, read func(io.Reader) error) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.address+path, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("bench: admin port: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // has been read
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("bench: %s of the admin port: %s; profiles want admin.pprof", path, resp.Status)
	}
	return read(resp.Body)
}

// shares profiles the server for whole seconds.
func (a admin) shares(ctx context.Context, d time.Duration) (out map[string]float64, err error) {
	path := fmt.Sprintf("/debug/pprof/profile?seconds=%d", max(1, int(d.Seconds())))
	err = a.get(ctx, path, func(r io.Reader) error { out, err = shares(r); return err })
	return out, err
}

// allocations returns how many the server has made.
func (a admin) allocations(ctx context.Context) (n float64, err error) {
	const name = "go_memstats_mallocs_total "
	err = a.get(ctx, "/metrics", func(r io.Reader) error {
		for lines := bufio.NewScanner(r); lines.Scan(); {
			if v, ok := strings.CutPrefix(lines.Text(), name); ok {
				n, err = strconv.ParseFloat(v, 64)
				return err
			}
		}
		return fmt.Errorf("bench: /metrics has no %s", strings.TrimSpace(name))
	})
	return n, err
}

// Profile is where a server's time went, and what it allocated, in rounds of their
// own: looking costs time.
type Profile struct {
	Shares      map[string]float64 `json:"shares"` // of CPU time, by Parts
	Allocations float64            `json:"allocations_per_token"`
}

// profile runs a scenario twice more.
func (s *Scenario) profile(ctx context.Context, t Target) (p Profile, err error) {
	a, l := admin{t.Admin}, s.Load
	l.Measured = max(l.Measured.Truncate(time.Second), time.Second) // profiles take whole seconds
	var failed error
	done, begun := make(chan struct{}), false
	if _, err := l.Run(ctx, t.Conn, func() {
		if begun {
			return
		}
		begun = true
		go func() {
			p.Shares, failed = a.shares(ctx, l.Measured)
			close(done)
		}()
	}); err != nil {
		return p, err
	}
	if <-done; failed != nil {
		return p, failed
	}
	// Looking allocates, too: two looks at a server at rest say how much.
	var counts []float64
	look := func() {
		n, err := a.allocations(ctx)
		if counts = append(counts, n); err != nil {
			failed = err
		}
	}
	look()
	look()
	m, err := l.Run(ctx, t.Conn, look) // at the start and at the end
	if err == nil {
		err = failed
	}
	if err != nil {
		return p, err
	}
	p.Allocations = max(0, ((counts[3]-counts[2])-(counts[1]-counts[0]))/float64(m.Tokens))
	return p, nil
}
