package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/classifier"
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

// ErrNoRuntime is wrapped by the error of a ModelSource that cannot run any
// model on this machine. A policy whose classifier is optional goes on without.
var ErrNoRuntime = errors.New("config: classifiers cannot run here")

// ModelSource loads the models that policies name. It must be safe for
// concurrent use.
type ModelSource interface {
	// Load returns a batcher for the model in bundle, the same one as long as the
	// bundle is the same. release gives it back.
	Load(bundle fs.FS) (b *classifier.Batcher, release func(), err error)
	// Without is told why a policy whose classifier is optional goes on without models.
	Without(err error)
}

// LoadSnapshot reads a policy ("" is the embedded one) with the packs and models
// that it names, and compiles them. It reports all problems of all files at
// once. files are those that it read or tried to, even if there is an error.
// Without a source the models are left out.
func LoadSnapshot(policyPath string, source ModelSource) (snapshot *engine.Snapshot, files []string, err error) {
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
	members, release, modelFiles, err := loadModels(p, filepath.Dir(policyPath), source)
	files = append(files, modelFiles...)
	if err != nil {
		problems = append(problems, err)
	}
	if len(problems) == 0 {
		snapshot, err = engine.NewSnapshot(engine.SnapshotConfig{Policy: p, Packs: packs, Models: members})
		if err == nil {
			// Streams keep their snapshot, so only the collector knows when the last is gone.
			runtime.AddCleanup(snapshot, func(all []func()) { each(all) }, release)
			return snapshot, slices.Compact(files), nil
		}
		problems = append(problems, err)
	}
	each(release)
	return nil, slices.Compact(files), errors.Join(problems...)
}

func each(all []func()) {
	for _, f := range all {
		f()
	}
}

// modelFiles are what a model's folder holds; they are watched.
var modelFiles = []string{"manifest.json", "model.onnx", "tokenizer.json"}

func loadModels(p *policy.Policy, dir string, source ModelSource) (members []classifier.Member, release []func(), files []string, err error) {
	if source == nil {
		return nil, nil, nil, nil
	}
	var problems []error
	for _, use := range p.Models() {
		bundle, folder, err := modelBundle(dir, use.Use)
		if folder != "" {
			for _, name := range modelFiles {
				files = append(files, filepath.Join(folder, name))
			}
		}
		var m classifier.Member
		if err == nil {
			var free func()
			if m.Batcher, free, err = source.Load(bundle); err == nil {
				release = append(release, free)
			}
		}
		if errors.Is(err, ErrNoRuntime) && p.ClassifierOptional() {
			each(release)
			source.Without(err)
			return nil, nil, files, nil
		}
		if errors.Is(err, ErrNoRuntime) {
			err = fmt.Errorf("%w; or go on without models: set classifier: optional in a policy of your own", err)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: model %s: %w", use.Origin, use.Use, err))
			continue
		}
		m.Judges = use.Judges
		if err := checkLabels(use.Judges, m.Batcher.Info()); err != nil {
			problems = append(problems, fmt.Errorf("%s: model %s: judges: %w", use.Origin, use.Use, err))
		}
		if g := use.Gate; g != nil && g.Model < len(members) {
			info := members[g.Model].Batcher.Info()
			m.Gate = &classifier.Gate{Member: g.Model, AtLeast: g.AtLeast}
			for l, c := range info.Labels {
				if g.Categories != nil && slices.Contains(g.Categories, c) {
					m.Gate.Labels = append(m.Gate.Labels, l)
				}
			}
			if err := checkLabels(g.Categories, info); err != nil {
				problems = append(problems, fmt.Errorf("%s: model %s: gate.categories: %w", use.Origin, use.Use, err))
			}
		}
		members = append(members, m)
	}
	return members, release, files, errors.Join(problems...)
}

// checkLabels reports categories that a model does not score.
func checkLabels(categories []policy.Category, info classifier.Info) error {
	for _, c := range categories {
		if !slices.Contains(info.Labels, c) {
			var has []string
			for _, l := range info.Labels {
				if l != policy.NoCategory {
					has = append(has, l.String())
				}
			}
			return fmt.Errorf("%s: model %s has no score for it, only for %s", c, info.Name, strings.Join(has, ", "))
		}
	}
	return nil
}

// modelBundle finds a model by its reference in a policy: a path, which has a
// separator or begins with a dot, relative to dir, or the name of an embedded
// model.
func modelBundle(dir, ref string) (bundle fs.FS, folder string, err error) {
	if strings.ContainsAny(ref, `/\`) || strings.HasPrefix(ref, ".") {
		if !filepath.IsAbs(ref) {
			ref = filepath.Join(dir, ref)
		}
		return os.DirFS(ref), ref, nil
	}
	bundle, ok := models.Model(ref)
	if !ok {
		return nil, "", fmt.Errorf("config: no embedded model is named %.60q: want one of %s, or the path of a model's folder, such as ./my-model",
			ref, strings.Join(models.ModelNames(), ", "))
	}
	return bundle, "", nil
}
