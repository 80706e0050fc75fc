package lexicon_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed-4f09bd3a/weir/engine/lexicon"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// fold returns the plain view of a whole text.
func fold(s string) []text.Rune {
	var f text.Folder
	buf := make([]text.Rune, 0, len(s)*text.MaxExpansion+text.MaxExpansion)
	runes, n := f.Append(buf, []byte(s))
	if n != len(s) {
		panic("fold: text not consumed")
	}
	return f.Close(runes)
}

// stream runs text through m, cut by next, and checks the hold promise.
func stream(t testing.TB, m *lexicon.Matcher, s string, next func() int) []lexicon.Match {
	t.Helper()
	var (
		f     text.Folder
		st    = m.NewState()
		out   []lexicon.Match
		buf   = make([]text.Rune, 0, lexicon.MaxRunes)
		freed []int64 // released offset when match i was reported
		free  int64
	)
	note := func() {
		for len(freed) < len(out) {
			freed = append(freed, free)
		}
		limit := f.Scanned()
		if start, held := m.Hold(&st); held {
			limit = min(limit, start)
		}
		if limit < free {
			t.Fatalf("hold went back from %d to %d", free, limit)
		}
		free = limit
	}
	read := func(runes []text.Rune) {
		if m.Advance(&st, runes) {
			return
		}
		for _, r := range runes {
			out = m.Scan(&st, r, out)
		}
	}
	for rest := []byte(s); len(rest) > 0; {
		chunk := rest[:min(max(next(), 1), len(rest))]
		rest = rest[len(chunk):]
		for len(chunk) > 0 {
			runes, n := f.Append(buf, chunk)
			chunk = chunk[n:]
			read(runes)
		}
		note()
	}
	read(f.Close(buf))
	out = m.Close(&st, out)
	for len(freed) < len(out) {
		freed = append(freed, free)
	}
	for i, match := range out {
		if int64(match.Span.Start) < freed[i] {
			t.Fatalf("text %q: match %v was reported after %d bytes had been freed", s, match, freed[i])
		}
	}
	return out
}

// occurrence is a term found by the reference, in rune indexes.
type occurrence struct {
	entry, part, start, end int
	settled                 int // rune index at which its right edge is known
}

// reference finds the matches of a plain-view pack in a whole text, in the
// simplest way: every term at every place.
func reference(p *lexicon.Pack, runes []text.Rune) []lexicon.Match {
	var terms, exceptions, parts []occurrence
	find := func(dst *[]occurrence, entry, part int, term string, wholeWord bool) {
		want := text.FoldString(term)
		for at := 0; at+len(want) <= len(runes); at++ {
			if !slices.EqualFunc(runes[at:at+len(want)], want, func(a text.Rune, b rune) bool { return a.R == b }) {
				continue
			}
			end := at + len(want)
			var left, right text.Class
			if at > 0 {
				left = runes[at-1].Class
			}
			if end < len(runes) {
				right = runes[end].Class
			}
			if wholeWord && (text.IsWord(want[0]) && left&text.Word != 0 || text.IsWord(want[len(want)-1]) && right&text.Word != 0) {
				continue
			}
			last := want[len(want)-1]
			if text.TakesVoiceMark(last) && right&text.VoiceMark != 0 {
				continue
			}
			o := occurrence{entry: entry, part: part, start: at, end: end, settled: end}
			if wholeWord && text.IsWord(last) || text.TakesVoiceMark(last) {
				o.settled++
			}
			*dst = append(*dst, o)
		}
	}
	for i, e := range p.Entries {
		for _, s := range e.Terms {
			find(&terms, i, 0, s, e.WholeWord)
		}
		for _, s := range e.Exceptions {
			find(&exceptions, i, 0, s, e.WholeWord)
		}
		for k, s := range e.All {
			find(&parts, i, k, s, e.WholeWord)
		}
	}
	span := func(start, end int) policy.Span {
		return policy.Span{Start: policy.Offset(runes[start].Start), End: policy.Offset(runes[end-1].End())}
	}
	var out []lexicon.Match
	slices.SortFunc(terms, func(a, b occurrence) int {
		return cmp.Or(a.start-b.start, b.end-a.end,
			int(p.Entries[b.entry].Severity)-int(p.Entries[a.entry].Severity), a.entry-b.entry)
	})
	type reported struct {
		o occurrence
		c policy.Category
	}
	var seen []reported
	for _, o := range terms {
		e := p.Entries[o.entry]
		if slices.ContainsFunc(exceptions, func(x occurrence) bool {
			return x.entry == o.entry && x.start <= o.start && x.end >= o.end
		}) {
			continue
		}
		var cats policy.CategorySet
		for _, c := range e.Categories.Categories() {
			if !slices.ContainsFunc(seen, func(r reported) bool {
				return r.c == c && p.Entries[r.o.entry].Severity >= e.Severity && r.o.start <= o.start && r.o.end >= o.end
			}) {
				cats = cats.Set(c)
			}
		}
		for _, c := range cats.Categories() {
			seen = append(seen, reported{o, c})
		}
		if cats != 0 {
			out = append(out, lexicon.Match{Entry: lexicon.EntryID(o.entry), Categories: cats, Span: span(o.start, o.end)})
		}
	}
	slices.SortStableFunc(parts, func(a, b occurrence) int {
		return cmp.Or(a.settled-b.settled, a.end-b.end, a.start-b.start)
	})
	for i, e := range p.Entries {
		latest := map[int]occurrence{}
		for _, o := range parts {
			if o.entry != i {
				continue
			}
			latest[o.part] = o
			first, last := o, o
			for _, q := range latest {
				if q.start < first.start {
					first = q
				}
				if q.end > last.end {
					last = q
				}
			}
			if len(latest) == len(e.All) && last.end-first.start <= e.WithinRunes {
				out = append(out, lexicon.Match{Entry: lexicon.EntryID(i), Categories: e.Categories, Span: span(first.start, last.end)})
				clear(latest)
			}
		}
	}
	return out
}

