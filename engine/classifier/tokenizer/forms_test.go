package tokenizer

import (
	"testing"

	"golang.org/x/text/unicode/norm"
)

// TestFormsAreOfAnotherEdition: why form does not leave everything to
// golang.org/x/text. The original leaves marks alone that its edition of Unicode
// does not know, and long rows of marks as they are. When this fails, the library
// can take over.
func TestFormsAreOfAnotherEdition(t *testing.T) {
	n := newForm(newClassTable(), false, false)
	differ := 0
	for r := rune(0x80); r <= 0x10FFFF; r++ {
		text := []byte("a\u0345" + string(r))
		ours, changed := n.normalize(nil, text, &scratch{})
		if !changed {
			ours = text
		}
		if string(ours) != string(norm.NFD.Bytes(text)) {
			differ++
		}
	}
	row := "a"
	for range 40 {
		row += "\u0301"
	}
	if long := norm.NFD.String(row); differ == 0 && long == row {
		t.Error("golang.org/x/text does all of it now")
	}
	t.Logf("%d runes differ", differ)
}
