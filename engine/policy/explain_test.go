package policy_test

import (
	"strings"
	"testing"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

func TestExplain(t *testing.T) {
	p := family(t)
	span := policy.Span{Start: 10, End: 14}
	lexicon := policy.Source{Kind: policy.SourceLexicon, Name: "weir-en", Line: 40}
	var b strings.Builder
	for _, tc := range []struct {
		name, profile string
		finding       policy.Finding
	}{
		{"lexicon", "default", policy.Finding{Category: policy.Violence, Severity: policy.High, Action: policy.Halt, Score: 1, Span: span, Source: lexicon}},
		{"inherited", "child", policy.Finding{Category: policy.Violence, Severity: policy.High, Action: policy.Halt, Score: 1, Span: span, Source: lexicon}},
		{"shorthand", "default", policy.Finding{Category: policy.DiscriminationAge, Severity: policy.Low, Action: policy.Flag, Score: 1, Span: span, Source: lexicon}},
		{"allowed", "default", policy.Finding{Category: policy.Sexual, Severity: policy.Low, Action: policy.Allow, Score: 1, Span: span, Source: lexicon}},
		{"pattern", "default", policy.Finding{Category: policy.Violence, Severity: policy.Low, Action: policy.Flag, Score: 1, Span: span,
			Source: policy.Source{Kind: policy.SourcePattern, Name: "bank_card"}}},
		{"pattern with a rule of its own", "teen", policy.Finding{Category: policy.Privacy, Severity: policy.Medium, Action: policy.Redact, Score: 1, Span: span,
			Source: policy.Source{Kind: policy.SourcePattern, Name: "cn_mobile"}}},
		{"model", "default", policy.Finding{Category: policy.Violence, Action: policy.Halt, Score: 0.91234, Threshold: 0.9, Span: span,
			Source: policy.Source{Kind: policy.SourceModel, Name: "weir-nano-1"}}},
		{"model that is only observed", "ask", policy.Finding{Category: policy.PromptAttack, Action: policy.Flag, Score: 0.85, Threshold: 0.8, Span: span,
			Source: policy.Source{Kind: policy.SourceModel, Name: "weir-nano-1"}}},
		{"a failure", "default", policy.Finding{Category: policy.NoCategory, Severity: policy.Critical, Action: policy.Halt, Score: 1, Span: span,
			Source: policy.Source{Kind: policy.SourceEngine, Name: "model:weir-nano-1 timed out"}}},
	} {
		line := policy.Explain(tc.finding, profile(t, p, tc.profile), "3f2a90c1")
		if strings.Contains(line, "\n") {
			t.Errorf("%s: more than a line: %q", tc.name, line)
		}
		b.WriteString("# " + tc.name + "\n" + line + "\n")
	}
	golden(t, "explain.golden", b.String())
}

// TestExplainNeverPanics asks for every category, action and source there is.
func TestExplainNeverPanics(t *testing.T) {
	p := family(t)
	for _, name := range p.ProfileNames() {
		q := profile(t, p, name)
		for c := range 256 {
			for kind := policy.SourceLexicon; kind <= policy.SourceEngine; kind++ {
				f := policy.Finding{Category: policy.Category(c), Source: policy.Source{Kind: kind, Name: "n"}}
				if line := policy.Explain(f, q, "v"); !strings.HasSuffix(line, ", snapshot v") {
					t.Fatalf("got %q", line)
				}
			}
		}
	}
}
