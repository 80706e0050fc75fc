package server_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"

	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// stopped wants the server to have ended by itself, well before its drain timeout.
func (h *harness) stopped() {
	h.Helper()
	select {
	case err := <-h.done:
		h.done <- err // the harness looks too
	case <-time.After(5 * time.Second):
		h.Error("the server waits though no stream is open")
	}
}

// TestDrainBatch: the call of a model server that has no stream open does not
// keep the server, be it after some work or before any. One that has streams
// goes on until they end, and gets no new ones.
func TestDrainBatch(t *testing.T) {
	h := start(t, basePolicy, nil)
	rested, fresh, busy := h.batch(), h.batch(), h.batch()
	open := &weirv1.OpenStream{}
	rested.step(&entry{StreamId: 1, Open: open, Chunk: []byte("x"), Finish: true})
	fresh.step()
	busy.step(&entry{StreamId: 1, Open: open, Chunk: []byte("y")})

	watching, cancel := context.WithCancel(t.Context())
	health, err := healthv1.NewHealthClient(h.conn).Watch(watching, &healthv1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []healthv1.HealthCheckResponse_ServingStatus{healthv1.HealthCheckResponse_SERVING, healthv1.HealthCheckResponse_NOT_SERVING} {
		r, err := health.Recv()
		if err != nil || r.Status != want {
			t.Errorf("health is %v, %v, want %v", r, err, want)
		}
		h.stop()
	}
	cancel()

	for _, b := range []*batch{rested, fresh} {
		_, err := b.s.Recv()
		wantStatus(t, err, codes.Unavailable, "shutting down")
	}
	if got := busy.step(&entry{StreamId: 1, Chunk: []byte("es")}, &entry{StreamId: 2, Open: open}); got != "1 allow:3, 2 Unavailable" {
		t.Errorf("got %q while draining", got)
	}
	if got := busy.step(&entry{StreamId: 1, Chunk: []byte("!"), Finish: true}); got != "1 allow:4 final" {
		t.Errorf("got %q while draining", got)
	}
	_, err = busy.s.Recv()
	wantStatus(t, err, codes.Unavailable, "shutting down")
	h.stopped()
}

// TestDrainLate: a call whose last stream is halted between requests ends, too.
func TestDrainLate(t *testing.T) {
	h, model := startAsync(t, nil)
	b := h.batch()
	b.step(&entry{StreamId: 1, Open: &weirv1.OpenStream{}, Chunk: []byte("zzzz")})
	h.stop()
	model.steps <- struct{}{}
	r, err := b.s.Recv()
	if err != nil || !r.Late || len(r.Entries) != 1 || !r.Entries[0].Verdict.GetFinal() {
		t.Errorf("got %v, %v, want a late halt", r, err)
	}
	_, err = b.s.Recv()
	wantStatus(t, err, codes.Unavailable, "shutting down")
	h.stopped()
}
