package lexicon

import (
	"fmt"
	"unsafe"

	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// refBytes is the memory of one ref.
const refBytes = int(unsafe.Sizeof(ref{}))

// Options choose which entries a Matcher looks for. Both functions are called
// while compiling only; nil means always.
type Options struct {
	Keep func(policy.Category, policy.Severity) bool // report matches of this kind; an entry is left out when none of its categories is kept
	Hold func(policy.Category, policy.Severity) bool // hold back text that may still become one
}

// Compile makes a Matcher of the entries of all packs. Terms are folded as
// texts are. The cost is linear in the size of the packs: see the package
// documentation for times and sizes. It fails if a term folds to nothing, is
// too long, or is too short for the skeleton view; ParsePack reports the same
// with line and column.
func Compile(packs []*Pack, o Options) (*Matcher, error) {
	c := compiler{plain: newTermSet(), skeleton: newTermSet()}
	for _, p := range packs {
		for i := range p.Entries {
			if err := c.add(p, &p.Entries[i], o); err != nil {
				return nil, fmt.Errorf("lexicon: pack %s line %d: %w", p.Name, p.Entries[i].Line, err)
			}
		}
	}
	m := &Matcher{entries: c.entries, combos: c.combos}
	var err error
	if m.plain, err = c.plain.view(); err != nil {
		return nil, fmt.Errorf("lexicon: %w", err)
	}
	if m.skeleton, err = c.skeleton.view(); err != nil {
		return nil, fmt.Errorf("lexicon: skeleton view: %w", err)
	}
	return m, nil
}

type compiler struct {
	plain, skeleton termSet
	entries         []EntryInfo
	combos          []combo
}

// add takes up one entry with the categories that are kept.
func (c *compiler) add(p *Pack, e *Entry, o Options) error {
	info := EntryInfo{Pack: p.Name, Line: int32(e.Line), Severity: e.Severity}
	hold := false
	for _, cat := range e.Categories.Categories() {
		if o.Keep == nil || o.Keep(cat, e.Severity) {
			info.Categories = info.Categories.Set(cat)
			hold = hold || o.Hold == nil || o.Hold(cat, e.Severity)
		}
	}
	if info.Categories == 0 {
		return nil
	}
	id := EntryID(len(c.entries))
	c.entries = append(c.entries, info)
	r := ref{entry: id, hold: hold, severity: e.Severity, excepted: len(e.Exceptions) > 0}
	if len(e.All) > 0 {
		r.kind, r.combo = refPart, int32(len(c.combos))
		c.combos = append(c.combos, combo{entry: id, parts: uint8(len(e.All)), within: uint16(e.WithinRunes), hold: hold})
		for i, t := range e.All {
			r.part = uint8(i)
			if err := c.plain.add(foldTerm(t, false), r, e.WholeWord); err != nil {
				return err
			}
		}
		return nil
	}
	set := &c.plain
	if e.Evasive {
		set = &c.skeleton
	}
	for _, t := range e.Terms {
		if err := set.add(foldTerm(t, e.Evasive), r, e.WholeWord); err != nil {
			return err
		}
	}
	r.kind, r.hold = refException, false
	for _, t := range e.Exceptions {
		if err := set.add(foldTerm(t, e.Evasive), r, e.WholeWord); err != nil {
			return err
		}
	}
	return nil
}

// termSet collects the terms of one view, each spelling once.
type termSet struct {
	index   map[string]int
	terms   []term
	longest int
}

func newTermSet() termSet { return termSet{index: map[string]int{}} }

func (s *termSet) add(runes []rune, r ref, wholeWord bool) error {
	if err := checkLength(runes); err != nil {
		return err
	}
	r.runes = uint8(len(runes))
	first, last := runes[0], runes[len(runes)-1]
	if wholeWord {
		r.wordLeft = text.IsWord(first)
		if text.IsWord(last) {
			r.reject |= text.Word
		}
	}
	if text.TakesVoiceMark(last) {
		r.reject |= text.VoiceMark
	}
	key := string(runes)
	i, ok := s.index[key]
	if !ok {
		i = len(s.terms)
		s.index[key] = i
		s.terms = append(s.terms, term{runes: runes})
		s.longest = max(s.longest, len(runes))
	}
	s.terms[i].refs = append(s.terms[i].refs, r)
	return nil
}

// view returns the compiled view, or nil if there are no terms.
func (s *termSet) view() (*view, error) {
	if len(s.terms) == 0 {
		return nil, nil
	}
	v := &view{longest: s.longest}
	var err error
	v.automaton, v.refs, err = build(s.terms)
	return v, err
}
