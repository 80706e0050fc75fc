package main

import (
	"bytes"
	"fmt"
	"slices"

	"golang.org/x/text/unicode/norm"
)

// blockRunes is the size of a block of the second stage. 16, 32, 64 and 128
// give 150, 151, 170 and 193 KB for all tables together; 32 has the shorter index.
const blockRunes = 32

// Entries of the fold table; see engine/text/fold.go.
const (
	entryDrop   = 8
	entryBlank  = 9
	entryValues = 10
	sequenceBit = 1 << 31
)

// writeFolds writes the tables of the plain fold and returns their size.
func writeFolds(b *bytes.Buffer, folds [][]folded) int {
	var (
		entries   = make([]uint16, len(folds))
		values    []uint32
		valueOf   = map[uint32]uint16{}
		sequences = joinSequences(folds)
		longest   int
	)
	value := func(v uint32) uint16 {
		e, ok := valueOf[v]
		if !ok {
			e = uint16(len(values) + entryValues)
			values = append(values, v)
			valueOf[v] = e
		}
		return e
	}
	for r, to := range folds {
		longest = max(longest, len(to))
		switch {
		case len(to) == 0:
			entries[r] = entryDrop
		case len(to) == 1 && to[0].r == ' ':
			entries[r] = entryBlank
		case len(to) == 1 && to[0].r == rune(r):
			entries[r] = uint16(to[0].class)
		case len(to) == 1:
			entries[r] = value(pack(to[0]))
		default:
			entries[r] = value(sequenceBit | uint32(len(to))<<24 | uint32(find(sequences, to)))
		}
	}
	for r := 0xD800; r <= 0xDFFF; r++ {
		entries[r] = 0 // never looked up
	}

	// Everything from the limit on is itself, but for the ignorable runes of
	// plane 14, which engine/text/fold.go knows.
	const ignorable, ignorableEnd = 0xE0000, 0xE1000
	for r := ignorable; r < len(entries); r++ {
		if dropped := r < ignorableEnd; dropped != (entries[r] == entryDrop) || !dropped && entries[r] != 0 {
			panic(fmt.Sprintf("%U does not follow the rule", r))
		}
	}
	limit := ignorable
	for entries[limit-1] == 0 {
		limit--
	}
	limit = (limit + blockRunes - 1) / blockRunes * blockRunes
	index, blocks := twoStage(entries[:limit])

	fmt.Fprintf(b, "const longestFold = %d // runes that one rune folds to, at most\n\n", longest)
	fmt.Fprintf(b, "const foldLimit = %#x // first rune that is not in the table\n\n", limit)
	var ascii [128]uint16
	for r := range ascii {
		switch to := folds[r]; len(to) {
		case 0:
		case 1:
			ascii[r] = uint16(to[0].class)<<8 | uint16(to[0].r)
		default:
			panic("ASCII expands")
		}
	}
	writeArray(b, "foldASCII", "class in the high byte, folded rune in the low byte; 0 = dropped", ascii[:], 16)
	writeArray(b, "foldIndex", "block of a rune, by rune / 32", index, 16)
	writeArray(b, "foldBlocks", "entries: see entryDrop", blocks, 16)
	writeArray(b, "foldValues", "what entries from entryValues on stand for", values, 32)
	writeArray(b, "foldSequences", "results of several runes", sequences, 32)
	return 2*len(ascii) + 2*len(index) + 2*len(blocks) + 4*len(values) + 4*len(sequences)
}

func pack(f folded) uint32 { return uint32(f.class)<<24 | uint32(f.r) }

// joinSequences lays all results of several runes behind each other, longest
// first, so that shorter ones are found inside.
func joinSequences(folds [][]folded) []uint32 {
	var long [][]folded
	for _, to := range folds {
		if len(to) > 1 {
			long = append(long, to)
		}
	}
	slices.SortStableFunc(long, func(a, b []folded) int { return len(b) - len(a) })
	var out []uint32
	for _, to := range long {
		if find(out, to) < 0 {
			for _, t := range to {
				out = append(out, pack(t))
			}
		}
	}
	return out
}

// find returns the index of the sequence to in sequences, or -1.
func find(sequences []uint32, to []folded) int {
	for at := range len(sequences) - len(to) + 1 {
		same := true
		for i, t := range to {
			same = same && sequences[at+i] == pack(t)
		}
		if same {
			return at
		}
	}
	return -1
}

// writeSkeletons writes the table of the skeleton view and returns its size.
func writeSkeletons(b *bytes.Buffer, all []uint8) int {
	limit := len(all)
	for limit > 0 && all[limit-1] == skeletonSeparator {
		limit--
	}
	limit = (limit + blockRunes - 1) / blockRunes * blockRunes
	fmt.Fprintf(b, "const skeletonLimit = %#x // this rune and all after it are separators\n\n", limit)
	index, blocks := twoStage(all[:limit])
	writeArray(b, "skeletonIndex", "block of a rune, by rune / 32", index, 16)
	writeArray(b, "skeletonBlocks", "see skeletonSeparator", blocks, 8)
	return 2*len(index) + len(blocks)
}

// writeVoiceable writes the set of kana that have a voiced or semi-voiced form.
func writeVoiceable(b *bytes.Buffer) {
	var set [3]uint64
	for r := rune(0x3040); r < 0x3100; r++ {
		for _, mark := range [...]rune{0x3099, 0x309A} {
			if c := []rune(norm.NFC.String(string([]rune{r, mark}))); len(c) == 1 {
				set[(r-0x3040)/64] |= 1 << ((r - 0x3040) % 64)
			}
		}
	}
	fmt.Fprintf(b, "// voiceable is the set of kana from U+3040 on that a sound mark changes.\n")
	fmt.Fprintf(b, "var voiceable = [...]uint64{%#x, %#x, %#x}\n", set[0], set[1], set[2])
}

// twoStage cuts entries into blocks and keeps each block once.
func twoStage[T uint8 | uint16](entries []T) (index []uint16, blocks []T) {
	seen := map[[blockRunes]T]uint16{}
	for i := 0; i < len(entries); i += blockRunes {
		block := [blockRunes]T(entries[i : i+blockRunes])
		at, ok := seen[block]
		if !ok {
			at = uint16(len(blocks) / blockRunes)
			seen[block] = at
			blocks = append(blocks, block[:]...)
		}
		index = append(index, at)
	}
	return index, blocks
}

func writeArray[T uint8 | uint16 | uint32](b *bytes.Buffer, name, doc string, values []T, bits int) {
	fmt.Fprintf(b, "// %s: %s.\nvar %s = [...]uint%d{", name, doc, name, bits)
	for i, v := range values {
		if i%16 == 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(b, "%d,", v)
	}
	b.WriteString("\n}\n\n")
}
