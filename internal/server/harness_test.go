package server_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/config"
	"github.com/seed-4f09bd3a/weir/internal/server"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const basePolicy = "../../engine/testdata/base.yaml"

// syncBuffer is a log that may be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// secret stands for text of users in the value of a panic.
const secret = "qqsecretqq"

// harness is a server on a Unix socket.
type harness struct {
	*testing.T
	conf    config.Config
	engine  *engine.Engine
	reload  *config.Reloader
	metrics *server.Metrics
	server  *server.Server
	log     *syncBuffer
	conn    *grpc.ClientConn
	client  weirv1.ModerationServiceClient
	admin   weirv1.AdminServiceClient
	broken  atomic.Bool        // every finding panics with secret
	stop    context.CancelFunc // begins to drain
	done    chan error
}

// start serves a policy; change may adapt the configuration.
func start(t *testing.T, policyFile string, change func(*config.Config)) *harness {
	t.Helper()
	h := &harness{T: t, conf: config.Default(), log: &syncBuffer{}, done: make(chan error, 1)}
	h.conf.Listen, h.conf.Unix.Path = "", filepath.Join(t.TempDir(), "s")
	if change != nil {
		change(&h.conf)
	}
	snap, files, err := config.LoadSnapshot(policyFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	h.metrics = server.NewMetrics("test", func() *engine.Snapshot { return h.engine.Snapshot() })
	trace := h.metrics.Trace()
	found := trace.Found
	trace.Found = func(profile string, f policy.Finding) {
		if h.broken.Load() {
			panic(secret)
		}
		found(profile, f)
	}
	h.engine = engine.New(snap, engine.Options{Trace: trace})
	log := slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h.reload = config.NewReloader(h.engine, policyFile, files, log, h.metrics.Reloaded)
	h.server, err = server.New(server.Options{
		Config: h.conf, Engine: h.engine, Reload: h.reload, Metrics: h.metrics, Log: log, Version: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := server.Listen(&h.conf, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	h.stop = cancel
	go func() { h.done <- h.server.Serve(ctx, listeners...) }()
	h.conn = dial(t, h.conf.Unix.Path)
	h.client, h.admin = weirv1.NewModerationServiceClient(h.conn), weirv1.NewAdminServiceClient(h.conn)
	t.Cleanup(func() {
		_ = h.conn.Close()
		cancel()
		select {
		case err := <-h.done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the server did not stop")
		}
	})
	return h
}

func dial(t *testing.T, socket string, o ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("unix:"+socket, append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64 << 20)),
	}, o...)...)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// moderate opens a stream with its first request.
func (h *harness) moderate(open *weirv1.OpenStream, chunk string) *moderation {
	h.Helper()
	s, err := h.client.Moderate(h.Context())
	if err != nil {
		h.Fatal(err)
	}
	m := &moderation{h, s}
	m.send(&weirv1.ModerateRequest{Open: open, Chunk: []byte(chunk), Ask: true})
	return m
}

type moderation struct {
	*harness
	s grpc.BidiStreamingClient[weirv1.ModerateRequest, weirv1.ModerateResponse]
}

func (m *moderation) send(r *weirv1.ModerateRequest) {
	m.Helper()
	if err := m.s.Send(r); err != nil && !errors.Is(err, io.EOF) {
		m.Fatal(err)
	}
}

func (m *moderation) recv() *weirv1.ModerateResponse {
	m.Helper()
	r, err := m.s.Recv()
	if err != nil {
		m.Fatal(err)
	}
	return r
}

// write asks for a verdict on a chunk.
func (m *moderation) write(chunk string) *weirv1.Verdict {
	m.Helper()
	m.send(&weirv1.ModerateRequest{Chunk: []byte(chunk), Ask: true})
	return m.recv().Verdict
}

// fails wants the call to end with a code and a message that says all of want.
func (m *moderation) fails(code codes.Code, want ...string) {
	m.Helper()
	for {
		_, err := m.s.Recv()
		if err == nil {
			continue
		}
		wantStatus(m.T, err, code, want...)
		return
	}
}

func wantStatus(t *testing.T, err error, code codes.Code, want ...string) {
	t.Helper()
	if status.Code(err) != code {
		t.Fatalf("got %v, want %v", err, code)
	}
	for _, w := range want {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

// openStreams waits until the server counts n streams.
func (h *harness) openStreams(n int64) {
	h.Helper()
	var got int64
	for range 500 {
		s, err := h.admin.GetStatus(h.Context(), &weirv1.GetStatusRequest{})
		if err != nil {
			h.Fatal(err)
		}
		if got = s.OpenStreams; got == n {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.Fatalf("%d streams are open, want %d", got, n)
}

// fromWire turns a verdict back into the engine's.
func fromWire(t *testing.T, v *weirv1.Verdict) policy.Verdict {
	t.Helper()
	out := policy.Verdict{
		Action:   policy.Action(v.Action - weirv1.Action_ACTION_ALLOW),
		Released: policy.Offset(v.ReleasedOffset), Scanned: policy.Offset(v.ScannedOffset), Received: policy.Offset(v.ReceivedOffset),
		HaltOffset: policy.NoOffset, RetractFrom: policy.NoOffset, Degraded: v.Degraded,
	}
	if v.HaltOffset != nil {
		out.HaltOffset = policy.Offset(*v.HaltOffset)
	}
	if v.RetractFromOffset != nil {
		out.RetractFrom = policy.Offset(*v.RetractFromOffset)
	}
	if v.HoldbackBytes != v.ReceivedOffset-v.ReleasedOffset {
		t.Errorf("holdback_bytes is %d of %d received and %d released", v.HoldbackBytes, v.ReceivedOffset, v.ReleasedOffset)
	}
	for _, f := range v.Findings {
		c, err := policy.ParseCategory(f.Category)
		if err != nil {
			t.Error(err)
		}
		out.Findings = append(out.Findings, policy.Finding{
			Category: c, Severity: policy.Severity(f.Severity), Action: policy.Action(f.Action - weirv1.Action_ACTION_ALLOW),
			Score: f.Score, Threshold: f.Threshold, Source: source(t, f.Source),
			Span: policy.Span{Start: policy.Offset(f.StartOffset), End: policy.Offset(f.EndOffset)},
		})
		if f.Explanation == "" {
			t.Error("a finding has no explanation")
		}
	}
	for _, e := range v.Edits {
		out.Edits = append(out.Edits, policy.Edit{
			Span: policy.Span{Start: policy.Offset(e.StartOffset), End: policy.Offset(e.EndOffset)}, Replacement: e.Replacement,
		})
	}
	return out
}

func source(t *testing.T, s string) policy.Source {
	t.Helper()
	kind, name, _ := strings.Cut(s, ":")
	switch kind {
	case "pattern":
		return policy.Source{Kind: policy.SourcePattern, Name: name}
	case "lexicon":
		i := strings.LastIndexByte(name, ':')
		line, err := strconv.ParseInt(name[i+1:], 10, 32)
		if err != nil {
			t.Error(err)
		}
		return policy.Source{Kind: policy.SourceLexicon, Name: name[:i], Line: int32(line)}
	}
	t.Errorf("source %q", s)
	return policy.Source{}
}
