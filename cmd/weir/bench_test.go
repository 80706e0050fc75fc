package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBench: a short run starts its servers, measures, writes a report, compares
// it with itself and holds a gate; another gate breaks.
func TestBench(t *testing.T) {
	dir := t.TempDir()
	gate := func(name, min string) string {
		path := filepath.Join(dir, name)
		const rule = `{"thresholds": [{"scenario": "halt", "figure": "leaked_runes", "max": 0, "why": "w"}, {"scenario": "halt", "figure": "halts", "min": MIN, "why": "w"}]}`
		if err := os.WriteFile(path, []byte(strings.Replace(rule, "MIN", min, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	short := []string{"bench", "--scenario", "halt", "--rounds", "1", "--duration", "300ms", "--warm", "50ms"}
	out, errs, code := weir(t, "", append(short, "--where", "--out", filepath.Join(dir, "out"), "--gate", gate("holds", "1"))...)
	if code != 0 || !strings.Contains(out, "| halt | ") || !strings.Contains(out, "allocations a token |") || !strings.Contains(errs, "gate: 2 of 2 checked thresholds hold") {
		t.Fatalf("exit %d\n%s\n%s", code, out, errs)
	}
	for _, name := range []string{"report.json", "report.md", "latency.svg"} {
		if _, err := os.Stat(filepath.Join(dir, "out", name)); err != nil {
			t.Error(err)
		}
	}
	out, errs, code = weir(t, "", append(short, "--tcp", "--baseline", filepath.Join(dir, "out", "report.json"), "--gate", gate("breaks", "1000000"))...)
	if code != 1 || !strings.Contains(out, "| halt | leaked_runes | 0 | 0 |") || !strings.Contains(errs, "BROKEN: halt, halts") {
		t.Errorf("exit %d\n%s\n%s", code, out, errs)
	}
	if strings.Contains(errs, "again") {
		t.Errorf("a count was measured again: %s", errs)
	}
}

// TestBenchGateAgain: what noise can break counts when it is broken three times; what
// it is a ratio to is measured again, too.
func TestBenchGateAgain(t *testing.T) {
	gate := filepath.Join(t.TempDir(), "gate.json")
	const rules = `{"thresholds": [{"scenario": "batch-256", "figure": "tokens_per_second_vs_token-256", "min": 1000000, "noisy": true, "why": "w"}, {"scenario": "batch-256", "figure": "leaked_runes", "max": 0, "why": "w"}]}`
	if err := os.WriteFile(gate, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errs, code := weir(t, "", "bench", "--scenario", "token-256", "--scenario", "batch-256", "--rounds", "1", "--duration", "100ms", "--warm", "0s", "--gate", gate)
	if code != 1 || strings.Count(errs, "gate: measuring again: batch-256, token-256\n") != 2 || strings.Count(errs, "gate: 1 of 2 checked thresholds hold") != 3 {
		t.Errorf("exit %d\n%s", code, errs)
	}
}

// TestBenchProxy: model server, proxy and plain proxy are started, measured and
// ended, and the gate knows their figures.
func TestBenchProxy(t *testing.T) {
	gate := filepath.Join(t.TempDir(), "gate.json")
	const rules = `{"thresholds": [{"scenario": "proxy-256x20", "figure": "leaked_runes", "max": 0, "why": "w"}, {"scenario": "proxy-256x20", "figure": "first_p50_us_vs_plain", "min": 0.01, "why": "w"}]}`
	if err := os.WriteFile(gate, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := weir(t, "", "bench", "--scenario", "proxy-256x20", "--rounds", "1", "--duration", "1500ms", "--warm", "100ms", "--gate", gate)
	if code != 0 || !strings.Contains(out, "| proxy-256x20 | ") || !strings.Contains(errs, "gate: 2 of 2 checked thresholds hold") {
		t.Errorf("exit %d\n%s\n%s", code, out, errs)
	}
}

func TestBenchMistakes(t *testing.T) {
	for want, args := range map[string][]string{
		`no scenario "nope": want one of token-256`: {"--scenario", "nope"},
		"--rounds of 1 or more":                     {"--rounds", "0"},
		"bench: gate: open ":                        {"--gate", "nowhere.json"},
		"bench: open ":                              {"--baseline", "nowhere.json"},
		"bench: corpus: open ":                      {"--corpus", "nowhere.txt"},
		"bench: --out: mkdir ":                      {"--out", "bench_test.go"},
		"give --address, or leave --admin out":      {"--admin", "127.0.0.1:1", "--where"},
		"give --where, or leave --admin out":        {"--address", "127.0.0.1:1", "--admin", "127.0.0.1:1"},
		"give --admin, or leave --where out":        {"--address", "127.0.0.1:1", "--where"},
		"--scenario proxy-32 starts a proxy":        {"--address", "127.0.0.1:1", "--scenario", "halt", "--scenario", "proxy-32"},
		"127.0.0.1:1: no answer within 5s":          {"--address", "127.0.0.1:1", "--scenario", "halt"},
	} {
		if _, errs, code := weir(t, "", append([]string{"bench"}, args...)...); code != 1 || !strings.Contains(errs, want) {
			t.Errorf("exit %d, %s does not say %q", code, errs, want)
		}
	}
	if out, _, code := weir(t, "", "bench", "--list"); code != 0 || !strings.Contains(out, "token-256 ") {
		t.Errorf("exit %d: %s", code, out)
	}
}
