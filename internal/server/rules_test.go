package server_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/seed-4f09bd3a/weir/internal/config"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// twoProfiles writes a policy with a pack: zzmild is flagged, and halts a
// prompt; term halts.
func twoProfiles(t *testing.T, dir, term string) string {
	t.Helper()
	for name, text := range map[string]string{
		"pack.yaml": "version: 1\nname: own\nentries:\n" +
			"  - {term: zzmild, category: other, severity: low}\n  - {term: " + term + ", category: other, severity: high}\n",
		"policy.yaml": `
version: 1
name: own
packs: [pack.yaml]
replacement: {en: stopped, de: angehalten, de-at: aus}
profiles:
  default:
    prompt_profile: prompts
    categories: {other: {severity: {flag: low, halt: high}}, privacy: {severity: {redact: medium}}}
  prompts:
    categories: {other: {severity: {halt: low}}}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "policy.yaml")
}

// TestStreamsKeepTheirRules swaps rules all the time: the rules that gave a
// stream's first finding judge it to its end.
func TestStreamsKeepTheirRules(t *testing.T) {
	dir := t.TempDir()
	h := start(t, twoProfiles(t, dir, "zzone"), nil)
	halt := map[string]int64{h.engine.Snapshot().Version(): 0} // by snapshot, after the 24 bytes before the terms
	twoProfiles(t, dir, "zztwo")
	next, err := h.admin.Reload(t.Context(), &weirv1.ReloadRequest{})
	if err != nil || !next.Changed {
		t.Fatalf("got %v, %v", next, err)
	}
	halt[next.SnapshotVersion] = 6

	var (
		stop    atomic.Bool
		wait    sync.WaitGroup
		mu      sync.Mutex // guards the following
		counted = map[string]int{}
	)
	for range 6 {
		wait.Go(func() {
			for !stop.Load() {
				first, last, err := firstAndLast(h, "zzmild ", "and ", "so ", "on ", "and ", "on ", "zzone ", "zztwo ")
				if err != nil {
					t.Error(err)
					return
				}
				version := first.SnapshotVersion
				if want := 24 + halt[version]; last.SnapshotVersion != version || last.GetHaltOffset() != want {
					t.Errorf("began under %s and halted at %d under %s, want %d", version, last.GetHaltOffset(), last.SnapshotVersion, want)
				}
				mu.Lock()
				counted[version]++
				mu.Unlock()
			}
		})
	}
	for i := range 100 {
		twoProfiles(t, dir, []string{"zzone", "zztwo"}[i%2])
		if r, err := h.admin.Reload(t.Context(), &weirv1.ReloadRequest{}); err != nil || !r.Changed {
			t.Errorf("reload %d: %v, %v", i, r, err)
		}
	}
	stop.Store(true)
	wait.Wait()
	if len(counted) != 2 {
		t.Errorf("streams by snapshot: %v, want some under both", counted)
	}
	t.Logf("streams by snapshot: %v", counted)
	h.openStreams(0)
}

// firstAndLast writes chunks until a verdict is final.
func firstAndLast(h *harness, chunks ...string) (first, last *weirv1.Verdict, err error) {
	s, err := h.client.Moderate(h.Context())
	if err != nil {
		return nil, nil, err
	}
	for i, chunk := range chunks {
		r := &weirv1.ModerateRequest{Chunk: []byte(chunk), Ask: true, Finish: i == len(chunks)-1}
		if i == 0 {
			r.Open = &weirv1.OpenStream{}
		}
		if err := s.Send(r); err != nil {
			return nil, nil, err
		}
		a, err := s.Recv()
		if err != nil {
			return nil, nil, err
		}
		if last = a.Verdict; i == 0 {
			first = last
		}
		if last.Final {
			break
		}
	}
	if _, err := s.Recv(); !errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("after the final verdict: %w, want the end", err)
	}
	return first, last, nil
}

// TestPromptProfile: the prompt is judged by a profile of its own, whose verdict
// is in the language of the answer's.
func TestPromptProfile(t *testing.T) {
	h := start(t, twoProfiles(t, t.TempDir(), "zzterm"), nil)
	p := h.moderate(&weirv1.OpenStream{Prompt: []byte("zzmild"), Language: "de-CH"}, "").recv()
	if !p.Prompt || p.Verdict.Action != weirv1.Action_ACTION_HALT || p.Verdict.Replacement != "angehalten" {
		t.Errorf("got %v", p)
	}
	for language, want := range map[string]string{"": "stopped", "en-GB": "stopped", "de": "angehalten", "DE-at-1996": "aus", "fr": "stopped", "?": "stopped"} {
		r, err := h.client.Check(t.Context(), &weirv1.CheckRequest{Text: []byte("zzmild, zzterm"), Language: language})
		if err != nil || r.Verdict.GetHaltOffset() != 8 || r.Verdict.Replacement != want {
			t.Errorf("language %q: got %v, %v, want %q", language, r, err, want)
		}
	}
	// An empty prompt is one; none is none.
	r, err := h.client.Check(t.Context(), &weirv1.CheckRequest{Prompt: []byte{}})
	if err != nil || r.PromptVerdict.GetAction() != weirv1.Action_ACTION_ALLOW || !r.Verdict.GetFinal() {
		t.Errorf("an empty prompt: %v, %v", r, err)
	}
	if r, err = h.client.Check(t.Context(), &weirv1.CheckRequest{}); err != nil || r.PromptVerdict != nil || !r.Verdict.GetFinal() {
		t.Errorf("no prompt: %v, %v", r, err)
	}
}

// TestFindingsLimit: a verdict reports the first findings; its edits are whole,
// and the metrics count all.
func TestFindingsLimit(t *testing.T) {
	h := start(t, twoProfiles(t, t.TempDir(), "zzterm"), func(c *config.Config) { c.Limits.Findings = 3 })
	r, err := h.client.Check(t.Context(), &weirv1.CheckRequest{Text: []byte(strings.Repeat("zzmild 13812345678 ", 10))})
	if err != nil {
		t.Fatal(err)
	}
	if v := r.Verdict; len(v.Findings) != 3 || v.Findings[2].StartOffset != 19 || len(v.Edits) != 10 || v.Action != weirv1.Action_ACTION_REDACT {
		t.Errorf("%d findings and %d edits: %v", len(v.Findings), len(v.Edits), v)
	}
	for _, want := range []string{
		`weir_findings_total{action="flag",category="other",profile="default",source="lexicon"} 10`,
		`weir_findings_total{action="redact",category="privacy",profile="default",source="pattern"} 10`,
	} {
		if !strings.Contains(h.scrape(), want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

// TestProfileGone: a stream that asks for a profile which a reload has taken
// away is told what there is; those that have it go on.
func TestProfileGone(t *testing.T) {
	dir := t.TempDir()
	h := start(t, twoProfiles(t, dir, "zzterm"), nil)
	m := h.moderate(&weirv1.OpenStream{Profile: "prompts"}, "x")
	m.recv()
	policyFiles(t, dir, "zzterm")
	if _, err := h.admin.Reload(t.Context(), &weirv1.ReloadRequest{}); err != nil {
		t.Fatal(err)
	}
	h.moderate(&weirv1.OpenStream{Profile: "prompts"}, "x").fails(codes.InvalidArgument, "prompts", "default")
	if v := m.write(" zzmild "); v.Action != weirv1.Action_ACTION_HALT || v.GetHaltOffset() != 2 {
		t.Errorf("got %v from the stream that is open", v)
	}
}
