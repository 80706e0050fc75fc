package policy_test

import (
	"fmt"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

const examplePolicy = `version: 1
name: example
replacement: {en: This answer was stopped.}
profiles:
  default:
    categories:
      violence:
        severity: {flag: low, halt: high}
`

func ExampleParse() {
	p, err := policy.Parse("policy.yaml", []byte(examplePolicy))
	if err != nil {
		fmt.Println(err)
		return
	}
	q, _ := p.Profile("default")
	fmt.Println(q.SeverityAction(policy.Violence, policy.Medium), q.SeverityAction(policy.Violence, policy.High))
	fmt.Println(q.Replacement("ja-JP"))

	_, err = policy.Parse("policy.yaml", []byte(examplePolicy+"      violense: {}\n"))
	fmt.Println(err != nil)
	// Output:
	// flag halt
	// This answer was stopped.
	// true
}

func ExampleExplain() {
	p, err := policy.Parse("policy.yaml", []byte(examplePolicy))
	if err != nil {
		fmt.Println(err)
		return
	}
	q, _ := p.Profile("default")
	fmt.Println(policy.Explain(policy.Finding{
		Category: policy.Violence, Severity: policy.High, Action: policy.Halt, Score: 1,
		Span:   policy.Span{Start: 10, End: 14},
		Source: policy.Source{Kind: policy.SourceLexicon, Name: "weir-en", Line: 40},
	}, q, "3f2a90c1"))
	// Output:
	// halt: violence at bytes [10, 14): lexicon weir-en line 40, severity high reaches halt at high (policy.yaml:8, profile default), snapshot 3f2a90c1
}
