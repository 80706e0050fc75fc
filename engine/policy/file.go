package policy

import (
	"fmt"
	"strconv"

	"github.com/seed-4f09bd3a/weir/internal/strictyaml"
)

// policyFile is the file's shape; doc.go says what the keys mean.
type policyFile struct {
	Pos         strictyaml.Pos                              `yaml:"-"`
	Version     int                                         `yaml:"version"`
	Name        string                                      `yaml:"name"`
	Packs       strictyaml.Optional[[]string]               `yaml:"packs"`
	Replacement map[string]string                           `yaml:"replacement"`
	Redaction   redactionFile                               `yaml:"redaction"`
	Profiles    map[string]strictyaml.Optional[profileFile] `yaml:"profiles"`
}

type redactionFile struct {
	Pattern string `yaml:"pattern"`
	Lexicon string `yaml:"lexicon"`
	Model   string `yaml:"model"`
}

type profileFile struct {
	Extends       strictyaml.Optional[string]                        `yaml:"extends"`
	Release       strictyaml.Optional[Release]                       `yaml:"release"`
	Fail          strictyaml.Optional[FailMode]                      `yaml:"fail"`
	HoldbackRunes strictyaml.Optional[holdbackRunes]                 `yaml:"holdback_runes"`
	PromptProfile strictyaml.Optional[string]                        `yaml:"prompt_profile"`
	Packs         strictyaml.Optional[[]string]                      `yaml:"packs"`
	Patterns      map[string]strictyaml.Optional[patternAction]      `yaml:"patterns"`
	Categories    map[categoryKey]strictyaml.Optional[categoryRules] `yaml:"categories"`
}

type categoryRules struct {
	Score    scoreRules    `yaml:"score"`
	Severity severityRules `yaml:"severity"`
}

type scoreRules struct {
	Flag         strictyaml.Optional[probability]  `yaml:"flag"`
	Redact       strictyaml.Optional[probability]  `yaml:"redact"`
	Halt         strictyaml.Optional[probability]  `yaml:"halt"`
	SustainRunes strictyaml.Optional[sustainRunes] `yaml:"sustain_runes"`
}

type severityRules struct {
	Flag   strictyaml.Optional[severityName] `yaml:"flag"`
	Redact strictyaml.Optional[severityName] `yaml:"redact"`
	Halt   strictyaml.Optional[severityName] `yaml:"halt"`
}

// The scalars of the file check themselves, so that errors are where they are.

type probability float32

func (p *probability) UnmarshalText(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 32)
	if err != nil {
		return fmt.Errorf("%s: want a number in [0, 1]", strictyaml.Quote(string(b)))
	}
	if !(f >= 0 && f <= 1) {
		return fmt.Errorf("%s: out of range [0, 1]", b)
	}
	*p = probability(f)
	return nil
}

type holdbackRunes int

func (r *holdbackRunes) UnmarshalText(b []byte) error {
	return parseRunes((*int)(r), b, MaxHoldbackRunes)
}

type sustainRunes int

func (r *sustainRunes) UnmarshalText(b []byte) error {
	return parseRunes((*int)(r), b, MaxSustainRunes)
}

func parseRunes(into *int, b []byte, most int) error {
	n, err := strconv.Atoi(string(b))
	if err != nil || n < 0 || n > most {
		return fmt.Errorf("%s: want a whole number of runes in [0, %d]", strictyaml.Quote(string(b)), most)
	}
	*into = n
	return nil
}

type severityName Severity

func (s *severityName) UnmarshalText(b []byte) error {
	v, err := ParseSeverity(string(b))
	*s = severityName(v)
	return err
}

// patternAction is an action or off, which is allow.
type patternAction Action

func (a *patternAction) UnmarshalText(b []byte) error {
	if string(b) == "off" {
		*a = patternAction(Allow)
		return nil
	}
	v, err := ParseAction(string(b))
	if err != nil {
		return fmt.Errorf("%w, off", err)
	}
	*a = patternAction(v)
	return nil
}

// categoryKey is a category or discrimination, which stands for its grounds.
type categoryKey struct {
	category Category
	all      bool
}

func (k *categoryKey) UnmarshalText(b []byte) (err error) {
	if string(b) == "discrimination" {
		k.all = true
		return nil
	}
	k.category, err = ParseCategory(string(b))
	return err
}

// categories returns what the key stands for.
func (k categoryKey) categories() []Category {
	if !k.all {
		return []Category{k.category}
	}
	var out []Category
	for c := DiscriminationEthnicity; c <= DiscriminationHealth; c++ {
		out = append(out, c)
	}
	return out
}

// Release is when text is shown, relative to the models' judgement.
type Release uint8

// The release modes. Lexicon and patterns hold text back in Strict and Async.
const (
	Strict  Release = iota // nothing is released that a model has not scored
	Async                  // models run behind and may retract
	Observe                // nothing is held, nothing halts: findings are only reported
)

var releaseNames = []string{"strict", "async", "observe"}

// String returns the mode's name in policies.
func (r Release) String() string { return nameOf(releaseNames, int(r)) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Release) UnmarshalText(b []byte) error {
	i, err := indexOf("release mode", releaseNames, string(b))
	*r = Release(i)
	return err
}

// FailMode is what becomes of a stream when a detector fails.
type FailMode uint8

// The fail modes.
const (
	Closed   FailMode = iota // the stream halts
	Degraded                 // it goes on, judged by the other detectors
	Open                     // it goes on, not judged at all
)

var failNames = []string{"closed", "degraded", "open"}

// String returns the mode's name in policies.
func (f FailMode) String() string { return nameOf(failNames, int(f)) }

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *FailMode) UnmarshalText(b []byte) error {
	i, err := indexOf("fail mode", failNames, string(b))
	*f = FailMode(i)
	return err
}
