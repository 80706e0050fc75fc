package config_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/internal/config"
	"github.com/seed-4f09bd3a/weir/models"
)

func TestLoadSnapshotEmbedded(t *testing.T) {
	snap, files, err := config.LoadSnapshot("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 0 || len(snap.Packs()) == 0 || !slices.Contains(snap.Policy().ProfileNames(), "default") {
		t.Errorf("files %v, %d packs, profiles %v", files, len(snap.Packs()), snap.Policy().ProfileNames())
	}
}

// TestLoadSnapshotPacks: a reference is a path beside the policy, an absolute
// path, or the name of an embedded pack.
func TestLoadSnapshotPacks(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	policyFile, beside, far := filepath.Join(dir, "policy.yaml"), filepath.Join(dir, "pack.yaml"), filepath.Join(other, "far.yml")
	embedded := models.PackNames()[0]
	write(t, policyFile, strings.Replace(policyWith("p", "high"), "[pack.yaml]", "[pack.yaml, "+far+", "+embedded+"]", 1))
	write(t, beside, packWith("zzone"))
	write(t, far, strings.Replace(packWith("zztwo"), "mine", "far", 1))
	snap, files, err := config.LoadSnapshot(policyFile, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{policyFile, beside, far}, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	var names []string
	for _, p := range snap.Packs() {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"far", "mine", embedded}, names); diff != "" {
		t.Errorf("packs (-want +got):\n%s", diff)
	}
}

// TestLoadSnapshotErrors: all problems of all packs come at once, and the files
// are known all the same, so that they can be watched.
func TestLoadSnapshotErrors(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	write(t, file("policy.yaml"), strings.Replace(policyWith("p", "high"), "[pack.yaml]", "[a.yaml, b.yaml, gone.yaml, weir-xx]", 1))
	write(t, file("a.yaml"), strings.Replace(packWith("zzone"), "category: violence", "category: shoes", 1))
	write(t, file("b.yaml"), strings.Replace(packWith("zztwo"), "severity: high", "severity: loud", 1))
	_, files, err := config.LoadSnapshot(file("policy.yaml"), nil)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		file("a.yaml") + ":8:", "shoes", file("b.yaml") + ":9:", "loud", file("gone.yaml"), `"weir-xx"`, models.PackNames()[0],
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	if diff := cmp.Diff([]string{file("policy.yaml"), file("a.yaml"), file("b.yaml"), file("gone.yaml")}, files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}

	write(t, file("policy.yaml"), "version: 1\nnam: p\n")
	_, files, err = config.LoadSnapshot(file("policy.yaml"), nil)
	if err == nil || !strings.Contains(err.Error(), file("policy.yaml")+":2:1: nam") || len(files) != 1 {
		t.Errorf("a bad policy: %v, files %v", err, files)
	}
	if _, files, err = config.LoadSnapshot(file("none.yaml"), nil); err == nil || len(files) != 1 {
		t.Errorf("no policy: %v, files %v", err, files)
	}
}
