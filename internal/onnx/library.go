package onnx

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// NeededVersion is the oldest ONNX Runtime that serves.
const NeededVersion = "1.24"

// Library is ONNX Runtime, loaded. It is safe for concurrent use.
type Library struct {
	path string
}

// ONNX Runtime has one environment in a process, and its binding keeps it in
// global variables; so this package must know what was loaded.
var loaded struct {
	sync.Mutex
	path string
}

// Open loads the shared library at path. A process loads one library, once:
// opening it again gives the same one, another path is an error.
func Open(path string) (*Library, error) {
	loaded.Lock()
	defer loaded.Unlock()
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	if loaded.path == path {
		return &Library{path: path}, nil
	}
	if loaded.path != "" {
		return nil, fmt.Errorf("onnx: %s is loaded already: another library needs another process", loaded.path)
	}
	ort.SetSharedLibraryPath(path)
	if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
		switch text := err.Error(); {
		case strings.Contains(text, "setting ORT API base"):
			err = fmt.Errorf("it is older than %s: fetch one with scripts/onnxruntime.sh", NeededVersion)
		case strings.Contains(text, "loading ONNX shared library"), strings.Contains(text, "OrtGetApiBase"):
			err = fmt.Errorf("it is no ONNX Runtime for this machine: %w", err)
		}
		return nil, fmt.Errorf("onnx: %s: %w", path, err)
	}
	_ = ort.DisableTelemetry() // where a build has any
	loaded.path = path
	return &Library{path: path}, nil
}

// Path returns where the library was loaded from.
func (l *Library) Path() string { return l.path }

// Version returns the library's version, such as 1.27.0.
func (l *Library) Version() string { return ort.GetVersion() }

var errClosed = errors.New("onnx: model is closed")
