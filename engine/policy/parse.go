package policy

import (
	"crypto/sha256"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-4f09bd3a/weir/internal/strictyaml"
)

const defaultProfile = "default"

// Parse reads and resolves a policy. file names it in errors, which are
// strictyaml.Errors with line and column of every problem at once; doc.go
// specifies the format. The policy is returned only if there is none.
func Parse(file string, data []byte) (*Policy, error) {
	r := resolver{
		Problems: strictyaml.Problems{File: file},
		policy:   &Policy{File: file, digest: sha256.Sum256(data), replacement: map[string]string{}, origins: map[string]Origin{}},
		done:     map[string]*Profile{},
		paths:    map[strictyaml.Pos]string{},
		crossed:  map[strictyaml.Pos]bool{},
	}
	f := &r.file
	r.Unmarshal(data, f)
	if f.Pos == (strictyaml.Pos{}) {
		return nil, r.Err() // not a mapping, so nothing was read
	}
	r.header()
	r.models()
	r.replacement()
	r.redaction()
	if !f.Profiles[defaultProfile].Set {
		r.Add(f.Pos, "profiles.default", "is missing: it judges the streams that name no profile")
	}
	for _, name := range r.profileNames() {
		if p := r.resolve(name, nil); p != nil {
			r.policy.profiles = append(r.policy.profiles, p)
		}
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return r.policy, nil
}

// resolver turns the file into a policy: profiles each after the one that it
// extends.
type resolver struct {
	strictyaml.Problems
	file    policyFile
	policy  *Policy
	done    map[string]*Profile       // nil while it is being resolved, or if it cannot be
	paths   map[strictyaml.Pos]string // of the thresholds, as written
	crossed map[strictyaml.Pos]bool   // thresholds reported to be out of order
}

func (r *resolver) profileNames() []string {
	var out []string
	for name := range maps.Keys(r.file.Profiles) {
		out = append(out, string(name))
	}
	slices.Sort(out)
	return out
}

func (r *resolver) origin(profile string, at strictyaml.Pos) Origin {
	return Origin{File: r.policy.File, Line: at.Line, Column: at.Column, Profile: profile}
}

// notNull refuses an empty section: one whose values are all commented out
// must not pass for one that clears them.
func (r *resolver) notNull(null bool, at strictyaml.Pos, path, empty string) {
	if null {
		r.Add(at, path, "is empty: leave the key out, or write %s", empty)
	}
}

func (r *resolver) header() {
	f := &r.file
	if v := f.Version; !v.Bad && v.Value != 1 {
		r.Add(either(v.Pos, f.Pos), "version", "want 1")
	}
	if v := f.Name; !v.Set || v.Null {
		r.Add(either(v.Pos, f.Pos), "name", "is missing")
	}
	r.policy.Name = string(f.Name.Value)
	r.policy.origins["name"] = r.origin("", f.Name.Pos)
	if f.Packs.Set {
		r.notNull(f.Packs.Null, f.Packs.Pos, "packs", "[]")
		r.policy.packs = r.packs(f.Packs, "packs")
		r.policy.origins["packs"] = r.origin("", f.Packs.Pos)
	}
}

func either(a, b strictyaml.Pos) strictyaml.Pos {
	if a == (strictyaml.Pos{}) {
		return b
	}
	return a
}

// packs checks the references to packs that one list has.
func (r *resolver) packs(list packList, path string) []string {
	var out []string
	for _, o := range list.Value {
		switch {
		case o.Bad:
		case o.Value == "":
			r.Add(o.Pos, path, "want the name or the path of a pack")
		case slices.Contains(out, o.Value):
			r.Add(o.Pos, path, "%s: is there already", strictyaml.Quote(o.Value))
		default:
			out = append(out, o.Value)
		}
	}
	return out
}

func (r *resolver) replacement() {
	f := &r.file
	if !f.Replacement.Bad && !f.Replacement.Value["en"].Set {
		r.Add(either(f.Replacement.Pos, f.Pos), "replacement.en", "is missing: it is shown when there is no text in the reader's language")
	}
	for lang, o := range f.Replacement.Value {
		path := "replacement." + string(lang)
		if !o.Bad && o.Value == "" {
			r.Add(o.Pos, path, "is empty: want what the reader sees after a halt")
		}
		r.policy.replacement[string(lang)] = o.Value
		r.policy.origins[path] = r.origin("", o.Pos)
	}
}

// placeholder finds what looks like one.
var placeholder = regexp.MustCompile(`\{[^{}]*\}`)

func (r *resolver) redaction() {
	f := r.file.Redaction
	r.notNull(f.Null, f.Pos, "redaction", "{}")
	for _, v := range []struct {
		key      string
		kind     SourceKind
		optional optional
		allowed  []string
		zero     string
	}{
		{"pattern", SourcePattern, f.Value.Pattern, []string{"{rule}", "{category}"}, "[{rule}]"},
		{"lexicon", SourceLexicon, f.Value.Lexicon, []string{"{category}"}, "***"},
		{"model", SourceModel, f.Value.Model, []string{"{category}"}, "***"},
	} {
		text, path := v.zero, "redaction."+v.key
		if v.optional.Set && !v.optional.Null {
			text = v.optional.Value
			r.policy.origins[path] = r.origin("", v.optional.Pos)
		}
		for _, p := range placeholder.FindAllString(text, -1) {
			if !slices.Contains(v.allowed, p) {
				r.Add(v.optional.Pos, path, "%s: want %s", strictyaml.Quote(p), strings.Join(v.allowed, " or "))
			}
		}
		r.policy.redaction[v.kind] = text
	}
	r.policy.redaction[SourceEngine] = r.policy.redaction[SourceModel]
}
