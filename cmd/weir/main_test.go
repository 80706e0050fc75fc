package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestMain lets the test binary be weir itself, so that exit codes are real.
func TestMain(m *testing.M) {
	if os.Getenv("WEIR_TEST_MAIN") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// weir runs the command with an input.
func weir(t *testing.T, input string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	c := exec.Command(os.Args[0], args...)
	c.Env = append(os.Environ(), "WEIR_TEST_MAIN=1")
	var out, errs bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(input), &out, &errs
	if err := c.Run(); err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), c.ProcessState.ExitCode()
}

const basePolicy = "../../engine/testdata/base.yaml"

func TestCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "text.txt")
	if err := os.WriteFile(file, []byte("see zzbomb."), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, input string
		args        []string
		code        int
		want        string // in standard output, or in standard error for code 1
	}{
		{"clean", "", []string{"all is well"}, 0, "allow: the reader sees all 11 bytes"},
		{"halt", "", []string{"a zzbomb."}, 3, "    a zzbomb.\n      ^^^^^^\nhalt: the reader sees the first 2 bytes; the text stops at byte 2"},
		{"wide", "他说咔咔弹了", nil, 3, "    他说咔咔弹了\n        ^^^^^^\n"},
		{"standard input", "a zzbomb.", []string{"-", "--chunk", "1"}, 3, "stops at byte 2"},
		{"file", "", []string{"--file", file, "--chunk", "4"}, 3, "stops at byte 4"},
		{"redact", "", []string{"13812345678"}, 0, "with 11 of them replaced"},
		{"two inputs", "", []string{"x", "--file", file}, 1, "not both"},
		{"chunk", "", []string{"x", "--chunk=-1"}, 1, "want 0 or more bytes"},
		{"profile", "", []string{"x", "--profile", "nobody"}, 1, `unknown profile "nobody"`},
		{"flag", "", []string{"--bogus"}, 1, "unknown flag --bogus"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, code := weir(t, c.input, append([]string{"check", "--policy", basePolicy}, c.args...)...)
			got := out
			if code == 1 {
				got = errs
			}
			if code != c.code || !strings.Contains(got, c.want) {
				t.Errorf("exit %d, want %d; printed\n%s%s\nwant %q", code, c.code, out, errs, c.want)
			}
		})
	}
}

// TestUsage: usage is on standard output where it was asked for, and only there.
func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		out  string
		errs string
	}{
		{[]string{"score", "--bad", "x"}, 1, "", "unknown flag --bad"},
		{[]string{"score", "--bad", "x"}, 1, "", "Usage: weir score"},
		{nil, 1, "", "Usage: weir <command>"},
		{[]string{"--help"}, 0, "Usage: weir <command>", ""},
		{[]string{"help"}, 0, "Usage: weir <command>", ""},
		{[]string{"help", "lexicon", "lint"}, 0, "Usage: weir lexicon lint", ""},
	} {
		out, errs, code := weir(t, "", c.args...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) || (out == "") != (c.out == "") || (errs == "") != (c.errs == "") {
			t.Errorf("weir %s: exit %d, printed %q and %q, want %d, %q and %q", strings.Join(c.args, " "), code, out, errs, c.code, c.out, c.errs)
		}
	}
}

// TestCheckJSON pins the object that scripts read; the chunk size changes nothing.
func TestCheckJSON(t *testing.T) {
	for _, chunk := range []string{"0", "1", "3", "100"} {
		out, _, code := weir(t, "a zzbomb.", "check", "--policy", basePolicy, "--json", "--chunk", chunk)
		var got any
		if err := json.Unmarshal([]byte(out), &got); err != nil || code != 3 {
			t.Fatalf("exit %d, %v", code, err)
		}
		want := `{"action":"halt","released_bytes":2,"halt_offset":2,"findings":[{"category":"violence","severity":"high",` +
			`"score":1,"start_offset":2,"end_offset":8,"source":"lexicon:base-pack:7"}]}` + "\n"
		if out != want {
			t.Errorf("chunk %s: got %s, want %s", chunk, out, want)
		}
	}
	if out, _, code := weir(t, "", "check", "--policy", basePolicy, "--json", "fine"); code != 0 ||
		out != `{"action":"allow","released_bytes":4,"halt_offset":null,"findings":[]}`+"\n" {
		t.Errorf("exit %d, %s", code, out)
	}
}

