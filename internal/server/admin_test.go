package server_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"

	"github.com/seed-4f09bd3a/weir/internal/config"
	"github.com/seed-4f09bd3a/weir/internal/server"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// policyFiles writes a policy and its pack to a directory and returns the
// policy's path; term is the pack's one term.
func policyFiles(t *testing.T, dir, term string) string {
	t.Helper()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("pack.yaml", "version: 1\nname: own\nentries:\n  - {term: "+term+", category: other, severity: high}\n")
	write("policy.yaml", "version: 1\nname: own\npacks: [pack.yaml]\nreplacement: {en: stopped}\n"+
		"profiles: {default: {categories: {other: {severity: {halt: high}}}}}\n")
	return filepath.Join(dir, "policy.yaml")
}

// halts reports whether a text that is the term alone is halted.
func (h *harness) halts(term string) bool {
	h.Helper()
	r, err := h.client.Check(h.Context(), &weirv1.CheckRequest{Text: []byte(term)})
	if err != nil {
		h.Fatal(err)
	}
	return r.Verdict.Action == weirv1.Action_ACTION_HALT
}

// eventually waits for something that happens in the background.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for range 500 {
		if f() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("waited in vain: %s", what)
}

func TestReload(t *testing.T) {
	dir := t.TempDir()
	h := start(t, policyFiles(t, dir, "zzone"), nil)
	first := h.engine.Snapshot().Version()
	open := h.moderate(&weirv1.OpenStream{}, "still ")
	open.recv()

	same, err := h.admin.Reload(t.Context(), &weirv1.ReloadRequest{})
	if err != nil || same.Changed || same.SnapshotVersion != first {
		t.Errorf("nothing changed: got %v, %v", same, err)
	}
	policyFiles(t, dir, "zztwo")
	next, err := h.admin.Reload(t.Context(), &weirv1.ReloadRequest{})
	if err != nil || !next.Changed || next.OldSnapshotVersion != first || next.SnapshotVersion == first {
		t.Errorf("got %v, %v", next, err)
	}
	if h.halts("zzone") || !h.halts("zztwo") {
		t.Error("new streams do not have the new rules")
	}
	if v := open.write("zztwo zzone "); v.GetHaltOffset() != 12 || v.SnapshotVersion != first {
		t.Errorf("got %v: the open stream lost its rules", v)
	}

	// A reload with mistakes changes nothing and tells all of them.
	policyFiles(t, dir, "zzthree, severty: low")
	_, err = h.admin.Reload(t.Context(), &weirv1.ReloadRequest{})
	wantStatus(t, err, codes.FailedPrecondition, "old rules stay", "pack.yaml:4", "severty", "severity?")
	s, err := h.admin.GetStatus(t.Context(), &weirv1.GetStatusRequest{})
	if err != nil || !strings.Contains(s.ReloadError, "severty") || s.SnapshotVersion != next.SnapshotVersion {
		t.Errorf("status %v, %v", s, err)
	}
	if !h.halts("zztwo") {
		t.Error("the old rules are gone")
	}
	if m := h.scrape(); !strings.Contains(m, `weir_reloads_total{result="failed"} 1`) || !strings.Contains(m, `weir_reloads_total{result="changed"} 1`) {
		t.Error("reloads are not counted")
	}
}

// TestReloadUnderLoad swaps rules while streams run; the race detector watches.
func TestReloadUnderLoad(t *testing.T) {
	dir := t.TempDir()
	h := start(t, policyFiles(t, dir, "zzone"), nil)
	var stop atomic.Bool
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for !stop.Load() {
				r, err := h.client.Check(t.Context(), &weirv1.CheckRequest{Text: []byte("some text, zzone and zztwo")})
				if err != nil || r.Verdict.Action != weirv1.Action_ACTION_HALT {
					t.Errorf("got %v, %v", r, err)
					return
				}
			}
		})
	}
	for i := range 50 {
		policyFiles(t, dir, []string{"zzone", "zztwo"}[i%2])
		if _, err := h.admin.Reload(t.Context(), &weirv1.ReloadRequest{}); err != nil {
			t.Error(err)
		}
	}
	stop.Store(true)
	wait.Wait()
}

