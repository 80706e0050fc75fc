package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

// slowModel halts on the letter z, when it is told to go on.
type slowModel struct{ next chan struct{} }

func (m *slowModel) Info() classifier.Info {
	return classifier.Info{Name: "slow", Version: "1", StrideRunes: 4, StateLen: 1, Labels: []policy.Category{policy.Sexual}}
}

func (m *slowModel) Step(ctx context.Context, batch []classifier.Step) error {
	select {
	case <-m.next:
	case <-ctx.Done():
		return ctx.Err()
	}
	for i := range batch {
		batch[i].Scores[0] = 0
		if strings.ContainsRune(string(batch[i].Runes), 'z') {
			batch[i].Scores[0] = 1
		}
	}
	return nil
}

// TestProxyRetracts: in release mode async text is shown at once, and what a model
// finds later ends the stream while the upstream is silent, with the offset from
// which the text is withdrawn.
func TestProxyRetracts(t *testing.T) {
	p, err := policy.Parse("async.yaml", []byte(`
version: 1
name: async
replacement: {en: stopped}
profiles:
  default:
    release: async
    fail: closed
    categories:
      sexual: {score: {halt: 0.5}}
`))
	if err != nil {
		t.Fatal(err)
	}
	m := &slowModel{next: make(chan struct{})}
	b, err := classifier.NewBatcher(m, classifier.BatcherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	snapshot, err := engine.NewSnapshot(engine.SnapshotConfig{Policy: p, Models: []classifier.Member{{Batcher: b}}})
	if err != nil {
		t.Fatal(err)
	}
	u := serve(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		sse(w, r, data(delta(`{"content":"abcdefgz and so on"}`)), "wait")
	})
	s, _ := proxy(t, u, func(o *gateway.ProxyOptions) {
		o.Guard = &gateway.Guard{Engine: engine.New(snapshot, engine.Options{})}
		o.Stall = time.Minute
	})
	resp := post(t, s, chatPath, `{"messages":[],"stream":true}`)
	first := make([]byte, len(data(delta(`{"content":"abcdefgz and so on"}`))))
	if _, err := io.ReadFull(resp.Body, first); err != nil || !bytes.Contains(first, []byte("abcdefgz and so on")) {
		t.Fatalf("async shows text at once: got %s, %v", first, err)
	}
	close(m.next)
	rest, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	list, ended := events(t, rest)
	if len(list) != 1 || !ended || dig(list[0], "choices", 0, "finish_reason") != "content_filter" || dig(list[0], "choices", 0, "content_filter_offsets", "start_offset") != 4.0 {
		out, _ := json.Marshal(list)
		t.Errorf("got %s, want a halt that withdraws from byte 4", out)
	}
	select {
	case <-u.cancelled:
	case <-time.After(5 * time.Second):
		t.Error("the upstream goes on")
	}
}
