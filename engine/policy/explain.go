package policy

import "fmt"

// Explain says in one line why a finding was made: action, category, place,
// detector, and what in the profile turned it into the action. It quotes no
// text of the stream.
func Explain(f Finding, p *Profile, snapshotVersion string) string {
	where := fmt.Sprintf("bytes [%d, %d)", f.Span.Start, f.Span.End)
	var who, why string
	switch f.Source.Kind {
	case SourceLexicon:
		who = fmt.Sprintf("lexicon %s line %d", f.Source.Name, f.Source.Line)
		why = p.explainSeverity(f)
	case SourcePattern:
		who = "pattern " + f.Source.Name
		why = p.explainSeverity(f)
		for _, o := range p.overrides {
			if o.Rule == f.Source.Name {
				why = fmt.Sprintf("patterns.%s is %s (%s)", o.Rule, o.Action, o.Origin)
			}
		}
	case SourceModel:
		who = "model " + f.Source.Name
		why = fmt.Sprintf("score %.3f reaches %s at %.3g (%s)", f.Score, f.Action, f.Threshold,
			p.rules[f.Category].score[f.Action].origin)
	default:
		return fmt.Sprintf("%s: moderation failed at %s: %s; the profile fails %s (%s), profile %s, snapshot %s",
			f.Action, where, f.Source.Name, p.Fail, p.origins["fail"], p.Name, snapshotVersion)
	}
	if p.Release == Observe {
		why += ", observed only"
	}
	return fmt.Sprintf("%s: %s at %s: %s, %s, profile %s, snapshot %s",
		f.Action, f.Category, where, who, why, p.Name, snapshotVersion)
}

// explainSeverity names the rule that a severity meets.
func (p *Profile) explainSeverity(f Finding) string {
	a := p.actions[f.Category][f.Severity]
	v := p.rules[f.Category].severity[a]
	if !v.set {
		return fmt.Sprintf("severity %s", f.Severity)
	}
	return fmt.Sprintf("severity %s reaches %s at %s (%s)", f.Severity, a, v.v, v.origin)
}