func TestWatch(t *testing.T) {
	watch := func(t *testing.T, h *harness) {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- h.reload.Watch(ctx) }()
		t.Cleanup(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		time.Sleep(50 * time.Millisecond) // let it begin to watch
	}
	t.Run("written", func(t *testing.T) {
		dir := t.TempDir()
		h := start(t, policyFiles(t, dir, "zzone"), nil)
		watch(t, h)
		policyFiles(t, dir, "zztwo")
		eventually(t, "new rules", func() bool { return h.halts("zztwo") })
	})
	t.Run("renamed", func(t *testing.T) {
		dir, other := t.TempDir(), t.TempDir()
		h := start(t, policyFiles(t, dir, "zzone"), nil)
		watch(t, h)
		policyFiles(t, other, "zztwo")
		if err := os.Rename(filepath.Join(other, "pack.yaml"), filepath.Join(dir, "pack.yaml")); err != nil {
			t.Fatal(err)
		}
		eventually(t, "new rules", func() bool { return h.halts("zztwo") })
	})
	// Kubernetes mounts files as links to ..data/NAME, and swaps the link ..data.
	t.Run("kubernetes", func(t *testing.T) {
		dir := t.TempDir()
		version := func(name, term string) {
			if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
				t.Fatal(err)
			}
			policyFiles(t, filepath.Join(dir, name), term)
			tmp := filepath.Join(dir, "..data_tmp")
			if err := os.Symlink(name, tmp); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(tmp, filepath.Join(dir, "..data")); err != nil {
				t.Fatal(err)
			}
		}
		version("..1", "zzone")
		for _, f := range []string{"policy.yaml", "pack.yaml"} {
			if err := os.Symlink(filepath.Join("..data", f), filepath.Join(dir, f)); err != nil {
				t.Fatal(err)
			}
		}
		h := start(t, filepath.Join(dir, "policy.yaml"), nil)
		watch(t, h)
		version("..2", "zztwo")
		eventually(t, "new rules", func() bool { return h.halts("zztwo") })
	})
}

// TestDrain: open streams finish, new ones are refused, health says so, and
// what is left at the timeout ends.
func TestDrain(t *testing.T) {
	h := start(t, basePolicy, func(c *config.Config) { c.DrainTimeout = 2 * time.Second })
	health := healthv1.NewHealthClient(h.conn)
	state := func() healthv1.HealthCheckResponse_ServingStatus {
		r, err := health.Check(t.Context(), &healthv1.HealthCheckRequest{Service: "weir.v1.ModerationService"})
		if err != nil {
			return healthv1.HealthCheckResponse_UNKNOWN
		}
		return r.Status
	}
	if state() != healthv1.HealthCheckResponse_SERVING || !h.server.Ready() {
		t.Error("not serving")
	}
	finishes, stays := h.moderate(&weirv1.OpenStream{}, "a "), h.moderate(&weirv1.OpenStream{}, "b ")
	finishes.recv()
	stays.recv()
	h.stop()
	eventually(t, "draining", func() bool { return !h.server.Ready() })
	if v := finishes.write("and on"); v.ReceivedOffset != 8 {
		t.Errorf("an open stream: %v", v)
	}
	finishes.send(&weirv1.ModerateRequest{Finish: true})
	if v := finishes.recv().Verdict; !v.Final {
		t.Errorf("got %v", v)
	}
	_, err := h.client.Check(t.Context(), &weirv1.CheckRequest{Text: []byte("x")})
	wantStatus(t, err, codes.Unavailable)
	stays.fails(codes.Unavailable)
	if !strings.Contains(h.log.String(), "drain timeout") {
		t.Error("the drain timeout is not logged")
	}
}

