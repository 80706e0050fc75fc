package onnx

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/seed-4f09bd3a/weir/engine/classifier/feature"
	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// Names of a bundle's files.
const (
	ManifestFile  = "manifest.json"
	GraphFile     = "model.onnx"
	TokenizerFile = "tokenizer.json"
)

// Manifest describes a model. Its JSON is read strictly.
type Manifest struct {
	Format       int               `json:"format"`        // 1
	Name         string            `json:"name"`          //
	Version      string            `json:"version"`       // changes whenever scores may change
	Kind         string            `json:"kind"`          // recurrent or window
	Files        map[string]string `json:"files"`         // SHA-256 by file name
	Labels       []string          `json:"labels"`        // category of each output; "" for one that means none
	StrideRunes  int               `json:"stride_runes"`  // folded runes between two judgements
	StateLen     int               `json:"state_len"`     // recurrent: floats that the graph carries
	Features     string            `json:"features"`      // recurrent: the scheme of the ids
	WindowRunes  int               `json:"window_runes"`  // window: last runes that are tokenized
	WindowTokens int               `json:"window_tokens"` // window: last tokens that are judged, special ones included
	Activation   string            `json:"activation"`    // window: what makes probabilities of logits: sigmoid, softmax or none
	Text         string            `json:"text"`          // window: the text that is tokenized: folded, or original as it was written
	ModelCard    string            `json:"card,omitempty"`

	categories []policy.Category
}

// Limits of what a manifest may ask for.
const (
	maxStride = 1024
	maxState  = 1 << 16
	maxWindow = 1 << 15
)

// ReadManifest reads and checks a bundle's manifest, and the sums of the files
// that it names. All problems are reported at once.
func ReadManifest(bundle fs.FS) (*Manifest, error) {
	data, err := fs.ReadFile(bundle, ManifestFile)
	if err != nil {
		return nil, fmt.Errorf("onnx: %w: a model is a folder with %s, %s and, for a window model, %s", err, ManifestFile, GraphFile, TokenizerFile)
	}
	m := &Manifest{}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("onnx: %s: %w", ManifestFile, err)
	}
	problems := m.check()
	for _, name := range m.wanted() {
		if err := checkSum(bundle, name, m.Files[name]); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		for i, err := range problems {
			problems[i] = fmt.Errorf("onnx: %s: %w", ManifestFile, err)
		}
		return nil, errors.Join(problems...)
	}
	return m, nil
}

func (m *Manifest) wanted() []string {
	if m.Kind == "window" {
		return []string{GraphFile, TokenizerFile}
	}
	return []string{GraphFile}
}

func (m *Manifest) check() []error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if m.Format != 1 {
		add("format: %d: want 1", m.Format)
	}
	if m.Name == "" || m.Version == "" || strings.ContainsAny(m.Name+m.Version, "@ \n") {
		add("name, version: %q, %q: want both, without blanks and @", m.Name, m.Version)
	}
	between := func(key string, n, low, high int) {
		if n < low || n > high {
			add("%s: %d: out of range [%d, %d]", key, n, low, high)
		}
	}
	between("stride_runes", m.StrideRunes, 1, maxStride)
	switch m.Kind {
	case "recurrent":
		between("state_len", m.StateLen, 1, maxState)
		if m.Features != feature.Name {
			add("features: %q: want %q", m.Features, feature.Name)
		}
		if m.WindowRunes != 0 || m.WindowTokens != 0 || m.Activation != "" || m.Text != "" {
			add("window_runes, window_tokens, activation and text are for kind window")
		}
	case "window":
		between("window_runes", m.WindowRunes, m.StrideRunes, maxWindow)
		between("window_tokens", m.WindowTokens, 8, maxWindow)
		if !slices.Contains([]string{"sigmoid", "softmax", "none"}, m.Activation) {
			add("activation: %q: want sigmoid, softmax or none", m.Activation)
		}
		if !slices.Contains([]string{"folded", "original"}, m.Text) {
			add("text: %q: want original, what the model was most likely trained on, or folded, which undoes disguises but has no capitals and accents", m.Text)
		}
		if m.StateLen != 0 || m.Features != "" {
			add("state_len and features are for kind recurrent")
		}
	default:
		add("kind: %q: want recurrent or window", m.Kind)
	}
	means := 0
	for _, label := range m.Labels {
		c := policy.NoCategory
		if label != "" {
			var err error
			if c, err = policy.ParseCategory(label); err != nil {
				add("labels: %w", err)
			} else if slices.Contains(m.categories, c) {
				add("labels: %s is there twice", label)
			}
			means++
		}
		m.categories = append(m.categories, c)
	}
	if means == 0 {
		add("labels: want the category of every output, at least one")
	}
	for name := range m.Files {
		if !slices.Contains(m.wanted(), name) {
			add("files: %q: want %s", name, strings.Join(m.wanted(), " and "))
		}
	}
	return problems
}

func checkSum(bundle fs.FS, name, want string) error {
	if len(want) != hex.EncodedLen(sha256.Size) {
		return fmt.Errorf("files: %s: want its SHA-256 in hexadecimal", name)
	}
	data, err := fs.ReadFile(bundle, name)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != want {
		return fmt.Errorf("files: %s has another SHA-256, %x, and %d bytes: it is truncated or was changed; fetch it again, or put in the new sum if the change is yours", name, sum, len(data))
	}
	return nil
}
