package tune_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/internal/tune"
)

var update = flag.Bool("update", false, "write golden files")

func exampleReport(t testing.TB) *tune.Report {
	t.Helper()
	r, err := tune.Analyse(exampleSamples(), exampleOptions())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestGolden compares the example's report in all its forms.
func TestGolden(t *testing.T) {
	r := exampleReport(t)
	var text, html bytes.Buffer
	if err := r.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteHTML(&html); err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"example.txt": text.Bytes(), "example.html": html.Bytes(), "example.yaml": r.Patch()} {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got), -update writes it:\n%.4000s", name, diff)
		}
	}
}

func TestReportMarshals(t *testing.T) {
	r := exampleReport(t)
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back tune.Report
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, &back); diff != "" {
		t.Errorf("after a round trip through JSON (-want +got):\n%s", diff)
	}
}
