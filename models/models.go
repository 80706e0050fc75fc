// Package models embeds everything the engine judges with: the default policy
// and the lexicon packs and the classifier that it names. Each file carries its source and licence.
package models

import (
	"embed"
	"io/fs"
	"slices"
	"strings"
)

//go:embed policy/default.yaml
var defaultPolicy []byte

//go:embed packs/*.yaml
var packs embed.FS

//go:embed weir-harm/manifest.json weir-harm/model.onnx
var classifiers embed.FS

//go:embed demo/*.yaml
var demos embed.FS

// Model returns the folder of the model of that name, such as weir-harm.
func Model(name string) (fs.FS, bool) {
	folder, err := fs.Sub(classifiers, name)
	if err != nil {
		return nil, false
	}
	_, err = fs.Stat(folder, "manifest.json")
	return folder, err == nil
}

// ModelNames returns the names of all embedded models, sorted.
func ModelNames() []string { return []string{"weir-harm"} }

// DefaultPolicy returns the policy file that holds when none is configured.
func DefaultPolicy() []byte { return slices.Clone(defaultPolicy) }

// Pack returns the pack file of that name, such as weir-en.
func Pack(name string) ([]byte, bool) {
	data, err := packs.ReadFile("packs/" + name + ".yaml")
	return data, err == nil
}

// PackNames returns the names of all embedded packs, sorted.
func PackNames() []string {
	entries, err := packs.ReadDir("packs")
	if err != nil {
		return nil // the directory is embedded, so this does not happen
	}
	var out []string
	for _, e := range entries {
		out = append(out, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return out
}

// Demos returns the recorded generations of weir demo, by language.
func Demos() map[string][]byte {
	out := map[string][]byte{}
	for _, lang := range []string{"en", "zh", "ja"} {
		if data, err := demos.ReadFile("demo/" + lang + ".yaml"); err == nil {
			out[lang] = data
		}
	}
	return out
}
