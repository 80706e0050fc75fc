package config_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/internal/config"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// policyWith is a policy with one pack, whose halt depends on severity.
func policyWith(name, severity string) string {
	return "version: 1\nname: " + name + "\npacks: [pack.yaml]\nreplacement: {en: stopped}\n" +
		"profiles:\n  default:\n    categories:\n      violence: {severity: {halt: " + severity + "}}\n"
}

func packWith(term string) string {
	return "version: 1\nname: mine\ndescription: invented\nlicence: Apache-2.0\nsource: a test\n" +
		"entries:\n  - term: " + term + "\n    category: violence\n    severity: high\n"
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// replace is what editors and deployments do: write beside, then rename.
func replace(t *testing.T, path, content string) {
	t.Helper()
	write(t, path+".tmp", content)
	if err := os.Rename(path+".tmp", path); err != nil {
		t.Fatal(err)
	}
}

// rules writes a policy and its pack and loads them.
func rules(t *testing.T) (dir string, e *engine.Engine, files []string) {
	t.Helper()
	dir = t.TempDir()
	write(t, filepath.Join(dir, "policy.yaml"), policyWith("first", "high"))
	write(t, filepath.Join(dir, "pack.yaml"), packWith("zzterm"))
	snap, files, err := config.LoadSnapshot(filepath.Join(dir, "policy.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return dir, engine.New(snap, engine.Options{}), files
}

// journal collects what a reloader did.
type journal struct {
	mu      sync.Mutex
	log     bytes.Buffer
	results []string
	news    chan struct{}
}

func newJournal() *journal { return &journal{news: make(chan struct{}, 100)} }

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.log.Write(p)
}

func (j *journal) done(changed bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case err != nil:
		j.results = append(j.results, "failed")
	case changed:
		j.results = append(j.results, "changed")
	default:
		j.results = append(j.results, "unchanged")
	}
	j.news <- struct{}{}
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Join(j.results, " ")
}

// await waits until there have been reloads and their results are those wanted.
// How many found nothing changed is a matter of timing, so those do not count.
func (j *journal) await(t *testing.T, want string) {
	t.Helper()
	told := func(results string) string {
		return strings.Join(slices.DeleteFunc(strings.Fields(results), func(r string) bool { return r == "unchanged" }), " ")
	}
	timeout := time.After(10 * time.Second)
	for got := j.String(); got == "" || told(got) != told(want); got = j.String() {
		select {
		case <-j.news:
		case <-timeout:
			t.Fatalf("reloads %q, want %q", got, want)
		}
	}
}

func TestReload(t *testing.T) {
	dir, e, files := rules(t)
	policyFile, packFile := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "pack.yaml")
	j := newJournal()
	r := config.NewReloader(e, policyFile, files, slog.New(slog.NewTextHandler(j, nil)), j.done)
	first := e.Snapshot()

	got, err := r.Reload()
	if err != nil || got.Changed || got.Old != first.Version() || got.New != first.Version() || e.Snapshot() != first {
		t.Errorf("nothing has changed: %+v, %v, swapped %t", got, err, e.Snapshot() != first)
	}

	write(t, packFile, packWith("zzother"))
	got, err = r.Reload()
	second := e.Snapshot()
	if err != nil || !got.Changed || got.Old != first.Version() || got.New != second.Version() || second == first {
		t.Errorf("the pack has changed: %+v, %v", got, err)
	}

	write(t, packFile, "version: 1\nname: mine\nentries: [{term: zzx, category: shoes}]\n")
	before := time.Now()
	got, err = r.Reload()
	if err == nil || got.Changed || e.Snapshot() != second {
		t.Errorf("a bad pack: %+v, %v, swapped %t", got, err, e.Snapshot() != second)
	}
	if at, failed := r.Status(); failed == nil || at.Before(before) {
		t.Errorf("status after a bad reload: %v, %v", at, failed)
	}

	write(t, packFile, packWith("zzother"))
	if _, err = r.Reload(); err != nil || e.Snapshot() != second {
		t.Errorf("the old content again: %v, swapped %t", err, e.Snapshot() != second)
	}
	if _, failed := r.Status(); failed != nil {
		t.Errorf("status after a good reload: %v", failed)
	}
	if got, want := j.String(), "unchanged changed failed unchanged"; got != want {
		t.Errorf("reloads %q, want %q", got, want)
	}
	if log := j.log.String(); !strings.Contains(log, "old rules stay") || !strings.Contains(log, packFile) || !strings.Contains(log, second.Version()) {
		t.Errorf("the log does not tell of the bad reload:\n%s", log)
	}
}