func TestStatusAndReflection(t *testing.T) {
	h := start(t, "", nil)
	s, err := h.admin.GetStatus(t.Context(), &weirv1.GetStatusRequest{})
	if err != nil || s.Version != "test" || len(s.Profiles) != 4 || len(s.Packs) != 3 || s.Packs[0].Entries == 0 || s.LexiconBytes == 0 {
		t.Errorf("got %v, %v", s, err)
	}
	snap, err := h.admin.GetSnapshot(t.Context(), &weirv1.GetSnapshotRequest{})
	if err != nil || snap.SnapshotVersion != s.SnapshotVersion || snap.Policy != "weir-default" {
		t.Errorf("got %v, %v", snap, err)
	}
	r, err := reflectionv1.NewServerReflectionClient(h.conn).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}); err != nil {
		t.Fatal(err)
	}
	list, err := r.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range list.GetListServicesResponse().GetService() {
		names = append(names, s.Name)
	}
	for _, want := range []string{"weir.v1.ModerationService", "weir.v1.AdminService", "grpc.health.v1.Health"} {
		if !strings.Contains(strings.Join(names, " "), want) {
			t.Errorf("reflection lists %v, not %s", names, want)
		}
	}
	if err := r.CloseSend(); err != nil {
		t.Error(err)
	}
	for _, err = r.Recv(); err == nil; _, err = r.Recv() {
	}
}

// scrape returns the metrics page.
func (h *harness) scrape() string {
	w := httptest.NewRecorder()
	server.AdminHandler(h.metrics, h.server.Ready, false).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return w.Body.String()
}

func TestAdminPages(t *testing.T) {
	h := start(t, basePolicy, nil)
	ready := true
	for _, c := range []struct {
		path     string
		profiles bool
		ready    bool
		want     int
	}{
		{"/healthz", false, true, 200}, {"/healthz", false, false, 200}, {"/readyz", false, true, 200}, {"/readyz", false, false, 503},
		{"/metrics", false, true, 200}, {"/debug/pprof/", false, true, 404}, {"/debug/pprof/", true, true, 200}, {"/", false, true, 404},
	} {
		ready = c.ready
		w := httptest.NewRecorder()
		server.AdminHandler(h.metrics, func() bool { return ready }, c.profiles).
			ServeHTTP(w, httptest.NewRequest(http.MethodGet, c.path, nil))
		if w.Code != c.want {
			t.Errorf("%s with profiles %t, ready %t: %d, want %d", c.path, c.profiles, c.ready, w.Code, c.want)
		}
	}
}

// TestNoText: what users wrote is in no log, metric, error or explanation.
func TestNoText(t *testing.T) {
	const marker = "qqmarkerqq"
	h := start(t, basePolicy, func(c *config.Config) { c.Limits.ChunkBytes = 1000 })
	var told []string
	m := h.moderate(&weirv1.OpenStream{Prompt: []byte(marker + " zz mild")}, marker+" 13812345678 ")
	for range 2 {
		for _, f := range m.recv().Verdict.Findings {
			told = append(told, f.Explanation, f.Source)
		}
	}
	v := m.write("zzbomb " + marker)
	for _, f := range v.Findings {
		told = append(told, f.Explanation, f.Source)
	}
	if v.Action != weirv1.Action_ACTION_HALT || len(told) < 6 {
		t.Fatalf("got %v and %q", v, told)
	}
	for _, open := range []*weirv1.OpenStream{nil, {Profile: "nobody"}, {}} {
		bad := h.moderate(open, strings.Repeat(marker, 101))
		_, err := bad.s.Recv()
		for err == nil {
			_, err = bad.s.Recv()
		}
		told = append(told, err.Error())
	}
	for what, text := range map[string]string{"log": h.log.String(), "metrics": h.scrape(), "answers": strings.Join(told, "\n")} {
		if strings.Contains(text, marker) {
			t.Errorf("the %s hold text of users:\n%s", what, text)
		}
	}
	for _, want := range []string{
		`weir_findings_total{action="halt",category="violence",profile="default",source="lexicon"} 1`,
		`weir_findings_total{action="redact",category="privacy",profile="default",source="pattern"} 1`,
		`weir_streams_ended_total{action="halt",end="halted",profile="default"} 1`, `weir_streams_open{profile="default"} 0`,
		"weir_write_seconds_count", "weir_info{", "weir_holdback_bytes_count",
		`grpc_server_handled_total{grpc_code="OK",grpc_method="Moderate"`,
	} {
		if !strings.Contains(h.scrape(), want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if strings.Contains(h.scrape(), "grpc_server_msg_") {
		t.Error("metrics have counters of messages, which nobody counts")
	}
}
