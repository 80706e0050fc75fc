package policy

import (
	"fmt"
	"slices"
)

// Explain says in one line why a finding was made: action, category, place,
// detector, and what in the profile turned it into the action. It quotes no
// text of the stream. The finding must come from a stream of the profile.
func Explain(f Finding, p *Profile, snapshotVersion string) string {
	head := fmt.Sprintf("%s: %s at bytes [%d, %d)", f.Action, f.Category, f.Span.Start, f.Span.End)
	var who, why string
	switch {
	case f.Source.Kind == SourceEngine || f.Category >= NumCategories:
		head = fmt.Sprintf("%s: moderation was not possible at bytes [%d, %d)", f.Action, f.Span.Start, f.Span.End)
		who = f.Source.Name
		why = fmt.Sprintf("fail is %s (%s)", p.Fail, p.whence(p.origins["fail"]))
	case f.Source.Kind == SourceLexicon:
		who = fmt.Sprintf("lexicon %s line %d", f.Source.Name, f.Source.Line)
		why = p.explainSeverity(f)
	case f.Source.Kind == SourcePattern:
		who = "pattern " + f.Source.Name
		why = p.explainSeverity(f)
		if i := slices.IndexFunc(p.overrides, func(o PatternOverride) bool { return o.Rule == f.Source.Name }); i >= 0 {
			o := &p.overrides[i]
			why = fmt.Sprintf("severity %s, patterns.%s is %s (%s)", f.Severity, o.Rule, o.Action, p.whence(o.Origin))
		}
	default:
		who = "model " + f.Source.Name
		why = p.explainScore(f)
	}
	if p.Release == Observe {
		why += ", profile " + p.Name + " only observes"
	}
	return fmt.Sprintf("%s: %s, %s, snapshot %s", head, who, why, snapshotVersion)
}

// explainSeverity names the severity rule that decided.
func (p *Profile) explainSeverity(f Finding) string {
	a := p.actions[f.Category][f.Severity]
	if v := p.rules[f.Category].severity[a]; v.set {
		return fmt.Sprintf("severity %s reaches %s at %s (%s)", f.Severity, a, v.v, p.whence(v.origin))
	}
	return fmt.Sprintf("severity %s reaches nothing in profile %s", f.Severity, p.Name)
}

// explainScore names the threshold that decided: the harshest of those with
// the finding's value.
func (p *Profile) explainScore(f Finding) string {
	rule := &p.rules[f.Category]
	for a := Halt; a > Allow; a-- {
		v := rule.score[a]
		if !v.set || v.v != f.Threshold {
			continue
		}
		sustained := ""
		if n := rule.sustain.v; n > 0 {
			sustained = fmt.Sprintf(" for %d runes", n)
		}
		return fmt.Sprintf("score %.3f reaches %s at %.3g%s (%s)", f.Score, a, v.v, sustained, p.whence(v.origin))
	}
	return fmt.Sprintf("score %.3f at %.3g reaches nothing in profile %s", f.Score, f.Threshold, p.Name)
}

// whence says where a value was written and how it came to the profile.
func (p *Profile) whence(o Origin) string {
	if o.Profile == "" || o.Profile == p.Name {
		return fmt.Sprintf("%s, profile %s", o, p.Name)
	}
	return fmt.Sprintf("%s, profile %s, inherited by %s", o, o.Profile, p.Name)
}
