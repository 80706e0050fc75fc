// Package internal_test keeps the module in layers: which package may import
// which, and what the engine must never reach.
package internal_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "github.com/seed-4f09bd3a/weir"

// mayImport lists every package of the module with the packages of the module
// that it may import, tests aside. Each line stands only on lines above it, so
// what a package can reach ends where its line stands. A new package is a
// visible decision: it gets a line here.
//
// No line may name engine/enginetest: it is for tests alone.
var mayImport = []struct {
	path    string
	imports []string
}{
	// Leaves.
	{"internal/strictyaml", nil},
	{"engine/text", nil},
	{"models", nil}, // data only, embedded
	{"proto/weir/v1", nil},
	{"scripts/tables", nil}, // writes engine/text/tables.go

	// The library: text in, verdicts out.
	{"engine/policy", []string{"internal/strictyaml"}},
	{"engine/pattern", []string{"engine/policy", "engine/text"}},
	{"engine/lexicon", []string{"engine/policy", "engine/text", "internal/strictyaml"}},
	{"engine/classifier/feature", nil},
	{"engine/classifier/tokenizer", nil},
	{"engine/classifier", []string{"engine/policy"}},
	{"engine", []string{"engine/classifier", "engine/lexicon", "engine/pattern", "engine/policy", "engine/text"}},
	{"engine/enginetest", []string{"engine/policy"}},

	// What adapts to it.
	{"client", []string{"proto/weir/v1"}},
	{"models/train/fold", []string{"engine/text"}}, // shows the pipeline texts as the engine sees them
	{"internal/survey", []string{"engine/lexicon", "engine/policy", "engine/text"}},
	{"internal/tune", []string{"engine/policy"}},
	{"internal/onnx", []string{"engine/classifier", "engine/classifier/feature", "engine/classifier/tokenizer", "engine/policy"}},
	{"internal/config", []string{"engine", "engine/classifier", "engine/lexicon", "engine/policy", "internal/strictyaml", "models"}},
	{"internal/wire", []string{"proto/weir/v1"}},
	{"internal/server", []string{"engine", "engine/classifier", "engine/policy", "internal/config", "internal/wire", "proto/weir/v1"}},

	{"internal/gateway", []string{"engine", "engine/policy"}},

	{"bench", []string{"engine", "engine/policy", "internal/wire", "proto/weir/v1"}},

	// What puts it together.
	{"cmd/weir", []string{
		"bench", "client", "engine", "engine/classifier", "engine/lexicon", "engine/pattern", "engine/policy", "engine/text",
		"internal/config", "internal/gateway", "internal/onnx", "internal/server", "internal/strictyaml", "internal/survey", "internal/tune", "models", "proto/weir/v1",
	}},
}

// onlyIn lists imports from outside the module that are bound to packages,
// tests aside. "C" is cgo.
var onlyIn = map[string][]string{
	"C":                                 {},
	"github.com/yalue/onnxruntime_go":   {"internal/onnx"},
	"github.com/cloudflare/ahocorasick": {"internal/survey"},
	"github.com/dgraph-io/ristretto/v2": {"engine/classifier"},
	"gonum.org/v1/gonum/mathext":        {"internal/tune"},

	"github.com/HdrHistogram/hdrhistogram-go":     {"bench"},
	"github.com/google/pprof/profile":             {"bench"},
	"github.com/go-json-experiment/json/jsontext": {"internal/gateway"},
}

// engineMustNotReach lists prefixes of import paths that would make the library
// a server.
var engineMustNotReach = []string{
	"google.golang.org/grpc", "google.golang.org/protobuf", "google.golang.org/genproto",
	"github.com/prometheus/", "github.com/envoyproxy/", "net/http",
	"C", "runtime/cgo",
}

func TestImports(t *testing.T) {
	allowed := make(map[string][]string)
	for _, line := range mayImport {
		for _, path := range line.imports {
			if _, above := allowed[path]; !above {
				t.Errorf("mayImport: %s stands on %s, which is not above it", line.path, path)
			}
			if path == "engine/enginetest" {
				t.Errorf("mayImport: %s stands on %s, which is for tests alone", line.path, path)
			}
		}
		if _, twice := allowed[line.path]; twice {
			t.Errorf("mayImport: %s has two lines", line.path)
		}
		allowed[line.path] = line.imports
	}
	seen := make(map[string]bool)
	for _, p := range list(t, "./...") {
		if len(p.GoFiles)+len(p.CgoFiles) == 0 {
			continue // tests alone, like this package
		}
		path := strings.TrimPrefix(p.ImportPath, module+"/")
		seen[path] = true
		imports, listed := allowed[path]
		if !listed {
			t.Errorf("package %s is not in mayImport: give it a line in internal/deps_test.go", path)
			continue
		}
		for _, imported := range p.Imports {
			if own, ok := strings.CutPrefix(imported, module+"/"); ok && !slices.Contains(imports, own) {
				t.Errorf("package %s imports %s: mayImport allows only %v", path, own, imports)
			}
			if homes, bound := onlyIn[imported]; bound && !slices.Contains(homes, path) {
				t.Errorf("package %s imports %s: onlyIn allows it in %v", path, imported, homes)
			}
		}
	}
	for path := range allowed {
		if !seen[path] {
			t.Errorf("mayImport lists %s, and there is no such package", path)
		}
	}
}

func TestEngineReachesNoServer(t *testing.T) {
	packages := list(t, "-deps", "./engine/...")
	if len(packages) < 20 {
		t.Fatalf("go list found only %d packages under the engine", len(packages))
	}
	for _, p := range packages {
		for _, imported := range p.Imports {
			// The standard library may use cgo where it is on; the next test turns it off.
			if p.Standard && (imported == "C" || imported == "runtime/cgo") {
				continue
			}
			if slices.ContainsFunc(engineMustNotReach, func(prefix string) bool { return under(imported, prefix) }) {
				t.Errorf("the engine reaches %s through %s", imported, p.ImportPath)
			}
		}
	}
}

func TestEngineBuildsWithoutCgo(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the engine once more")
	}
	build := exec.Command("go", "build", "./engine/...")
	build.Dir = ".."
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("CGO_ENABLED=0 go build ./engine/...: %v\n%s", err, out)
	}
}

// TestUnder pins what under takes for a prefix, on which the test above rests.
func TestUnder(t *testing.T) {
	got := make(map[string]bool)
	for _, path := range []string{"net/http", "net/http/pprof", "net/httpx", "net", "github.com/prometheus/common"} {
		got[path] = under(path, "net/http") || under(path, "github.com/prometheus/")
	}
	want := map[string]bool{"net/http": true, "net/http/pprof": true, "net/httpx": false, "net": false, "github.com/prometheus/common": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("under (-want +got):\n%s", diff)
	}
}

// under reports whether path is prefix or lies in it.
func under(path, prefix string) bool {
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '/' || strings.HasSuffix(prefix, "/"))
}

// listed is what go list says of a package.
type listed struct {
	ImportPath string
	Standard   bool // of the standard library
	GoFiles    []string
	CgoFiles   []string
	Imports    []string // of the files that are built, tests aside
}

// list runs go list in the module's root.
func list(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Standard,GoFiles,CgoFiles,Imports"}, args...)...)
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w\n%s", err, exit.Stderr)
		}
		t.Fatalf("go list %v: %v", args, err)
	}
	var packages []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("go list %v: %v", args, err)
		}
		packages = append(packages, p)
	}
}
