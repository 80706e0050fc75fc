package policy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-4f09bd3a/weir/internal/strictyaml"
)

// resolve returns the profile, or nil if it has no sound base; what it says
// itself is checked all the same. path is the way by which it is extended.
func (r *resolver) resolve(name string, path []string) *Profile {
	if p, ok := r.done[name]; ok {
		return p
	}
	r.done[name] = nil
	o := r.file.Profiles[profileName(name)]
	r.notNull(o.Null, o.Pos, "profiles."+name, "{}")
	f := &o.Value
	p := &Profile{Name: name, Packs: r.policy.packs, policy: r.policy, origins: map[string]Origin{}}
	if at, ok := r.policy.origins["packs"]; ok {
		p.origins["packs"] = at
	}
	base, sound := r.base(name, f.Extends, append(path, name))
	if base != nil {
		*p = *base
		p.Name, p.origins, p.overrides = name, maps.Clone(base.origins), slices.Clone(base.overrides)
	}
	r.fields(p, f)
	r.patterns(p, f)
	r.categories(p, f)
	p.compile()
	r.checkOrder(p)
	if !sound {
		return nil
	}
	r.done[name] = p
	return p
}

// base returns the profile that is extended, or nil; sound is false if there
// should be one.
func (r *resolver) base(name string, extends optional, path []string) (base *Profile, sound bool) {
	to := extends.Value
	if to == "" {
		return nil, true
	}
	if !r.known(to, extends.Pos, profilePath(name, "extends")) {
		return nil, false
	}
	if i := slices.Index(path, to); i >= 0 {
		r.Add(extends.Pos, profilePath(name, "extends"), "a circle: %s → %s", strings.Join(path[i:], " → "), to)
		return nil, false
	}
	base = r.resolve(to, path)
	return base, base != nil // what is wrong was said at the base
}

// known reports whether there is such a profile.
func (r *resolver) known(name string, at strictyaml.Pos, path string) bool {
	if r.file.Profiles[profileName(name)].Set {
		return true
	}
	r.Add(at, path, "unknown profile %s: want one of %s", strictyaml.Quote(name), strings.Join(r.profileNames(), ", "))
	return false
}

func profilePath(profile, key string) string { return "profiles." + profile + "." + key }

// fields takes over the single values; a null one is the zero value.
func (r *resolver) fields(p *Profile, f *profileFile) {
	take := func(key string, set, bad bool, at strictyaml.Pos) bool {
		if set && !bad {
			p.origins[key] = r.origin(p.Name, at)
		}
		return set && !bad
	}
	if o := f.Release; take("release", o.Set, o.Bad, o.Pos) {
		p.Release = o.Value
	}
	if o := f.Fail; take("fail", o.Set, o.Bad, o.Pos) {
		p.Fail = o.Value
	}
	if o := f.HoldbackRunes; take("holdback_runes", o.Set, o.Bad, o.Pos) {
		p.HoldbackRunes = int(o.Value)
	}
	if o := f.PromptProfile; take("prompt_profile", o.Set, o.Bad, o.Pos) {
		p.PromptProfile = o.Value
		if o.Value != "" {
			r.known(o.Value, o.Pos, profilePath(p.Name, "prompt_profile"))
		}
	}
	if o := f.Packs; take("packs", o.Set, o.Bad, o.Pos) {
		r.notNull(o.Null, o.Pos, profilePath(p.Name, "packs"), "[]")
		p.Packs = r.packs(o, profilePath(p.Name, "packs"))
	}
}

func (r *resolver) patterns(p *Profile, f *profileFile) {
	r.notNull(f.Patterns.Null, f.Patterns.Pos, profilePath(p.Name, "patterns"), "{}")
	for name, o := range f.Patterns.Value {
		if o.Bad {
			continue
		}
		rule := string(name)
		p.overrides = slices.DeleteFunc(p.overrides, func(q PatternOverride) bool { return q.Rule == rule })
		if !o.Null {
			p.overrides = append(p.overrides, PatternOverride{Rule: rule, Action: Action(o.Value), Origin: r.origin(p.Name, o.Pos)})
		}
	}
	slices.SortFunc(p.overrides, func(a, b PatternOverride) int { return strings.Compare(a.Rule, b.Rule) })
}

