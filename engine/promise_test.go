package engine_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unsafe"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/enginetest"
	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// outcome is what must not depend on how a text was cut.
type outcome struct {
	Action   policy.Action
	Released policy.Offset
	Scanned  policy.Offset
	Halt     policy.Offset
	Degraded bool
	Findings []policy.Finding
	Edits    []policy.Edit
}

// judge runs a text through a new stream, cut by next (a size of 0 is an empty
// chunk), and checks what every verdict promises: watermarks, and that no
// finding that blocks begins in what had been shown.
func judge(t testing.TB, e *engine.Engine, profile string, text []byte, next func() int) outcome {
	t.Helper()
	ctx := context.Background()
	s, err := e.Open(engine.StreamOptions{Profile: profile})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Abort()
	var (
		o        outcome
		released policy.Offset
	)
	take := func(v policy.Verdict) {
		if v.Released < released || v.Released > v.Scanned || v.Scanned > v.Received {
			t.Fatalf("watermarks %d ≤ %d ≤ %d do not hold or shrank from %d", v.Released, v.Scanned, v.Received, released)
		}
		for _, f := range v.Findings {
			if f.Action >= policy.Redact && f.Span.Start < released && v.RetractFrom == policy.NoOffset {
				t.Fatalf("%v begins at %d, but %d bytes had been released", f.Source, f.Span.Start, released)
			}
			if f.Action == policy.Halt && v.Released > f.Span.Start && v.RetractFrom == policy.NoOffset {
				t.Fatalf("%v halts at %d, but %d bytes are released", f.Source, f.Span.Start, v.Released)
			}
		}
		for _, edit := range v.Edits {
			if edit.Span.Start < released || edit.Span.End > v.Released || edit.Span.Start >= edit.Span.End {
				t.Fatalf("edit %v is not in what this verdict releases, [%d, %d)", edit.Span, released, v.Released)
			}
		}
		released = v.Released
		o.Action, o.Released, o.Scanned, o.Halt, o.Degraded = v.Action, v.Released, v.Scanned, v.HaltOffset, v.Degraded
		o.Findings, o.Edits = append(o.Findings, v.Findings...), append(o.Edits, v.Edits...)
	}
	for rest := text; len(rest) > 0 && o.Action != policy.Halt; {
		n := min(next(), len(rest))
		v, err := s.Write(ctx, rest[:n])
		if err != nil {
			t.Fatal(err)
		}
		take(v)
		rest = rest[n:]
	}
	if o.Action != policy.Halt {
		v, err := s.Close(ctx)
		if err != nil {
			t.Fatal(err)
		}
		take(v)
	}
	// Promise 1, from the outside: no byte of a finding that blocks is seen.
	for _, f := range o.Findings {
		if f.Action < policy.Redact {
			continue
		}
		for at := f.Span.Start; at < min(f.Span.End, o.Released); at++ {
			if !slices.ContainsFunc(o.Edits, func(e policy.Edit) bool { return e.Span.Start <= at && at < e.Span.End }) {
				t.Fatalf("byte %d of %v %v is shown", at, f.Source, f.Span)
			}
		}
	}
	return o
}

func same(t testing.TB, text []byte, how string, want, got outcome) {
	t.Helper()
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("text %q cut %s (-whole +cut):\n%s", text, how, diff)
	}
}

// FuzzRechunk is promises 1 and 2: any text, cut anywhere (inside runes too),
// has the same findings, edits, halt and release, and no byte of a match that
// blocks is ever released. Every execution tries the text whole, byte by byte,
// and eight random cuts, in each profile.
func FuzzRechunk(f *testing.F) {
	scripts, err := enginetest.Load("testdata")
	if err != nil {
		f.Fatal(err)
	}
	for i, s := range scripts {
		f.Add(s.Text(), uint64(i))
	}
	e := engine.New(load(f, "testdata/base.yaml"), engine.Options{})
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		if len(text) > 4096 {
			t.Skip("long texts only make this slow")
		}
		rechunk(t, e, text, seed, 8)
	})
}

