package tokenizer_test

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/seed-4f09bd3a/weir/engine/classifier/tokenizer"
)

// variant is a tokenizer: a base file with some of its parts replaced.
type variant struct {
	Base  string                     `json:"base"`
	File  map[string]json.RawMessage `json:"file"`
	Model map[string]json.RawMessage `json:"model"`
}

func readJSON[T any](t testing.TB, path string) (out T) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return out
}

// variants returns the tokenizer.json of every variant by name.
func variants(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for name, v := range readJSON[map[string]variant](t, "testdata/variants.json") {
		file := readJSON[map[string]json.RawMessage](t, "testdata/"+v.Base+".json")
		var model map[string]json.RawMessage
		if err := json.Unmarshal(file["model"], &model); err != nil {
			t.Fatal(err)
		}
		maps.Copy(file, v.File)
		maps.Copy(model, v.Model)
		file["model"] = encode(t, model)
		out[name] = encode(t, file)
	}
	return out
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// golden is what the original makes of lines: the CRC-32 of the ids of each.
type golden struct {
	Lines []string            `json:"lines"`
	IDs   map[string][]uint32 `json:"ids"`
}

func checksum(ids []int32) uint32 {
	b := make([]byte, 0, 4*len(ids))
	for _, id := range ids {
		b = binary.LittleEndian.AppendUint32(b, uint32(id))
	}
	return crc32.ChecksumIEEE(b)
}

// TestGolden: the ids are those of Hugging Face's own tokenizers, for every
// variant and line of testdata/make.py: ordinary, adversarial and random text.
// WEIR_GOLDEN names another golden file, and WEIR_TOKENIZER the tokenizer.json
// that it is of, if it is of one alone.
func TestGolden(t *testing.T) {
	path, tokenizers := "testdata/golden.json", variants(t)
	if other := os.Getenv("WEIR_GOLDEN"); other != "" {
		path = other
	}
	if other := os.Getenv("WEIR_TOKENIZER"); other != "" {
		data, err := os.ReadFile(other)
		if err != nil {
			t.Fatal(err)
		}
		tokenizers = map[string][]byte{"": data}
	}
	want := readJSON[golden](t, path)
	if len(want.Lines) < 1000 || len(want.IDs) != len(tokenizers) {
		t.Fatalf("%d lines for %d tokenizers of %d: the golden file is not whole", len(want.Lines), len(want.IDs), len(tokenizers))
	}
	for _, name := range slices.Sorted(maps.Keys(tokenizers)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k, err := tokenizer.Parse(tokenizers[name])
			if err != nil {
				t.Fatal(err)
			}
			if len(want.IDs[name]) != len(want.Lines) {
				t.Fatalf("ids of %d lines of %d", len(want.IDs[name]), len(want.Lines))
			}
			wrong := 0
			var ids []int32
			for i, line := range want.Lines {
				ids = k.AppendIDs(ids[:0], line)
				if checksum(ids) != want.IDs[name][i] {
					if wrong++; wrong <= 5 {
						t.Errorf("line %d, %+q: got %v", i, line, ids)
					}
				}
			}
			if wrong > 0 {
				t.Errorf("%d of %d lines differ", wrong, len(want.Lines))
			}
		})
	}
}
