package pattern

import "github.com/seed-4f09bd3a/weir/engine/text"

// ScanSlowly is Scan without its shortcuts.
func (s *Set) ScanSlowly(st *State, runes []text.Rune, dst []Match) []Match {
	for i := range runes {
		r := &runes[i]
		k := wideKind(r)
		if uint32(r.R) < uint32(len(asciiKinds)) {
			k = asciiKinds[r.R]
		}
		dst = s.step(st, r, k, dst)
	}
	return dst
}

// SecretPrefixes returns the prefixes of all token formats.
func SecretPrefixes() (prefixes []string) {
	for _, f := range allSecretFormats() {
		prefixes = append(prefixes, f.prefix)
	}
	return prefixes
}
