package server

import (
	"os"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/classifier"
)

// TestMetricsDocumented: doc.go names every metric of Weir's, and no other.
func TestMetricsDocumented(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	cache, err := classifier.NewCache(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	defer cache.Close()
	m := NewMetrics("test", func() *engine.Snapshot { return nil })
	m.Cache(cache)
	m.Requests()
	names := map[string]bool{}
	filter(m.registry.Describe, func(d *prometheus.Desc) {
		if _, rest, ok := strings.Cut(d.String(), `fqName: "weir_`); ok {
			name, _, _ := strings.Cut(rest, `"`)
			names["weir_"+name] = true
		}
	})
	if len(names) == 0 {
		t.Fatal("no metrics")
	}
	for line := range strings.Lines(string(doc)) {
		if fields := strings.Fields(line); len(fields) > 1 && strings.HasPrefix(fields[1], "weir_") {
			if !names[fields[1]] {
				t.Errorf("doc.go names %s, which is none or there twice", fields[1])
			}
			delete(names, fields[1])
		}
	}
	for name := range names {
		t.Errorf("doc.go does not name %s", name)
	}
}
