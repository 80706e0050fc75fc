package strictyaml_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/seed-4f09bd3a/weir/internal/strictyaml"
)

type benchPack struct {
	Version int          `yaml:"version"`
	Entries []benchEntry `yaml:"entries"`
}

type benchEntry struct {
	Pos       strictyaml.Pos               `yaml:"-"`
	Term      string                       `yaml:"term"`
	Terms     []string                     `yaml:"terms"`
	Category  strictyaml.OneOrMany[string] `yaml:"category"`
	Severity  level                        `yaml:"severity"`
	WholeWord *bool                        `yaml:"whole_word"`
}

// BenchmarkUnmarshal100k reads what a large lexicon pack is made of.
func BenchmarkUnmarshal100k(b *testing.B) {
	const entries = 100_000
	var data bytes.Buffer
	data.WriteString("version: 1\nentries:\n")
	for i := range entries {
		fmt.Fprintf(&data, "  - term: zzterm-%06d\n    category: violence\n    severity: high\n", i)
	}
	b.SetBytes(int64(data.Len()))
	b.ReportAllocs()
	for b.Loop() {
		var p benchPack
		if err := strictyaml.Unmarshal("pack.yaml", data.Bytes(), &p); err != nil {
			b.Fatal(err)
		}
		if n := len(p.Entries); n != entries || p.Entries[n-1].Severity != high || p.Entries[n-1].Pos.Line != 3*entries {
			b.Fatalf("read %d entries, the last one %+v", n, p.Entries[n-1])
		}
	}
}

// level is an ordered scalar that reads itself.
type level int

const high level = 3

func (l *level) UnmarshalText(b []byte) error {
	switch strings.ToLower(string(b)) {
	case "low", "Low":
		*l = 1
	case "high", "High":
		*l = high
	default:
		return fmt.Errorf("unknown level %q: want low or high", b)
	}
	return nil
}
