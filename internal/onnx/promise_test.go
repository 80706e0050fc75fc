package onnx_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// guard opens an engine with the default model and a policy in one release mode.
func guard(t *testing.T, release string, o classifier.BatcherOptions) *engine.Engine {
	t.Helper()
	b, err := classifier.NewBatcher(defaultModel(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	p, err := policy.Parse("p.yaml", []byte(`
version: 1
name: p
replacement: {en: stopped}
profiles:
  default:
    release: `+release+`
    categories:
      harassment: {score: {flag: 0.3, halt: 0.7, sustain_runes: 12}}
      discrimination: {score: {flag: 0.2}}
`))
	if err != nil {
		t.Fatal(err)
	}
	snap, err := engine.NewSnapshot(engine.SnapshotConfig{Policy: p, Models: []classifier.Member{{Batcher: b}}})
	if err != nil {
		t.Fatal(err)
	}
	return engine.New(snap, engine.Options{})
}

// outcome is what must not depend on how a text was cut, batched or cached.
type outcome struct {
	Action   policy.Action
	Halt     policy.Offset
	Findings []policy.Finding
}

// pass writes text in chunks and checks on the way that nothing unscored is
// released by a stream that blocks.
func pass(t *testing.T, e *engine.Engine, text []byte, strict bool, cut func() int) outcome {
	t.Helper()
	scored := policy.Offset(0)
	s, err := e.Open(engine.StreamOptions{Scores: func(s engine.Stride) { scored = s.Span.End }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Abort()
	var out outcome
	take := func(v policy.Verdict) {
		out.Action, out.Halt = v.Action, v.HaltOffset
		out.Findings = append(out.Findings, v.Findings...)
		if strict && v.Released > scored {
			t.Errorf("%d bytes are released, %d scored", v.Released, scored)
		}
	}
	for rest := text; len(rest) > 0 && out.Action != policy.Halt; {
		n := min(cut(), len(rest))
		v, err := s.Write(context.Background(), rest[:n])
		if err != nil {
			t.Fatal(err)
		}
		take(v)
		rest = rest[n:]
	}
	if out.Action != policy.Halt {
		v, err := s.Close(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		take(v)
	}
	return out
}

// TestPromises: with the default model in the loop, findings and the halt are
// the same however a text is cut, whatever shares its steps, whether it is
// cached or not, and whether the stream waits for its scores.
func TestPromises(t *testing.T) {
	cache, err := classifier.NewCache(4 << 20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cache.Close)
	engines := map[string]*engine.Engine{
		"strict":        guard(t, "strict", classifier.BatcherOptions{Workers: 2}),
		"strict, cache": guard(t, "strict", classifier.BatcherOptions{Workers: 2, Cache: cache}),
		"async":         guard(t, "async", classifier.BatcherOptions{Workers: 2}),
	}
	random := rand.New(rand.NewPCG(1, 4))
	var texts [][]byte
	for range 24 {
		var b bytes.Buffer
		for range 1 + random.IntN(5) {
			b.WriteString(quiet[random.IntN(len(quiet))])
		}
		if random.IntN(2) == 0 {
			b.WriteString(violation)
			b.WriteString(". And " + quiet[0])
		}
		texts = append(texts, b.Bytes())
	}
	want := make([]outcome, len(texts))
	halted := 0
	for i, text := range texts {
		want[i] = pass(t, engines["strict"], text, true, func() int { return len(text) })
		if want[i].Action == policy.Halt {
			halted++
		}
		if !bytes.Contains(text, []byte(violation)) && want[i].Action == policy.Halt {
			t.Errorf("text %d: halted, and is harmless", i)
		}
	}
	if halted < 4 || halted == len(texts) {
		t.Fatalf("%d of %d texts halt: the test shows nothing", halted, len(texts))
	}
	for name, e := range engines {
		for round := range 2 {
			var all sync.WaitGroup
			for i, text := range texts {
				cuts := rand.New(rand.NewPCG(uint64(round), uint64(i)))
				all.Go(func() {
					got := pass(t, e, text, strings.HasPrefix(name, "strict"), func() int { return 1 + cuts.IntN(40) })
					if name == "async" {
						// Text behind the halt may have been judged meanwhile; what was found before it counts.
						got.Findings = got.Findings[:min(len(got.Findings), len(want[i].Findings))]
					}
					if diff := cmp.Diff(fmt.Sprintf("%+v", want[i]), fmt.Sprintf("%+v", got)); diff != "" {
						t.Errorf("%s, text %d (-whole +cut):\n%s", name, i, diff)
					}
				})
			}
			all.Wait()
		}
	}
	if s := cache.Stats(); s.Hits == 0 {
		t.Error("no text was ever found in the cache")
	}
}
