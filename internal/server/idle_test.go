package server_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/seed-4f09bd3a/weir/internal/config"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// TestIdleBatch: a model server with nothing to do keeps its call; with a stream
// open, silence ends it.
func TestIdleBatch(t *testing.T) {
	h := start(t, basePolicy, func(c *config.Config) { c.Limits.IdleTimeout = 100 * time.Millisecond })
	b := h.batch()
	b.step(&entry{StreamId: 1, Open: &weirv1.OpenStream{}, Chunk: []byte("x"), Finish: true})
	time.Sleep(350 * time.Millisecond)
	if got := b.step(&entry{StreamId: 2, Open: &weirv1.OpenStream{}, Chunk: []byte("!")}); got != "2 allow:1" {
		t.Errorf("got %q after a pause", got)
	}
	_, err := b.s.Recv()
	wantStatus(t, err, codes.DeadlineExceeded, "limits.idle_timeout")
	h.openStreams(0)
}

// TestRestBeforeWork: a model server may open its call long before it has work.
func TestRestBeforeWork(t *testing.T) {
	h := start(t, basePolicy, func(c *config.Config) { c.Limits.IdleTimeout = 100 * time.Millisecond })
	b := h.batch()
	time.Sleep(350 * time.Millisecond)
	if got := b.step(&entry{StreamId: 1, Open: &weirv1.OpenStream{}, Chunk: []byte("x"), Finish: true}); got != "1 allow:1 final" {
		t.Errorf("got %q after a rest", got)
	}
}

// TestBatchThatIsNeverRead: as TestClientThatNeverReads, with many streams on
// the call, all of which are freed.
func TestBatchThatIsNeverRead(t *testing.T) {
	h := start(t, basePolicy, func(c *config.Config) { c.Limits.IdleTimeout = 500 * time.Millisecond })
	conn := dial(t, h.conf.Unix.Path, grpc.WithStaticStreamWindowSize(64<<10), grpc.WithStaticConnWindowSize(64<<10))
	defer conn.Close() //nolint:errcheck // the test ends
	ctx, cancel := context.WithCancel(t.Context())
	s, err := weirv1.NewModerationServiceClient(conn).ModerateBatch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r := &weirv1.ModerateBatchRequest{}
	for i := range uint64(20) {
		r.Entries = append(r.Entries, &entry{StreamId: i, Open: &weirv1.OpenStream{}})
	}
	if err := s.Send(r); err != nil {
		t.Fatal(err)
	}
	h.openStreams(20)
	for _, e := range r.Entries {
		e.Open, e.Chunk, e.Ask = nil, []byte(strings.Repeat("zz mild ", 8)), true
	}
	before := heap()
	sent, done := 0, make(chan struct{})
	go func() {
		defer close(done)
		for ; sent < 100_000 && s.Send(r) == nil; sent++ {
		}
	}()
	h.openStreams(0)
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	cancel()
	<-done
	if sent >= 100_000 {
		t.Error("the server took 100,000 steps from a client that reads nothing")
	}
	t.Logf("%d steps were taken", sent)
}
