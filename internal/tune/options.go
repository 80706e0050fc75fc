package tune

import (
	"errors"
	"fmt"
	"math"
	"regexp"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// Options say what to look for. The zero value of a field means its default,
// except for limits, where NaN means none (see NoLimit).
type Options struct {
	Labels  []policy.Category  // meaning of each score; policy.NoCategory for one that means none
	Current []policy.Threshold // thresholds of the profile today, one per label; nil: none

	// Limits for halting. A threshold is recommended only if the interval's bound
	// keeps each of them.
	MaxFPR       float64 // share of harmless texts halted, in (0, 1)
	MinPrecision float64 // share of halted texts that are violations, in (0, 1)
	MinRecall    float64 // share of violations halted, in (0, 1)

	Confidence   float64 // of every interval, two-sided, in [0.5, 0.9999]; 0: 0.95
	SustainRunes []int   // values to try, each in [0, policy.MaxSustainRunes]; nil: what Current says
	Bootstrap    int     // draws, at most 100,000; 0: 1,000; negative: none
	Seed         uint64  // of the bootstrap

	// Names for the report and the patch.
	Profile string // of the policy; "": default
	Model   string // what scored the texts
	Source  string // where the labels come from
}

// NoLimit is the value of a limit that is not wanted.
func NoLimit() float64 { return math.NaN() }

const (
	defaultConfidence = 0.95
	defaultBootstrap  = 1000
	maxBootstrap      = 100_000
	maxSustainValues  = 16
)

// Names of profiles become keys of the patch.
var profileNames = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (o *Options) setDefaults() {
	if o.Confidence == 0 {
		o.Confidence = defaultConfidence
	}
	if o.Bootstrap == 0 {
		o.Bootstrap = defaultBootstrap
	}
	if o.Profile == "" {
		o.Profile = "default"
	}
}

// Check reports whether Analyse would take the options, before there are samples.
func (o Options) Check() error {
	o.setDefaults()
	return o.check()
}

func (o *Options) check() error {
	var found []error
	bad := func(format string, args ...any) {
		found = append(found, fmt.Errorf("tune: %w: %w", ErrBadOptions, fmt.Errorf(format, args...)))
	}
	if len(o.Labels) == 0 {
		bad("no labels: want a model that has some")
	}
	var seen policy.CategorySet
	for _, c := range o.Labels {
		if c == policy.NoCategory {
			continue
		}
		if c >= policy.NumCategories {
			bad("label %d: want a category", c)
		} else if seen.Has(c) {
			bad("label %s: is there twice; analyse models that share a label one at a time", c)
		}
		seen = seen.Set(c)
	}
	if len(o.Labels) > 0 && seen == 0 {
		bad("no label is a category: want at least one")
	}
	if o.Current != nil && len(o.Current) != len(o.Labels) {
		bad("%d current thresholds: want one for each of %d labels", len(o.Current), len(o.Labels))
	}
	for _, limit := range o.limits() {
		if v := limit.value; !math.IsNaN(v) && !(v > 0 && v < 1) {
			bad("%s %v: want a share above 0 and below 1, such as 0.001", limit.flag, v)
		}
	}
	if !(o.Confidence >= 0.5 && o.Confidence <= 0.9999) {
		bad("--confidence %v: out of range [0.5, 0.9999]", o.Confidence)
	}
	if len(o.SustainRunes) > maxSustainValues {
		bad("%d values for sustain_runes: want at most %d", len(o.SustainRunes), maxSustainValues)
	}
	for _, n := range o.SustainRunes {
		if n < 0 || n > policy.MaxSustainRunes {
			bad("sustain_runes %d: out of range [0, %d]", n, policy.MaxSustainRunes)
		}
	}
	if o.Bootstrap > maxBootstrap {
		bad("%d bootstrap draws: want at most %d", o.Bootstrap, maxBootstrap)
	}
	if !profileNames.MatchString(o.Profile) {
		bad("profile %.60q: want up to 64 letters a to z, digits, dots, hyphens and underscores", o.Profile)
	}
	return errors.Join(found...)
}

type limit struct {
	flag  string
	value float64
}

func (o *Options) limits() []limit {
	return []limit{{"--max-fpr", o.MaxFPR}, {"--min-precision", o.MinPrecision}, {"--min-recall", o.MinRecall}}
}

// labelSet returns the categories that the scores speak of.
func (o *Options) labelSet() policy.CategorySet {
	var set policy.CategorySet
	for _, c := range o.Labels {
		if c < policy.NumCategories {
			set = set.Set(c)
		}
	}
	return set
}
