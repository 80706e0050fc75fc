package text

import "unicode/utf8"

// Entries of foldBlocks. Those below entryDrop mean that the rune is itself:
// the entry is its Class (Word, VoiceMark and Upper are 1, 2 and 4). Those from
// entryValues on are indexes into foldValues, whose elements are a rune and its
// class (from classShift on), or, with sequenceBit, an index into foldSequences
// and a number of runes (from classShift on).
const (
	entryDrop   = 8
	entryBlank  = 9
	entryValues = 10

	classShift   = 24
	sequenceBit  = 1 << 31
	runeMask     = 1<<21 - 1
	sequenceMask = 1<<16 - 1
)

// entryOf returns the entry of r, which must not be negative.
func entryOf(r rune) uint16 {
	if r >= foldLimit {
		if 0xE0000 <= r && r <= 0xE0FFF {
			return entryDrop // tags and variation selectors
		}
		return 0
	}
	return foldBlocks[int(foldIndex[r>>5])<<5|int(r&31)]
}

// FoldString returns the plain view of s, without classes and offsets. Terms
// are folded with it, so that they are spelled as the view of a text is.
func FoldString(s string) []rune {
	folded := Fold(s)
	out := make([]rune, len(folded))
	for i, r := range folded {
		out[i] = r.R
	}
	return out
}

// Fold returns the plain view of a whole text.
func Fold(s string) []Rune {
	var f Folder
	out := make([]Rune, 0, len(s)+MaxExpansion)
	for chunk := []byte(s); ; {
		var n int
		out, n = f.Append(out, chunk)
		if chunk = chunk[n:]; len(chunk) == 0 {
			return f.Close(out)
		}
		out = append(make([]Rune, 0, 2*cap(out)), out...)
	}
}

// IsWord reports whether r, a folded rune, is of class Word in the plain view.
func IsWord(r rune) bool {
	if uint32(r) > utf8.MaxRune {
		return false
	}
	if r < utf8.RuneSelf {
		return Class(foldASCII[r]>>8)&Word != 0
	}
	e := entryOf(r)
	return e < entryDrop && Class(e)&Word != 0
}

// TakesVoiceMark reports whether r is a kana that a following mark of class
// VoiceMark makes another kana of, such as か, which with U+3099 is が.
func TakesVoiceMark(r rune) bool {
	i := r - 0x3040
	return 0 <= i && i < 64*rune(len(voiceable)) && voiceable[i/64]>>(i%64)&1 != 0
}
