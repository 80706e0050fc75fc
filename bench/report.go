package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Schema is the version of a report's form.
const Schema = 1

// Report is a whole run.
type Report struct {
	Schema  int       `json:"schema"`
	Time    time.Time `json:"time"`
	Command string    `json:"command"`
	Version string    `json:"version"` // of Weir
	Go      string    `json:"go"`
	System  string    `json:"system"`
	CPU     string    `json:"cpu"`
	Cores   int       `json:"cores"`
	Seed    uint64    `json:"seed"`
	Address string    `json:"address"` // unix or tcp
	Results []Result  `json:"results"`
}

// NewReport fills in what is known of the machine.
func NewReport(version, command, address string, seed uint64) *Report {
	return &Report{
		Schema: Schema, Time: time.Now().UTC().Truncate(time.Second), Command: command, Version: version, Go: runtime.Version(),
		System: runtime.GOOS + "/" + runtime.GOARCH, CPU: processor(), Cores: runtime.NumCPU(), Seed: seed, Address: address,
	}
}

// processor returns the model of the CPU, or "".
func processor() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimLeft(strings.TrimSpace(rest), ": \t")
		}
	}
	return ""
}

// ReadReport reads a report that was written before.
func ReadReport(path string) (*Report, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	r := &Report{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("bench: %s is no report: %w", path, err)
	}
	if r.Schema != Schema {
		return nil, fmt.Errorf("bench: %s has schema %d: want %d; run it again", path, r.Schema, Schema)
	}
	return r, nil
}

// find returns a scenario's result, or nil.
func (r *Report) find(name string) *Result {
	for i := range r.Results {
		if r.Results[i].Name == name {
			return &r.Results[i]
		}
	}
	return nil
}

// Markdown writes the report for people.
func (r *Report) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Weir %s, measured\n\n%s, %s, %d cores, %s, %s; seed %d; `%s`\n\n", r.Version, r.Time.Format("2006-01-02 15:04"), r.CPU, r.Cores, r.System, r.Go, r.Seed, r.Command)
	r.servers(&b)
	r.notes(&b)
	r.proxies(&b)
	r.profiles(&b)
	for i := range r.Results {
		fmt.Fprintf(&b, "- `%s`: %s.\n", r.Results[i].Name, r.Results[i].About)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// servers writes the table of what goes over gRPC.
func (r *Report) servers(b *strings.Builder) {
	var rows strings.Builder
	for i := range r.Results {
		x := &r.Results[i]
		f := x.Figures
		switch {
		case x.LeftOut != "":
			fmt.Fprintf(&rows, "| %s | left out: %s |\n", x.Name, x.LeftOut)
		case f["latency_p50_us"] > 0:
			fmt.Fprintf(&rows, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s | %.0f | %.0f | %.0f |\n", x.Name,
				count(f["tokens_per_second"]), ratio(f["tokens_per_second_vs_echo"]), ms(f["latency_p50_us"]), ms(f["latency_p99_us"]), ms(f["latency_p99.9_us"]),
				ratio(f["latency_p99_us_vs_echo"]), number(f["cpu_s_per_million_tokens"]), ratio(f["cpu_s_per_million_tokens_vs_echo"]), ms(f["halt_p99_us"]), ratio(f["halt_p99_us_vs_echo"]),
				f["leaked_runes"], f["false_halts"], f["missed"])
		}
	}
	if rows.Len() == 0 {
		return
	}
	b.WriteString("| scenario | tokens/s | of the echo's | p50 ms | p99 ms | p99.9 ms | p99 / echo's | server CPU s / 10⁶ tokens | of the echo's | halt p99 ms | of the echo's | leaked runes | false halts | missed |\n")
	b.WriteString("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	b.WriteString(rows.String())
	b.WriteString("\n")
}

// notes writes what has no place in a table.
func (r *Report) notes(b *strings.Builder) {
	before := b.Len()
	for i := range r.Results {
		x := &r.Results[i]
		f := x.Figures
		if v := f["bytes_per_stream"]; v > 0 {
			fmt.Fprintf(b, "- %s: %s; %.1f KiB a stream in the server, %.0f MiB in all; the echo server's %.1f KiB.\n", x.Name, x.About, v/1024, f["resident_bytes"]/(1<<20), f["echo_bytes_per_stream"]/1024)
		}
		if v := f["cpu_late_over_early"]; v > 0 {
			fmt.Fprintf(b, "- %s: %s: %.3f.\n", x.Name, x.About, v)
		}
		if v := f["engine_tokens_per_second"]; v > 0 {
			fmt.Fprintf(b, "- %s: the engine alone, in process on one core, %s tokens/s; a raw Unix socket that sends the same bytes back, %s.\n", x.Name, count(v), count(f["kernel_tokens_per_second"]))
		}
		if v := f["model_halts"]; v > 0 {
			fmt.Fprintf(b, "- %s: %.0f of %.0f halts were the classifier's.\n", x.Name, v, f["halts"])
		}
		if v := f["tokens_per_second_vs_token-256"]; v > 0 {
			fmt.Fprintf(b, "- %s: %s times the tokens/s of token-256.\n", x.Name, number(v))
		}
	}
	if b.Len() > before {
		b.WriteString("\n")
	}
}

// profiles writes where the time of the server went.
func (r *Report) profiles(b *strings.Builder) {
	begun := false
	for i := range r.Results {
		x := &r.Results[i]
		if x.Profile == nil {
			continue
		}
		if !begun {
			begun = true
			fmt.Fprintf(b, "The server's CPU time, percent:\n\n| scenario | %s | allocations a token |\n|---|%s--:|\n", strings.Join(Parts, " | "), strings.Repeat("--:|", len(Parts)))
		}
		fmt.Fprintf(b, "| %s |", x.Name)
		for _, p := range Parts {
			fmt.Fprintf(b, " %.0f |", 100*x.Profile.Shares[p])
		}
		fmt.Fprintf(b, " %.2f |\n", x.Profile.Allocations)
	}
	if begun {
		b.WriteString("\n")
	}
}

// number has three digits.
func number(v float64) string {
	if v == 0 {
		return ""
	}
	digits := max(0, 2-int(math.Floor(math.Log10(math.Abs(v)))))
	return fmt.Sprintf("%.*f", digits, v)
}

func ratio(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", v)
}

func ms(us float64) string { return number(us / 1000) }

// count groups thousands.
func count(v float64) string {
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Write writes report.json, report.md and the plots into a folder, which it makes.
func (r *Report) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	var md strings.Builder
	if err := r.Markdown(&md); err != nil {
		return err
	}
	for name, svg := range r.plots() {
		if svg == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(svg), 0o644); err != nil {
			return err
		}
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, "report.json"), append(data, '\n'), 0o644),
		os.WriteFile(filepath.Join(dir, "report.md"), []byte(md.String()), 0o644))
}