func rechunk(t testing.TB, e *engine.Engine, text []byte, seed uint64, cuts int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, uint64(len(text))))
	for _, profile := range []string{"default", "watch", "slow", "lenient"} {
		want := judge(t, e, profile, text, func() int { return max(len(text), 1) })
		same(t, text, "byte by byte", want, judge(t, e, profile, text, func() int { return 1 }))
		for range cuts {
			most := 2 + rng.IntN(12)
			same(t, text, "at random", want, judge(t, e, profile, text, func() int { return rng.IntN(most) }))
		}
	}
}

// pieces are what random texts are made of: terms of the test pack whole, in
// part and disguised, numbers, and what stands between them.
var pieces = []string{
	"zzbomb", "zzbo", "mb", "zzbomberman", "bath ", "zzslur", "z.z-s", "l u r", "zzmake", "zzthing", "zz mild", "zzmilder word",
	"咔咔弹", "咔", "彈", "嗒嗒", "毒品", "か", "か\u3099", "が", "zzname", "zzterm-", "0001", " ", " ", ". ", "，", "\n", "the ", "a",
	"13812345678", "138 1234", " 5678", "4111 1111 1111 1111", "a.b@zz.org", "@", ".", "-", "1", "0", "\u200b", "\xff", "\xe4\xbd", "Ａ", "ﬁ", "５",
	"eyJhbGciOiJIUzI1NiJ9", "-----BEGIN", " PRIVATE KEY-----",
}

func randomText(rng *rand.Rand) []byte {
	var b strings.Builder
	for range 1 + rng.IntN(30) {
		b.WriteString(pieces[rng.IntN(len(pieces))])
	}
	return []byte(b.String())
}

// TestRechunk runs FuzzRechunk's property on texts rich in terms.
func TestRechunk(t *testing.T) {
	texts := 3000
	if testing.Short() {
		texts = 300
	}
	e := engine.New(load(t, "testdata/base.yaml"), engine.Options{})
	for seed := range uint64(texts) {
		rechunk(t, e, randomText(rand.New(rand.NewPCG(3, seed))), seed, 3)
	}
}

// TestFlatCost is promise 3: reading is linear in the text. It counts the work
// that could grow, which is allocations and the bytes a stream holds; the time
// is in BenchmarkWritePosition.
func TestFlatCost(t *testing.T) {
	e := engine.New(load(t, "testdata/base.yaml"), engine.Options{})
	s, err := e.Open(engine.StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Abort()
	chunk := []byte("plain words, 没有什么, and numbers 12 ")
	allocs := func() float64 {
		return testing.AllocsPerRun(1000, func() {
			if v, err := s.Write(context.Background(), chunk); err != nil || len(v.Findings) > 0 {
				t.Fatal(v, err)
			}
		})
	}
	if n := allocs(); n != 0 {
		t.Errorf("a clean chunk allocates %v times at the start", n)
	}
	for range 20000 {
		if _, err := s.Write(context.Background(), chunk); err != nil {
			t.Fatal(err)
		}
	}
	if n := allocs(); n != 0 {
		t.Errorf("a clean chunk allocates %v times after 900 KB", n)
	}
}

// TestStreamBytes pins the memory of a stream that StreamBytes states.
func TestStreamBytes(t *testing.T) {
	e := engine.New(load(t, "testdata/base.yaml"), engine.Options{})
	per := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s, err := e.Open(engine.StreamOptions{})
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.Write(context.Background(), []byte("some words, and more of them. ")); err != nil {
				b.Fatal(err)
			}
			s.Abort()
		}
	}).AllocedBytesPerOp()
	if per > engine.StreamBytes {
		t.Errorf("a stream takes %d bytes, StreamBytes says %d", per, engine.StreamBytes)
	}
	t.Logf("a stream takes %d bytes, %d of them engine.Stream", per, unsafe.Sizeof(engine.Stream{}))
}

// TestOrder: findings of one rune come in an order of their own, whatever
// detector was asked first.
func TestOrder(t *testing.T) {
	e := engine.New(load(t, "testdata/base.yaml"), engine.Options{})
	o := judge(t, e, "watch", []byte("嗒嗒毒品 zzbomb 13812345678."), func() int { return 5 })
	if !slices.IsSortedFunc(o.Findings, func(a, b policy.Finding) int {
		return cmp.Or(cmp.Compare(a.Span.Start, b.Span.Start), cmp.Compare(a.Category, b.Category))
	}) || len(o.Findings) != 4 {
		t.Errorf("got %v", fmt.Sprint(o.Findings))
	}
}
