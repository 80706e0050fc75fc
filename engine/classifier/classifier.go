// Package classifier scores a stream for categories of harm while it is being
// generated. A Model judges strides: a fixed number of folded runes, counted
// from the start of the stream, so that scores do not depend on how the text
// was cut into chunks. A Session carries one stream through one model.
//
// The package knows nothing of any runtime: a model is whatever implements
// Model, a fake in tests included.
package classifier

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// ErrModel is wrapped by every error of a model's Step.
var ErrModel = errors.New("classifier: model failed")

// Info describes a model. It never changes during the model's life.
type Info struct {
	Name        string            // as findings and metrics name it
	Version     string            // changes whenever scores may change
	Labels      []policy.Category // meaning of each score
	StrideRunes int               // runes judged by one step, at least 1
	StateLen    int               // float32 values carried from step to step; 0 for none
}

// Model scores strides. Implementations must be safe for concurrent use and
// must not keep any slice of a Step after it returned.
type Model interface {
	Info() Info
	// Step fills Scores and State of every item. A step that is cancelled or
	// past its deadline returns ctx's error. On error the items are undefined.
	Step(ctx context.Context, batch []Step) error
}

// Step is one stride of one stream.
type Step struct {
	Runes  []rune    // folded runes; StrideRunes of them, fewer only if Last
	State  []float32 // in: the state after the stride before, zeros at first; out: the new state. Length StateLen
	Scores []float32 // out: a probability in [0, 1] per label
	Last   bool      // the text ends here
}

// Session is one stream's way through one model: the runes of the stride that
// is not yet full, and the state. It belongs to one goroutine.
type Session struct {
	model Model
	info  Info
	step  [1]Step
}

// NewSession starts a stream. It fails if the model's Info cannot be used.
func NewSession(m Model) (*Session, error) {
	info := m.Info()
	if info.StrideRunes < 1 || info.StateLen < 0 || len(info.Labels) == 0 {
		return nil, fmt.Errorf("classifier: model %s: stride %d, state %d, %d labels: want at least 1, 0 and 1",
			info.Name, info.StrideRunes, info.StateLen, len(info.Labels))
	}
	s := &Session{model: m, info: info}
	s.step[0] = Step{
		Runes:  make([]rune, 0, info.StrideRunes),
		State:  make([]float32, info.StateLen),
		Scores: make([]float32, len(info.Labels)),
	}
	return s, nil
}

// Info returns the model's description.
func (s *Session) Info() Info { return s.info }

// Pending returns the number of runes of the stride that is not yet full.
func (s *Session) Pending() int { return len(s.step[0].Runes) }

// Add takes the next rune and reports whether the stride is full: then Score
// must be called before the next Add.
func (s *Session) Add(r rune) bool {
	s.step[0].Runes = append(s.step[0].Runes, r)
	return len(s.step[0].Runes) == s.info.StrideRunes
}

// Score judges the runes added since the last call. The result, one score per
// label, is valid until the next call. A panic of the model is returned as an
// error, as is a score outside [0, 1].
func (s *Session) Score(ctx context.Context, last bool) (scores []float32, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %s: panic in step", ErrModel, s.info.Name)
		}
	}()
	s.step[0].Last = last
	if err := s.model.Step(ctx, s.step[:]); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrModel, s.info.Name, err)
	}
	for _, p := range s.step[0].Scores {
		if !(p >= 0 && p <= 1) {
			return nil, fmt.Errorf("%w: %s: score %v: out of range [0, 1]", ErrModel, s.info.Name, p)
		}
	}
	s.step[0].Runes = s.step[0].Runes[:0]
	return s.step[0].Scores, nil
}
