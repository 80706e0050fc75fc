package main

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/runenames"
)

// What the skeleton view does with a folded rune; anything from '0' on is the
// ASCII letter or digit that it becomes. The names are in engine/text/skeleton.go.
const (
	skeletonSeparator = 0 // dropped; also for every rune that the table does not reach
	skeletonKeep      = 1 // kept, repetitions too
	skeletonSqueeze   = 2 // kept, repetitions dropped
)

// leet are the digits and signs that stand for letters. 2, 6 and 9 do not: they
// have no one reading.
var leet = map[rune]rune{
	'0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't', '8': 'b', '@': 'a', '$': 's', '|': 'l',
}

// skeletons computes the table of the skeleton view.
type skeletons struct {
	folder     *folder
	confusable map[rune][]rune
}

// all returns what becomes of every rune. Runes that folding does not leave
// have an entry too, as it is: holes would make the table larger. It checks that
// the result of a mapping is not mapped again.
func (s *skeletons) all() ([]uint8, error) {
	all := make([]uint8, unicode.MaxRune+1)
	for r := range all {
		all[r] = s.of(rune(r))
	}
	for r, to := range all {
		if to > skeletonSqueeze && all[to] != skeletonSqueeze {
			return nil, fmt.Errorf("skeleton of %U is not stable at %U", r, to)
		}
	}
	return all, nil
}

func (s *skeletons) of(r rune) uint8 {
	if isDropped(r) {
		return skeletonSeparator
	}
	if to, ok := leet[r]; ok {
		return uint8(to)
	}
	if to, ok := s.lookalike(r); ok {
		return uint8(to)
	}
	switch {
	case !isText(r):
		return skeletonSeparator
	case isUnspaced(r):
		return skeletonKeep
	case unicode.Is(unicode.Lm, r) && s.isSeparatorLookalike(r):
		return skeletonSeparator
	}
	return skeletonSqueeze
}

// lookalike returns the ASCII letter or digit that r can be taken for, itself
// folded. ASCII stays as it is, and so do marks and the letters of scripts
// without word separation: they are text of their own.
func (s *skeletons) lookalike(r rune) (rune, bool) {
	if r < 0x80 || unicode.IsMark(r) || isUnspaced(r) && !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	for _, form := range [...]rune{r, unicode.ToUpper(r)} {
		if to, ok := s.confusable[form]; ok {
			if f := s.folder.fold(to); len(f) == 1 && isAlphanumeric(f[0]) {
				if l, ok := leet[f[0]]; ok {
					return l, true
				}
				return f[0], true
			}
		}
	}
	return namedLookalike(r)
}

// namedLookalike adds the alphabets of ornaments that confusables.txt does not
// have: small capitals, white letters in black circles or squares, and the
// letters of flags.
func namedLookalike(r rune) (rune, bool) {
	name := runenames.Name(r)
	for _, prefix := range [...]string{
		"LATIN LETTER SMALL CAPITAL ",
		"NEGATIVE CIRCLED LATIN CAPITAL LETTER ",
		"NEGATIVE SQUARED LATIN CAPITAL LETTER ",
		"REGIONAL INDICATOR SYMBOL LETTER ",
	} {
		if letter, ok := strings.CutPrefix(name, prefix); ok && len(letter) == 1 {
			return unicode.ToLower(rune(letter[0])), true
		}
	}
	return 0, false
}

// isSeparatorLookalike reports whether r, a modifier letter, is drawn like
// punctuation: ʼ and its like.
func (s *skeletons) isSeparatorLookalike(r rune) bool {
	to, ok := s.confusable[r]
	if !ok {
		return false
	}
	for _, t := range to {
		if isText(t) {
			return false
		}
	}
	return true
}

func isAlphanumeric(r rune) bool {
	return '0' <= r && r <= '9' || 'a' <= r && r <= 'z'
}
