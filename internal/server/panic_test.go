package server_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/server"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// TestPanic: a call that panics fails alone, and its stream is freed.
func TestPanic(t *testing.T) {
	h := start(t, basePolicy, nil)
	h.broken.Store(true)
	h.moderate(&weirv1.OpenStream{}, "zz mild ").fails(codes.Internal, "server's log")
	b := h.batch()
	if err := b.s.Send(&weirv1.ModerateBatchRequest{Entries: []*entry{{StreamId: 1, Open: &weirv1.OpenStream{}, Chunk: []byte("zz mild ")}}}); err != nil {
		t.Fatal(err)
	}
	_, err := b.s.Recv()
	wantStatus(t, err, codes.Internal)
	_, err = h.client.Check(t.Context(), &weirv1.CheckRequest{Text: []byte("zz mild ")})
	wantStatus(t, err, codes.Internal)
	if v := h.moderate(&weirv1.OpenStream{}, "fine").recv().Verdict; v.ReleasedOffset != 4 {
		t.Errorf("got %v from the next stream", v)
	}
	h.openStreams(1)
	if log := h.log.String(); strings.Count(log, "panic in a call") != 3 || !strings.Contains(log, "engine.(*Stream)") || strings.Contains(log, secret) {
		t.Errorf("the log tells of panics wrongly:\n%s", log)
	}
	if !strings.Contains(h.scrape(), "weir_panics_total 3") {
		t.Error("panics are not counted")
	}
}

// TestLogFailures: a detector that fails on every stream is logged, not flooded.
func TestLogFailures(t *testing.T) {
	log, counted := &syncBuffer{}, 0
	trace := &engine.Trace{Failed: func(string, policy.Source, error) { counted++ }}
	server.LogFailures(trace, slog.New(slog.NewTextHandler(log, nil)))
	fail := func() {
		trace.Failed("default", policy.Source{Kind: policy.SourceModel, Name: "slow@1"}, errors.New("out of order"))
	}
	for range 10 {
		fail()
	}
	if n := strings.Count(log.String(), "detector failed"); n != 1 || counted != 10 {
		t.Errorf("10 failures: %d logged, %d counted", n, counted)
	}
	time.Sleep(1100 * time.Millisecond)
	fail()
	if n := strings.Count(log.String(), "detector failed"); n != 2 || !strings.Contains(log.String(), "not_logged=9") {
		t.Errorf("%d logged:\n%s", n, log)
	}
}

// TestPanicBeside: of parts that are judged side by side, one that panics fails
// alone.
func TestPanicBeside(t *testing.T) {
	h := start(t, basePolicy, nil)
	h.broken.Store(true)
	b := h.batch()
	for step := range uint64(3) { // with workers that were used before
		got := b.step(
			&entry{StreamId: 10 * step, Open: &weirv1.OpenStream{Prompt: []byte("zz mild ")}, Chunk: []byte("a ")},
			&entry{StreamId: 10*step + 1, Open: &weirv1.OpenStream{Prompt: []byte("fine")}, Chunk: []byte("b "), Finish: true},
		)
		if !strings.Contains(got, "Internal") || strings.Count(got, "Internal") != 1 || !strings.Contains(got, "final") {
			t.Fatalf("step %d: got %q", step, got)
		}
	}
	if log := h.log.String(); strings.Count(log, "panic in a call") != 3 || strings.Contains(log, secret) {
		t.Errorf("the log tells of panics wrongly:\n%s", log)
	}
}

// TestPanicLate: so does one between requests, where gRPC's interceptors see no panic.
func TestPanicLate(t *testing.T) {
	h, model := startAsync(t, nil)
	b := h.batch()
	b.step(&entry{StreamId: 1, Open: &weirv1.OpenStream{}, Chunk: []byte("zzzz")})
	h.broken.Store(true)
	model.steps <- struct{}{}
	_, err := b.s.Recv()
	wantStatus(t, err, codes.Internal, "server's log")
	h.openStreams(0)
	if log := h.log.String(); strings.Count(log, "panic in a call") != 1 || strings.Contains(log, secret) {
		t.Errorf("the log tells of the panic wrongly:\n%s", log)
	}
}
