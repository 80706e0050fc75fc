package onnx

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// Variable is the environment variable that names the shared library.
const Variable = "WEIR_ONNXRUNTIME"

// ErrNoLibrary is wrapped by Find's error when there is no library.
var ErrNoLibrary = errors.New("onnx: ONNX Runtime was not found")

// Find returns the path of ONNX Runtime's shared library: configured if it is
// not empty, else what $WEIR_ONNXRUNTIME says, else what the project's set-up
// has fetched: a file beside the executable, or .tools/onnxruntime in the
// working directory, in the executable's, or in one above them.
func Find(configured string) (string, error) {
	for _, named := range []struct{ from, path string }{{"the configuration", configured}, {"$" + Variable, os.Getenv(Variable)}} {
		if named.path == "" {
			continue
		}
		if info, err := os.Stat(named.path); err != nil || info.IsDir() {
			return "", fmt.Errorf("%w: %s names %s, which is no file: want the path of %s", ErrNoLibrary, named.from, named.path, fileName())
		}
		return named.path, nil
	}
	var looked []string
	for _, start := range []func() (string, error){executableDir, os.Getwd} {
		dir, err := start()
		if err != nil {
			continue
		}
		for beside := true; ; beside = false {
			places := []string{filepath.Join(dir, ".tools", "onnxruntime", fileName())}
			if beside {
				places = append([]string{filepath.Join(dir, fileName())}, places...)
			}
			for _, p := range places {
				if info, err := os.Stat(p); err == nil && !info.IsDir() {
					return p, nil
				}
				if !slices.Contains(looked, p) {
					looked = append(looked, p)
				}
			}
			parent := filepath.Dir(dir)
			if parent == dir {
				break
			}
			dir = parent
		}
	}
	return "", fmt.Errorf("%w: scripts/onnxruntime.sh fetches it, or set %s to its path; looked for %s",
		ErrNoLibrary, Variable, strings.Join(looked, ", "))
}

func executableDir() (string, error) {
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	if exe, err = filepath.EvalSymlinks(exe); err != nil {
		return "", err
	}
	return filepath.Dir(exe), nil
}

func fileName() string {
	switch runtime.GOOS {
	case "windows":
		return "onnxruntime.dll"
	case "darwin":
		return "libonnxruntime.dylib"
	}
	return "libonnxruntime.so"
}