// categories takes over the rules, the shorthand before the grounds it covers.
func (r *resolver) categories(p *Profile, f *profileFile) {
	path := profilePath(p.Name, "categories")
	r.notNull(f.Categories.Null, f.Categories.Pos, path, "{}")
	keys := slices.SortedFunc(maps.Keys(f.Categories.Value), func(a, b categoryKey) int {
		if a.all != b.all {
			if a.all {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.category, b.category)
	})
	for _, key := range keys {
		o := f.Categories.Value[key]
		path := path + "." + key.String()
		r.notNull(o.Null, o.Pos, path, "{}")
		r.notNull(o.Value.Score.Null, o.Value.Score.Pos, path+".score", "{}")
		r.notNull(o.Value.Severity.Null, o.Value.Severity.Pos, path+".severity", "{}")
		score, severity := &o.Value.Score.Value, &o.Value.Severity.Value
		for a := Flag; a <= Halt; a++ {
			at, level := score.at(a), severity.at(a)
			r.paths[at.Pos] = path + ".score." + a.String()
			r.paths[level.Pos] = path + ".severity." + a.String()
			for _, c := range key.categories() {
				inherit(&p.rules[c].score[a], at, float32(at.Value), r.origin(p.Name, at.Pos))
				inherit(&p.rules[c].severity[a], level, Severity(level.Value), r.origin(p.Name, level.Pos))
			}
		}
		for _, c := range key.categories() {
			sustain := score.SustainRunes
			inherit(&p.rules[c].sustain, sustain, int(sustain.Value), r.origin(p.Name, sustain.Pos))
		}
	}
}

// inherit overwrites into if the file says something; null clears it.
func inherit[T, O any](into *value[T], o strictyaml.Optional[O], v T, origin Origin) {
	if o.Set && !o.Bad {
		*into = value[T]{set: !o.Null, v: v, origin: origin}
	}
}

// checkOrder wants harsher actions to need at least as much as milder ones. It
// speaks up where the profile itself says something, not again in those that
// inherit it, and once for all grounds of discrimination.
func (r *resolver) checkOrder(p *Profile) {
	for c := range p.rules {
		checkRule(r, p, &p.rules[c].score)
		checkRule(r, p, &p.rules[c].severity)
	}
}

func checkRule[T cmp.Ordered](r *resolver, p *Profile, values *[NumActions]value[T]) {
	mild := Allow
	for a := Flag; a <= Halt; a++ {
		if !values[a].set {
			continue
		}
		if mild != Allow && values[mild].v > values[a].v {
			r.disorder(p, mild, a, values[mild].origin, values[a].origin, fmt.Sprint(values[mild].v), fmt.Sprint(values[a].v))
		}
		mild = a
	}
}

func (r *resolver) disorder(p *Profile, mild, harsh Action, mildOrigin, harshOrigin Origin, mildAt, harshAt string) {
	here, there := harsh, mild
	hereOrigin, thereOrigin, hereAt, thereAt := harshOrigin, mildOrigin, harshAt, mildAt
	than := "below"
	if harshOrigin.Profile != p.Name {
		here, there = mild, harsh
		hereOrigin, thereOrigin, hereAt, thereAt = mildOrigin, harshOrigin, mildAt, harshAt
		than = "above"
	}
	at := strictyaml.Pos{Line: hereOrigin.Line, Column: hereOrigin.Column}
	if hereOrigin.Profile != p.Name || r.crossed[at] {
		return
	}
	r.crossed[at] = true
	r.Add(at, r.paths[at], "%s at %s is %s %s at %s (%s): want flag ≤ redact ≤ halt",
		here, hereAt, than, there, thereAt, thereOrigin)
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
