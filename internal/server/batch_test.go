package server_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/seed-4f09bd3a/weir/internal/config"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

type entry = weirv1.ModerateBatchRequestEntry

// batch is one ModerateBatch call.
type batch struct {
	*harness
	s grpc.BidiStreamingClient[weirv1.ModerateBatchRequest, weirv1.ModerateBatchResponse]
}

func (h *harness) batch() *batch {
	h.Helper()
	s, err := h.client.ModerateBatch(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	return &batch{h, s}
}

// step sends one request and returns its answer as text: what a client acts on.
func (b *batch) step(entries ...*entry) string {
	b.Helper()
	if err := b.s.Send(&weirv1.ModerateBatchRequest{Entries: entries}); err != nil {
		b.Fatal(err)
	}
	r, err := b.s.Recv()
	if err != nil {
		b.Fatal(err)
	}
	if r.Late {
		b.Error("the answer to a request is marked late")
	}
	return describe(r)
}

func describe(r *weirv1.ModerateBatchResponse) string {
	var out []string
	for _, e := range r.Entries {
		s := fmt.Sprint(e.StreamId)
		if e.PromptVerdict != nil {
			s += " prompt:" + strings.ToLower(e.PromptVerdict.Action.String()[len("ACTION_"):])
		}
		if v := e.Verdict; v != nil {
			s += fmt.Sprintf(" %s:%d", strings.ToLower(v.Action.String()[len("ACTION_"):]), v.ReleasedOffset)
			if v.Final {
				s += " final"
			}
		}
		if e.Error != nil {
			s += " " + codes.Code(e.Error.Code).String()
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func TestBatchSteps(t *testing.T) {
	h := start(t, basePolicy, func(c *config.Config) { c.Limits.ChunkBytes = 20; c.Limits.BatchStreams = 4 })
	b := h.batch()
	open := &weirv1.OpenStream{}
	for i, step := range []struct {
		entries []*entry
		want    string
	}{
		{nil, ""},
		{[]*entry{{StreamId: 1, Open: open, Chunk: []byte("a ")}, {StreamId: 2, Open: open, Chunk: []byte("zz")}}, "1 allow:2"},
		{[]*entry{{StreamId: 1, Chunk: []byte("zzbo")}, {StreamId: 3, Open: open, Chunk: []byte("new"), Ask: true}}, "3 allow:3"},
		// One stream's mistakes are its own: an unknown profile, bytes before open,
		// open again, a chunk that is too long, two entries.
		{[]*entry{{StreamId: 4, Open: &weirv1.OpenStream{Profile: "nobody"}}, {StreamId: 5, Chunk: []byte("x")}, {StreamId: 1, Chunk: []byte("mber")}},
			"4 InvalidArgument, 5 FailedPrecondition, 1 allow:10"},
		{[]*entry{{StreamId: 3, Open: open}, {StreamId: 2, Chunk: []byte("bomb!")}}, "3 FailedPrecondition, 2 halt:0 final"},
		{[]*entry{{StreamId: 2, Chunk: []byte("after the halt")}}, "2 FailedPrecondition"},
		// Ids may be used again.
		{[]*entry{{StreamId: 2, Open: open, Chunk: []byte("again")}, {StreamId: 1, Chunk: make([]byte, 21)}}, "2 allow:5, 1 ResourceExhausted"},
		{[]*entry{{StreamId: 2, Chunk: []byte("a")}, {StreamId: 2, Chunk: []byte("b")}}, "2 allow:6, 2 InvalidArgument"},
		{[]*entry{{StreamId: 6, Open: open, Chunk: []byte("!")}, {StreamId: 7, Open: open, Chunk: []byte("y"), Finish: true}}, "6 allow:1, 7 allow:1 final"},
		{[]*entry{{StreamId: 6, Abort: true}, {StreamId: 99, Abort: true}}, ""},
		{[]*entry{{StreamId: 6, Chunk: []byte("x")}}, "6 FailedPrecondition"},
		{[]*entry{{StreamId: 8, Open: &weirv1.OpenStream{Prompt: []byte("zzbomb")}, Chunk: []byte("x")},
			{StreamId: 9, Open: &weirv1.OpenStream{Prompt: []byte("hi")}, Chunk: []byte("!")}}, "8 prompt:halt, 9 prompt:allow allow:1"},
		{[]*entry{{StreamId: 10, Open: open}, {StreamId: 11, Open: open}, {StreamId: 12, Open: open}, {StreamId: 13, Open: open}}, "13 ResourceExhausted"},
	} {
		if got := b.step(step.entries...); got != step.want {
			t.Errorf("step %d: got %q, want %q", i, got, step.want)
		}
	}
	h.openStreams(4)
	if err := b.s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	last, err := b.s.Recv()
	if err != nil || !last.Late || len(last.Entries) != 4 {
		t.Fatalf("got %v, %v, want the last verdicts of all texts", last, err)
	}
	for _, e := range last.Entries {
		if !e.Verdict.GetFinal() {
			t.Errorf("%v is not final", e)
		}
	}
	if _, err := b.s.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the end", err)
	}
	h.openStreams(0)
}

// TestNoCrossing: thousands of texts at once, each halted at a place of its own.
func TestNoCrossing(t *testing.T) {
	h := start(t, basePolicy, nil)
	const calls, streams = 8, 500
	var wait sync.WaitGroup
	for c := range calls {
		wait.Go(func() {
			s, err := h.client.ModerateBatch(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			// Stream i has i blanks-and-letters before its term, sent a few bytes at a time.
			texts := map[uint64]string{}
			halted := map[uint64]bool{}
			for i := range uint64(streams) {
				texts[i] = strings.Repeat("x ", int(i)%97+c) + "zzbomb ends"
			}
			for step := 0; len(halted) < streams; step++ {
				r := &weirv1.ModerateBatchRequest{}
				for i := range uint64(streams) {
					if halted[i] {
						continue
					}
					e := &entry{StreamId: i, Chunk: []byte(texts[i][min(step*16, len(texts[i])):min(step*16+16, len(texts[i]))])}
					if step == 0 {
						e.Open = &weirv1.OpenStream{}
					}
					r.Entries = append(r.Entries, e)
				}
				if err := s.Send(r); err != nil {
					t.Error(err)
					return
				}
				a, err := s.Recv()
				if err != nil {
					t.Error(err)
					return
				}
				for _, e := range a.Entries {
					if e.Verdict.GetAction() != weirv1.Action_ACTION_HALT {
						continue
					}
					halted[e.StreamId] = true
					if want := int64(2 * (int(e.StreamId)%97 + c)); e.Verdict.GetHaltOffset() != want || e.Verdict.ReleasedOffset != want {
						t.Errorf("stream %d of call %d halts at %d, want %d", e.StreamId, c, e.Verdict.GetHaltOffset(), want)
					}
				}
			}
		})
	}
	wait.Wait()
	h.openStreams(0)
}

// TestBatchAnswersAreWhole: answers are used again, so what one stream was told
// must not stand in the next one's.
func TestBatchAnswersAreWhole(t *testing.T) {
	if n := (&weirv1.Verdict{}).ProtoReflect().Descriptor().Fields().Len(); n != 13 {
		t.Errorf("Verdict has %d fields, not 13: does encoding.verdict write the new one too?", n)
	}
	if n := (&weirv1.ModerateBatchResponseEntry{}).ProtoReflect().Descriptor().Fields().Len(); n != 4 {
		t.Errorf("ModerateBatchResponseEntry has %d fields, not 4: does batchCall.next reset the new one too?", n)
	}
	h := start(t, basePolicy, nil)
	b := h.batch()
	open := &weirv1.OpenStream{Prompt: []byte("zz mild 13812345678")}
	send := func(e *entry) *weirv1.ModerateBatchResponseEntry {
		t.Helper()
		if err := b.s.Send(&weirv1.ModerateBatchRequest{Entries: []*entry{e}}); err != nil {
			t.Fatal(err)
		}
		r, err := b.s.Recv()
		if err != nil || len(r.Entries) != 1 {
			t.Fatalf("got %v, %v", r, err)
		}
		return r.Entries[0]
	}
	for range 3 {
		full := send(&entry{StreamId: 1, Open: open, Chunk: []byte("13812345678 zz mild zzbomb ")})
		if v := full.Verdict; full.PromptVerdict == nil || v.HaltOffset == nil || len(v.Findings) != 3 || len(v.Edits) != 1 || v.Replacement == "" {
			t.Fatalf("got %v", full)
		}
		if bad := send(&entry{StreamId: 2}); bad.Error == nil || bad.Verdict != nil {
			t.Fatalf("got %v", bad)
		}
		plain := send(&entry{StreamId: 3, Open: &weirv1.OpenStream{}, Chunk: []byte("plain")})
		v := plain.Verdict
		if plain.PromptVerdict != nil || plain.Error != nil || v == nil || v.Action != weirv1.Action_ACTION_ALLOW || v.HaltOffset != nil ||
			v.RetractFromOffset != nil || v.Findings != nil || v.Edits != nil || v.Replacement != "" || v.SnapshotVersion != "" || v.Final || v.Degraded {
			t.Errorf("got %v, with traces of another stream", plain)
		}
		send(&entry{StreamId: 3, Finish: true})
	}
}