// watch runs a reloader's Watch until the test ends. The first reload says that
// it watches.
func watch(t *testing.T, r *config.Reloader) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Watch(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestWatch: files written in place, replaced by renaming and removed are seen;
// several changes at once are one reload; others in the directory are none.
func TestWatch(t *testing.T) {
	dir, e, files := rules(t)
	policyFile, packFile := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "pack.yaml")
	j := newJournal()
	watch(t, config.NewReloader(e, policyFile, files, slog.New(slog.NewTextHandler(j, nil)), j.done))

	want := ""
	next := func(result string) {
		t.Helper()
		want = strings.TrimSpace(want + " " + result)
		j.await(t, want)
	}
	next("unchanged")
	write(t, packFile, packWith("zzone"))
	next("changed")
	replace(t, packFile, packWith("zztwo"))
	replace(t, policyFile, policyWith("second", "medium"))
	next("changed")
	if name := e.Snapshot().Policy().Name; name != "second" {
		t.Errorf("the policy is %q", name)
	}
	write(t, filepath.Join(dir, "notes.txt"), "nothing of ours")
	if err := os.Remove(packFile); err != nil {
		t.Fatal(err)
	}
	next("failed")
	write(t, packFile, packWith("zztwo"))
	next("unchanged")

	// A pack in a directory that was not watched before, so that what happened
	// there until it was needs a look of its own.
	other := t.TempDir()
	write(t, filepath.Join(other, "more.yaml"), strings.Replace(packWith("zzmore"), "mine", "more", 1))
	write(t, policyFile, strings.Replace(policyWith("third", "medium"), "[pack.yaml]", "[pack.yaml, "+filepath.Join(other, "more.yaml")+"]", 1))
	next("changed")
	next("unchanged")
	replace(t, filepath.Join(other, "more.yaml"), strings.Replace(packWith("zzless"), "mine", "more", 1))
	next("changed")

	time.Sleep(time.Second) // until what is ours has been seen
	before := j.String()
	write(t, filepath.Join(dir, "notes.txt"), "nothing of ours again")
	time.Sleep(400 * time.Millisecond)
	if got := j.String(); got != before {
		t.Errorf("a file that is not ours made a reload: %s, before %s", got, before)
	}
}

// TestWatchKubernetes swaps the symbolic link ..data, as a kubelet does when a
// ConfigMap changes.
func TestWatchKubernetes(t *testing.T) {
	mount := t.TempDir()
	version := func(name, policy, pack string) string {
		dir := filepath.Join(mount, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "policy.yaml"), policy)
		write(t, filepath.Join(dir, "pack.yaml"), pack)
		return dir
	}
	link := func(target, name string) {
		if err := os.Symlink(target, filepath.Join(mount, name)); err != nil {
			t.Fatal(err)
		}
	}
	old := version("..2026_01", policyWith("first", "high"), packWith("zzone"))
	link("..2026_01", "..data")
	link("..data/policy.yaml", "policy.yaml")
	link("..data/pack.yaml", "pack.yaml")
	policyFile := filepath.Join(mount, "policy.yaml")
	snap, files, err := config.LoadSnapshot(policyFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	e, j := engine.New(snap, engine.Options{}), newJournal()
	watch(t, config.NewReloader(e, policyFile, files, slog.New(slog.NewTextHandler(j, nil)), j.done))

	j.await(t, "unchanged")
	for i, want := range []string{"unchanged changed", "unchanged changed changed"} {
		name := []string{"..2026_02", "..2026_03"}[i]
		next := version(name, policyWith("next", "medium"), packWith("zz"+name[7:]+"term"))
		link(name, "..data_tmp")
		if err := os.Rename(filepath.Join(mount, "..data_tmp"), filepath.Join(mount, "..data")); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(old); err != nil {
			t.Fatal(err)
		}
		old = next
		j.await(t, want)
		v, err := e.Check(t.Context(), engine.StreamOptions{}, []byte("a zz"+name[7:]+"term here"))
		if err != nil || v.HaltOffset != 2 {
			t.Errorf("the new pack does not judge: %+v, %v", v, err)
		}
	}
}

