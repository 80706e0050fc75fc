package config_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/config"
)

// folder is a model whose name, stride and window are in its manifest.
type folder struct{ info classifier.Info }

func (f folder) Info() classifier.Info                         { return f.info }
func (f folder) Step(context.Context, []classifier.Step) error { return nil }

// source loads folders. Its models score hatred and violence.
type source struct {
	err      error
	without  error
	loaded   int
	released atomic.Int64
}

func (s *source) Without(err error) { s.without = err }

func (s *source) Load(bundle fs.FS) (*classifier.Batcher, func(), error) {
	if s.err != nil {
		return nil, nil, s.err
	}
	data, err := fs.ReadFile(bundle, "manifest.json")
	if err != nil {
		return nil, nil, err
	}
	info := classifier.Info{Version: "1", StrideRunes: 4, Labels: []policy.Category{policy.Hatred, policy.Violence}}
	if _, err := fmt.Sscan(string(data), &info.Name, &info.WindowRunes); err != nil {
		return nil, nil, err
	}
	b, err := classifier.NewBatcher(folder{info}, classifier.BatcherOptions{Workers: 1})
	if err != nil {
		return nil, nil, err
	}
	s.loaded++
	return b, func() { b.Close(); s.released.Add(1) }, nil
}

const modelsPolicy = `
version: 1
name: p
replacement: {en: stopped}
models:
  - use: ./cheap
  - {use: ./dear, judges: [hatred], gate: {model: ./cheap, categories: [violence], at_least: 0.3}}
profiles: {default: {categories: {hatred: {score: {halt: 0.9}}}}}
`

func modelFolders(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"cheap", "dear"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "policy.yaml"), text)
	write(t, filepath.Join(dir, "cheap", "manifest.json"), "cheap 0")
	write(t, filepath.Join(dir, "dear", "manifest.json"), "dear 64")
	return filepath.Join(dir, "policy.yaml")
}

func TestLoadModels(t *testing.T) {
	file, s := modelFolders(t, modelsPolicy), &source{}
	snap, files, err := config.LoadSnapshot(file, s)
	if err != nil {
		t.Fatal(err)
	}
	checkMembers(t, snap.Models(), s)
	if len(files) != 7 || !strings.HasSuffix(files[4], filepath.Join("dear", "manifest.json")) {
		t.Errorf("files %v", files)
	}
	// Models are given back when nobody holds the snapshot any more.
	runtime.KeepAlive(snap)
	for range 200 {
		runtime.GC()
		if s.released.Load() == 2 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d models were given back, want 2", s.released.Load())
}

func checkMembers(t *testing.T, members []classifier.Member, s *source) {
	t.Helper()
	if len(members) != 2 || s.loaded != 2 || members[0].Gate != nil {
		t.Fatalf("%d models, %d loaded", len(members), s.loaded)
	}
	if diff := cmp.Diff(&classifier.Gate{Member: 0, Labels: []int{1}, AtLeast: 0.3}, members[1].Gate); diff != "" {
		t.Errorf("gate (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]policy.Category{policy.Hatred}, members[1].Judges); diff != "" {
		t.Errorf("judges (-want +got):\n%s", diff)
	}
}

func TestLoadModelErrors(t *testing.T) {
	for change, want := range map[[2]string]string{
		{"use: ./cheap", "use: ./gone"}:                "no such file",
		{"use: ./cheap", "use: unheard-of"}:            `no embedded model is named "unheard-of": want one of weir-harm`,
		{"judges: [hatred]", "judges: [sexual]"}:       "judges: sexual: model dear has no score for it, only for hatred, violence",
		{"categories: [violence]", "categories: [ip]"}: "gate.categories: ip: model cheap has no score",
	} {
		s := &source{}
		text := strings.Replace(modelsPolicy, change[0], change[1], 1)
		if name, ok := strings.CutPrefix(change[1], "use: "); ok {
			text = strings.Replace(text, "model: ./cheap", "model: "+name, 1)
		}
		_, _, err := config.LoadSnapshot(modelFolders(t, text), s)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", change[1], err, want)
		}
		if s.released.Load() != int64(s.loaded) {
			t.Errorf("%s: %d models loaded, %d given back", change[1], s.loaded, s.released.Load())
		}
	}
}

// TestClassifierOptional: without a runtime a policy is refused, unless it says
// that it can do without. Any other trouble is refused either way.
func TestClassifierOptional(t *testing.T) {
	none := fmt.Errorf("%w: not found", config.ErrNoRuntime)
	broken := errors.New("truncated")
	for _, c := range []struct {
		need string
		err  error
		ok   bool
	}{{"required", none, false}, {"optional", none, true}, {"optional", broken, false}} {
		file := modelFolders(t, strings.Replace(modelsPolicy, "name: p", "name: p\nclassifier: "+c.need, 1))
		s := &source{err: c.err}
		snap, _, err := config.LoadSnapshot(file, s)
		if (err == nil) != c.ok || c.ok && len(snap.Models()) != 0 || !c.ok && !errors.Is(err, c.err) {
			t.Errorf("%s, %v: got %v", c.need, c.err, err)
		}
		if hint := err != nil && strings.Contains(err.Error(), "set classifier: optional"); hint != (c.need == "required") || c.ok != errors.Is(s.without, config.ErrNoRuntime) {
			t.Errorf("%s, %v: says %v, told %v", c.need, c.err, err, s.without)
		}
	}
}

func TestClassifierConfig(t *testing.T) {
	conf, err := config.Parse("c.yaml", []byte("classifier: {providers: [cuda, cpu], max_batch: 128, timeout: 300ms}\ncache: {max_bytes: 0}\n"))
	if err != nil || conf.Classifier.MaxBatch != 128 || conf.Classifier.Timeout != 300*time.Millisecond || conf.Cache.MaxBytes != 0 || conf.Classifier.MaxQueue != 4096 {
		t.Errorf("got %+v, %+v, %v", conf.Classifier, conf.Cache, err)
	}
	for text, want := range map[string]string{
		"classifier: {threads: 0}\n":    "c.yaml:1:23: classifier.threads: 0: want 1 or more",
		"classifier: {providers: []}\n": "c.yaml:1:25: classifier.providers: want at least one",
		"cache: {max_bytes: 100}\n":     "cache.max_bytes: 100: want 0 for no cache, or at least 1048576",
		"cache: {max: 100}\n":           "max",
	} {
		if _, err := config.Parse("c.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}