func TestPolicyAndLexicon(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	broken := write("broken.yaml", "version: 1\nname: x\nreplacment: {}\nprofiles: {default: {release: sometimes}}\n")
	lint := write("lint.yaml", "version: 1\nname: own\nentries:\n  - {term: zzone, category: other, severity: high}\n"+
		"  - {term: a zzone, category: other, severity: high}\n")
	corpus := write("corpus.txt", "zzone and zzone\nnothing\n")
	for _, c := range []struct {
		args []string
		code int
		want []string
	}{
		{[]string{"policy", "check", basePolicy}, 0, []string{"is valid: 4 profiles, 1 pack with 9 entries, 0 models, 2 files read"}},
		{[]string{"policy", "check", broken}, 1, []string{"broken.yaml:3:1", "did you mean replacement?", "broken.yaml:4:", "sometimes"}},
		{[]string{"policy", "show", "--profile", "minor"}, 0, []string{`"minor":`, "(profile strict)"}},
		{[]string{"policy", "show", "--profile", "nobody"}, 1, []string{"nobody", "strict"}},
		{[]string{"lexicon", "lint"}, 0, []string{"3 packs", "no problems"}},
		{[]string{"lexicon", "lint", lint}, 1, []string{`own:5: "a zzone" is not needed`, "lint: 1 problem\n"}},
		{[]string{"lexicon", "lint", "nothing-like-it"}, 1, []string{"nothing-like-it", "weir-en"}},
		{[]string{"lexicon", "stats", "--pack", lint, corpus}, 0, []string{"2 documents, ", "2 matches in 1 document: ", "own:4"}},
		{[]string{"lexicon", "stats", "--json", "--pack", lint, corpus}, 0, []string{`"matches":2`, `"matches_per_100000_runes"`}},
		{[]string{"version"}, 0, []string{"weir dev"}},
	} {
		out, errs, code := weir(t, "", c.args...)
		for _, w := range c.want {
			if code != c.code || !strings.Contains(out+errs, w) {
				t.Errorf("weir %s: exit %d, want %d and %q; printed\n%s%s", strings.Join(c.args, " "), code, c.code, w, out, errs)
			}
		}
	}
}

// TestDemo: the real server, client and packs, without a terminal.
func TestDemo(t *testing.T) {
	needRuntime(t)
	out, errs, code := weir(t, "", "demo")
	if code != 0 || strings.Count(out, "0 of the violation") != 2 || !strings.Contains(out, "[jp_phone]") {
		t.Errorf("exit %d, printed\n%s%s", code, out, errs)
	}
}

func TestServeMistakes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "weir.yaml")
	if err := os.WriteFile(file, []byte("listn: x\nlimits: {streams: 0}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errs, code := weir(t, "", "serve", "--config", file)
	for _, want := range []string{"weir.yaml:1:1", "did you mean listen?", "limits.streams", "want 1 or more"} {
		if code != 1 || !strings.Contains(errs, want) {
			t.Errorf("exit %d, want %q in\n%s", code, want, errs)
		}
	}
}

func TestHealth(t *testing.T) {
	var ready atomic.Bool
	ready.Store(true)
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" || !ready.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, "said")
	}))
	defer admin.Close()
	_, port, _ := net.SplitHostPort(admin.Listener.Addr().String())
	file := filepath.Join(t.TempDir(), "weir.yaml")
	if err := os.WriteFile(file, []byte("admin: {listen: 0.0.0.0:"+port+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, errs, code := weir(t, "", "health", "--config", file); code != 0 || out != "ready\n" {
		t.Errorf("ready: exit code %d, %q, %q", code, out, errs)
	}
	ready.Store(false)
	if _, errs, code := weir(t, "", "health", "--config", file); code != 1 || !strings.Contains(errs, `503 Service Unavailable: "said"`) {
		t.Errorf("draining: exit code %d, %q", code, errs)
	}
	admin.Close()
	for name, c := range map[string]struct{ admin, want string }{
		"nobody there": {":" + port, "connection refused"},
		"no address":   {"-", "give the server an admin address"},
		"bad address":  {"nowhere", "want host:port"},
	} {
		if _, errs, code := weir(t, "", "health", "--admin", c.admin); code != 1 || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit code %d, %q", name, code, errs)
		}
	}
}
