package tokenizer

// class is a set of what the original takes a rune for; a bit per set, in the
// order of testdata/runes.py.
//
// Its libraries know several editions of Unicode, none of them Go's. So the classes
// were found by asking it for every rune.
type class uint16

const (
	letter      class = 1 << iota // \p{L} of the splitting expressions
	number                        // \p{N} of them
	space                         // white space, the same for all stages
	word                          // \w of the Whitespace pre-tokenizer and of added tokens
	digit                         // numeric for the Digits pre-tokenizer, which is newer than \p{N}
	punctuation                   // for BERT and the Punctuation pre-tokenizer: Unicode 8.0 and ASCII symbols
	dropped                       // by BERT's clean_text
	accent                        // dropped by BERT's strip_accents: Unicode 8.0's Mn
	stripped                      // dropped by StripAccents
	canonical                     // has a canonical decomposition
	compatible                    // has a compatibility decomposition, or a canonical one
	reorders                      // has a combining class above 0
)

// run is a range of runes that share their classes; it ends where the next begins.
type run struct {
	from  rune
	class class
}

// classTable finds the classes of a rune: runs spread out into pages of 256,
// equal pages kept once (about 100 KiB).
type classTable struct {
	index [0x1100]uint16
	pages [][256]class
}

// newClassTable is the table of runes.go.
func newClassTable() *classTable { return tableOf(runs[:]) }

func tableOf(runs []run) *classTable {
	t := &classTable{}
	known := map[[256]class]uint16{}
	at := 0
	for high := range t.index {
		var page [256]class
		for low := range page {
			r := rune(high<<8 | low)
			for at+1 < len(runs) && runs[at+1].from <= r {
				at++
			}
			page[low] = runs[at].class
		}
		n, ok := known[page]
		if !ok {
			n = uint16(len(t.pages))
			known[page] = n
			t.pages = append(t.pages, page)
		}
		t.index[high] = n
	}
	return t
}

// of returns the classes of r, which must be a rune.
func (t *classTable) of(r rune) class { return t.pages[t.index[r>>8]][r&0xFF] }
