package text

// Class is a set of properties of a folded rune that boundary rules ask for.
type Class uint8

// The classes.
const (
	Word      Class = 1 << iota // letter, digit or underscore of a script that separates words (not Han, kana, Thai, …)
	VoiceMark                   // combining kana voiced or semi-voiced sound mark: changes the kana before it
	Upper                       // the original rune was an upper-case or title-case letter
	Gap                         // skeleton view only: separators were dropped here; R is 0 and advances no automaton
	Repeat                      // skeleton view only, with Gap: the last letter was repeated after a gap, so a word may begin at it; Word tells whether it is itself part of a word
	Break                       // skeleton view only, with Gap: nothing may match across here
)

// Rune is one rune of a folded view and the original bytes it came from.
// Several runes share one span where folding expands (ﬁ → f, i).
type Rune struct {
	Start int64 // offset in the original stream, in bytes
	R     rune  // folded; 0 only with Gap
	Len   uint8 // number of original bytes, 1 to 4
	Class Class
}

// End returns the offset after the original bytes of r.
func (r Rune) End() int64 { return r.Start + int64(r.Len) }
