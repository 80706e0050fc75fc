package internal_test

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// .dockerignore lets in what it names, so that nothing private gets into an image
// by chance. What the Dockerfile builds and copies has to be among it.
func TestImageHasItsSources(t *testing.T) {
	ignore, err := os.ReadFile("../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	dockerfile, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	var in, out []string // what is let in; what is left out of that
	for line := range strings.Lines(string(ignore)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line == "*":
		case line[0] == '!':
			in = append(in, line[1:])
		case !strings.HasPrefix(line, "**/"):
			out = append(out, line)
		}
	}
	reached := func(path string) bool {
		within := func(dir string) bool { return under(path, dir) }
		return slices.ContainsFunc(in, within) && !slices.ContainsFunc(out, within)
	}

	const module = "github.com/seed-4f09bd3a/weir/"
	cmd := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}}{{range .EmbedFiles}} {{$.ImportPath}}/{{.}}{{end}}", "./cmd/weir")
	cmd.Dir = ".."
	listed, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, path := range strings.Fields(string(listed)) {
		if path, ours := strings.CutPrefix(path, module); ours {
			n++
			if !reached(path) {
				t.Errorf(".dockerignore leaves out %s, which the binary is made of", path)
			}
		}
	}
	if n < 20 {
		t.Errorf("go list found only %d packages and files of ours", n)
	}

	named := regexp.MustCompile(`(?:scripts|examples)/[\w./-]*\.\w+|go\.(?:mod|sum)`).FindAllString(string(dockerfile), -1)
	if len(named) < 4 {
		t.Errorf("the Dockerfile names only %q", named)
	}
	for _, path := range named {
		if _, err := os.Stat("../" + path); err != nil || !reached(path) {
			t.Errorf("the Dockerfile needs %s: %v; let in by .dockerignore: %v", path, err, reached(path))
		}
	}
}
