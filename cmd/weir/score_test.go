package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/internal/onnx"
)

// needRuntime skips a test where ONNX Runtime is not set up, but not in CI.
func needRuntime(t *testing.T) {
	t.Helper()
	if _, err := onnx.Find(""); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

func TestScore(t *testing.T) {
	needRuntime(t)
	const input = `{"id": 7, "text": "see you at the station at nine"}

{"id": "b", "text": "an answer that ends in zzbomb and goes on"}
{"text": "", "other": [1]}
`
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	data, err := os.ReadFile(basePolicy)
	if err != nil {
		t.Fatal(err)
	}
	pack, err := filepath.Abs("../../engine/testdata/base-pack.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(data), "base-pack.yaml", pack, 1)
	text = strings.Replace(text, "\nprofiles:", "\nmodels: [{use: weir-harm}]\nprofiles:", 1)
	if err := os.WriteFile(policy, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, code := weir(t, input, "score", "--policy", policy)
	if code != 0 || !strings.Contains(errs, "score: 3 texts, ") {
		t.Fatalf("exit %d: %s", code, errs)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines:\n%s", len(lines), out)
	}
	var got []string
	for _, line := range lines {
		var x struct {
			ID         any
			Scores     map[string]float64
			Action     string
			HaltOffset *int64 `json:"halt_offset"`
			Findings   []map[string]any
		}
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			t.Fatal(err)
		}
		at := int64(-1)
		if x.HaltOffset != nil {
			at = *x.HaltOffset
		}
		for c, p := range x.Scores {
			if p < 0 || p > 1 {
				t.Errorf("%s scores %v", c, p)
			}
		}
		got = append(got, fmt.Sprint(x.ID, " ", len(x.Scores), " ", x.Action, " ", at, " ", len(x.Findings)))
	}
	if diff := cmp.Diff([]string{"7 16 allow -1 0", "b 16 halt 23 1", "<nil> 0 allow -1 0"}, got); diff != "" {
		t.Errorf("id, scores, action, halt offset, findings (-want +got):\n%s", diff)
	}
}

// TestScoreBadLines: what comes before a bad line is printed; the error says
// which line and what to change, and not what it holds.
func TestScoreBadLines(t *testing.T) {
	for line, want := range map[string]string{
		`{"text": "secret`:     "line 2: no JSON at byte 16",
		`{"txt": "secret"}`:    "line 2: text is missing",
		`{"text": ["secret"]}`: "line 2: want an object with text",
		`["secret"]`:           "line 2: want an object with text",
	} {
		out, errs, code := weir(t, `{"id":1,"text":"all is well"}`+"\n"+line+"\n", "score", "--policy", basePolicy)
		if code != 1 || !strings.Contains(errs, want) || strings.Contains(errs, "secret") || strings.Count(out, "\n") != 1 {
			t.Errorf("%s: exit %d, printed %q and %q", line, code, out, errs)
		}
	}
	if _, errs, code := weir(t, "", "score", "/no/such/file"); code != 1 || !strings.Contains(errs, "no such file") {
		t.Errorf("exit %d: %s", code, errs)
	}
}

func TestTune(t *testing.T) {
	needRuntime(t)
	var input strings.Builder
	for i := range 40 {
		fmt.Fprintf(&input, `{"id": "h%d", "lang": "en", "labels": ["harassment"], "text": "secret %d: you are a stupid worthless idiot and everybody hates you, you disgusting pig"}`+"\n", i, i)
		fmt.Fprintf(&input, `{"id": "b%d", "lang": "en", "labels": [], "text": "secret %d: the library opens at nine, bring a document with your address"}`+"\n", i, i)
	}
	dir := filepath.Join(t.TempDir(), "out")
	out, errs, code := weir(t, input.String(), "tune", "--max-fpr", "0.2", "--bootstrap", "50", "--out", dir)
	if code != 0 || !strings.Contains(out, "harassment") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	for _, name := range []string{"report.html", "report.json", "patch.yaml"} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || len(data) == 0 {
			t.Errorf("%s: %v, %d bytes", name, err, len(data))
		}
		if strings.Contains(string(data), "secret") {
			t.Errorf("%s holds text", name)
		}
	}
	for line, want := range map[string]string{
		`{"text": "secret"}`:                       "line 1: labels is missing",
		`{"text": "secret", "labels": ["shoes"]}`:  `line 1: unknown category "shoes"`,
		`{"text": "secret", "labels": "violence"}`: "line 1: want labels and unknown as lists",
		`{"text": "ab", "labels": [], "onset": 2}`: "line 1: onset 2",
		"": "want at least one labelled text",
	} {
		_, errs, code := weir(t, line, "tune", "--out", dir)
		if code != 1 || !strings.Contains(errs, want) || strings.Contains(errs, "secret") {
			t.Errorf("%s: exit %d: %s", line, code, errs)
		}
	}
}

// TestTuneMistakes: no text is scored before the flags are known to be good. A line
// that is not JSON would be the mistake otherwise.
func TestTuneMistakes(t *testing.T) {
	needRuntime(t)
	dir := t.TempDir()
	for want, flags := range map[string][]string{
		"--max-fpr 1: want a share above 0 and below 1":  {"--max-fpr", "1"},
		"--min-precision 0: want a share above 0":        {"--min-precision", "0"},
		"--min-recall -1: want a share above 0":          {"--min-recall=-1"},
		"--confidence 0: want a share":                   {"--confidence", "0"},
		"--confidence 95: out of range [0.5, 0.9999]":    {"--confidence", "95"},
		"tune: --out: mkdir ":                            {"--out", "score_test.go"},
		`tune: --model "none": the policy has weir-harm`: {"--model", "none"},
		"sustain_runes -1: out of range":                 {"--sustain-runes=-1"},
	} {
		_, errs, code := weir(t, "not JSON", append([]string{"tune", "--out", filepath.Join(dir, "out")}, flags...)...)
		if code != 1 || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d: %s", flags, code, errs)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("mistakes left %v, %v", left, err)
	}
}

// TestScoreAsWritten: score gives models the text that a stream gives them,
// folded or as it was written: for a text of one stride, the score is that of
// the finding.
func TestScoreAsWritten(t *testing.T) {
	needRuntime(t)
	scores := map[string][]float64{}
	for _, reads := range []string{"folded", "original"} {
		dir := t.TempDir()
		if err := os.CopyFS(filepath.Join(dir, "window"), os.DirFS("../../internal/onnx/testdata/window")); err != nil {
			t.Fatal(err)
		}
		manifest := filepath.Join(dir, "window", "manifest.json")
		data, err := os.ReadFile(manifest)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.Replace(string(data), `"text": "folded"`, `"text": "`+reads+`"`, 1)
		if err := os.WriteFile(manifest, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		policy := filepath.Join(dir, "policy.yaml")
		const rules = "version: 1\nname: window\nmodels: [{use: ./window}]\nreplacement: {en: stopped}\n" +
			"profiles: {default: {categories: {violence: {score: {flag: 0.000001}}}}}\n"
		if err := os.WriteFile(policy, []byte(rules), 0o600); err != nil {
			t.Fatal(err)
		}
		out, errs, code := weir(t, "{\"text\": \"Aß\"}\n{\"text\": \"a\\u00adb\\u00ad\"}\n{\"text\": \"ab\\u200bc\\u200bd\"}\n{\"text\": \"漢字\"}\n{\"text\": \"ﬀ①\"}\n", "score", "--policy", policy)
		if code != 0 {
			t.Fatalf("exit %d: %s", code, errs)
		}
		for line := range strings.Lines(out) {
			var x struct {
				Scores   map[string]float64
				Findings []struct{ Score float64 }
			}
			if err := json.Unmarshal([]byte(line), &x); err != nil {
				t.Fatal(err)
			}
			most := 0.0
			for _, f := range x.Findings {
				most = max(most, f.Score)
			}
			if score := x.Scores["violence"]; score == 0 || score != most {
				t.Errorf("%s: score %v, findings %v", reads, score, x.Findings)
			}
			scores[reads] = append(scores[reads], x.Scores["violence"])
		}
	}
	if cmp.Equal(scores["folded"], scores["original"]) {
		t.Errorf("both read the same: %v", scores)
	}
}
