package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// fake is a model that scores the share of the letter z in all runes so far
// that were z or y: a recurrent model one can compute in the head.
type fake struct {
	stride int
	hold   chan struct{} // if set, a step waits for it
	fail   atomic.Bool
	steps  atomic.Int64
}

func (f *fake) Info() classifier.Info {
	return classifier.Info{
		Name: "fake", Version: "1", StrideRunes: f.stride, StateLen: 2,
		Labels: []policy.Category{policy.Sexual, policy.SelfHarm},
	}
}

func (f *fake) Step(ctx context.Context, batch []classifier.Step) error {
	f.steps.Add(1)
	if f.hold != nil {
		select {
		case <-f.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if f.fail.Load() {
		return errors.New("out of order")
	}
	for i := range batch {
		s := &batch[i]
		for _, r := range s.Runes {
			switch r {
			case 'z':
				s.State[0]++
			case 'y':
				s.State[1]++
			case '!':
				panic("the model does not like this rune")
			}
		}
		s.Scores[0], s.Scores[1] = 0, 0
		if n := s.State[0] + s.State[1]; n > 0 {
			s.Scores[0] = s.State[0] / n
		}
	}
	return nil
}

func modelPolicy(release, fail string) []byte {
	return []byte(`
version: 1
name: models
replacement: {en: stopped}
redaction: {model: "(cut)"}
profiles:
  default:
    release: ` + release + `
    fail: ` + fail + `
    categories:
      sexual: {score: {flag: 0.3, halt: 0.75, sustain_runes: 8}}
      self_harm: {score: {redact: 0.5}}
`)
}

func modelEngine(t testing.TB, m classifier.Model, release, fail string, o engine.Options) *engine.Engine {
	t.Helper()
	return engine.New(compile(t, "models.yaml", modelPolicy(release, fail), m), o)
}

func TestStrictModel(t *testing.T) {
	e := modelEngine(t, &fake{stride: 4}, "strict", "closed", engine.Options{})
	// Strides: "abyz" 0.5, "zzzz" 5/6, "zzzz" 9/10: above halt for 8 runes at rune 12.
	text := []byte("abyzzzzzzzzz and the rest")
	want := judge(t, e, "default", text, func() int { return len(text) })
	if want.Action != policy.Halt || want.Halt != 4 || want.Released != 4 || want.Scanned != 12 {
		t.Errorf("got %+v, want a halt at 4 decided at 12", want)
	}
	if len(want.Findings) != 2 || want.Findings[0].Action != policy.Flag || want.Findings[1].Score != 0.9 || want.Findings[1].Threshold != 0.75 {
		t.Errorf("findings %+v", want.Findings)
	}
	for size := 1; size < 9; size++ {
		same(t, text, "evenly", want, judge(t, e, "default", text, func() int { return size }))
	}

	// Nothing unscored is released.
	s, err := e.Open(engine.StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Abort()
	for i, c := range []byte("abcdefghij") {
		v, err := s.Write(context.Background(), []byte{c})
		if err != nil || v.Released != policy.Offset((i+1)/4*4) {
			t.Errorf("after %d runes %d bytes are released, %v", i+1, v.Released, err)
		}
	}
	if v, err := s.Close(context.Background()); err != nil || v.Released != 10 {
		t.Errorf("after Close %d bytes are released, %v", v.Released, err)
	}
}

func TestAsyncModelRetracts(t *testing.T) {
	m := &fake{stride: 4, hold: make(chan struct{})}
	var lag int64
	e := modelEngine(t, m, "async", "closed", engine.Options{Trace: &engine.Trace{
		Retracted: func(_ string, bytes int64) { lag = bytes },
	}})
	s, err := e.Open(engine.StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Abort()
	v, err := s.Write(context.Background(), []byte("abcdzzzzzzzzefgh"))
	if err != nil || v.Released != 16 {
		t.Fatalf("async releases at once: got %d, %v", v.Released, err)
	}
	close(m.hold)
	var late policy.Verdict
	for late.Action != policy.Halt {
		<-s.Late()
		if late, err = s.Poll(); err != nil {
			t.Fatal(err)
		}
	}
	if late.HaltOffset != 4 || late.RetractFrom != 4 || late.Released != 16 || lag != 12 {
		t.Errorf("got %+v with lag %d, want a halt that retracts from 4", late, lag)
	}
}

func TestAsyncModelAtClose(t *testing.T) {
	e := modelEngine(t, &fake{stride: 4}, "async", "closed", engine.Options{})
	text := []byte("abcdzzzzzzzz")
	s, err := e.Open(engine.StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := s.Write(context.Background(), text[:11]); err != nil || v.Action == policy.Halt {
		t.Fatal(v, err)
	}
	v, err := s.Close(context.Background())
	if err != nil || v.Action == policy.Halt {
		t.Fatalf("7 runes are not sustained: %+v, %v", v, err)
	}
	v, err = e.Check(context.Background(), engine.StreamOptions{}, text)
	if err != nil || v.Action != policy.Halt || v.HaltOffset != 4 {
		t.Errorf("got %+v, %v, want Close to wait for the models", v, err)
	}
}

func TestObserveModel(t *testing.T) {
	e := modelEngine(t, &fake{stride: 4}, "observe", "closed", engine.Options{})
	v, err := e.Check(context.Background(), engine.StreamOptions{}, []byte("zzzzzzzzzzzz"))
	if err != nil || v.Action != policy.Flag || v.Released != 12 || v.RetractFrom != policy.NoOffset {
		t.Errorf("got %+v, %v", v, err)
	}
}

// TestFailModes: a model that fails, panics, hangs or scores nonsense ends in
// the fail mode, whatever the release mode.
func TestFailModes(t *testing.T) {
	for _, release := range []string{"strict", "async"} {
		for _, fail := range []string{"closed", "degraded", "open"} {
			for _, how := range []string{"error", "panic", "hang"} {
				t.Run(release+" "+fail+" "+how, func(t *testing.T) {
					m := &fake{stride: 4}
					text := "some text and more"
					switch how {
					case "error":
						m.fail.Store(true)
					case "panic":
						text = "oh no! and more of it"
					case "hang":
						m.hold = make(chan struct{})
					}
					failed := 0
					e := modelEngine(t, m, release, fail, engine.Options{Trace: &engine.Trace{
						Failed: func(_ string, source policy.Source, err error) {
							failed++
							if source.Name != "fake@1" || err == nil {
								t.Errorf("failure of %v: %v", source, err)
							}
						},
					}})
					ctx, cancel := context.WithCancel(context.Background())
					if how == "hang" {
						cancel()
					}
					defer cancel()
					v, err := e.Check(ctx, engine.StreamOptions{}, []byte(text))
					if err != nil {
						t.Fatal(err)
					}
					want := 1
					if how == "hang" {
						want = 0 // it was the caller who gave up
					}
					if failed != want {
						t.Errorf("the failure was traced %d times, want %d", failed, want)
					}
					if fail == "closed" {
						if v.Action != policy.Halt || v.Findings[0].Source.Kind != policy.SourceEngine ||
							!strings.Contains(v.Findings[0].Source.Name, "model:fake@1") {
							t.Errorf("got %+v, want a halt by the engine", v)
						}
						return
					}
					if v.Action != policy.Allow || !v.Degraded || int(v.Released) != len(text) {
						t.Errorf("got %+v, want everything released and degraded", v)
					}
				})
			}
		}
	}
}

// TestFailOpenAndDegraded differ in what the other detectors still do.
func TestFailOpenAndDegraded(t *testing.T) {
	for fail, want := range map[string]policy.Action{"degraded": policy.Redact, "open": policy.Allow} {
		data := string(modelPolicy("strict", fail)) + "      privacy: {severity: {redact: medium}}\n"
		m := &fake{stride: 4}
		m.fail.Store(true)
		e := engine.New(compile(t, "models.yaml", []byte(data), m), engine.Options{})
		v, err := e.Check(context.Background(), engine.StreamOptions{}, []byte("call 13812345678 now"))
		if err != nil || v.Action != want || !v.Degraded {
			t.Errorf("fail %s: got %+v, %v, want %v", fail, v, err, want)
		}
	}
}

func TestTrace(t *testing.T) {
	var got []string
	e := engine.New(load(t, "testdata/base.yaml"), engine.Options{Trace: &engine.Trace{
		Opened: func(p string) { got = append(got, "opened "+p) },
		Found:  func(_ string, f policy.Finding) { got = append(got, "found "+f.Source.String()) },
		Closed: func(_ string, v policy.Verdict, aborted bool) {
			if aborted {
				got = append(got, "aborted")
			} else {
				got = append(got, "closed "+v.Action.String())
			}
		},
	}})
	for _, text := range []string{"fine", "zzbomb."} {
		if _, err := e.Check(context.Background(), engine.StreamOptions{}, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := e.Open(engine.StreamOptions{Profile: "watch"})
	if err != nil {
		t.Fatal(err)
	}
	s.Abort()
	want := "opened default, closed allow, opened default, found lexicon:base-pack:7, closed halt, opened watch, aborted"
	if g := strings.Join(got, ", "); g != want {
		t.Errorf("got  %s\nwant %s", g, want)
	}
}

// TestScores: whoever asks gets every stride's scores.
func TestScores(t *testing.T) {
	e := modelEngine(t, &fake{stride: 4}, "strict", "closed", engine.Options{})
	var got []string
	_, err := e.Check(context.Background(), engine.StreamOptions{Scores: func(s engine.Stride) {
		got = append(got, fmt.Sprintf("%s %v %d %v", s.Model, s.Span, s.Runes, s.Scores))
	}}, []byte("abyz zz"))
	want := []string{"fake@1 {0 4} 4 [0.5 0]", "fake@1 {4 7} 3 [0.75 0]"}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// window is a model that scores the share of z in its window, for what a gate lets through.
type window struct{}

func (w *window) Info() classifier.Info {
	return classifier.Info{Name: "window", Version: "1", StrideRunes: 8, WindowRunes: 8, Labels: []policy.Category{policy.Sexual, policy.NoCategory}}
}

func (w *window) Step(_ context.Context, batch []classifier.Step) error {
	for i := range batch {
		batch[i].Scores[0] = float32(strings.Count(string(batch[i].Runes), "z")) / float32(len(batch[i].Runes))
		batch[i].Scores[1] = 1 // means nothing
	}
	return nil
}

// cascade opens an engine whose cheap model only opens the gate of a dear one.
func cascade(t testing.TB, release string) *engine.Engine {
	t.Helper()
	p, err := policy.Parse("models.yaml", modelPolicy(release, "closed"))
	if err != nil {
		t.Fatal(err)
	}
	var members []classifier.Member
	for _, m := range []classifier.Model{&fake{stride: 4}, &window{}} {
		b, err := classifier.NewBatcher(m, classifier.BatcherOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		members = append(members, classifier.Member{Batcher: b})
	}
	members[0].Judges = []policy.Category{policy.SelfHarm}
	members[1].Gate = &classifier.Gate{Member: 0, AtLeast: 0.3}
	snap, err := engine.NewSnapshot(engine.SnapshotConfig{Policy: p, Models: members})
	if err != nil {
		t.Fatal(err)
	}
	return engine.New(snap, engine.Options{})
}

// TestCascade: the cheap model's scores count for nothing but the gate.
func TestCascade(t *testing.T) {
	e := cascade(t, "strict")
	for text, want := range map[string]policy.Action{
		"abyzabcdabcdabcd": policy.Allow, // suspected, and found harmless
		"yyyyyyyyyyyyzzzz": policy.Allow, // 4 of 16: the gate stays shut
		"abyzzzzzabcdefgh": policy.Flag,  // 5 of 8
		"zzzzzzzzabcdefgh": policy.Halt,
	} {
		if v, err := e.Check(context.Background(), engine.StreamOptions{}, []byte(text)); err != nil || v.Action != want {
			t.Errorf("%s: got %v, %v, want %v", text, v.Action, err, want)
		}
	}
}

// FuzzModelRechunk: with models in the loop, a gated one among them, where the
// text is cut changes no finding, no edit and no halt, whether the stream waits
// for its models or not.
func FuzzModelRechunk(f *testing.F) {
	f.Add("abyzzzzzzzzz and the rest", uint64(1))
	f.Add("yyyyyyzz call 13812345678 zzzz", uint64(2))
	f.Add("zzzzzzzzzzzzzzzzzzzz\xff\xe4", uint64(3))
	engines := map[string]*engine.Engine{"strict": cascade(f, "strict"), "async": cascade(f, "async")}
	one := modelEngine(f, &fake{stride: 4}, "strict", "closed", engine.Options{})
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		if len(text) > 400 || strings.Contains(text, "!") {
			return
		}
		random := rand.New(rand.NewPCG(seed, 1))
		cut := func() int { return 1 + random.IntN(9) }
		whole := func() int { return len(text) }
		for name, e := range engines {
			if name == "async" {
				// What a stream that does not wait has released depends on timing, what it finds does not.
				want, err := e.Check(context.Background(), engine.StreamOptions{}, []byte(text))
				if err != nil {
					t.Fatal(err)
				}
				got := chunked(t, e, []byte(text), cut)
				if got.Action != want.Action || got.HaltOffset != want.HaltOffset {
					t.Errorf("async: got %v at %d, want %v at %d", got.Action, got.HaltOffset, want.Action, want.HaltOffset)
				}
				continue
			}
			same(t, []byte(text), "at random", judge(t, e, "default", []byte(text), whole), judge(t, e, "default", []byte(text), cut))
		}
		same(t, []byte(text), "at random, one model", judge(t, one, "default", []byte(text), whole), judge(t, one, "default", []byte(text), cut))
	})
}

// chunked writes text in chunks and returns the last verdict.
func chunked(t *testing.T, e *engine.Engine, text []byte, cut func() int) policy.Verdict {
	t.Helper()
	s, err := e.Open(engine.StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Abort()
	for len(text) > 0 {
		n := min(cut(), len(text))
		v, err := s.Write(context.Background(), text[:n])
		if err != nil {
			t.Fatal(err)
		}
		if v.Action == policy.Halt {
			return v
		}
		text = text[n:]
	}
	v, err := s.Close(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return v
}
