// Package feature turns folded runes into what the default classifier reads:
// four rows of embedding tables for every rune.
//
// Words would need a vocabulary, a tokenizer and lookahead; single runes say
// little. Hashed n-grams need none of it: each rune is looked up by itself, with
// the one before, with the two before, and, in scripts that separate words, as
// the word up to here, else with the three before. Two n-grams that share a row
// are told apart by their other rows.
//
// The training pipeline computes the same rows (models/train/weirtrain/features.py),
// and both are held to one golden file.
package feature

// Name identifies the scheme in a model's manifest. Any change of the rows that
// Append returns needs another name.
const Name = "ngram4-1"

const (
	// PerRune is the number of rows for each rune.
	PerRune = 4

	// Rows is the number of rows of all tables together; they follow one another.
	Rows = 1<<14 + 3<<16

	// StateLen is the number of float32 values that Append carries from call to
	// call: the last three runes and the hash of the word so far in two halves,
	// all of them integers below 2^24, which float32 holds exactly.
	StateLen = 5
)

const (
	emptyWord = 0x811C9DC5
	wordPrime = 0x01000193

	k0, k1, k2, k3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F
)

// Append appends PerRune rows for every rune, each in [0, Rows). state has
// length StateLen, zeros at the beginning of a text, and is moved on.
func Append(dst []int32, state []float32, runes []rune) []int32 {
	_ = state[StateLen-1]
	r1, r2, r3 := uint32(state[0]), uint32(state[1]), uint32(state[2])
	word := uint32(state[3])<<16 | uint32(state[4])
	inWord := isWord(r1)
	for _, r := range runes {
		r0 := uint32(r)
		one := r0 * k0
		two := one ^ (r1+1)*k1
		three := two ^ (r2+2)*k2
		four := three ^ (r3+3)*k3
		if isWord(r0) {
			if !inWord {
				word = emptyWord
			}
			word = (word ^ r0) * wordPrime
			four = word ^ k3
			inWord = true
		} else {
			inWord = false
		}
		dst = append(dst,
			int32(mix(one)&(1<<14-1)),
			int32(mix(two)&(1<<16-1)+1<<14),
			int32(mix(three)&(1<<16-1)+1<<14+1<<16),
			int32(mix(four)&(1<<16-1)+1<<14+2<<16),
		)
		r3, r2, r1 = r2, r1, r0
	}
	state[0], state[1], state[2] = float32(r1), float32(r2), float32(r3)
	state[3], state[4] = float32(word>>16), float32(word&0xFFFF)
	return dst
}

// isWord reports whether r is a letter or digit of a script that separates
// words. Ranges alone, so that the pipeline in Python can say the same.
func isWord(r uint32) bool {
	return r-'a' < 26 || r-'0' < 10 || r == '\'' || r-0xC0 < 0x1100-0xC0
}

func mix(h uint32) uint32 {
	h ^= h >> 15
	h *= 0x2C1B3C6D
	h ^= h >> 12
	h *= 0x297A2D39
	return h ^ h>>15
}
