package policy_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with the file of that name in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: -want +got\n%s", name, diff)
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func family(t testing.TB) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("family.yaml", read(t, "family.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func profile(t testing.TB, p *policy.Policy, name string) *policy.Profile {
	t.Helper()
	q, ok := p.Profile(name)
	if !ok {
		t.Fatalf("there is no profile %s", name)
	}
	return q
}

// TestFiveMistakes shows that all problems of a file come at once, each where it is.
func TestFiveMistakes(t *testing.T) {
	p, err := policy.Parse("five.yaml", read(t, "five.yaml"))
	if p != nil || err == nil {
		t.Fatalf("got %v, %v; want an error alone", p, err)
	}
	golden(t, "five.golden", err.Error()+"\n")
}

func TestResolve(t *testing.T) {
	p := family(t)
	if diff := cmp.Diff([]string{"ask", "child", "default", "teen"}, p.ProfileNames()); diff != "" {
		t.Errorf("profiles: -want +got\n%s", diff)
	}
	if q, ok := p.Profile("nobody"); ok {
		t.Errorf("there is a profile %v", q)
	}
	type fields struct {
		Release  policy.Release
		Fail     policy.FailMode
		Holdback int
		Prompt   string
		Packs    []string
		Violence policy.Threshold
	}
	both := []string{"weir-en", "own/extra.yaml"}
	inherited := policy.Threshold{Flag: 0.5, Redact: 0.7, Halt: 0.9, SustainRunes: 8}
	for name, want := range map[string]fields{
		"default": {policy.Strict, policy.Closed, 12, "ask", both, inherited},
		"teen":    {policy.Strict, policy.Closed, 0, "ask", both, inherited},
		"child": {policy.Async, policy.Degraded, 0, "ask", []string{"weir-en"},
			policy.Threshold{Flag: 0.5, Redact: policy.Never, Halt: 0.6, SustainRunes: 8}},
		"ask": {policy.Observe, policy.Closed, 0, "", both,
			policy.Threshold{Flag: 0.4, Redact: policy.Never, Halt: policy.Never, SustainRunes: 3}},
	} {
		q := profile(t, p, name)
		got := fields{q.Release, q.Fail, q.HoldbackRunes, q.PromptProfile, q.Packs, q.Score(policy.Violence)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestSeverityAction(t *testing.T) {
	p := family(t)
	const none, flag, redact, halt = policy.Allow, policy.Flag, policy.Redact, policy.Halt
	for _, tc := range []struct {
		profile  string
		category policy.Category
		want     [policy.NumSeverities]policy.Action // none, low, medium, high, critical
	}{
		{"default", policy.Violence, [...]policy.Action{none, flag, redact, halt, halt}},
		{"default", policy.DiscriminationAge, [...]policy.Action{none, flag, flag, flag, halt}},
		{"default", policy.DiscriminationGender, [...]policy.Action{none, flag, flag, halt, halt}},
		{"default", policy.Sexual, [...]policy.Action{none, none, none, none, none}},
		{"teen", policy.Violence, [...]policy.Action{none, flag, halt, halt, halt}},
		{"teen", policy.DiscriminationGender, [...]policy.Action{none, flag, halt, halt, halt}},
		{"child", policy.DiscriminationAge, [...]policy.Action{none, flag, halt, halt, halt}},
		{"ask", policy.PromptAttack, [...]policy.Action{none, halt, halt, halt, halt}},
		{"ask", policy.Violence, [...]policy.Action{none, none, none, none, none}},
	} {
		q := profile(t, p, tc.profile)
		var got [policy.NumSeverities]policy.Action
		for s := range got {
			got[s] = q.SeverityAction(tc.category, policy.Severity(s))
		}
		if got != tc.want {
			t.Errorf("%s, %s: got %v, want %v", tc.profile, tc.category, got, tc.want)
		}
	}
}

func TestPatterns(t *testing.T) {
	p := family(t)
	origin := func(line, column int, profile string) policy.Origin {
		return policy.Origin{File: "family.yaml", Line: line, Column: column, Profile: profile}
	}
	for name, want := range map[string][]policy.PatternOverride{
		"default": {{Rule: "cn_mobile", Action: policy.Redact, Origin: origin(15, 28, "default")},
			{Rule: "email", Action: policy.Allow, Origin: origin(15, 16, "default")}},
		"teen": {{Rule: "cn_mobile", Action: policy.Redact, Origin: origin(15, 28, "default")},
			{Rule: "email", Action: policy.Allow, Origin: origin(15, 16, "default")}},
		"child": {{Rule: "email", Action: policy.Halt, Origin: origin(29, 16, "child")}},
		"ask":   nil,
	} {
		if diff := cmp.Diff(want, profile(t, p, name).PatternOverrides()); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	q := profile(t, p, "default")
	if got := q.PatternAction("email", policy.Violence, policy.High); got != policy.Allow {
		t.Errorf("email is off, and yet: %s", got)
	}
	if got := q.PatternAction("bank_card", policy.Violence, policy.High); got != policy.Halt {
		t.Errorf("bank_card has no rule of its own: got %s, want its category's halt", got)
	}
}

func TestUsesScores(t *testing.T) {
	p := family(t)
	if !profile(t, p, "child").UsesScores() {
		t.Error("child has thresholds")
	}
	const plain = `{version: 1, name: a, replacement: {en: b}, profiles: {
		base: {categories: {ip: {score: {flag: 0.5, sustain_runes: 4}}}},
		default: {extends: base, categories: {ip: {score: {flag: ~}}}}}}`
	p, err := policy.Parse("a.yaml", []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	if profile(t, p, "default").UsesScores() {
		t.Error("default has cleared its only threshold")
	}
}

func TestReplacement(t *testing.T) {
	q := profile(t, family(t), "child")
	for lang, want := range map[string]string{
		"en": "The gate is shut.", "": "The gate is shut.", "fr-CA": "The gate is shut.", "z": "The gate is shut.",
		"zh": "闸门已关。", "zh-CN": "闸门已关。", "ZH-hant-TW": "闸门已关。", "zh-Hant-HK": "閘門已關。", "-": "The gate is shut.",
	} {
		if got := q.Replacement(lang); got != want {
			t.Errorf("%q: got %q, want %q", lang, got, want)
		}
	}
}

func TestRedaction(t *testing.T) {
	q := profile(t, family(t), "child")
	for source, want := range map[policy.Source]string{
		{Kind: policy.SourcePattern, Name: "email"}:         "<email/privacy>",
		{Kind: policy.SourceLexicon, Name: "own", Line: 12}: "(privacy)",
		{Kind: policy.SourceModel, Name: "m"}:               "***",
	} {
		if got := q.Redaction(source, policy.Privacy); got != want {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
	}
}

func TestDigest(t *testing.T) {
	data := read(t, "family.yaml")
	a := family(t).Digest()
	b, err := policy.Parse("other name", data)
	if err != nil {
		t.Fatal(err)
	}
	c, err := policy.Parse("family.yaml", append(bytes.Clone(data), '\n'))
	if err != nil {
		t.Fatal(err)
	}
	if a != b.Digest() || a == c.Digest() {
		t.Errorf("the digest is not the bytes' alone: %x %x %x", a, b.Digest(), c.Digest())
	}
}

// TestHotPathAllocatesNothing covers what streams ask per match and per score.
func TestHotPathAllocatesNothing(t *testing.T) {
	q := profile(t, family(t), "default")
	var sum int
	if n := testing.AllocsPerRun(100, func() {
		sum += int(q.SeverityAction(policy.Violence, policy.High)) + int(q.PatternAction("email", policy.Privacy, policy.Low))
		sum += q.Score(policy.Violence).SustainRunes
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestModes(t *testing.T) {
	for _, want := range []policy.Release{policy.Strict, policy.Async, policy.Observe} {
		var got policy.Release
		if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
			t.Errorf("%s: got %s, %v", want, got, err)
		}
	}
	for _, want := range []policy.FailMode{policy.Closed, policy.Degraded, policy.Open} {
		var got policy.FailMode
		if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
			t.Errorf("%s: got %s, %v", want, got, err)
		}
	}
	var r policy.Release
	if err := r.UnmarshalText([]byte("closed")); err == nil || !strings.Contains(err.Error(), "strict, async, observe") {
		t.Errorf("got %v", err)
	}
}
