package policy

import (
	"cmp"
	"crypto/sha256"
	"maps"
	"slices"
	"strings"

	"github.com/seed-4f09bd3a/weir/internal/strictyaml"
)

// Parse reads and resolves a policy. file names it in errors, which are
// strictyaml.Errors with line and column of every problem at once; doc.go
// specifies the format. The policy is returned only if there is none.
func Parse(file string, data []byte) (*Policy, error) {
	r := resolver{
		problems: strictyaml.Problems{File: file},
		policy:   &Policy{File: file, digest: sha256.Sum256(data), replacement: map[string]string{}},
		done:     map[string]*Profile{},
	}
	f := &r.file
	f.Redaction = redactionFile{Pattern: "[{rule}]", Lexicon: "***", Model: "***"}
	r.problems.Unmarshal(data, f)
	if f.Version != 1 {
		r.problems.Add(f.Pos, "version", "want 1")
	}
	if f.Name == "" {
		r.problems.Add(f.Pos, "name", "is missing")
	}
	for lang, text := range f.Replacement {
		r.policy.replacement[strings.ToLower(lang)] = text
	}
	if r.policy.replacement["en"] == "" {
		r.problems.Add(f.Pos, "replacement.en", "is missing: it is shown when there is no text in the reader's language")
	}
	if !f.Profiles[defaultProfile].Set {
		r.problems.Add(f.Pos, "profiles.default", "is missing: it judges the streams that name no profile")
	}
	r.policy.Name, r.policy.packs, r.policy.redaction = f.Name, f.Packs.Value, f.Redaction
	for _, name := range slices.Sorted(maps.Keys(f.Profiles)) {
		if p := r.resolve(name, nil); p != nil {
			r.policy.profiles = append(r.policy.profiles, p)
		}
	}
	if err := r.problems.Err(); err != nil {
		return nil, err
	}
	return r.policy, nil
}

const defaultProfile = "default"

// resolver turns the file into profiles, each after the one that it extends.
type resolver struct {
	problems strictyaml.Problems
	file     policyFile
	policy   *Policy
	done     map[string]*Profile // nil while it is being resolved, or if it cannot be
}

// resolve returns the profile, or nil if it has no sound base. path is the way
// by which it is extended.
func (r *resolver) resolve(name string, path []string) *Profile {
	if p, ok := r.done[name]; ok {
		return p
	}
	r.done[name] = nil
	f := r.file.Profiles[name].Value
	p := &Profile{
		Name: name, Packs: r.policy.packs, policy: r.policy, origins: map[string]Origin{},
	}
	if r.file.Packs.Set {
		p.origins["packs"] = r.origin("", r.file.Packs.Pos)
	}
	if base := f.Extends.Value; base != "" {
		path = append(path, name)
		if !r.file.Profiles[base].Set {
			r.problems.Add(f.Extends.Pos, r.path(name, "extends"), "unknown profile %s: want one of %s",
				strictyaml.Quote(base), strings.Join(slices.Sorted(maps.Keys(r.file.Profiles)), ", "))
			return nil
		}
		if slices.Contains(path, base) {
			r.problems.Add(f.Extends.Pos, r.path(name, "extends"), "a circle: %s → %s", strings.Join(path, " → "), base)
			return nil
		}
		b := r.resolve(base, path)
		if b == nil {
			return nil // said at the base
		}
		*p = *b
		p.Name, p.origins, p.overrides = name, maps.Clone(b.origins), slices.Clone(b.overrides)
	}
	r.fields(p, &f)
	r.patterns(p, &f)
	r.categories(p, &f)
	p.compile()
	r.checkOrder(p)
	r.done[name] = p
	return p
}

func (r *resolver) path(profile, key string) string { return "profiles." + profile + "." + key }

func (r *resolver) origin(profile string, at strictyaml.Pos) Origin {
	return Origin{File: r.policy.File, Line: at.Line, Column: at.Column, Profile: profile}
}

