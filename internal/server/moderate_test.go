package server_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-4f09bd3a/weir/internal/config"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

func TestUnknownProfile(t *testing.T) {
	h := start(t, basePolicy, nil)
	h.moderate(&weirv1.OpenStream{Profile: "nobody"}, "x").fails(codes.InvalidArgument, "nobody", "default, lenient, slow, watch")
	_, err := h.client.Check(t.Context(), &weirv1.CheckRequest{Profile: "nobody"})
	wantStatus(t, err, codes.InvalidArgument, "nobody")
	h.openStreams(0)
}

func TestOpenComesFirstAndOnce(t *testing.T) {
	h := start(t, basePolicy, nil)
	h.moderate(nil, "text before open").fails(codes.FailedPrecondition, "first message", "open")
	m := h.moderate(&weirv1.OpenStream{}, "x")
	m.recv()
	m.send(&weirv1.ModerateRequest{Open: &weirv1.OpenStream{}})
	m.fails(codes.FailedPrecondition, "open already")
	empty, err := h.client.Moderate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := empty.CloseSend(); err != nil {
		t.Fatal(err)
	}
	(&moderation{h, empty}).fails(codes.FailedPrecondition, "open")
	h.openStreams(0)
}

// TestAnswersOnlyWhenSomethingChanged: a chunk that is held, or an empty one, is
// not answered unless asked for.
func TestAnswersOnlyWhenSomethingChanged(t *testing.T) {
	h := start(t, basePolicy, nil)
	m := h.moderate(&weirv1.OpenStream{}, "a ")
	if v := m.recv().Verdict; v.ReleasedOffset != 2 || v.Final {
		t.Errorf("got %v", v)
	}
	for _, chunk := range []string{"z", "", "z", "bom"} {
		m.send(&weirv1.ModerateRequest{Chunk: []byte(chunk)})
	}
	m.send(&weirv1.ModerateRequest{Chunk: []byte("ber")})
	if v := m.recv().Verdict; v.ReleasedOffset != 10 || v.ReceivedOffset != 10 {
		t.Errorf("got %v, want the first answer when the text is free", v)
	}
	if err := m.s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if v := m.recv().Verdict; !v.Final || v.Action != weirv1.Action_ACTION_ALLOW || v.SnapshotVersion == "" {
		t.Errorf("got %v, want a final verdict when the client closes its side", v)
	}
	if _, err := m.s.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the end", err)
	}
}

func TestWritesAfterAHalt(t *testing.T) {
	h := start(t, basePolicy, nil)
	m := h.moderate(&weirv1.OpenStream{Language: "zh"}, "zzbomb ")
	v := m.recv().Verdict
	if v.Action != weirv1.Action_ACTION_HALT || !v.Final || v.GetHaltOffset() != 0 || v.Replacement != "This answer was stopped." {
		t.Fatalf("got %v", v)
	}
	if _, err := m.s.Recv(); !errors.Is(err, io.EOF) {
		t.Fatalf("got %v, want the call to end with OK", err)
	}
	if err := m.s.Send(&weirv1.ModerateRequest{Chunk: []byte("more")}); !errors.Is(err, io.EOF) {
		t.Errorf("sending after the end: %v, want io.EOF", err)
	}
	h.openStreams(0)
}

func TestPrompt(t *testing.T) {
	h := start(t, basePolicy, nil)
	m := h.moderate(&weirv1.OpenStream{Prompt: []byte("tell me of 13812345678")}, "fine")
	if p := m.recv(); !p.Prompt || p.Verdict.Action != weirv1.Action_ACTION_REDACT || !p.Verdict.Final {
		t.Errorf("first comes %v, want the prompt's verdict", p)
	}
	if v := m.recv(); v.Prompt || v.Verdict.ReleasedOffset != 4 {
		t.Errorf("got %v", v)
	}
	m.send(&weirv1.ModerateRequest{Finish: true})
	m.recv()
	m = h.moderate(&weirv1.OpenStream{Prompt: []byte("zzbomb")}, "fine")
	if p := m.recv(); !p.Prompt || p.Verdict.Action != weirv1.Action_ACTION_HALT {
		t.Errorf("got %v", p)
	}
	if _, err := m.s.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the end after a prompt that halts", err)
	}
	r, err := h.client.Check(t.Context(), &weirv1.CheckRequest{Prompt: []byte("zzbomb"), Text: []byte("fine")})
	if err != nil || r.Verdict != nil || r.PromptVerdict.Action != weirv1.Action_ACTION_HALT {
		t.Errorf("Check: %v, %v", r, err)
	}
	h.openStreams(0)
}

func TestLimits(t *testing.T) {
	h := start(t, basePolicy, func(c *config.Config) {
		c.Limits.ChunkBytes, c.Limits.TextBytes, c.Limits.Streams = 100, 250, 2
	})
	h.moderate(&weirv1.OpenStream{}, strings.Repeat("x", 101)).
		fails(codes.ResourceExhausted, "101 bytes", "limit is 100", "limits.chunk_bytes")
	m := h.moderate(&weirv1.OpenStream{}, strings.Repeat("x", 100))
	for range 2 {
		m.send(&weirv1.ModerateRequest{Chunk: make([]byte, 100), Ask: true})
	}
	m.fails(codes.ResourceExhausted, "longer than 250 bytes", "limits.text_bytes", "not judged")
	_, err := h.client.Check(t.Context(), &weirv1.CheckRequest{Text: make([]byte, 251)})
	wantStatus(t, err, codes.ResourceExhausted, "limits.text_bytes")
	_, err = h.client.Check(t.Context(), &weirv1.CheckRequest{Prompt: make([]byte, 251)})
	wantStatus(t, err, codes.ResourceExhausted, "limits.text_bytes")
	h.openStreams(0)

	h.moderate(&weirv1.OpenStream{}, "one").recv()
	h.moderate(&weirv1.OpenStream{}, "two").recv()
	three := h.moderate(&weirv1.OpenStream{}, "three")
	_, err = three.s.Recv()
	wantStatus(t, err, codes.ResourceExhausted, "2 streams are open", "limits.streams")
	details := status.Convert(err).Details()
	if len(details) != 1 || details[0].(*errdetails.RetryInfo).RetryDelay.AsDuration() <= 0 {
		t.Errorf("details %v, want a RetryInfo", details)
	}
}

