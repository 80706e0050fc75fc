package tune_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

// TestHTMLIsSelfContained wants no script, nothing loaded, and no name taken for
// markup.
func TestHTMLIsSelfContained(t *testing.T) {
	samples := exampleSamples()
	hostile := `<script>alert("zz")</script><img src=x>`
	for i := range samples {
		samples[i].ID = fmt.Sprintf("%s%d", hostile, i)
		samples[i].Language = hostile
		if i%2 == 0 {
			samples[i].Language = "en"
		}
	}
	o := exampleOptions()
	o.Model, o.Source, o.Bootstrap = hostile, hostile, -1
	r, err := tune.Analyse(samples, o)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := r.WriteHTML(&b); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	for _, bad := range []string{"<script", "<img", "<link", "<iframe", "http:", "https:", "//", "url(", "@import", "onload", "NaN", "Inf", "ZgotmplZ", "%!"} {
		if i := strings.Index(page, bad); i >= 0 {
			t.Errorf("the page has %q: …%s…", bad, page[max(0, i-60):min(len(page), i+60)])
		}
	}
	if !strings.Contains(page, "&lt;script&gt;") {
		t.Error("the page does not show the ids")
	}
	for _, part := range []string{"<svg", "@media (prefers-", "@media print", "Found against right", "What readers see before a halt", "How soon", "Calibration"} {
		if !strings.Contains(page, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	wellFormed(t, page)
}

// wellFormed reads the page's plots as XML.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	plots := 0
	for rest := page; ; plots++ {
		from := strings.Index(rest, "<svg")
		if from < 0 {
			break
		}
		to := from + strings.Index(rest[from:], "</svg>") + len("</svg>")
		if err := xml.Unmarshal([]byte(rest[from:to]), new(any)); err != nil {
			t.Errorf("a plot is not XML: %v", err)
		}
		rest = rest[to:]
	}
	if plots < 8 {
		t.Errorf("the page has %d plots", plots)
	}
}

// BenchmarkAnalyse takes the example with the usual number of draws.
func BenchmarkAnalyse(b *testing.B) {
	samples, o := exampleSamples(), exampleOptions()
	o.Bootstrap = 1000
	b.ReportAllocs()
	for b.Loop() {
		r, err := tune.Analyse(samples, o)
		if err != nil || r.Categories[0].AP.Low == r.Categories[0].AP.High {
			b.Fatalf("%v, or no bootstrap ran", err)
		}
	}
	b.ReportMetric(float64(len(samples)*o.Bootstrap*len(o.Labels))*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mdraws/s")
}
