package classifier

import (
	"context"
	"errors"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// Errors of a step. Results carry them wrapped, with the model's name.
var (
	// ErrModel is wrapped by every error of a model's Step.
	ErrModel = errors.New("classifier: model failed")

	// ErrTimeout is given to the streams of a step that did not end in time.
	ErrTimeout = errors.New("classifier: model timed out")

	// ErrOverloaded is given to a stream that finds the batcher's queue full.
	ErrOverloaded = errors.New("classifier: overloaded")

	// ErrClosed is given to streams whose batcher was closed.
	ErrClosed = errors.New("classifier: batcher is closed")
)

// Info describes a model. It never changes during the model's life.
type Info struct {
	Name        string            // as findings and metrics name it
	Version     string            // changes whenever scores may change
	Labels      []policy.Category // meaning of each score; policy.NoCategory for one that means none
	StrideRunes int               // folded runes judged by one step, at least 1
	StateLen    int               // float32 values carried from step to step; 0 for none
	Provider    string            // what runs it, such as cpu or cuda, for status and metrics; may be empty
	WindowRunes int               // a window model judges up to so many last runes at the end of every stride, and carries no state; else 0
	Original    bool              // a window model reads runes as they were written; strides are counted in folded runes all the same
}

// Model scores strides. Implementations must be safe for concurrent use and
// must not keep any slice of a Step after it returned.
type Model interface {
	Info() Info
	// Step fills Scores and State of every item. What an item gets must not depend
	// on the other items. A step that is cancelled returns ctx's error. On error
	// the items are undefined.
	Step(ctx context.Context, batch []Step) error
}

// Step is one stride of one stream.
type Step struct {
	// Runes are folded, unless Info says Original. For a recurrent model, those of
	// the stride: StrideRunes of them, fewer only if Last. For a window model, the
	// last runes of the text: WindowRunes of them, fewer at its beginning.
	Runes  []rune
	State  []float32 // in: the state after the stride before, zeros at first; out: the new state. Length StateLen
	Scores []float32 // out: a probability in [0, 1] per label
	Last   bool      // the text ends here
}
