package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/lexicon"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/models"
)

// EmbeddedPolicy is the name of the embedded policy in errors and origins.
const EmbeddedPolicy = "default.yaml"

// LoadPolicy reads a policy; "" is the embedded one.
func LoadPolicy(path string) (*policy.Policy, error) {
	if path == "" {
		return policy.Parse(EmbeddedPolicy, models.DefaultPolicy())
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("config: policy: %w", err)
	}
	return policy.Parse(path, data)
}

// LoadPack reads a pack by its reference in a policy: the path of a .yaml or
// .yml file, relative to dir, or the name of an embedded pack. file is "" for
// those.
func LoadPack(dir, ref string) (pack *lexicon.Pack, file string, err error) {
	if !isPath(ref) {
		data, ok := models.Pack(ref)
		if !ok {
			return nil, "", fmt.Errorf("config: no embedded pack is named %.60q: want one of %s, or a path ending in .yaml",
				ref, strings.Join(models.PackNames(), ", "))
		}
		pack, err = lexicon.ParsePack(ref+".yaml", data)
		return pack, "", err
	}
	file = ref
	if !filepath.IsAbs(ref) {
		file = filepath.Join(dir, ref)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, file, fmt.Errorf("config: pack: %w", err)
	}
	pack, err = lexicon.ParsePack(file, data)
	return pack, file, err
}

func isPath(ref string) bool {
	return strings.HasSuffix(ref, ".yaml") || strings.HasSuffix(ref, ".yml")
}

// LoadSnapshot reads a policy ("" is the embedded one) and the packs that it
// names, and compiles them. It reports all problems of all files at once. files
// are those that it read or tried to, even if there is an error.
func LoadSnapshot(policyPath string) (snapshot *engine.Snapshot, files []string, err error) {
	if policyPath != "" {
		files = append(files, policyPath)
	}
	p, err := LoadPolicy(policyPath)
	if err != nil {
		return nil, files, err
	}
	var problems []error
	packs := map[string]*lexicon.Pack{}
	for _, name := range p.ProfileNames() {
		profile, _ := p.Profile(name)
		for _, ref := range profile.Packs {
			if _, done := packs[ref]; done {
				continue
			}
			pack, file, err := LoadPack(filepath.Dir(policyPath), ref)
			if err != nil {
				problems = append(problems, err)
			}
			if file != "" {
				files = append(files, file)
			}
			packs[ref] = pack
		}
	}
	if len(problems) > 0 {
		return nil, files, errors.Join(problems...)
	}
	snapshot, err = engine.NewSnapshot(engine.SnapshotConfig{Policy: p, Packs: packs})
	return snapshot, slices.Compact(files), err
}
