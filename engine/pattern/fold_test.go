package pattern_test

import "github.com/seed-4f09bd3a/weir/engine/text"

// fold returns the plain view of s.
func fold(s string) []text.Rune {
	var f text.Folder
	runes := make([]text.Rune, 0, len(s)+text.MaxExpansion)
	for chunk := []byte(s); ; {
		var n int
		if runes, n = f.Append(runes, chunk); n == len(chunk) {
			return f.Close(runes)
		}
		chunk = chunk[n:]
		runes = append(make([]text.Rune, 0, 2*cap(runes)), runes...)
	}
}
