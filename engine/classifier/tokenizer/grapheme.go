package tokenizer

// What Precompiled knows of a rune, in the order of testdata/graphemes.py.
const (
	joins           class = 1 << iota // to the cluster before: marks and joiners
	control                           // is a cluster of its own
	prepends                          // joins what follows
	pictograph                        // joins another behind a joiner
	joinsPictograph                   // can be between a pictograph and its joiner
	consonant                         // joins another behind a linker
	linker
	joinsConsonant // can be between a consonant and its linker, or behind that
)

const zeroWidthJoiner = 0x200D

// cluster returns the size of the grapheme cluster that text, not empty, begins
// with: what a reader takes for one character. It follows Unicode Standard Annex 29
// but for flags, which are two runes of four bytes: precompiled does not look at
// clusters of more than five as a whole.
func (n *precompiled) cluster(text []byte) int {
	r, end := decode(text)
	if end < len(text) && r < 0x80 && text[end] < 0x80 {
		if r == '\r' && text[end] == '\n' {
			return 2
		}
		return 1
	}
	last := n.clusters.of(r)
	emoji := last&pictograph != 0 // the cluster ends with a pictograph and what may be between
	emojiJoined := false          // and a joiner
	indic := last&consonant != 0  // the cluster ends with a consonant and what may be between
	indicJoined := false          // and a linker
	for end < len(text) {
		next, size := decode(text[end:])
		c := n.clusters.of(next)
		switch {
		case r == '\r' && next == '\n':
		case last&control != 0 || c&control != 0:
			return end
		case c&joins != 0 || last&prepends != 0:
		case joinsHangul(r, next):
		case emojiJoined && c&pictograph != 0:
		case indicJoined && c&consonant != 0:
		default:
			return end
		}
		switch {
		case c&pictograph != 0:
			emoji, emojiJoined = true, false
		case next == zeroWidthJoiner:
			emoji, emojiJoined = false, emoji
		default:
			emoji, emojiJoined = emoji && c&joinsPictograph != 0, false
		}
		switch {
		case c&consonant != 0:
			indic, indicJoined = true, false
		case c&(linker|joinsConsonant) != 0:
			indicJoined = indic && (indicJoined || c&linker != 0)
		default:
			indic, indicJoined = false, false
		}
		r, last = next, c
		end += size
	}
	return end
}

// The parts of a Hangul syllable.
const (
	noHangul     = iota
	leading      // consonants
	vowel        //
	trailing     // consonants
	openSyllable // no trailing consonant
	closedSyllable
)

func hangulPart(r rune) int {
	switch {
	case r < 0x1100:
	case r <= 0x115F, 0xA960 <= r && r <= 0xA97C:
		return leading
	case r <= 0x11A7, 0xD7B0 <= r && r <= 0xD7C6, r == 0x16D63, 0x16D67 <= r && r <= 0x16D6A:
		return vowel
	case r <= 0x11FF, 0xD7CB <= r && r <= 0xD7FB:
		return trailing
	case isHangul(r):
		if (r-hangul)%lasts == 0 {
			return openSyllable
		}
		return closedSyllable
	}
	return noHangul
}

func joinsHangul(a, b rune) bool {
	if a < 0x1100 || b < 0x1100 {
		return false
	}
	behind := hangulPart(b)
	switch hangulPart(a) {
	case leading:
		return behind != noHangul && behind != trailing
	case vowel, openSyllable:
		return behind == vowel || behind == trailing
	case trailing, closedSyllable:
		return behind == trailing
	}
	return false
}
