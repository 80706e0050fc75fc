package lexicon

import (
	"crypto/sha256"
	"fmt"
	"regexp"
	"strings"

	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/strictyaml"
)

// packFile is the file's shape; doc.go says what the keys mean.
type packFile struct {
	Pos         strictyaml.Pos `yaml:"-"`
	Version     int            `yaml:"version"`
	Name        string         `yaml:"name"`
	Language    string         `yaml:"language"`
	Description string         `yaml:"description"`
	Licence     string         `yaml:"licence"`
	Source      string         `yaml:"source"`
	Entries     []packEntry    `yaml:"entries"`
}

type packEntry struct {
	Pos        strictyaml.Pos                 `yaml:"-"`
	Term       string                         `yaml:"term"`
	Terms      []string                       `yaml:"terms"`
	All        []string                       `yaml:"all"`
	Within     int                            `yaml:"within"`
	Category   strictyaml.OneOrMany[category] `yaml:"category"`
	Severity   severity                       `yaml:"severity"`
	WholeWord  *bool                          `yaml:"whole_word"`
	Evasive    bool                           `yaml:"evasive"`
	Exceptions []string                       `yaml:"exceptions"`
}

// category reads a category's id.
type category struct{ policy.Category }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *category) UnmarshalText(b []byte) (err error) {
	c.Category, err = policy.ParseCategory(string(b))
	return err
}

// severity reads a severity's name.
type severity struct{ policy.Severity }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *severity) UnmarshalText(b []byte) (err error) {
	s.Severity, err = policy.ParseSeverity(string(b))
	return err
}

var packName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*$`)

// ParsePack reads a pack. file names it in errors, which give line and column
// of every problem at once; doc.go specifies the format. The pack is returned
// only if there is none.
func ParsePack(file string, data []byte) (*Pack, error) {
	var f packFile
	p := packParser{Problems: strictyaml.Problems{File: file}, seen: map[string]seenTerm{}}
	p.Unmarshal(data, &f)
	if f.Version != 1 {
		p.Add(f.Pos, "version", "want 1")
	}
	if !packName.MatchString(f.Name) {
		p.Add(f.Pos, "name", "want letters, digits and hyphens")
	}
	if len(f.Entries) == 0 {
		p.Add(f.Pos, "entries", "a pack needs at least one")
	}
	pack := &Pack{
		Name: f.Name, Language: f.Language, Description: f.Description, Licence: f.Licence, Source: f.Source,
		Entries: make([]Entry, 0, len(f.Entries)), digest: sha256.Sum256(data),
	}
	for i := range f.Entries {
		pack.Entries = append(pack.Entries, p.entry(i, &f.Entries[i]))
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	return pack, nil
}

type packParser struct {
	strictyaml.Problems
	seen map[string]seenTerm
}

// seenTerm is where a spelling was listed.
type seenTerm struct {
	line       int
	categories policy.CategorySet
}

// entry checks one entry and converts it.
func (p *packParser) entry(i int, e *packEntry) Entry {
	path := fmt.Sprintf("entries[%d]", i)
	out := Entry{
		Terms: e.Terms, All: e.All, WithinRunes: e.Within, Severity: e.Severity.Severity,
		WholeWord: e.WholeWord == nil || *e.WholeWord, Evasive: e.Evasive, Exceptions: e.Exceptions, Line: e.Pos.Line,
	}
	for _, c := range e.Category {
		out.Categories = out.Categories.Set(c.Category)
	}
	forms := 0
	if e.Term != "" {
		out.Terms, forms = []string{e.Term}, forms+1
	}
	if len(e.Terms) > 0 {
		forms++
	}
	if len(e.All) > 0 {
		forms++
	}
	if forms != 1 {
		p.Add(e.Pos, path, "want exactly one of term, terms and all")
	}
	if out.Categories == 0 {
		p.Add(e.Pos, path+".category", "is missing")
	}
	if out.Severity == policy.SeverityNone {
		p.Add(e.Pos, path+".severity", "is missing: want one of low, medium, high, critical")
	}
	if len(e.All) > 0 {
		p.combination(e, path)
	} else if e.Within != 0 {
		p.Add(e.Pos, path+".within", "only makes sense with all")
	}
	for _, t := range out.Terms {
		p.term(e, path, t, out.Categories)
	}
	for _, x := range e.Exceptions {
		p.exception(e, path, x, out.Terms)
	}
	return out
}

func (p *packParser) combination(e *packEntry, path string) {
	switch {
	case len(e.All) < 2 || len(e.All) > MaxParts:
		p.Add(e.Pos, path+".all", "has %d parts: want 2 to %d", len(e.All), MaxParts)
	case e.Within < 1 || e.Within > MaxWithinRunes:
		p.Add(e.Pos, path+".within", "%d: want 1 to %d runes", e.Within, MaxWithinRunes)
	case e.Evasive:
		p.Add(e.Pos, path+".evasive", "does not go with all")
	case len(e.Exceptions) > 0:
		p.Add(e.Pos, path+".exceptions", "do not go with all")
	}
	for _, t := range e.All {
		if err := checkTerm(t, false); err != nil {
			p.Add(e.Pos, path+".all", "%s: %w", strictyaml.Quote(t), err)
		}
	}
}

func (p *packParser) term(e *packEntry, path, t string, categories policy.CategorySet) {
	if err := checkTerm(t, e.Evasive); err != nil {
		p.Add(e.Pos, path, "%s: %w", strictyaml.Quote(t), err)
		return
	}
	key := string(foldTerm(t, false))
	old, ok := p.seen[key]
	if ok && old.categories&categories != 0 {
		p.Add(e.Pos, path, "%s: listed before, in line %d, with the same category: delete one", strictyaml.Quote(t), old.line)
		return
	}
	p.seen[key] = seenTerm{line: e.Pos.Line, categories: old.categories | categories}
}

func (p *packParser) exception(e *packEntry, path, x string, terms []string) {
	if err := checkTerm(x, e.Evasive); err != nil {
		p.Add(e.Pos, path+".exceptions", "%s: %w", strictyaml.Quote(x), err)
		return
	}
	folded := string(foldTerm(x, e.Evasive))
	for _, t := range terms {
		if strings.Contains(folded, string(foldTerm(t, e.Evasive))) {
			return
		}
	}
	p.Add(e.Pos, path+".exceptions", "%s: contains no term of the entry, so it can never apply", strictyaml.Quote(x))
}