// fields takes over the single values.
func (r *resolver) fields(p *Profile, f *profileFile) {
	note := func(key string, at strictyaml.Pos) { p.origins[key] = r.origin(p.Name, at) }
	if o := f.Release; o.Set && !o.Null {
		p.Release = o.Value
		note("release", o.Pos)
	}
	if o := f.Fail; o.Set && !o.Null {
		p.Fail = o.Value
		note("fail", o.Pos)
	}
	if o := f.HoldbackRunes; o.Set && !o.Null {
		p.HoldbackRunes = int(o.Value)
		note("holdback_runes", o.Pos)
	}
	if o := f.PromptProfile; o.Set {
		p.PromptProfile = o.Value
		note("prompt_profile", o.Pos)
		if o.Value != "" && !r.file.Profiles[o.Value].Set {
			r.problems.Add(o.Pos, r.path(p.Name, "prompt_profile"), "unknown profile %s: want one of %s",
				strictyaml.Quote(o.Value), strings.Join(slices.Sorted(maps.Keys(r.file.Profiles)), ", "))
		}
	}
	if o := f.Packs; o.Set {
		p.Packs = o.Value
		note("packs", o.Pos)
	}
	for i, ref := range p.Packs {
		if ref == "" || slices.Contains(p.Packs[:i], ref) {
			at := p.origins["packs"]
			r.problems.Add(strictyaml.Pos{Line: at.Line, Column: at.Column}, r.path(p.Name, "packs"),
				"%s: want names or paths of packs, each once", strictyaml.Quote(ref))
		}
	}
}

func (r *resolver) patterns(p *Profile, f *profileFile) {
	for rule, o := range f.Patterns {
		p.overrides = slices.DeleteFunc(p.overrides, func(q PatternOverride) bool { return q.Rule == rule })
		if !o.Null {
			p.overrides = append(p.overrides, PatternOverride{Rule: rule, Action: Action(o.Value), Origin: r.origin(p.Name, o.Pos)})
		}
	}
	slices.SortFunc(p.overrides, func(a, b PatternOverride) int { return strings.Compare(a.Rule, b.Rule) })
}

// categories takes over the rules, the shorthand before the grounds it covers.
func (r *resolver) categories(p *Profile, f *profileFile) {
	keys := slices.SortedFunc(maps.Keys(f.Categories), func(a, b categoryKey) int {
		if a.all != b.all {
			if a.all {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.category, b.category)
	})
	for _, key := range keys {
		c := f.Categories[key].Value
		for _, category := range key.categories() {
			rule := &p.rules[category]
			for a, o := range map[Action]strictyaml.Optional[probability]{Flag: c.Score.Flag, Redact: c.Score.Redact, Halt: c.Score.Halt} {
				inherit(&rule.score[a], o, float32(o.Value), r.origin(p.Name, o.Pos))
			}
			for a, o := range map[Action]strictyaml.Optional[severityName]{Flag: c.Severity.Flag, Redact: c.Severity.Redact, Halt: c.Severity.Halt} {
				inherit(&rule.severity[a], o, Severity(o.Value), r.origin(p.Name, o.Pos))
			}
			o := c.Score.SustainRunes
			inherit(&rule.sustain, o, int(o.Value), r.origin(p.Name, o.Pos))
		}
	}
}

// inherit overwrites into if the file says something; null clears it.
func inherit[T, O any](into *value[T], o strictyaml.Optional[O], v T, origin Origin) {
	if !o.Set {
		return
	}
	*into = value[T]{set: !o.Null, v: v, origin: origin}
}

// compile fills the tables that streams look things up in.
func (p *Profile) compile() {
	for c := range p.rules {
		rule := &p.rules[c]
		for s := Low; s < NumSeverities; s++ {
			p.actions[c][s] = Allow
			for a := Flag; a <= Halt; a++ {
				if v := rule.severity[a]; v.set && s >= v.v {
					p.actions[c][s] = a
				}
			}
		}
		at := func(a Action) float32 {
			if v := rule.score[a]; v.set {
				return v.v
			}
			return Never
		}
		p.thresholds[c] = Threshold{Flag: at(Flag), Redact: at(Redact), Halt: at(Halt), SustainRunes: rule.sustain.v}
	}
}

// checkOrder wants harsher actions to need at least as much. It speaks up where
// the profile itself says something, not again in those that inherit it.
func (r *resolver) checkOrder(p *Profile) {
	for c := range p.rules {
		rule := &p.rules[c]
		for a := Flag; a <= Halt; a++ {
			for b := a + 1; b <= Halt; b++ {
				if x, y := rule.score[a], rule.score[b]; x.set && y.set && x.v > y.v {
					r.disorder(p, Category(c), "score", a, b, x.origin, y.origin)
				}
				if x, y := rule.severity[a], rule.severity[b]; x.set && y.set && x.v > y.v {
					r.disorder(p, Category(c), "severity", a, b, x.origin, y.origin)
				}
			}
		}
	}
}

func (r *resolver) disorder(p *Profile, c Category, what string, mild, harsh Action, x, y Origin) {
	at := y
	if y.Profile != p.Name {
		at = x
	}
	if at.Profile != p.Name {
		return
	}
	r.problems.Add(strictyaml.Pos{Line: at.Line, Column: at.Column}, r.path(p.Name, "categories."+c.String()+"."+what),
		"%s (%s) applies later than %s (%s): want flag ≤ redact ≤ halt", mild, x, harsh, y)
}
