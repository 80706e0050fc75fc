package tune

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// Sample is a labelled text as the classifier saw it. Lengths and positions are
// in folded runes, the unit of strides and of sustain_runes.
type Sample struct {
	ID       string             // unique; decides which half the text is in, and appears in the report
	Language string             // "" if unknown
	Positive policy.CategorySet // what the text violates
	Unknown  policy.CategorySet // what the labels do not speak of; the text counts neither way there
	Runes    int                // length of the text
	Onset    int                // rune where the violation begins, -1 if unknown
	Strides  []Stride           // in order; none for an empty text
}

// Stride is what the classifier made of one stride.
type Stride struct {
	EndRunes int       // runes of the text up to the stride's end
	Scores   []float32 // in [0, 1], one per label of Options.Labels
}

// Errors of Analyse. They come wrapped, with the sample or option at fault.
var (
	ErrNoSamples  = errors.New("no samples: want at least one labelled text")
	ErrBadSample  = errors.New("bad sample")
	ErrBadOptions = errors.New("bad options")
)

// maxReported bounds how many bad samples one error lists.
const maxReported = 10

// check returns what is wrong with the samples, at most maxReported of it.
// Errors name positions in the slice, not ids, which may be anything.
func check(samples []Sample, o *Options) error {
	if len(samples) == 0 {
		return fmt.Errorf("tune: %w", ErrNoSamples)
	}
	known := o.labelSet()
	seen := make(map[string]int, len(samples))
	var found []error
	for i := range samples {
		s := &samples[i]
		err := s.check(len(o.Labels), known)
		if first, twice := seen[s.ID]; twice && err == nil {
			err = fmt.Errorf("has the id of sample %d: give every text an id of its own, since ids decide which half a text is in", first)
		}
		seen[s.ID] = i
		if err == nil {
			continue
		}
		if len(found) == maxReported {
			found = append(found, errors.New("tune: more bad samples follow"))
			break
		}
		found = append(found, fmt.Errorf("tune: %w %d: %w", ErrBadSample, i, err))
	}
	return errors.Join(found...)
}

func (s *Sample) check(labels int, known policy.CategorySet) error {
	switch {
	case s.ID == "":
		return errors.New("has no id: give every text one")
	case s.Runes < 0:
		return fmt.Errorf("runes %d: want at least 0", s.Runes)
	case s.Onset < -1 || s.Onset >= max(s.Runes, 1):
		return fmt.Errorf("onset %d: want a rune of the text's %d, or -1 if unknown", s.Onset, s.Runes)
	case s.Positive&s.Unknown != 0:
		return fmt.Errorf("category %s is both positive and unknown: want one", (s.Positive & s.Unknown).Categories()[0])
	}
	for _, set := range []policy.CategorySet{s.Positive &^ known, s.Unknown &^ known} {
		if set != 0 {
			return fmt.Errorf("category %v is not among the labels of the models: drop the label, or add a model that has it", set.Categories()[0])
		}
	}
	end := 0
	for i, r := range s.Strides {
		if r.EndRunes <= end {
			return fmt.Errorf("stride %d ends at rune %d, the one before it at %d: want strides in order", i, r.EndRunes, end)
		}
		if end = r.EndRunes; end > s.Runes {
			return fmt.Errorf("stride %d ends at rune %d of %d: want strides within the text", i, end, s.Runes)
		}
		if len(r.Scores) != labels {
			return fmt.Errorf("stride %d has %d scores: want one for each of %d labels", i, len(r.Scores), labels)
		}
		for l, score := range r.Scores {
			if !(score >= 0 && score <= 1) {
				return fmt.Errorf("stride %d, label %d: score %v: out of range [0, 1]", i, l, score)
			}
		}
	}
	return nil
}

// choosing reports whether the text is in the half that chooses thresholds. It
// depends on the id alone, so a text never changes sides when others are added.
func (s *Sample) choosing() bool { return sha256.Sum256([]byte(s.ID))[0]&1 == 0 }

// class is what a text is to a category.
type class int8

const (
	negative class = iota
	positive
	unknown
)

func (s *Sample) class(c policy.Category) class {
	switch {
	case s.Positive.Has(c):
		return positive
	case s.Unknown.Has(c):
		return unknown
	}
	return negative
}

// anyClass is what a text is to all labels together: harmless only if every one
// is known to be absent.
func (s *Sample) anyClass() class {
	switch {
	case s.Positive != 0:
		return positive
	case s.Unknown != 0:
		return unknown
	}
	return negative
}
