package policy_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

const withModels = `
version: 1
name: models
classifier: optional
models:
  - use: cheap
    judges: [violence, discrimination]
  - use: ./dear
    gate: {model: cheap, categories: [hatred], at_least: 0.3}
replacement: {en: stopped}
profiles: {default: {}}
`

func TestModels(t *testing.T) {
	p, err := policy.Parse("p.yaml", []byte(withModels))
	if err != nil {
		t.Fatal(err)
	}
	judges := []policy.Category{policy.Violence}
	for c := policy.DiscriminationEthnicity; c <= policy.DiscriminationHealth; c++ {
		judges = append(judges, c)
	}
	want := []policy.ModelUse{
		{Use: "cheap", Judges: judges},
		{Use: "./dear", Gate: &policy.ModelGate{Categories: []policy.Category{policy.Hatred}, AtLeast: 0.3}},
	}
	if diff := cmp.Diff(want, p.Models(), cmpopts.IgnoreFields(policy.ModelUse{}, "Origin")); diff != "" || !p.ClassifierOptional() {
		t.Errorf("optional %t (-want +got):\n%s", p.ClassifierOptional(), diff)
	}

	// What Show prints resolves to the same.
	var shown bytes.Buffer
	if err := p.Show(&shown, ""); err != nil {
		t.Fatal(err)
	}
	again, err := policy.Parse("shown.yaml", shown.Bytes())
	if err != nil {
		t.Fatalf("%v in\n%s", err, shown.String())
	}
	if diff := cmp.Diff(p.Models(), again.Models(), cmpopts.IgnoreFields(policy.ModelUse{}, "Origin")); diff != "" || !again.ClassifierOptional() {
		t.Errorf("shown and read again (-want +got):\n%s", diff)
	}
}

func TestModelErrors(t *testing.T) {
	for change, want := range map[[2]string]string{
		{"optional", "perhaps"}:                   `:4:13: classifier: "perhaps": want required or optional`,
		{"use: ./dear", "use: cheap"}:             `models[1].use: "cheap": is there already`,
		{"use: ./dear\n    gate", "gate"}:         "models[1].use: is missing",
		{"model: cheap", "model: other"}:          `models[1].gate.model: "other": want a model listed before this one: cheap`,
		{"model: cheap", "model: ./dear"}:         `models[1].gate.model: "./dear": want a model listed before this one: cheap`,
		{", at_least: 0.3", ""}:                   "models[1].gate.at_least: is missing",
		{"at_least: 0.3", "at_least: 3"}:          "out of range [0, 1]",
		{"violence, disc", "shoes, disc"}:         "shoes",
		{"judges: [violence", "judge: [violence"}: "judge",
	} {
		_, err := policy.Parse("p.yaml", []byte(strings.Replace(withModels, change[0], change[1], 1)))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", change[1], err, want)
		}
	}
}
