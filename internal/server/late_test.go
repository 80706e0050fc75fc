package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/config"
	"github.com/seed-4f09bd3a/weir/internal/server"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// slowModel scores 1 for a stride with z in it and 0.5 for one with y, when it
// is let; on x it fails.
type slowModel struct {
	steps chan struct{} // a step waits for one
}

func (m *slowModel) Info() classifier.Info {
	return classifier.Info{Name: "slow", Version: "1", StrideRunes: 4, Labels: []policy.Category{policy.Sexual}}
}

func (m *slowModel) Step(ctx context.Context, batch []classifier.Step) error {
	for _, s := range batch {
		select {
		case <-m.steps:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.Scores[0] = 0
		for _, r := range s.Runes {
			switch r {
			case 'z':
				s.Scores[0] = 1
			case 'y':
				s.Scores[0] = max(s.Scores[0], 0.5)
			case 'x':
				return errors.New("out of order")
			}
		}
	}
	return nil
}

// startAsync serves a policy whose one detector is a model that runs behind.
func startAsync(t *testing.T, change func(*config.Config)) (*harness, *slowModel) {
	t.Helper()
	h := start(t, basePolicy, change)
	p, err := policy.Parse("async.yaml", []byte(`
version: 1
name: async
replacement: {en: stopped}
profiles:
  default:
    release: async
    fail: closed
    categories:
      sexual: {score: {flag: 0.4, halt: 0.75}}
`))
	if err != nil {
		t.Fatal(err)
	}
	m := &slowModel{steps: make(chan struct{}, 100)}
	b, err := classifier.NewBatcher(m, classifier.BatcherOptions{Timeout: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	snap, err := engine.NewSnapshot(engine.SnapshotConfig{Policy: p, Models: []classifier.Member{{Batcher: b}}})
	if err != nil {
		t.Fatal(err)
	}
	h.engine.Swap(snap)
	return h, m
}

// TestLateVerdicts: answers come between requests, and withdraw what was shown.
func TestLateVerdicts(t *testing.T) {
	h, model := startAsync(t, nil)
	m := h.moderate(&weirv1.OpenStream{}, "abcd")
	if v := m.recv().Verdict; v.ReleasedOffset != 4 || v.Action != weirv1.Action_ACTION_ALLOW {
		t.Errorf("got %v, want the text released unscored", v)
	}
	if v := m.write("yyyyzzzzabcd"); v.ReleasedOffset != 16 {
		t.Errorf("got %v", v)
	}
	model.steps <- struct{}{} // abcd: nothing to say
	model.steps <- struct{}{} // yyyy
	v := m.recv().Verdict
	if v.Action != weirv1.Action_ACTION_FLAG || len(v.Findings) != 1 || v.Findings[0].StartOffset != 4 || v.Final || v.RetractFromOffset != nil {
		t.Errorf("got %v, want a late flag", v)
	}
	model.steps <- struct{}{} // zzzz
	v = m.recv().Verdict
	if v.Action != weirv1.Action_ACTION_HALT || v.GetHaltOffset() != 8 || v.RetractFromOffset == nil || *v.RetractFromOffset != 8 || !v.Final {
		t.Errorf("got %v, want a late halt that retracts", v)
	}
	if _, err := m.s.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want the end", err)
	}
	h.openStreams(0)
	for _, want := range []string{`weir_retractions_total{profile="default"} 1`, "weir_retracted_bytes_sum 8"} {
		if !strings.Contains(h.scrape(), want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

// TestLateFinish: the last verdict waits for what runs behind.
func TestLateFinish(t *testing.T) {
	for _, how := range []string{"finish", "close the side"} {
		t.Run(how, func(t *testing.T) {
			h, model := startAsync(t, nil)
			m := h.moderate(&weirv1.OpenStream{}, "abcdzzzz")
			m.recv()
			if how == "finish" {
				m.send(&weirv1.ModerateRequest{Finish: true})
			} else if err := m.s.CloseSend(); err != nil {
				t.Fatal(err)
			}
			close(model.steps)
			if v := m.recv().Verdict; v.Action != weirv1.Action_ACTION_HALT || v.GetHaltOffset() != 4 || !v.Final {
				t.Errorf("got %v", v)
			}
		})
	}
}

func TestLateFailure(t *testing.T) {
	h, model := startAsync(t, nil)
	close(model.steps)
	m := h.moderate(&weirv1.OpenStream{}, "abcdx")
	m.recv()
	m.send(&weirv1.ModerateRequest{Chunk: []byte("bcdefgh")})
	for v := m.recv().Verdict; ; v = m.recv().Verdict {
		if !v.Final {
			continue
		}
		if n := len(v.Findings); v.Action != weirv1.Action_ACTION_HALT || n == 0 || v.Findings[n-1].Source != "engine:model:slow@1 failed" {
			t.Errorf("got %v, want a halt by the fail mode", v)
		}
		break
	}
	if want := `weir_detector_failures_total{profile="default",source="model:slow@1"} 1`; !strings.Contains(h.scrape(), want) {
		t.Errorf("metrics lack %s", want)
	}
}

// TestLateBatch: streams of one call report on their own, in responses that
// belong to no request.
func TestLateBatch(t *testing.T) {
	h, model := startAsync(t, nil)
	b := h.batch()
	open := &weirv1.OpenStream{}
	if got := b.step(&entry{StreamId: 1, Open: open, Chunk: []byte("abcd")}, &entry{StreamId: 2, Open: open, Chunk: []byte("abc")}); got != "1 allow:4, 2 allow:3" {
		t.Errorf("got %q", got)
	}
	model.steps <- struct{}{}
	if got := b.step(&entry{StreamId: 1, Chunk: []byte("zzzz")}, &entry{StreamId: 2, Chunk: []byte("de")}); got != "1 allow:8, 2 allow:5" {
		t.Errorf("got %q", got)
	}
	close(model.steps)
	late, err := b.s.Recv()
	if err != nil || !late.Late || describe(late) != "1 halt:8 final" || late.Entries[0].Verdict.GetRetractFromOffset() != 4 {
		t.Errorf("got %v, %v", late, err)
	}
	if got := b.step(&entry{StreamId: 2, Chunk: []byte("f"), Finish: true}); got != "2 allow:6 final" {
		t.Errorf("got %q", got)
	}
	h.openStreams(0)
}

// TestVanishingClientLate: the client goes away while a model still works on
// its streams; nobody reads the result.
func TestVanishingClientLate(t *testing.T) {
	h, _ := startAsync(t, func(c *config.Config) { c.Limits.IdleTimeout = 0 })
	for range 20 { // who wins the race differs
		conn := dial(t, h.conf.Unix.Path)
		client := weirv1.NewModerationServiceClient(conn)
		s, err := client.Moderate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		(&moderation{h, s}).send(&weirv1.ModerateRequest{Open: &weirv1.OpenStream{}, Chunk: []byte("zzzz")})
		bs, err := client.ModerateBatch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		(&batch{h, bs}).step(&entry{StreamId: 1, Open: &weirv1.OpenStream{}, Chunk: []byte("zzzz")})
		h.openStreams(2)
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
		h.openStreams(0)
	}
}

// TestIdleModel: a model that never answers does not keep a call for ever.
func TestIdleModel(t *testing.T) {
	h, _ := startAsync(t, func(c *config.Config) { c.Limits.IdleTimeout = 200 * time.Millisecond })
	m := h.moderate(&weirv1.OpenStream{}, "abcd")
	m.recv()
	m.send(&weirv1.ModerateRequest{Finish: true})
	m.fails(codes.DeadlineExceeded, "limits.idle_timeout")
	b := h.batch()
	b.step(&entry{StreamId: 1, Open: &weirv1.OpenStream{}, Chunk: []byte("abcd")})
	if err := b.s.CloseSend(); err != nil {
		t.Fatal(err)
	}
	_, err := b.s.Recv()
	wantStatus(t, err, codes.DeadlineExceeded, "limits.idle_timeout")
	h.openStreams(0)
}

// TestBatchSharesSteps: streams of one request that block on a model have their
// strides judged in common steps.
func TestBatchSharesSteps(t *testing.T) {
	h, model := startAsync(t, nil)
	for range cap(model.steps) {
		model.steps <- struct{}{}
	}
	var widest atomic.Int64
	b, err := classifier.NewBatcher(model, classifier.BatcherOptions{Workers: 1, Trace: &classifier.BatcherTrace{
		Stepped: func(streams int, _, _ time.Duration, _ error) {
			widest.Store(max(widest.Load(), int64(streams)))
			time.Sleep(5 * time.Millisecond) // the others of the request come meanwhile
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	p, err := policy.Parse("strict.yaml", []byte(`
version: 1
name: strict
replacement: {en: stopped}
profiles:
  default: {categories: {sexual: {score: {halt: 0.75}}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	snap, err := engine.NewSnapshot(engine.SnapshotConfig{Policy: p, Models: []classifier.Member{{Batcher: b}}})
	if err != nil {
		t.Fatal(err)
	}
	h.engine.Swap(snap)
	var entries []*entry
	var want []string
	for id := range uint64(40) {
		text, verdict := "abcd", "allow:4"
		if id%10 == 3 {
			text, verdict = "zbcd", "halt:0 final"
		}
		entries = append(entries, &entry{StreamId: id, Open: &weirv1.OpenStream{}, Chunk: []byte(text)})
		want = append(want, fmt.Sprintf("%d %s", id, verdict))
	}
	if got := h.batch().step(entries...); got != strings.Join(want, ", ") {
		t.Errorf("got %s", got)
	}
	if widest.Load() < 8 {
		t.Errorf("no step judged more than %d of 40 streams", widest.Load())
	}
}

// TestModelsAreSeen: status and metrics say which models judge, what runs them
// and what they do.
func TestModelsAreSeen(t *testing.T) {
	h, model := startAsync(t, nil)
	cache, err := classifier.NewCache(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cache.Close)
	h.metrics.Cache(cache)
	b, err := classifier.NewBatcher(model, classifier.BatcherOptions{Cache: cache, Trace: h.metrics.ModelTrace("slow")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	snap, err := engine.NewSnapshot(engine.SnapshotConfig{Policy: h.engine.Snapshot().Policy(), Models: []classifier.Member{{Batcher: b}}})
	if err != nil {
		t.Fatal(err)
	}
	h.engine.Swap(snap)
	model.steps <- struct{}{}
	for range 2 { // the second time it comes from the cache
		if _, err := h.client.Check(h.Context(), &weirv1.CheckRequest{Text: []byte("abcd")}); err != nil {
			t.Fatal(err)
		}
		cache.Settle()
	}
	s, err := h.admin.GetStatus(t.Context(), &weirv1.GetStatusRequest{})
	if err != nil || len(s.Models) != 1 || s.Models[0].Name != "slow" || s.Models[0].Version != "1" || s.Models[0].QueuedStreams != 0 {
		t.Errorf("status %v, %v", s.GetModels(), err)
	}
	w := httptest.NewRecorder()
	server.AdminHandler(h.metrics, h.server.Ready, false).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		`weir_model_info{model="slow",provider="",version="1"} 1`,
		`weir_model_steps_total{model="slow",result="ok"} 1`,
		`weir_model_batch_streams_sum{model="slow"} 1`,
		"weir_cache_hits_total 1", "weir_cache_misses_total 1",
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

// TestLateRace: whichever of a last chunk and a late finding comes first, the call
// ends well.
func TestLateRace(t *testing.T) {
	h, model := startAsync(t, nil)
	for i := range 200 { // who wins differs
		m := h.moderate(&weirv1.OpenStream{}, "abcd")
		m.recv()
		go func() { model.steps <- struct{}{} }()
		m.send(&weirv1.ModerateRequest{Finish: true})
		if v := m.recv().Verdict; !v.Final {
			t.Fatalf("%d: got %v", i, v)
		}
		if _, err := m.s.Recv(); !errors.Is(err, io.EOF) {
			t.Fatalf("%d: got %v, want the end", i, err)
		}
	}
	h.openStreams(0)
}
