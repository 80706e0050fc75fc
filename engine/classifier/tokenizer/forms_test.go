package tokenizer_test

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

// TestNotTheLibrary: why the normal forms are this package's own, and only their
// tables the library's. Each text is one of the golden lines, so what this
// package makes of it is what the original does; the library makes something else.
// Once it does not any more, its forms should be used.
func TestNotTheLibrary(t *testing.T) {
	g := readGoldens(t, "testdata/golden.json.bz2")
	plain := parse(t, "testdata/probe.json")
	for _, test := range []struct {
		why, name, text string
		form            norm.Form
	}{
		{"it knows runes that decompose since Unicode 14 and 15", "NFKC", "\U0001e030 \ua7f2 \U00010781 \U000105c9", norm.NFKC},
		{"it knows the classes of newer marks", "NFD", "a\U0001e4ec\U0001e4ee \u1acd\u0316 \u0c3c\u0327", norm.NFD},
		{"it puts a joiner into a long row of marks", "NFC", "a" + strings.Repeat("\u0301", 40), norm.NFC},
	} {
		if !slices.Contains(g.Lines, test.text) {
			t.Errorf("%+q is no golden line", test.text)
		}
		own := parseChanged(t, "probe", change(`{"normalizer":{"type":"`+test.name+`"}}`))
		if slices.Equal(own.AppendIDs(nil, test.text), plain.AppendIDs(nil, test.form.String(test.text))) {
			t.Errorf("%s: no longer", test.why)
		}
	}
}
