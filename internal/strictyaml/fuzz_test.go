package strictyaml_test

import (
	"errors"
	"testing"

	"github.com/seed-4f09bd3a/weir/internal/strictyaml"
)

// FuzzUnmarshal wants no panic, and only errors that say where they are.
func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{
		"", "~", "name: a", "list: [a, &b c, *b]", "? a\n: b\n", "name: a\n---\n", "levels: {high: {n: 1}, low: ~}",
		"children: [{children: [{tags: x}]}]", "name: !!str a", "inner: {<<: {n: 1}}", "name: |\n  text\n  more\n",
		"%YAML 1.1\n---\nname: \"\\x00\\u2028\"\n", "wait: -1h", "\xef\xbb\xbfname: a\r\non: true\r\n", "{", "\t", "a: \xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := strictyaml.Unmarshal("f", data, new(settings))
		if err == nil {
			return
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
