package tokenizer_test

import (
	"bytes"
	"compress/bzip2"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-4f09bd3a/weir/engine/classifier/tokenizer"
)

// goldens are ids that Hugging Face's own tokenizers gave (testdata/make.py).
type goldens struct {
	Lines []string `json:"lines"`
	Cases []struct {
		Name    string                     `json:"name"`
		File    string                     `json:"file"`
		Change  map[string]json.RawMessage `json:"change"`  // of the file; see changed
		Known   int                        `json:"known"`   // lines from the first on
		First   int                        `json:"first"`   // of further lines
		Step    int                        `json:"step"`    // between those
		IDs     [][]int32                  `json:"ids"`     // of each of these lines
		Wrapped [][]int32                  `json:"wrapped"` // of lines 0, 1 and so on, with the ids around them
		Sum     string                     `json:"sum"`     // of the ids of all runes, or empty; see sumOf
	} `json:"cases"`
}

func readGoldens(t testing.TB, path string) (g goldens) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.NewDecoder(bzip2.NewReader(bytes.NewReader(data))).Decode(&g); err != nil {
		t.Fatal(err)
	}
	return g
}

// TestGolden: all ids are those of the original, on ordinary, adversarial and
// random lines. With WEIR_GOLDEN it compares those of another file of make.py.
func TestGolden(t *testing.T) {
	path, least := "testdata/golden.json.bz2", 1000
	if other := os.Getenv("WEIR_GOLDEN"); other != "" {
		path, least = other, 1
	}
	g := readGoldens(t, path)
	if len(g.Lines) < least || len(g.Cases) == 0 {
		t.Fatalf("%d golden lines, %d cases", len(g.Lines), len(g.Cases))
	}
	compared, sums := 0, 0
	for _, c := range g.Cases {
		lines := slices.Clone(g.Lines[:c.Known])
		for i := c.First; i < len(g.Lines); i += c.Step {
			lines = append(lines, g.Lines[i])
		}
		if len(c.IDs) != len(lines) || len(c.Wrapped) == 0 {
			t.Fatalf("%s: ids of %d and %d lines, want %d and some", c.Name, len(c.IDs), len(c.Wrapped), len(lines))
		}
		compared += len(c.IDs)
		if c.Sum != "" {
			sums++
		}
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			file := c.File
			if !filepath.IsAbs(file) {
				file = "testdata/" + file
			}
			k, err := tokenizer.Parse(changed(t, file, c.Change))
			if err != nil {
				t.Fatal(err)
			}
			var ids []int32
			wrong := 0
			for i, want := range c.IDs {
				text := lines[i]
				if ids = k.AppendIDs(ids[:0], text); !slices.Equal(ids, want) {
					if wrong++; wrong <= 3 {
						t.Errorf("%+q:\n got %v\nwant %v", text, ids, want)
					}
				}
			}
			if wrong > 0 {
				t.Errorf("%d of %d lines differ", wrong, len(c.IDs))
			}
			if c.Sum != "" && sumOf(k) != c.Sum {
				t.Error("the ids of some rune differ")
			}
			for i, want := range c.Wrapped {
				got := slices.Concat(k.Before(), k.AppendIDs(nil, g.Lines[i]), k.After())
				if !slices.Equal(got, want) {
					t.Errorf("with what is around it, %+q:\n got %v\nwant %v", g.Lines[i], got, want)
				}
			}
		})
	}
	if least > 1 && sums < 19 {
		t.Errorf("%d sums of all runes", sums)
	}
	t.Logf("%d cases, %d lines and %d sums compared", len(g.Cases), compared, sums)
}

// sumOf is a sum of the ids of every rune that is assigned, in texts of 64 of them.
func sumOf(k *tokenizer.Tokenizer) string {
	h := sha256.New()
	var ids []int32
	var data []byte
	for _, part := range [][2]rune{{0, 0xD800}, {0xE000, 0x32400}, {0xE0000, 0xE0200}} {
		for from := part[0]; from < part[1]; from += 64 {
			var text []rune
			for r := from; r < from+64; r++ {
				text = append(text, 'a', r)
			}
			ids, data = append(k.AppendIDs(ids[:0], string(text)), -1), data[:0]
			for _, id := range ids {
				data = binary.LittleEndian.AppendUint32(data, uint32(id))
			}
			h.Write(data)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// changed reads a tokenizer.json and changes it: model.x is x of the model, and
// the value "-" takes a key away.
func changed(t testing.TB, path string, change map[string]json.RawMessage) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(change) == 0 {
		return data
	}
	var all, model map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(all["model"], &model); err != nil {
		t.Fatal(err)
	}
	inModel := false
	for _, key := range slices.Sorted(maps.Keys(change)) {
		value, into := change[key], all
		if of, ok := strings.CutPrefix(key, "model."); ok {
			key, into, inModel = of, model, true
		}
		if string(value) == `"-"` {
			delete(into, key)
		} else {
			into[key] = value
		}
	}
	if inModel {
		if all["model"], err = json.Marshal(model); err != nil {
			t.Fatal(err)
		}
	}
	if data, err = json.Marshal(all); err != nil {
		t.Fatal(err)
	}
	return data
}
