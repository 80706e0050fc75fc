package config

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/seed-4f09bd3a/weir/engine"
)

// settle is how long the files must be quiet before they are read: editors and
// deployments change several at once.
const settle = 200 * time.Millisecond

// again is how long a directory that is gone is left before it is looked for.
const again = time.Second

// Reloader keeps an engine's snapshot equal to its files. It is safe for
// concurrent use.
type Reloader struct {
	// Models loads the models of the policy; nil leaves them out. It must be set
	// before the first reload and be what the engine's snapshot was loaded with.
	Models ModelSource

	policyPath string
	engine     *engine.Engine
	log        *slog.Logger
	done       func(changed bool, err error) // called after every reload, may be nil

	reloading sync.Mutex // one reload at a time

	mu     sync.Mutex // guards the following
	files  []string
	last   time.Time
	failed error
}

// NewReloader returns a reloader for an engine whose snapshot was made by
// LoadSnapshot(policyPath, …), which read files.
func NewReloader(e *engine.Engine, policyPath string, files []string, log *slog.Logger, done func(changed bool, err error)) *Reloader {
	return &Reloader{policyPath: policyPath, engine: e, log: log, done: done, files: files, last: time.Now()}
}

// Result is what a reload did.
type Result struct {
	Changed  bool
	Old, New string // snapshot versions
}

// Reload reads the files again and swaps the snapshot if it is another one. On
// an error the engine keeps its snapshot.
func (r *Reloader) Reload() (Result, error) {
	r.reloading.Lock()
	defer r.reloading.Unlock()
	old := r.engine.Snapshot()
	next, files, err := LoadSnapshot(r.policyPath, r.Models)
	r.mu.Lock()
	r.last, r.failed, r.files = time.Now(), err, files
	r.mu.Unlock()
	result := Result{Old: old.Version(), New: old.Version()}
	switch {
	case err != nil:
		r.log.Error("reload failed, the old rules stay", "snapshot", old.Version(), "err", err)
	case next.Version() == old.Version():
		r.log.Info("reload: nothing changed", "snapshot", old.Version())
	default:
		r.engine.Swap(next)
		result.Changed, result.New = true, next.Version()
		r.log.Info("reload: new rules", "snapshot", next.Version(), "old_snapshot", old.Version())
	}
	if r.done != nil {
		r.done(result.Changed, err)
	}
	return result, err
}

// Status returns when the files were last read, and what was wrong then.
func (r *Reloader) Status() (time.Time, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last, r.failed
}

// Watch reloads whenever a file changes, until ctx ends. It watches directories,
// so it sees files that are replaced by renaming and Kubernetes' swap of the
// symbolic link ..data, and a directory that is replaced as a whole. It reloads
// once when it begins, because the files may have changed since they were read.
// With the embedded policy there is nothing to watch.
func (r *Reloader) Watch(ctx context.Context) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("config: watch: %w", err)
	}
	defer w.Close() //nolint:errcheck // nothing is left to do

	watched := map[string]bool{} // directories
	if err := r.follow(w, watched); err != nil {
		return err
	}
	quiet := time.NewTimer(time.Hour)
	quiet.Stop()
	changed, lost := false, false // a file may have; a directory is not there
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-w.Events:
			if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
				delete(watched, e.Name) // if it is a directory, its watch is gone with it
			}
			if r.concerns(e) {
				changed = true
				quiet.Reset(settle)
			}
		case err := <-w.Errors:
			r.log.Warn("watching policy and packs", "err", err)
			changed = true // events may be lost
			quiet.Reset(settle)
		case <-quiet.C:
			if changed {
				_, _ = r.Reload() // logged there
			}
			err := r.follow(w, watched)
			if err != nil {
				if !lost {
					r.log.Warn("watching policy and packs", "err", err)
					if _, failed := r.Status(); failed == nil {
						_, _ = r.Reload() // what is gone now was there a moment ago
					}
				}
				quiet.Reset(again)
			}
			changed, lost = false, err != nil
		}
	}
}

// follow watches the directories of all files, and reloads whenever one is new:
// what happened there before it was watched went unseen.
func (r *Reloader) follow(w *fsnotify.Watcher, watched map[string]bool) error {
	for {
		r.mu.Lock()
		files := r.files
		r.mu.Unlock()
		found := false
		for _, f := range files {
			dir := filepath.Dir(f)
			if watched[dir] {
				continue
			}
			if err := w.Add(dir); err != nil {
				return fmt.Errorf("config: watch %s: %w", dir, err)
			}
			watched[dir], found = true, true
		}
		if !found {
			return nil
		}
		_, _ = r.Reload() // logged there
	}
}

// concerns reports whether an event may have changed one of the files.
func (r *Reloader) concerns(e fsnotify.Event) bool {
	if e.Op == fsnotify.Chmod {
		return false
	}
	name := filepath.Base(e.Name)
	if name == "..data" {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.files {
		if filepath.Base(f) == name || filepath.Dir(f) == e.Name { // or its directory is gone
			return true
		}
	}
	return false
}
