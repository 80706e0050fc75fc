package policy

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Show prints the effective policy: every value of the profile, or of all
// profiles if the name is empty, with its origin in a comment. What it prints
// is a policy file that resolves to the same rules, with nothing inherited; one
// profile alone is for reading and may lack the ones that a whole policy needs.
func (p *Policy) Show(w io.Writer, profile string) error {
	profiles := p.profiles
	if profile != "" {
		q, ok := p.Profile(profile)
		if !ok {
			return fmt.Errorf("policy: unknown profile %.60q: want one of %s", profile, strings.Join(p.ProfileNames(), ", "))
		}
		profiles = []*Profile{q}
	}
	s := shower{}
	s.line(0, "version: 1")
	s.value(0, "name", strconv.Quote(p.Name), p.origins["name"])
	s.value(0, "packs", quoteList(p.packs), p.origins["packs"])
	s.showModels(p)
	s.line(0, "replacement:")
	for _, lang := range slices.Sorted(maps.Keys(p.replacement)) {
		s.value(1, strconv.Quote(lang), strconv.Quote(p.replacement[lang]), p.origins["replacement."+lang])
	}
	s.line(0, "redaction:")
	for _, k := range []SourceKind{SourcePattern, SourceLexicon, SourceModel} {
		s.value(1, k.String(), strconv.Quote(p.redaction[k]), p.origins["redaction."+k.String()])
	}
	s.line(0, "profiles:")
	for _, q := range profiles {
		s.profile(q)
	}
	_, err := w.Write(s.Bytes())
	return err
}

type shower struct{ bytes.Buffer }

func (s *shower) line(indent int, text string) { fmt.Fprintf(s, "%*s%s\n", 2*indent, "", text) }

// value prints a line that says where its value comes from.
func (s *shower) value(indent int, key, v string, o Origin) {
	from := o.String()
	if o.Profile != "" {
		from += " (profile " + o.Profile + ")"
	}
	// The file's name is not checked; a line break in it would end the comment.
	s.line(indent, key+": "+v+"  # "+strings.Map(printable, from))
}

func printable(r rune) rune {
	if strconv.IsPrint(r) {
		return r
	}
	return '\uFFFD'
}

func (s *shower) profile(p *Profile) {
	s.line(1, strconv.Quote(p.Name)+":")
	s.value(2, "release", p.Release.String(), p.origins["release"])
	s.value(2, "fail", p.Fail.String(), p.origins["fail"])
	s.value(2, "holdback_runes", strconv.Itoa(p.HoldbackRunes), p.origins["holdback_runes"])
	s.value(2, "prompt_profile", strconv.Quote(p.PromptProfile), p.origins["prompt_profile"])
	s.value(2, "packs", quoteList(p.Packs), p.origins["packs"])
	if len(p.overrides) > 0 {
		s.line(2, "patterns:")
		for _, o := range p.overrides {
			s.value(3, strconv.Quote(o.Rule), o.Action.String(), o.Origin)
		}
	}
	s.line(2, "categories:")
	for c := range p.rules {
		s.rule(Category(c), &p.rules[c])
	}
}

func (s *shower) rule(c Category, r *rule) {
	var scores, severities shower
	for a := Flag; a <= Halt; a++ {
		if v := r.score[a]; v.set {
			scores.value(5, a.String(), fmt.Sprint(v.v), v.origin)
		}
		if v := r.severity[a]; v.set {
			severities.value(5, a.String(), v.v.String(), v.origin)
		}
	}
	if v := r.sustain; v.set {
		scores.value(5, "sustain_runes", strconv.Itoa(v.v), v.origin)
	}
	if scores.Len()+severities.Len() == 0 {
		s.line(3, c.String()+": {}")
		return
	}
	s.line(3, c.String()+":")
	if scores.Len() > 0 {
		s.line(4, "score:")
		s.Write(scores.Bytes())
	}
	if severities.Len() > 0 {
		s.line(4, "severity:")
		s.Write(severities.Bytes())
	}
}

// quoteList quotes as Go does, which YAML reads.
func quoteList(list []string) string {
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = strconv.Quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
