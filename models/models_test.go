package models_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/engine/lexicon"
	"github.com/seed-4f09bd3a/weir/engine/pattern"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/models"
)

func defaultPolicy(t *testing.T) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("default.yaml", models.DefaultPolicy())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestDefaultPolicy checks what the profiles promise, harm by harm.
func TestDefaultPolicy(t *testing.T) {
	const none, flag, redact, halt = policy.Allow, policy.Flag, policy.Redact, policy.Halt
	type actions [policy.NumSeverities - 1]policy.Action // low, medium, high, critical
	var (
		off      = actions{none, none, none, none}
		report   = actions{flag, flag, flag, flag}
		harm     = actions{flag, flag, halt, halt}
		attack   = actions{none, flag, halt, halt}
		strict   = actions{flag, halt, halt, halt}
		any      = actions{halt, halt, halt, halt}
		data     = actions{flag, redact, redact, redact}
		allData  = actions{redact, redact, redact, redact}
		secret   = actions{flag, flag, redact, redact}
		keys     = actions{flag, redact, redact, halt}
		operator = actions{flag, halt, halt, halt}
	)
	want := map[string]func(c policy.Category) actions{
		"default": func(c policy.Category) actions {
			switch c {
			case policy.PromptAttack:
				return off
			case policy.Misinformation:
				return report
			case policy.Privacy:
				return data
			case policy.IP:
				return secret
			}
			if c.IsOperatorSlot() {
				return operator
			}
			return harm
		},
	}
	want["strict"] = func(c policy.Category) actions {
		switch c {
		case policy.Privacy:
			return allData
		case policy.IP:
			return keys
		}
		if base := want["default"](c); base != harm {
			return base
		}
		return strict
	}
	want["minor"] = func(c policy.Category) actions {
		switch c {
		case policy.Sexual, policy.Violence, policy.SelfHarm, policy.Illicit:
			return any
		}
		return want["strict"](c)
	}
	want["prompt"] = func(c policy.Category) actions {
		switch c {
		case policy.PromptAttack:
			return attack
		case policy.Privacy, policy.IP:
			return report
		}
		return want["default"](c)
	}

	p := defaultPolicy(t)
	if diff := cmp.Diff([]string{"default", "minor", "prompt", "strict"}, p.ProfileNames()); diff != "" {
		t.Errorf("profiles: -want +got\n%s", diff)
	}
	for name, want := range want {
		q, ok := p.Profile(name)
		if !ok {
			t.Errorf("there is no profile %s", name)
			continue
		}
		for c := range policy.Category(policy.NumCategories) {
			var got actions
			for s := range got {
				got[s] = q.SeverityAction(c, policy.Low+policy.Severity(s))
			}
			if got != want(c) {
				t.Errorf("%s, %s: got %v, want %v", name, c, got, want(c))
			}
		}
		if q.Release != policy.Strict || q.Fail != policy.Closed || !q.UsesScores() {
			t.Errorf("%s: release %s, fail %s, scores %v", name, q.Release, q.Fail, q.UsesScores())
		}
	}
}

func TestDefaultPolicyPrompts(t *testing.T) {
	p := defaultPolicy(t)
	for name, want := range map[string]string{"default": "prompt", "strict": "prompt", "minor": "prompt", "prompt": ""} {
		q, ok := p.Profile(name)
		if !ok || q.PromptProfile != want {
			t.Errorf("%s: prompts go to %q, want %q", name, q.PromptProfile, want)
		}
	}
}

// TestDefaultPolicyScores pins what the default model is trusted with: what it
// recognises well halts, the rest is flagged, and stricter profiles halt earlier.
func TestDefaultPolicyScores(t *testing.T) {
	p := defaultPolicy(t)
	for name, want := range map[string]map[policy.Category]float32{
		"default": {policy.Harassment: 0.93, policy.Sexual: 0.93, policy.SelfHarm: 0.93, policy.Illicit: 0.97, policy.DiscriminationGender: 0.97, policy.DiscriminationRegion: 0.93, policy.Violence: policy.Never, policy.Terrorism: policy.Never, policy.Hatred: policy.Never},
		"strict":  {policy.Harassment: 0.85, policy.Sexual: 0.85, policy.SelfHarm: 0.85, policy.Illicit: 0.93, policy.DiscriminationGender: 0.93, policy.DiscriminationRegion: 0.85, policy.Violence: 0.97, policy.Terrorism: 0.98, policy.Hatred: 0.98},
		"minor":   {policy.Harassment: 0.85, policy.Sexual: 0.75, policy.SelfHarm: 0.75, policy.Illicit: 0.9, policy.DiscriminationGender: 0.93, policy.DiscriminationRegion: 0.85, policy.Violence: 0.93, policy.Terrorism: 0.98, policy.Hatred: 0.98},
		"prompt":  {policy.Harassment: 0.93, policy.Sexual: 0.93, policy.SelfHarm: 0.93, policy.Illicit: 0.97, policy.DiscriminationGender: 0.97, policy.DiscriminationRegion: 0.93, policy.Violence: policy.Never},
	} {
		q, _ := p.Profile(name)
		for c, halt := range want {
			want := policy.Threshold{Flag: 0.5, Redact: policy.Never, Halt: halt, SustainRunes: 8}
			if got := q.Score(c); got != want {
				t.Errorf("%s, %s: got %v, want %v", name, c, got, want)
			}
		}
		if got := q.Score(policy.Misinformation); got.Halt != policy.Never {
			t.Errorf("%s, misinformation halts at %v", name, got.Halt)
		}
	}
}

