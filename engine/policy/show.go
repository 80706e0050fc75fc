package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
)

// Show prints the effective policy: every value of the profile, or of all
// profiles if the name is empty, with its origin in a comment. What it prints
// is a policy file that resolves to the same rules, with nothing inherited; one
// profile alone is printed for reading and may lack the ones that it names.
func (p *Policy) Show(w io.Writer, profile string) error {
	profiles := p.profiles
	if profile != "" {
		q, ok := p.Profile(profile)
		if !ok {
			return fmt.Errorf("policy: unknown profile %.60q: want one of %v", profile, p.ProfileNames())
		}
		profiles = []*Profile{q}
	}
	s := shower{}
	s.line(0, "version: 1", nil)
	s.line(0, "name: "+quote(p.Name), nil)
	s.line(0, "packs: "+quoteList(p.packs), nil)
	s.line(0, "replacement:", nil)
	for _, lang := range slices.Sorted(maps.Keys(p.replacement)) {
		s.line(1, quote(lang)+": "+quote(p.replacement[lang]), nil)
	}
	s.line(0, "redaction:", nil)
	s.line(1, "pattern: "+quote(p.redaction.Pattern), nil)
	s.line(1, "lexicon: "+quote(p.redaction.Lexicon), nil)
	s.line(1, "model: "+quote(p.redaction.Model), nil)
	s.line(0, "profiles:", nil)
	for _, q := range profiles {
		s.profile(q)
	}
	_, err := w.Write(s.Bytes())
	return err
}

type shower struct{ bytes.Buffer }

// line prints an indented line and where its value comes from.
func (s *shower) line(indent int, text string, o *Origin) {
	fmt.Fprintf(s, "%*s%s", 2*indent, "", text)
	if o != nil {
		fmt.Fprintf(s, "  # %s", o)
		if o.Profile != "" {
			fmt.Fprintf(s, " (profile %s)", o.Profile)
		}
	}
	s.WriteByte('\n')
}

func (s *shower) profile(p *Profile) {
	field := func(key, v string) {
		o := p.origins[key]
		s.line(2, key+": "+v, &o)
	}
	s.line(1, quote(p.Name)+":", nil)
	field("release", p.Release.String())
	field("fail", p.Fail.String())
	field("holdback_runes", strconv.Itoa(p.HoldbackRunes))
	field("prompt_profile", quote(p.PromptProfile))
	field("packs", quoteList(p.Packs))
	if len(p.overrides) > 0 {
		s.line(2, "patterns:", nil)
		for _, o := range p.overrides {
			s.line(3, quote(o.Rule)+": "+o.Action.String(), &o.Origin)
		}
	}
	s.line(2, "categories:", nil)
	for c := range p.rules {
		s.rule(Category(c), &p.rules[c])
	}
}

func (s *shower) rule(c Category, r *rule) {
	scores, severities := r.sustain.set, false
	for a := Flag; a <= Halt; a++ {
		scores = scores || r.score[a].set
		severities = severities || r.severity[a].set
	}
	if !scores && !severities {
		s.line(3, c.String()+": {}", nil)
		return
	}
	s.line(3, c.String()+":", nil)
	if scores {
		s.line(4, "score:", nil)
		for a := Flag; a <= Halt; a++ {
			if v := r.score[a]; v.set {
				s.line(5, fmt.Sprintf("%s: %v", a, v.v), &v.origin)
			}
		}
		if r.sustain.set {
			s.line(5, fmt.Sprintf("sustain_runes: %d", r.sustain.v), &r.sustain.origin)
		}
	}
	if severities {
		s.line(4, "severity:", nil)
		for a := Flag; a <= Halt; a++ {
			if v := r.severity[a]; v.set {
				s.line(5, fmt.Sprintf("%s: %s", a, v.v), &v.origin)
			}
		}
	}
}

// quote writes a string as JSON does, which YAML reads.
func quote(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return string(bytes.TrimSpace(b.Bytes()))
}

func quoteList(list []string) string {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, s := range list {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(quote(s))
	}
	b.WriteByte(']')
	return b.String()
}
