package policy_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/strictyaml"
)

// FuzzParse wants no panic, problems that say where they are, and of every
// policy that is accepted that Show prints the same policy again. Seeds are the
// policies of testdata and the hand-made ones under testdata/fuzz.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := policy.Parse("p.yaml", data)
		if err == nil {
			roundTrip(t, p)
			return
		}
		if p != nil {
			t.Fatal("a policy beside an error")
		}
		var all strictyaml.Errors
		if !errors.As(err, &all) || len(all) == 0 {
			t.Fatalf("%T: %v", err, err)
		}
		for _, e := range all {
			if e.Pos.Line < 1 || e.Pos.Column < 1 || e.Err == nil {
				t.Errorf("%+v has no place", e)
			}
		}
	})
}