func sorted(m []lexicon.Match) []lexicon.Match {
	m = slices.Clone(m)
	slices.SortFunc(m, func(a, b lexicon.Match) int {
		return cmp.Or(cmp.Compare(a.Span.Start, b.Span.Start), cmp.Compare(a.Span.End, b.Span.End),
			cmp.Compare(a.Entry, b.Entry), cmp.Compare(a.Categories, b.Categories))
	})
	return m
}

var letters = []string{"a", "b", "c", "a", "b", " ", "漢", "字", "か", "\u3099", "A", "\u200b", "-"}

func randomText(rng *rand.Rand, n int) string {
	s := ""
	for range n {
		s += letters[rng.IntN(len(letters))]
	}
	return s
}

// randomTerm has no blank at its ends and is not empty.
func randomTerm(rng *rand.Rand, most int) string {
	for {
		s := randomText(rng, 1+rng.IntN(most))
		r := text.FoldString(s)
		if len(r) > 0 && r[0] != ' ' && r[0] != 0x3099 && r[len(r)-1] != ' ' {
			return s
		}
	}
}

func randomPack(rng *rand.Rand) *lexicon.Pack {
	p := &lexicon.Pack{Name: "random"}
	for i := range 1 + rng.IntN(12) {
		e := lexicon.Entry{
			Severity: policy.Low + policy.Severity(rng.IntN(4)), WholeWord: rng.IntN(2) == 0, Line: i + 1,
			Categories: policy.CategorySet(0).Set(policy.Category(rng.IntN(3))),
		}
		if rng.IntN(4) == 0 {
			e.Categories = e.Categories.Set(policy.Category(rng.IntN(3)))
		}
		if rng.IntN(5) == 0 {
			for range 2 + rng.IntN(2) {
				e.All = append(e.All, randomTerm(rng, 2))
			}
			e.WithinRunes = 3 + rng.IntN(12)
			p.Entries = append(p.Entries, e)
			continue
		}
		for range 1 + rng.IntN(2) {
			e.Terms = append(e.Terms, randomTerm(rng, 5))
		}
		if rng.IntN(3) == 0 {
			e.Exceptions = append(e.Exceptions, randomTerm(rng, 2)+e.Terms[0])
		}
		if rng.IntN(3) == 0 {
			e.Exceptions = append(e.Exceptions, e.Terms[0]+randomTerm(rng, 3))
		}
		p.Entries = append(p.Entries, e)
	}
	return p
}

// TestReference compares the streaming matcher, cut at random, with the
// reference on random packs and texts.
func TestReference(t *testing.T) {
	rounds := 4000
	if testing.Short() {
		rounds = 400
	}
	total := 0
	for seed := range rounds {
		rng := rand.New(rand.NewPCG(7, uint64(seed)))
		p := randomPack(rng)
		m, err := lexicon.Compile([]*lexicon.Pack{p}, lexicon.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			s := randomText(rng, rng.IntN(80))
			want := sorted(reference(p, fold(s)))
			got := sorted(stream(t, m, s, func() int { return 1 + rng.IntN(6) }))
			total += len(want)
			if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("seed %d, text %q, pack %+v:\n(-reference +stream)\n%s", seed, s, p.Entries, diff)
			}
		}
	}
	if total < rounds {
		t.Errorf("only %d matches in %d rounds: the comparison compares nothing", total, rounds)
	}
}

func ExampleMatcher() {
	pack := &lexicon.Pack{Name: "demo", Entries: []lexicon.Entry{{
		Terms: []string{"zzbomb"}, Exceptions: []string{"zzbomberman"}, Line: 1,
		Categories: policy.CategorySet(0).Set(policy.Violence), Severity: policy.High,
	}}}
	m, err := lexicon.Compile([]*lexicon.Pack{pack}, lexicon.Options{})
	if err != nil {
		panic(err)
	}
	state := m.NewState()
	var f text.Folder
	var matches []lexicon.Match
	buf := make([]text.Rune, 0, lexicon.MaxRunes)
	for _, chunk := range []string{"a ZZbo", "mb or a zzbomb", "erman"} {
		runes, _ := f.Append(buf, []byte(chunk))
		for _, r := range runes {
			matches = m.Scan(&state, r, matches)
		}
		start, held := m.Hold(&state)
		fmt.Println(matches, held, start)
		matches = matches[:0]
	}
	fmt.Println(m.Close(&state, matches))
	// Output:
	// [] true 2
	// [{0 1 {2 8}}] true 14
	// [] false 0
	// []
}