func TestMessageTooLarge(t *testing.T) {
	h := start(t, basePolicy, func(c *config.Config) { c.Limits.MessageBytes, c.Limits.ChunkBytes = 1000, 1000 })
	_, err := h.client.Check(t.Context(), &weirv1.CheckRequest{Text: make([]byte, 2000)})
	wantStatus(t, err, codes.ResourceExhausted)
}

// TestVanishingClient: a client that goes away without a word frees its streams.
func TestVanishingClient(t *testing.T) {
	h := start(t, basePolicy, nil)
	conn := dial(t, h.conf.Unix.Path)
	client := weirv1.NewModerationServiceClient(conn)
	for range 50 {
		s, err := client.Moderate(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Send(&weirv1.ModerateRequest{Open: &weirv1.OpenStream{}, Chunk: []byte("zzb"), Ask: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	b, err := client.ModerateBatch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Send(&weirv1.ModerateBatchRequest{Entries: []*weirv1.ModerateBatchRequestEntry{
		{StreamId: 1, Open: &weirv1.OpenStream{}}, {StreamId: 2, Open: &weirv1.OpenStream{}},
	}}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Recv(); err != nil {
		t.Fatal(err)
	}
	h.openStreams(52)
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	h.openStreams(0)
}

// TestIdle: a stream on which nothing happens ends, and says so.
func TestIdle(t *testing.T) {
	h := start(t, basePolicy, func(c *config.Config) { c.Limits.IdleTimeout = 100 * time.Millisecond })
	m := h.moderate(&weirv1.OpenStream{}, "a zzb")
	m.fails(codes.DeadlineExceeded, "limits.idle_timeout", "must not be shown")
	h.openStreams(0)
}

// TestClientThatNeverReads: the server stops at the client's flow control; it
// does not pile up answers, and frees the stream when it has been stuck for the
// idle timeout. (The client hears of it when it reads, or goes away.)
func TestClientThatNeverReads(t *testing.T) {
	h := start(t, basePolicy, func(c *config.Config) { c.Limits.IdleTimeout = 500 * time.Millisecond })
	conn := dial(t, h.conf.Unix.Path, grpc.WithStaticStreamWindowSize(64<<10), grpc.WithStaticConnWindowSize(64<<10))
	defer conn.Close() //nolint:errcheck // the test ends
	ctx, cancel := context.WithCancel(t.Context())
	s, err := weirv1.NewModerationServiceClient(conn).Moderate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send(&weirv1.ModerateRequest{Open: &weirv1.OpenStream{}}); err != nil {
		t.Fatal(err)
	}
	h.openStreams(1)
	before := heap()
	sent, done := 0, make(chan struct{})
	go func() {
		defer close(done)
		r := &weirv1.ModerateRequest{Chunk: []byte(strings.Repeat("zz mild ", 64)), Ask: true}
		for ; s.Send(r) == nil && sent < 1_000_000; sent++ {
		}
	}()
	h.openStreams(0)
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	cancel()
	<-done
	if sent >= 1_000_000 {
		t.Error("the server took a million chunks from a client that reads nothing")
	}
	t.Logf("%d chunks were taken", sent)
}

func TestDeadline(t *testing.T) {
	h := start(t, basePolicy, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s, err := h.client.Moderate(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m := &moderation{h, s}
	m.send(&weirv1.ModerateRequest{Open: &weirv1.OpenStream{}})
	m.fails(codes.DeadlineExceeded)
	h.openStreams(0)
}

// TestLongText: 100 MiB pass in constant memory if the limit allows, and are an
// error if it does not.
func TestLongText(t *testing.T) {
	if testing.Short() {
		t.Skip("100 MiB")
	}
	// Mostly empty lines: words take a minute under the race detector.
	chunk := []byte(strings.Repeat("a line of plain words, and some more of them"+strings.Repeat("\n", 980), 1<<10))
	pass := func(h *harness) (*weirv1.Verdict, error) {
		s, err := h.client.Moderate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		m := &moderation{h, s}
		m.send(&weirv1.ModerateRequest{Open: &weirv1.OpenStream{}})
		for range 100 {
			m.send(&weirv1.ModerateRequest{Chunk: chunk, Ask: true})
			if _, err := s.Recv(); err != nil {
				return nil, err
			}
		}
		m.send(&weirv1.ModerateRequest{Finish: true})
		r, err := s.Recv()
		return r.GetVerdict(), err
	}
	open := start(t, basePolicy, func(c *config.Config) { c.Limits.TextBytes = 0 })
	before := heap()
	v, err := pass(open)
	if err != nil || v.ReleasedOffset != int64(100*len(chunk)) || !v.Final {
		t.Fatalf("got %v, %v", v, err)
	}
	if grown := heap() - before; grown > 16<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	closed := start(t, basePolicy, func(c *config.Config) { c.Limits.TextBytes = 10 << 20 })
	_, err = pass(closed)
	wantStatus(t, err, codes.ResourceExhausted, "limits.text_bytes")
}

func heap() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}
