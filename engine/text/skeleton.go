package text

const (
	// MaxGapRunes is the most separators, in runes of the plain view, that a
	// match of the skeleton view goes across.
	MaxGapRunes = 8

	// MaxRepeatRunes is the most repetitions of one letter that the skeleton
	// view drops. It bounds how long a run such as 0, 0, 0, … can be held back.
	MaxRepeatRunes = 64

	// MaxSkeletonExpansion is the most runes that Skeleton.Append appends for
	// one rune of the plain view.
	MaxSkeletonExpansion = 2
)

// Entries of skeletonBlocks; from '0' on, the ASCII letter or digit that the
// rune becomes.
const (
	skeletonSeparator = 0
	skeletonKeep      = 1 // repetitions too
	skeletonSqueeze   = 2 // without repetitions
)

// Skeleton turns runes of the plain view into the skeleton view. Its zero value
// is at the start of a stream. It is a plain value without pointers, 8 bytes: an
// assignment is a checkpoint. It belongs to one goroutine.
//
// The skeleton view is a function of the sequence of plain runes; how they are
// cut into calls changes nothing.
type Skeleton struct {
	last    rune  // last letter of the view; 0 at the start and after a Break
	gap     uint8 // separators since last or its repetition, at most MaxGapRunes
	repeats uint8 // repetitions of last dropped, at most MaxRepeatRunes
	word    bool  // last or its repetition was of class Word in the plain view
}

// Append appends the skeleton view of plain to dst and returns the extended
// slice, grown if need be: it does not allocate if dst has room for
// MaxSkeletonExpansion*len(plain) more runes. The slices must not overlap.
//
// Of each letter, digit or mark it keeps span, VoiceMark and Upper, and Word as
// it is in the plain view: a sign that is read as a letter, such as the $ of
// $et, is still a place where words begin and end. Between them it reports
// what it dropped with runes of class Gap, whose R is 0:
//
//   - Gap: separators follow; the span is the first one's. It comes with the
//     first separator after a letter and only once for a row of them.
//   - Gap|Repeat: the last letter came again, after separators or where one of
//     the two is not of class Word, and was dropped; the span is the repeated
//     letter's. With Word added the letter is of class Word, and what follows
//     it directly does not begin a word.
//   - Gap|Break: more than MaxGapRunes separators or MaxRepeatRunes repetitions
//     came since the last letter. What follows is as if at the start of a stream.
func (s *Skeleton) Append(dst, plain []Rune) []Rune {
	for i := range plain {
		p := &plain[i]
		r, entry := p.R, skeletonEntry(p.R)
		if entry == skeletonSeparator {
			switch {
			case s.last == 0:
				continue
			case s.gap == 0:
				dst = append(dst, Rune{Start: p.Start, Len: p.Len, Class: Gap})
				s.gap = 1
			case s.gap < MaxGapRunes:
				s.gap++
			default:
				dst = append(dst, Rune{Start: p.Start, Len: p.Len, Class: Gap | Break})
				*s = Skeleton{}
			}
			continue
		}
		if entry >= '0' {
			r = rune(entry)
		}
		if r == s.last && entry != skeletonKeep {
			if s.repeats < MaxRepeatRunes {
				dst = s.repeat(dst, p)
				continue
			}
			dst = append(dst, Rune{Start: p.Start, Len: p.Len, Class: Gap | Break})
		}
		dst = append(dst, Rune{Start: p.Start, R: r, Len: p.Len, Class: p.Class})
		*s = Skeleton{last: r, word: p.Class&Word != 0}
	}
	return dst
}

// repeat drops p, a repetition of the last letter, and appends a Repeat if a
// word may begin at it.
func (s *Skeleton) repeat(dst []Rune, p *Rune) []Rune {
	word := p.Class & Word
	if s.gap > 0 || !s.word || word == 0 {
		dst = append(dst, Rune{Start: p.Start, Len: p.Len, Class: Gap | Repeat | word})
	}
	s.gap, s.word = 0, word != 0
	s.repeats++
	return dst
}

// skeletonEntry returns the entry of a rune of the plain view.
func skeletonEntry(r rune) uint8 {
	if r >= skeletonLimit {
		return skeletonSeparator
	}
	return skeletonBlocks[int(skeletonIndex[r>>5])<<5|int(r&31)]
}

// SkeletonString returns the skeleton view of s, without classes, offsets and
// gaps. Terms that must be found in spite of evasion are folded with it, so that
// they are spelled as the view of a text is.
func SkeletonString(s string) []rune {
	var skeleton Skeleton
	plain := Fold(s)
	out := make([]rune, 0, len(plain))
	for _, r := range skeleton.Append(make([]Rune, 0, MaxSkeletonExpansion*len(plain)), plain) {
		if r.Class&Gap == 0 {
			out = append(out, r.R)
		}
	}
	return out
}