// TestWatchEmbedded: with the embedded policy there is nothing to watch.
func TestWatchEmbedded(t *testing.T) {
	snap, files, err := config.LoadSnapshot("", nil)
	if err != nil {
		t.Fatal(err)
	}
	j := newJournal()
	r := config.NewReloader(engine.New(snap, engine.Options{}), "", files, slog.New(slog.NewTextHandler(j, nil)), j.done)
	watch(t, r)
	if got, err := r.Reload(); err != nil || got.Changed || len(files) != 0 {
		t.Errorf("reload of the embedded policy: %+v, %v, files %v", got, err, files)
	}
}

// TestWatchDirectory replaces the directory of the files: by another one, and by
// none for longer than a look around takes.
func TestWatchDirectory(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "rules")
	fill := func(dir, name string) {
		t.Helper()
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "policy.yaml"), policyWith(name, "high"))
		write(t, filepath.Join(dir, "pack.yaml"), packWith("zzterm"))
	}
	rename := func(from, to string) {
		t.Helper()
		if err := os.Rename(filepath.Join(root, from), filepath.Join(root, to)); err != nil {
			t.Fatal(err)
		}
	}
	fill(dir, "first")
	policyFile := filepath.Join(dir, "policy.yaml")
	snap, files, err := config.LoadSnapshot(policyFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	e, j := engine.New(snap, engine.Options{}), newJournal()
	watch(t, config.NewReloader(e, policyFile, files, slog.New(slog.NewTextHandler(j, nil)), j.done))
	j.await(t, "unchanged")

	fill(filepath.Join(root, "next"), "second")
	rename("rules", "old")
	rename("next", "rules")
	j.await(t, "unchanged changed")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	j.await(t, "unchanged changed failed")
	fill(filepath.Join(root, "next"), "third")
	rename("next", "rules")
	j.await(t, "unchanged changed failed changed")
	replace(t, policyFile, policyWith("fourth", "high"))
	j.await(t, "unchanged changed failed changed changed")
	if name := e.Snapshot().Policy().Name; name != "fourth" {
		t.Errorf("the policy is %q", name)
	}
}

// TestWatchTwoPaths: one directory under two names is one, and no cause to
// reload again and again.
func TestWatchTwoPaths(t *testing.T) {
	dir, _, _ := rules(t)
	alias := filepath.Join(t.TempDir(), "alias")
	if err := os.Symlink(dir, alias); err != nil {
		t.Fatal(err)
	}
	policyFile := filepath.Join(dir, "policy.yaml")
	write(t, policyFile, strings.Replace(policyWith("first", "high"), "[pack.yaml]", "["+filepath.Join(alias, "pack.yaml")+"]", 1))
	snap, files, err := config.LoadSnapshot(policyFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	e, j := engine.New(snap, engine.Options{}), newJournal()
	watch(t, config.NewReloader(e, policyFile, files, slog.New(slog.NewTextHandler(j, nil)), j.done))
	j.await(t, "unchanged")
	write(t, filepath.Join(dir, "pack.yaml"), packWith("zzone"))
	j.await(t, "unchanged changed")
	write(t, filepath.Join(alias, "pack.yaml"), packWith("zztwo"))
	j.await(t, "unchanged changed changed")
	if n := len(strings.Fields(j.String())); n > 10 {
		t.Errorf("%d reloads: %s", n, j)
	}
}