// TestModels: every embedded model is whole, and the default policy names no
// other.
func TestModels(t *testing.T) {
	for _, name := range models.ModelNames() {
		bundle, ok := models.Model(name)
		if !ok {
			t.Fatalf("%s is not embedded", name)
		}
		var manifest struct {
			Name   string
			Files  map[string]string
			Labels []string
		}
		data, err := fs.ReadFile(bundle, "manifest.json")
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &manifest); err != nil {
			t.Fatal(err)
		}
		if manifest.Name != name || len(manifest.Labels) != 16 || len(manifest.Files) == 0 {
			t.Errorf("%s: manifest %+v", name, manifest)
		}
		for file, sum := range manifest.Files {
			data, err := fs.ReadFile(bundle, file)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%x", sha256.Sum256(data)); got != sum {
				t.Errorf("%s: %s has the sum %s, its manifest says %s", name, file, got, sum)
			}
			if len(data) > 20<<20 {
				t.Errorf("%s: %s has %d bytes, more than 20 MiB", name, file, len(data))
			}
		}
	}
	if _, ok := models.Model("weir-nothing"); ok {
		t.Error("a model that is not there was found")
	}
	for _, use := range defaultPolicy(t).Models() {
		if !slices.Contains(models.ModelNames(), use.Use) {
			t.Errorf("the default policy names %s", use.Use)
		}
	}
}

// TestDefaultPolicyPatterns names the actions that operators will ask about.
func TestDefaultPolicyPatterns(t *testing.T) {
	p := defaultPolicy(t)
	for rule, want := range map[pattern.Rule][3]policy.Action{ // default, strict, prompt
		pattern.Email:        {policy.Flag, policy.Redact, policy.Flag},
		pattern.CNMobile:     {policy.Redact, policy.Redact, policy.Flag},
		pattern.CNResidentID: {policy.Redact, policy.Redact, policy.Flag},
		pattern.APIKey:       {policy.Redact, policy.Redact, policy.Flag},
		pattern.PrivateKey:   {policy.Redact, policy.Halt, policy.Flag},
	} {
		for i, name := range []string{"default", "strict", "prompt"} {
			q, _ := p.Profile(name)
			if got := q.PatternAction(rule.String(), rule.Category(), rule.Severity()); got != want[i] {
				t.Errorf("%s, %s: got %s, want %s", name, rule, got, want[i])
			}
		}
	}
}

func TestReplacementTexts(t *testing.T) {
	q, _ := defaultPolicy(t).Profile("default")
	seen := map[string]string{}
	for _, lang := range []string{"en", "zh", "ja"} {
		text := q.Replacement(lang)
		if other, dup := seen[text]; dup {
			t.Errorf("%s and %s have the same text", lang, other)
		}
		seen[text] = lang
	}
}

// TestPacks parses every pack, and wants every pack that a profile names to be
// there and nothing in the operator's slots.
func TestPacks(t *testing.T) {
	names := models.PackNames()
	for _, name := range names {
		data, ok := models.Pack(name)
		if !ok {
			t.Errorf("%s: listed and not there", name)
			continue
		}
		pack, err := lexicon.ParsePack(name+".yaml", data)
		if err != nil {
			t.Error(err)
			continue
		}
		if pack.Name != name || pack.Licence == "" || pack.Source == "" {
			t.Errorf("%s: is named %q, licence %q, source %q", name, pack.Name, pack.Licence, pack.Source)
		}
		for i := range pack.Entries {
			for _, c := range pack.Entries[i].Categories.Categories() {
				if c.IsOperatorSlot() {
					t.Errorf("%s:%d: %s is for packs of operators", name, pack.Entries[i].Line, c)
				}
			}
		}
	}
	p := defaultPolicy(t)
	for _, profile := range p.ProfileNames() {
		q, _ := p.Profile(profile)
		for _, pack := range q.Packs {
			if !slices.Contains(names, pack) {
				t.Errorf("profile %s: there is no pack %s", profile, pack)
			}
		}
	}
	for _, name := range []string{"", "weir-xx", "../policy/default", "weir-en.yaml"} {
		if _, ok := models.Pack(name); ok {
			t.Errorf("there is a pack %q", name)
		}
	}
}

// TestDefaultPolicyIsACopy writes to what it got.
func TestDefaultPolicyIsACopy(t *testing.T) {
	models.DefaultPolicy()[0] = 'x'
	if models.DefaultPolicy()[0] == 'x' {
		t.Error("the embedded policy can be changed")
	}
}

func ExamplePack() {
	data, ok := models.Pack("weir-en")
	if !ok {
		fmt.Println("not embedded")
		return
	}
	pack, err := lexicon.ParsePack("weir-en.yaml", data)
	fmt.Println(pack.Name, pack.Language, err)
	// Output: weir-en en <nil>
}
