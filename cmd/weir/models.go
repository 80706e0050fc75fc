package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"sync"

	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/internal/config"
	"github.com/seed-4f09bd3a/weir/internal/onnx"
)

// modelStore loads models into ONNX Runtime and shares them between snapshots:
// a reload that leaves a model as it was keeps it running. It implements
// config.ModelSource and is safe for concurrent use.
type modelStore struct {
	conf  config.Classifier
	cache *classifier.Cache // nil for none
	trace func(model string) *classifier.BatcherTrace
	log   *slog.Logger

	mu      sync.Mutex // guards the following
	library *onnx.Library
	failed  error // why there is no library
	told    bool  // Without has been called
	roomy   bool  // makeRoom has been called
	loaded  map[[sha256.Size]byte]*storedModel
}

type storedModel struct {
	model   *onnx.Model
	batcher *classifier.Batcher
	uses    int
}

// newModelStore finds nothing and loads nothing yet. trace may be nil.
func newModelStore(conf *config.Config, log *slog.Logger, trace func(model string) *classifier.BatcherTrace) (*modelStore, error) {
	if err := onnx.CheckProviders(conf.Classifier.Providers); err != nil {
		return nil, fmt.Errorf("classifier.providers: %w", err)
	}
	s := &modelStore{conf: conf.Classifier, trace: trace, log: log, loaded: map[[sha256.Size]byte]*storedModel{}}
	if conf.Cache.MaxBytes > 0 {
		var err error
		if s.cache, err = classifier.NewCache(conf.Cache.MaxBytes); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// open loads ONNX Runtime, once. mu is held.
func (s *modelStore) open() error {
	if s.library != nil || s.failed != nil {
		return s.failed
	}
	path, err := onnx.Find(s.conf.Library)
	if err == nil {
		s.library, err = onnx.Open(path)
	}
	if err != nil {
		s.failed = fmt.Errorf("%w: %w", config.ErrNoRuntime, err)
		return s.failed
	}
	s.log.Debug("onnxruntime", "library", path, "version", s.library.Version())
	return nil
}

// Load implements config.ModelSource.
func (s *modelStore) Load(bundle fs.FS) (*classifier.Batcher, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(); err != nil {
		return nil, nil, err
	}
	// The manifest has the sums of all other files, and reading it checks them.
	if _, err := onnx.ReadManifest(bundle); err != nil {
		return nil, nil, err
	}
	manifest, err := fs.ReadFile(bundle, onnx.ManifestFile)
	if err != nil {
		return nil, nil, err
	}
	key := sha256.Sum256(manifest)
	m := s.loaded[key]
	if m == nil {
		s.makeRoom()
		if m, err = s.load(bundle); err != nil {
			return nil, nil, err
		}
		s.loaded[key] = m
	}
	m.uses++
	return m.batcher, sync.OnceFunc(func() { s.release(key) }), nil
}

// Without implements config.ModelSource. It warns once.
func (s *modelStore) Without(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.told {
		s.log.Warn("going on without models", "err", err)
	}
	s.told = true
}

func (s *modelStore) load(bundle fs.FS) (*storedModel, error) {
	model, err := s.library.Load(bundle, onnx.Options{Providers: s.conf.Providers, Threads: s.conf.Threads, Log: s.log})
	if err != nil {
		return nil, err
	}
	o := classifier.BatcherOptions{
		Workers: s.conf.Workers, MaxBatch: s.conf.MaxBatch, MaxQueue: s.conf.MaxQueue, Timeout: s.conf.Timeout, Cache: s.cache,
	}
	if s.trace != nil {
		o.Trace = s.trace(model.Info().Name)
	}
	batcher, err := classifier.NewBatcher(model, o)
	if err != nil {
		_ = model.Close()
		return nil, err
	}
	s.log.Info("model", "name", model.Info().Name, "version", model.Info().Version, "provider", model.Provider())
	return &storedModel{model: model, batcher: batcher}, nil
}

// makeRoom lets the process run as many threads of Go's as there are cores
// beside the workers' calls into ONNX Runtime, each of which keeps one of
// GOMAXPROCS for the milliseconds it takes. Without it everything else waits for
// the scheduler to take them back: on two cores at 70 % load (BenchmarkLatency)
// the median from stride to scores was 12 ms and is 2.4 ms. mu is held.
func (s *modelStore) makeRoom() {
	if s.roomy {
		return
	}
	s.roomy = true
	workers := s.conf.Workers
	if workers == 0 {
		workers = max(1, runtime.NumCPU()-1)
	}
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + workers)
}

// release gives one use back; a model that nobody uses is freed.
func (s *modelStore) release(key [sha256.Size]byte) {
	s.mu.Lock()
	m := s.loaded[key]
	if m.uses--; m.uses > 0 {
		s.mu.Unlock()
		return
	}
	delete(s.loaded, key)
	s.mu.Unlock()
	m.batcher.Close()
	if err := m.model.Close(); err != nil {
		s.log.Warn("model", "name", m.model.Info().Name, "err", err)
	}
}

// localModels are for commands that judge texts in this process. What goes wrong
// is said on standard error.
func localModels(cacheBytes int64) (*modelStore, error) {
	conf := config.Default()
	conf.Cache.MaxBytes = cacheBytes
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return newModelStore(&conf, log, nil)
}
