package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
	"github.com/seed-4f09bd3a/weir/internal/tune"
)

type tuneCmd struct {
	File         string   `arg:"" optional:"" help:"JSON Lines with text and labels, and if wanted id, lang, unknown, onset; - or nothing for standard input."`
	Policy       string   `help:"Policy file; without it the embedded policy." type:"existingfile" placeholder:"FILE"`
	Profile      string   `help:"Profile to tune." default:"default" placeholder:"NAME"`
	Model        string   `help:"Which of the policy's models; without it the first." placeholder:"NAME"`
	MaxFPR       *float64 `name:"max-fpr" help:"Most harmless texts that may be halted, as a share." placeholder:"SHARE"`
	MinPrecision *float64 `help:"Fewest of the halted texts that must be violations, as a share." placeholder:"SHARE"`
	MinRecall    *float64 `help:"Fewest of the violations that must be halted, as a share." placeholder:"SHARE"`
	Confidence   float64  `help:"Of every interval." default:"0.95" placeholder:"SHARE"`
	SustainRunes []int    `help:"Values of sustain_runes to try." placeholder:"N,N"`
	Bootstrap    int      `help:"Draws for intervals of areas; 0 for none." default:"1000" placeholder:"N"`
	Seed         uint64   `help:"Of the draws." default:"1" placeholder:"N"`
	Out          string   `help:"Folder for report.html, report.json and patch.yaml; made if missing." default:"tune" type:"path" placeholder:"FOLDER"`
}

// tuneLine is what a labelled line adds to text and id. Categories that are in
// neither list are known not to be violated.
type tuneLine struct {
	Labels  *[]string `json:"labels"`
	Unknown []string  `json:"unknown"`
	Lang    string    `json:"lang"`
	Onset   *int      `json:"onset"` // byte of the text at which the violation begins
}

// Run scores every text, and writes what the scores are worth.
func (c *tuneCmd) Run() error {
	if c.Confidence == 0 { // to Analyse, 0 is the default
		return errors.New("tune: --confidence 0: want a share such as 0.95")
	}
	in := io.Reader(os.Stdin)
	source := "standard input"
	if c.File != "" && c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return fmt.Errorf("tune: %w", err)
		}
		defer f.Close() //nolint:errcheck // only read
		in, source = f, filepath.Base(c.File)
	}
	s, err := newScorer(c.Policy, c.Profile)
	if err != nil {
		return err
	}
	member, err := c.member(s)
	if err != nil {
		return err
	}
	info := s.members[member].Batcher.Info()
	profile := s.engine.Snapshot().Policy()
	p, _ := profile.Profile(c.Profile)
	var current []policy.Threshold
	for _, l := range info.Labels {
		t := policy.Threshold{Flag: policy.Never, Redact: policy.Never, Halt: policy.Never}
		if l != policy.NoCategory {
			t = p.Score(l)
		}
		current = append(current, t)
	}
	limit := func(v *float64) float64 {
		if v == nil {
			return tune.NoLimit()
		}
		return *v
	}
	bootstrap := c.Bootstrap
	if bootstrap == 0 {
		bootstrap = -1
	}
	options := tune.Options{
		Labels: info.Labels, Current: current,
		MaxFPR: limit(c.MaxFPR), MinPrecision: limit(c.MinPrecision), MinRecall: limit(c.MinRecall),
		Confidence: c.Confidence, SustainRunes: c.SustainRunes, Bootstrap: bootstrap, Seed: c.Seed,
		Profile: c.Profile, Model: info.Name + "@" + info.Version, Source: source,
	}
	if err := options.Check(); err != nil {
		return err
	}
	if err := makeFolder(c.Out); err != nil {
		return fmt.Errorf("tune: --out: %w", err)
	}
	samples, err := c.samples(in, s, member)
	if err != nil {
		return err
	}
	report, err := tune.Analyse(samples, options)
	if err != nil {
		return err
	}
	if err := report.WriteText(os.Stdout); err != nil {
		return err
	}
	return c.write(report)
}

