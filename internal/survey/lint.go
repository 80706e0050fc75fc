package survey

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cloudflare/ahocorasick"

	"github.com/seed-4f09bd3a/weir/engine/lexicon"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// Problem is something in a pack that does nothing or does too much.
type Problem struct {
	Pack    string
	Line    int
	Message string
}

// String returns "PACK:LINE: MESSAGE".
func (p Problem) String() string { return fmt.Sprintf("%s:%d: %s", p.Pack, p.Line, p.Message) }

// shortSkeleton is the length below which an evasive term is worth a second
// look: ParsePack refuses those below lexicon.MinSkeletonRunes.
const shortSkeleton = lexicon.MinSkeletonRunes + 1

// spelling is one term while packs are linted.
type spelling struct {
	pack   *lexicon.Pack
	entry  *lexicon.Entry
	term   string
	folded string
}

// Lint reports terms that others make useless, exceptions that can never apply,
// and evasive terms that ordinary neighbours may spell. The packs have been
// parsed, so what ParsePack refuses is not there.
func Lint(packs []*lexicon.Pack) []Problem {
	var out []Problem
	var all []spelling
	for _, p := range packs {
		for i := range p.Entries {
			e := &p.Entries[i]
			for _, t := range e.Terms {
				all = append(all, spelling{p, e, t, string(text.FoldString(t))})
			}
			out = append(out, lintEntry(p, e)...)
		}
	}
	out = append(out, lintShadowed(all)...)
	slices.SortStableFunc(out, func(a, b Problem) int {
		if c := strings.Compare(a.Pack, b.Pack); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return out
}

func lintEntry(p *lexicon.Pack, e *lexicon.Entry) []Problem {
	var out []Problem
	add := func(format string, args ...any) {
		out = append(out, Problem{Pack: p.Name, Line: e.Line, Message: fmt.Sprintf(format, args...)})
	}
	for _, t := range e.Terms {
		if n := len(text.SkeletonString(t)); e.Evasive && n < shortSkeleton && utf8.RuneLen(text.SkeletonString(t)[0]) == 1 {
			add("%q has %d letters in the skeleton view: ordinary neighbours may spell it; count it over a corpus or leave evasive out", t, n)
		}
	}
	if len(e.Exceptions) == 0 {
		return out
	}
	bare := *e
	bare.Exceptions = nil
	matcher, err := lexicon.Compile([]*lexicon.Pack{{Name: p.Name, Entries: []lexicon.Entry{bare}}}, lexicon.Options{})
	if err != nil {
		add("%v", err)
		return out
	}
	for i, x := range e.Exceptions {
		if len(find(matcher, x)) == 0 {
			add("exception %q can never apply: the entry does not match inside it (is the term a whole word there?)", x)
			continue
		}
		for k, y := range e.Exceptions {
			if i != k && strings.Contains(string(text.FoldString(x)), string(text.FoldString(y))) &&
				(len(y) < len(x) || k < i) && !e.WholeWord {
				add("exception %q is not needed: %q applies wherever it does", x, y)
			}
		}
	}
	return out
}

// lintShadowed reports terms inside which another entry matches anyway, with at
// least their severity and categories.
func lintShadowed(all []spelling) []Problem {
	var out []Problem
	for from := 0; from < len(all); {
		to, size := from, 0
		for to < len(all) && (to == from || size+len(all[to].folded) <= shardBytes) {
			size += len(all[to].folded)
			to++
		}
		inner := all[from:to]
		dictionary := make([]string, len(inner))
		for i := range inner {
			dictionary[i] = inner[i].folded
		}
		// Of equal spellings the matcher reports the last only: equals of the
		// same category are refused by ParsePack, and others do not shadow.
		contains := ahocorasick.NewStringMatcher(dictionary)
		for i := range all {
			outer := &all[i]
			for _, k := range contains.Match([]byte(outer.folded)) {
				if s := &inner[k]; s.entry != outer.entry && (s.folded != outer.folded || from+k < i) && shadows(s, outer) {
					out = append(out, Problem{Pack: outer.pack.Name, Line: outer.entry.Line, Message: fmt.Sprintf(
						"%q is not needed: %s:%d matches wherever it does, at least as severely", outer.term, s.pack.Name, s.entry.Line)})
					break
				}
			}
		}
		from = to
	}
	return out
}

// shadows reports whether s's entry matches inside every occurrence of o.
func shadows(s, o *spelling) bool {
	if s.entry.Severity < o.entry.Severity || o.entry.Categories&^s.entry.Categories != 0 ||
		len(s.entry.Exceptions) > 0 || o.entry.Evasive && !s.entry.Evasive {
		return false
	}
	if s.entry.WholeWord && !o.entry.WholeWord {
		return false // o also matches inside words
	}
	matcher, err := lexicon.Compile([]*lexicon.Pack{{Name: s.pack.Name, Entries: []lexicon.Entry{*s.entry}}}, lexicon.Options{})
	return err == nil && len(find(matcher, o.term)) > 0
}

// find returns the matches in a whole text.
func find(m *lexicon.Matcher, s string) []lexicon.Match {
	var f folder
	state := m.NewState()
	var found []lexicon.Match
	for _, r := range f.fold(s) {
		found = m.Scan(&state, r, found)
	}
	return m.Close(&state, found)
}
