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
