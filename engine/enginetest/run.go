package enginetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// Session is one stream of a front end. After a verdict that halts, neither
// method is called again.
type Session interface {
	Write(chunk []byte) (policy.Verdict, error)
	Close() (policy.Verdict, error)
}

// Frontend opens sessions for one policy file of the scripts' directory.
type Frontend func(t *testing.T, policyFile, profile string) Session

// Options say what a front end cannot show.
type Options struct {
	Whole bool // it judges whole texts only: Write says nothing, Close everything
}

// Run runs every script of dir through the front end: as written, byte by
// byte, and cut at random with a fixed seed.
func Run(t *testing.T, dir string, open Frontend, o Options) {
	t.Helper()
	scripts, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scripts {
		t.Run(s.Name, func(t *testing.T) {
			file := dir + "/" + s.Policy + ".yaml"
			if o.Whole {
				whole := []Step{{Chunk: s.Text()}, {Close: true}}
				t.Run("whole", func(t *testing.T) { s.run(t, open(t, file, s.Profile), whole, false) })
				return
			}
			t.Run("written", func(t *testing.T) { s.run(t, open(t, file, s.Profile), s.Steps, true) })
			t.Run("bytes", func(t *testing.T) {
				s.run(t, open(t, file, s.Profile), s.cut(func() int { return 1 }), false)
			})
			rng := rand.New(rand.NewPCG(1, uint64(len(s.Name))))
			for i := range 4 {
				t.Run(fmt.Sprintf("random%d", i), func(t *testing.T) {
					s.run(t, open(t, file, s.Profile), s.cut(func() int { return rng.IntN(9) }), false)
				})
			}
		})
	}
}

// cut returns the script's text in pieces of the given sizes; 0 is an empty chunk.
func (s *Script) cut(size func() int) []Step {
	var out []Step
	for text := s.Text(); len(text) > 0; {
		n := min(size(), len(text))
		out = append(out, Step{Chunk: text[:n]})
		text = text[n:]
	}
	if s.Steps[len(s.Steps)-1].Close {
		out = append(out, Step{Close: true})
	}
	return out
}

func (s *Script) run(t *testing.T, session Session, steps []Step, each bool) {
	t.Helper()
	var (
		last     policy.Verdict
		findings []policy.Finding
		edits    []policy.Edit
	)
	for i, step := range steps {
		if last.Action == policy.Halt {
			if each {
				t.Fatalf("line %d: halted before the end of the script", step.Line)
			}
			break
		}
		var v policy.Verdict
		var err error
		if step.Close {
			v, err = session.Close()
		} else {
			v, err = session.Write(step.Chunk)
		}
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
		if v.Released < last.Released || v.Released > v.Scanned || v.Scanned > v.Received {
			t.Errorf("step %d: watermarks %d ≤ %d ≤ %d do not hold or shrank from %d",
				i, v.Released, v.Scanned, v.Received, last.Released)
		}
		findings, edits = append(findings, v.Findings...), append(edits, v.Edits...)
		last = v
		if each {
			for _, e := range step.Expects {
				e.check(t, v)
			}
		}
	}
	for _, e := range s.Final {
		e.check(t, last)
	}
	// The front end may add to a finding; scripts pin these fields.
	for i := range findings {
		findings[i].Score, findings[i].Threshold = 0, 0
	}
	if diff := cmp.Diff(s.Findings, findings, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("findings (-script +got):\n%s", diff)
	}
	if diff := cmp.Diff(s.Edits, edits, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("edits (-script +got):\n%s", diff)
	}
}

func (e *Expectation) check(t *testing.T, v policy.Verdict) {
	t.Helper()
	var got string
	switch e.Key {
	case "action":
		got = v.Action.String()
	case "released":
		got = offset(v.Released)
	case "held":
		got = offset(v.Received - v.Released)
	case "scanned":
		got = offset(v.Scanned)
	case "halt":
		got = offset(v.HaltOffset)
	case "retract":
		got = offset(v.RetractFrom)
	}
	if got != e.Value {
		t.Errorf("line %d: %s is %s, want %s", e.Line, e.Key, got, e.Value)
	}
}

func offset(o policy.Offset) string {
	if o == policy.NoOffset {
		return "none"
	}
	return strconv.FormatInt(int64(o), 10)
}

// Apply returns the text as a reader sees it: the released bytes with edits.
func Apply(text []byte, released policy.Offset, edits []policy.Edit) []byte {
	out, at := []byte(nil), policy.Offset(0)
	for _, e := range slices.SortedFunc(slices.Values(edits), func(a, b policy.Edit) int { return int(a.Span.Start - b.Span.Start) }) {
		out = append(append(out, text[at:e.Span.Start]...), e.Replacement...)
		at = e.Span.End
	}
	return append(out, text[at:released]...)
}
