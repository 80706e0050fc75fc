package enginetest

import (
	"strings"
	"testing"
)

// TestParseMistakes: a script that says what cannot be is refused, with its line.
func TestParseMistakes(t *testing.T) {
	for script, want := range map[string]string{
		"write x":                                "needs a policy",
		"policy base\n\nwrit x":                  `3: unknown verb "writ"`,
		"policy base\nexpect released 1":         "2: expect before the first write",
		"policy base\nwrite x\nexpect releasd 1": `3: unknown key "releasd"`,
		"policy base\nwrite x\nexpect released":  "3: expect wants pairs",
		`policy base` + "\n" + `write \q`:        `2: unknown escape \q`,
		`policy base` + "\n" + `write \x4`:       `2: \x wants two`,
		"policy base\nwrite x\nfinding halt":     "3: finding wants",
	} {
		if _, err := parse("s", []byte(script)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("script %q: got %v, want %q", script, err, want)
		}
	}
	s, err := parse("s", []byte(`policy base`+"\n"+`write a\n\x41\u{e9}\s\\`+"\nclose\n"))
	if err != nil || string(s.Text()) != "a\nAé \\" || len(s.Steps) != 2 {
		t.Errorf("got %q, %v", s.Text(), err)
	}
}

// TestProse: the benchmarks' text is the same every time, and terms are not in it.
func TestProse(t *testing.T) {
	text := Prose(1, 20_000)
	if text != Prose(1, 20_000) || len(text) < 20_000 || text == Prose(2, 20_000) {
		t.Error("the text is not a function of its seed")
	}
	terms := Terms(1, 100, text)
	for _, term := range terms {
		if strings.Contains(strings.ToLower(text), term) {
			t.Errorf("term %q is in the text", term)
		}
	}
	if got := len(Tokens(text)); got < len(text)/6 {
		t.Errorf("%d tokens of %d bytes", got, len(text))
	}
}
