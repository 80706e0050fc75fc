package policy

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Limits of a policy.
const (
	MaxHoldbackRunes = 4096
	MaxSustainRunes  = 4096
)

// Never is the threshold of an action that no score reaches.
const Never float32 = 2

// Policy is a whole rule set, parsed and resolved. It is immutable and safe for
// concurrent use.
type Policy struct {
	Name string
	File string

	profiles    []*Profile // by name
	packs       []string
	models      []ModelUse
	optional    bool              // classifier: optional
	replacement map[string]string // by lower-case BCP 47 tag
	redaction   [numSourceKinds]string
	origins     map[string]Origin // of the values above, by path
	digest      [sha256.Size]byte
}

// Profile returns the profile of that name.
func (p *Policy) Profile(name string) (*Profile, bool) {
	i, ok := slices.BinarySearchFunc(p.profiles, name, func(q *Profile, name string) int { return strings.Compare(q.Name, name) })
	if !ok {
		return nil, false
	}
	return p.profiles[i], true
}

// ProfileNames returns the names of all profiles, sorted.
func (p *Policy) ProfileNames() []string {
	out := make([]string, len(p.profiles))
	for i, q := range p.profiles {
		out[i] = q.Name
	}
	return out
}

// Digest returns the SHA-256 of the file that the policy was parsed from.
func (p *Policy) Digest() [sha256.Size]byte { return p.digest }

// Origin is where a value of a resolved profile was written.
type Origin struct {
	File         string
	Line, Column int
	Profile      string // the profile that says it; it may have been inherited from there
}

// String returns "FILE:LINE" without the file's directory, which is nothing for
// clients to see, or "built in" for the zero value.
func (o Origin) String() string {
	if o == (Origin{}) {
		return "built in"
	}
	return fmt.Sprintf("%s:%d", filepath.Base(o.File), o.Line)
}

// Threshold holds the scores at or above which actions apply to a category, in
// [0, 1] or Never, and how many runes a score must stay there.
type Threshold struct {
	Flag, Redact, Halt float32
	SustainRunes       int
}

// value is a resolved value and where it came from.
type value[T any] struct {
	set    bool
	v      T
	origin Origin
}

// rule is what a profile says of one category; arrays are indexed by Action.
type rule struct {
	score    [NumActions]value[float32]
	severity [NumActions]value[Severity]
	sustain  value[int]
}

// PatternOverride is what a profile says of one pattern rule.
type PatternOverride struct {
	Rule   string
	Action Action
	Origin Origin
}

// Profile is a named variant of thresholds and actions with everything that it
// inherits. It is immutable and safe for concurrent use.
type Profile struct {
	Name          string
	Release       Release
	Fail          FailMode
	HoldbackRunes int      // runes held back beyond what detectors ask for
	PromptProfile string   // profile that judges the prompt; "" for this one
	Packs         []string // references as written

	policy    *Policy
	origins   map[string]Origin // of the fields above, by key
	rules     [NumCategories]rule
	overrides []PatternOverride // by rule

	actions    [NumCategories][NumSeverities]Action
	thresholds [NumCategories]Threshold
}

// SeverityAction returns what becomes of a match of the lexicon or a pattern.
func (p *Profile) SeverityAction(c Category, s Severity) Action { return p.actions[c][s] }

// Score returns the thresholds of a category for scores of models.
func (p *Profile) Score(c Category) Threshold { return p.thresholds[c] }

// ScoreAction returns what becomes of a score that was sustained, and the
// threshold that it reached, or 0 if it reached none. NaN reaches none.
func (p *Profile) ScoreAction(c Category, score float32) (Action, float32) {
	switch t := &p.thresholds[c]; {
	case score >= t.Halt:
		return Halt, t.Halt
	case score >= t.Redact:
		return Redact, t.Redact
	case score >= t.Flag:
		return Flag, t.Flag
	}
	return Allow, 0
}

// UsesScores reports whether any category has a score threshold.
func (p *Profile) UsesScores() bool {
	for _, t := range p.thresholds {
		if t.Flag < Never || t.Redact < Never || t.Halt < Never {
			return true
		}
	}
	return false
}

// PatternAction returns what becomes of a match of a pattern rule: what the
// profile says of the rule, or else of its category and severity.
func (p *Profile) PatternAction(rule string, c Category, s Severity) Action {
	if i := slices.IndexFunc(p.overrides, func(o PatternOverride) bool { return o.Rule == rule }); i >= 0 {
		return p.overrides[i].Action
	}
	return p.actions[c][s]
}

// PatternOverrides returns what the profile says of single pattern rules, by
// rule. Whether the rules exist is for the caller to check.
func (p *Profile) PatternOverrides() []PatternOverride { return slices.Clone(p.overrides) }

// Replacement returns the text to show after a halt in the language that lang,
// a BCP 47 tag, asks for: "zh-Hans-CN" tries zh-hans-cn, zh-hans and zh, then en.
func (p *Profile) Replacement(lang string) string {
	const longest = 64 // bytes: it comes from clients, and each subtag costs a look-up
	for lang = strings.ToLower(lang[:min(len(lang), longest)]); lang != ""; {
		if text, ok := p.policy.replacement[lang]; ok {
			return text
		}
		lang = lang[:max(strings.LastIndexByte(lang, '-'), 0)]
	}
	return p.policy.replacement["en"]
}

// Redaction returns what stands in for a redacted span of that source and
// category. It allocates if the policy's text has placeholders.
func (p *Profile) Redaction(src Source, c Category) string {
	text := p.policy.redaction[src.Kind]
	if !strings.Contains(text, "{") {
		return text
	}
	if src.Kind == SourcePattern {
		text = strings.ReplaceAll(text, "{rule}", src.Name)
	}
	return strings.ReplaceAll(text, "{category}", c.String())
}
