package gateway

import (
	"bytes"
	"encoding/json"
	"testing"
)

func TestEscapes(t *testing.T) {
	for text, want := range map[string]string{
		`a\nb`:              "a\x01\nb",
		`\"\\\/`:            "\x01\"\x01\\\x01/",
		`\u5494\u0061`:      "\x01\x01\x01咔\x01\x01\x01\x01\x01a",
		`\ud83d\ude00!`:     "\x01\x01\x01\x01\x01\x01\x01\x01😀!",
		`\ud83dx`:           "\x01\x01\x01\ufffdx",
		`\ude00`:            "\x01\x01\x01\ufffd",
		`\x \u12 \`:         `\x \u12 \`,
		"nothing to do, 天气": "nothing to do, 天气",
	} {
		if got := string(unescaped([]byte(text))); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
		if n := len(unescaped([]byte(text))); n != len(text) {
			t.Errorf("%s: %d bytes became %d", text, len(text), n)
		}
	}
	for text, want := range map[string]int{
		`a\n`: 3, `a\`: 1, `a\u12`: 1, `\ud83d`: 0, `\ud83d\`: 0, `\ud83d\ude`: 0, `\ud83d\n`: 8, `\\`: 2, `\\\`: 2, `abc`: 3,
	} {
		if got := cutEscape([]byte(text)); got != want {
			t.Errorf("%s is cut at %d, want %d", text, got, want)
		}
	}
	text := []byte(`a\u0061\n`)
	for at, want := range map[int][2]int{0: {0, 0}, 1: {1, 1}, 2: {1, 7}, 6: {1, 7}, 7: {7, 7}, 8: {7, 9}, 9: {9, 9}} {
		if got := [2]int{snap(text, at, false), snap(text, at, true)}; got != want {
			t.Errorf("%d is snapped to %d, want %d", at, got, want)
		}
	}
}

// FuzzUnescaped: what is judged of a valid string is what a JSON reader sees of it.
func FuzzUnescaped(f *testing.F) {
	for _, s := range []string{`a\nb`, `\u5494\ud83d\ude00`, `\ud83d\ud83d`, `\\n\"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := unescaped(text)
		if len(got) != len(text) {
			t.Fatalf("%d bytes became %d", len(text), len(got))
		}
		var want string
		if err := json.Unmarshal(append(append([]byte{'"'}, text...), '"'), &want); err != nil || cutEscape(text) < len(text) {
			return
		}
		got = bytes.ToValidUTF8(bytes.ReplaceAll(got, []byte{filler}, nil), []byte("\ufffd"))
		want = string(bytes.ReplaceAll([]byte(want), []byte{filler}, nil))
		if same := bytes.ToValidUTF8([]byte(want), []byte("\ufffd")); !bytes.Equal(squeezed(got), squeezed(same)) {
			t.Errorf("%q is judged as %q", want, got)
		}
	})
}

// squeezed takes out what stands for invalid bytes, of which readers count differently.
func squeezed(b []byte) []byte { return bytes.ReplaceAll(b, []byte("\ufffd"), nil) }