// member returns the index of the model to tune for.
func (c *tuneCmd) member(s *scorer) (int, error) {
	if len(s.members) == 0 {
		return 0, errors.New("tune: the policy names no model, or none can run")
	}
	var names []string
	for i, m := range s.members {
		name := m.Batcher.Info().Name
		if c.Model == "" || c.Model == name {
			return i, nil
		}
		names = append(names, name)
	}
	return 0, fmt.Errorf("tune: --model %.60q: the policy has %s", c.Model, strings.Join(names, ", "))
}

// samples scores the texts and keeps what tuning needs of them: no text.
func (c *tuneCmd) samples(in io.Reader, s *scorer, member int) ([]tune.Sample, error) {
	type result struct {
		sample tune.Sample
		err    error
	}
	progress := newProgress("tune")
	var samples []tune.Sample
	var runes int64
	err := scoreLines(in, func(x *scoreInput) result {
		sample, err := s.sample(x, member)
		return result{sample, err}
	}, func(r result) error {
		if r.err != nil {
			return r.err
		}
		samples, runes = append(samples, r.sample), runes+int64(r.sample.Runes)
		progress.count(int64(len(samples)), runes)
		return nil
	})
	progress.sum(int64(len(samples)), runes)
	return samples, err
}

// sample scores one labelled text.
func (s *scorer) sample(x *scoreInput, member int) (tune.Sample, error) {
	var line tuneLine
	if err := json.Unmarshal(x.Raw, &line); err != nil {
		return tune.Sample{}, fmt.Errorf("line %d: want labels and unknown as lists of categories, lang as a string, onset as a number: %s", x.Line, reason(err))
	}
	if line.Labels == nil {
		return tune.Sample{}, fmt.Errorf("line %d: labels is missing: want a list of categories, [] for a harmless text", x.Line)
	}
	out := tune.Sample{ID: id(x), Language: line.Lang, Onset: -1}
	for _, list := range []struct {
		names []string
		into  *policy.CategorySet
	}{{*line.Labels, &out.Positive}, {line.Unknown, &out.Unknown}} {
		for _, name := range list.names {
			category, err := policy.ParseCategory(name)
			if err != nil {
				return tune.Sample{}, fmt.Errorf("line %d: %w", x.Line, err)
			}
			*list.into = list.into.Set(category)
		}
	}
	folded := text.Fold(x.Text)
	out.Runes = len(folded)
	if line.Onset != nil {
		if *line.Onset < 0 || *line.Onset >= len(x.Text) {
			return tune.Sample{}, fmt.Errorf("line %d: onset %d: want a byte of the text's %d", x.Line, *line.Onset, len(x.Text))
		}
		out.Onset = min(len(text.FoldString(x.Text[:*line.Onset])), out.Runes-1)
	}
	err := s.strides(x.Text, folded, func(m, end int, scores []float32) {
		if m == member {
			out.Strides = append(out.Strides, tune.Stride{EndRunes: end, Scores: slices.Clone(scores)})
		}
	})
	return out, err
}

// id returns the line's id, or its number.
func id(x *scoreInput) string {
	var text string
	if json.Unmarshal(x.ID, &text) == nil && text != "" {
		return text
	}
	if len(x.ID) > 0 {
		return string(x.ID)
	}
	return "line " + strconv.Itoa(x.Line)
}

// reason says what is wrong with a line and nothing that is in it but the names
// of categories that are none.
func reason(err error) string {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Sprintf("%s is a %s", kind.Field, kind.Value)
	}
	return err.Error()
}

// write puts the report into the folder.
func (c *tuneCmd) write(r *tune.Report) error {
	html, err := os.Create(filepath.Join(c.Out, "report.html"))
	if err != nil {
		return fmt.Errorf("tune: --out: %w", err)
	}
	err = errors.Join(r.WriteHTML(html), html.Close())
	data, jsonErr := json.MarshalIndent(r, "", " ")
	err = errors.Join(err, jsonErr)
	for name, content := range map[string][]byte{"report.json": append(data, '\n'), "patch.yaml": r.Patch()} {
		err = errors.Join(err, os.WriteFile(filepath.Join(c.Out, name), content, 0o644))
	}
	if err == nil {
		fmt.Fprintf(os.Stderr, "tune: %s has report.html, report.json and patch.yaml\n", c.Out)
	}
	return err
}

// makeFolder makes a folder for results, and tries to write there before the work
// whose results they are.
func makeFolder(path string) error {
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(path, ".weir-*")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
