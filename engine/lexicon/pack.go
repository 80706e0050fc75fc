package lexicon

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"unicode"

	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// Limits of a pack.
const (
	MaxTermRunes   = 128 // runes of a term after folding
	MaxWithinRunes = 256 // reach of a combination
	MaxParts       = 8   // parts of a combination

	// MinSkeletonRunes and MinSkeletonWide are the least runes of an evasive
	// term in the skeleton view, where blanks do not separate: below them
	// ordinary neighbours spell it by chance. Wide: Han and kana.
	MinSkeletonRunes = 4
	MinSkeletonWide  = 3
)

// Problems of terms. ParsePack reports them with line and column.
var (
	ErrEmptyTerm     = errors.New("nothing is left of the term after folding: write letters, digits or signs that are seen")
	ErrLongTerm      = fmt.Errorf("the term is longer than %d runes: shorten it, or split it with all", MaxTermRunes)
	ErrShortEvasive  = fmt.Errorf("an evasive term needs %d letters (%d Han or kana) after separators and repeats are dropped: lengthen it, or leave evasive out", MinSkeletonRunes, MinSkeletonWide)
	ErrBrokenEvasive = fmt.Errorf("the skeleton view matches across %d separators and %d repeats at most: shorten the term, or leave evasive out", text.MaxGapRunes, text.MaxRepeatRunes)
)

// Pack is a list of entries with its provenance, parsed but not compiled. It
// must not be changed after it was given to Compile.
type Pack struct {
	Name        string
	Language    string // BCP 47, for information
	Description string
	Licence     string
	Source      string
	Entries     []Entry

	digest [sha256.Size]byte
}

// Entry is one item of a pack: spellings that share everything else, or a
// combination.
type Entry struct {
	Terms       []string // alternatives; empty if All is not
	All         []string // parts that must all occur
	WithinRunes int      // from the first part's start to the last part's end
	Categories  policy.CategorySet
	Severity    policy.Severity
	WholeWord   bool     // edges that are letters of a script with words must be word boundaries
	Evasive     bool     // match in the skeleton view
	Exceptions  []string // a match that one of these covers is none
	Line        int      // in the pack file
}

// Digest returns the SHA-256 of the file that the pack was parsed from; zero
// for a pack made by hand.
func (p *Pack) Digest() [sha256.Size]byte { return p.digest }

// foldTerm returns a spelling as the view that it is looked for in has it.
func foldTerm(term string, evasive bool) []rune {
	if evasive {
		return text.SkeletonString(term)
	}
	runes := text.FoldString(term)
	for len(runes) > 0 && runes[0] == ' ' {
		runes = runes[1:]
	}
	for len(runes) > 0 && runes[len(runes)-1] == ' ' {
		runes = runes[:len(runes)-1]
	}
	return runes
}

// checkTerm reports what is wrong with one spelling.
func checkTerm(term string, evasive bool) error {
	runes := foldTerm(term, evasive)
	if err := checkLength(runes); err != nil || !evasive {
		return err
	}
	if breaks(term) {
		return ErrBrokenEvasive
	}
	wide := 0
	for _, r := range runes {
		if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) {
			wide++
		}
	}
	if len(runes) >= MinSkeletonRunes || wide >= MinSkeletonWide {
		return nil
	}
	return ErrShortEvasive
}

// breaks reports whether nothing can match across some place of the term.
func breaks(term string) bool {
	var folder text.Folder
	var skeleton text.Skeleton
	buf := make([]text.Rune, 0, text.MaxExpansion)
	for rest := []byte(term); len(rest) > 0; {
		plain, n := folder.Append(buf, rest)
		rest = rest[n:]
		for _, r := range skeleton.Append(nil, plain) {
			if r.Class&text.Break != 0 {
				return true
			}
		}
	}
	return false
}

func checkLength(runes []rune) error {
	switch {
	case len(runes) == 0:
		return ErrEmptyTerm
	case len(runes) > MaxTermRunes:
		return ErrLongTerm
	}
	return nil
}
