package survey

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/cloudflare/ahocorasick"

	"github.com/seed-4f09bd3a/weir/engine/lexicon"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// shardBytes bounds the terms of one whole-text matcher: it takes 4,168 bytes
// for every byte of its dictionary, so 250 MB. Larger packs read the corpus
// once per shard.
const shardBytes = 60_000

// Term is one spelling of a pack and where it is used.
type Term struct {
	Pack      string
	Line      int
	Text      string // as the pack has it
	Role      string // term, part or exception
	Documents int64  // documents in which it occurs anywhere, folded, word boundaries or not
}

// Counts are the statistics of packs over a corpus.
type Counts struct {
	Documents, Bytes, Runes int64
	Terms                   []Term
	Entries                 []EntryCount // those that match, most first
	Matches                 int64        // of the streaming matcher: whole words, exceptions, combinations
	BySeverity              [policy.NumSeverities]int64
	MatchedDocuments        int64
}

// EntryCount is how often the streaming matcher found an entry.
type EntryCount struct {
	lexicon.EntryInfo
	Matches   int64
	Documents int64
}

// PerRunes returns matches per 100,000 runes of the corpus.
func (c *Counts) PerRunes() float64 {
	return float64(c.Matches) * 100_000 / float64(max(c.Runes, 1))
}

// Count counts every term and every entry of the packs over the corpus. Memory
// does not grow with the corpus.
func Count(packs []*lexicon.Pack, corpus *Corpus) (*Counts, error) {
	out := &Counts{}
	plain, skeleton := split(packs, &out.Terms)
	matcher, err := lexicon.Compile(packs, lexicon.Options{})
	if err != nil {
		return nil, fmt.Errorf("survey: %w", err)
	}
	entries := make([]EntryCount, matcher.Len())
	first := true
	for {
		plainMatcher, morePlain := plain.next()
		skeletonMatcher, moreSkeleton := skeleton.next()
		if !first && plainMatcher == nil && skeletonMatcher == nil {
			break
		}
		var reader folder
		err := corpus.Each(func(doc string) error {
			runes := reader.fold(doc)
			plainMatcher.count(reader.bytes(runes))
			if skeletonMatcher != nil {
				skeletonMatcher.count(reader.bytes(reader.skeleton(runes)))
			}
			if first {
				out.Documents++
				out.Bytes += int64(len(doc))
				out.Runes += int64(len([]rune(doc)))
				out.take(matcher, entries, runes)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		first = false
		if !morePlain && !moreSkeleton {
			break
		}
	}
	plain.store(out.Terms)
	skeleton.store(out.Terms)
	for i := range entries {
		entries[i].EntryInfo = matcher.Entry(lexicon.EntryID(i))
		if entries[i].Matches > 0 {
			out.Entries = append(out.Entries, entries[i])
		}
	}
	slices.SortFunc(out.Entries, func(a, b EntryCount) int {
		return cmp.Or(cmp.Compare(b.Matches, a.Matches), cmp.Compare(a.Pack, b.Pack), cmp.Compare(a.Line, b.Line))
	})
	return out, nil
}

// take counts the streaming matches of one document.
func (c *Counts) take(m *lexicon.Matcher, entries []EntryCount, runes []text.Rune) {
	state := m.NewState()
	var found []lexicon.Match
	for rest := runes; len(rest) > 0; {
		block := rest[:min(len(rest), lexicon.MaxRunes)]
		rest = rest[len(block):]
		if m.Advance(&state, block) {
			continue
		}
		for _, r := range block {
			found = m.Scan(&state, r, found)
		}
	}
	found = m.Close(&state, found)
	if len(found) > 0 {
		c.MatchedDocuments++
	}
	seen := map[lexicon.EntryID]bool{}
	for _, f := range found {
		c.Matches++
		c.BySeverity[m.Entry(f.Entry).Severity]++
		entries[f.Entry].Matches++
		if !seen[f.Entry] {
			seen[f.Entry] = true
			entries[f.Entry].Documents++
		}
	}
}

// shards are the terms of one view, cut into dictionaries.
type shards struct {
	folded    []string // distinct
	users     [][]int  // per folded spelling: indexes of Counts.Terms
	documents []int64
	at        int
}

// split lists all terms of the packs, and which spellings each view looks for.
func split(packs []*lexicon.Pack, terms *[]Term) (plain, skeleton *shards) {
	plain, skeleton = &shards{}, &shards{}
	index := map[*shards]map[string]int{plain: {}, skeleton: {}}
	for _, p := range packs {
		for _, e := range p.Entries {
			view, fold := plain, text.FoldString
			if e.Evasive {
				view, fold = skeleton, text.SkeletonString
			}
			for _, list := range []struct {
				role  string
				terms []string
			}{{"term", e.Terms}, {"part", e.All}, {"exception", e.Exceptions}} {
				for _, t := range list.terms {
					key := string(fold(t))
					i, ok := index[view][key]
					if !ok {
						i = len(view.folded)
						index[view][key] = i
						view.folded = append(view.folded, key)
						view.users = append(view.users, nil)
					}
					view.users[i] = append(view.users[i], len(*terms))
					*terms = append(*terms, Term{Pack: p.Name, Line: e.Line, Text: t, Role: list.role})
				}
			}
		}
	}
	plain.documents = make([]int64, len(plain.folded))
	skeleton.documents = make([]int64, len(skeleton.folded))
	return plain, skeleton
}

// shard is one whole-text matcher; nil counts nothing.
type shard struct {
	matcher   *ahocorasick.Matcher
	documents []int64
}

func (s *shard) count(text []byte) {
	if s == nil {
		return
	}
	for _, i := range s.matcher.Match(text) {
		s.documents[i]++
	}
}

// next returns the next shard, nil after the last, and whether there are more.
func (s *shards) next() (*shard, bool) {
	if s.at == len(s.folded) {
		return nil, false
	}
	from, size := s.at, 0
	for s.at < len(s.folded) && (s.at == from || size+len(s.folded[s.at]) <= shardBytes) {
		size += len(s.folded[s.at])
		s.at++
	}
	return &shard{
		matcher:   ahocorasick.NewStringMatcher(s.folded[from:s.at]),
		documents: s.documents[from:s.at],
	}, s.at < len(s.folded)
}

func (s *shards) store(terms []Term) {
	for i, users := range s.users {
		for _, u := range users {
			terms[u].Documents = s.documents[i]
		}
	}
}

// folder folds whole documents into reused buffers.
type folder struct {
	runes, thin []text.Rune
	out         []byte
}

func (f *folder) fold(doc string) []text.Rune {
	var t text.Folder
	f.runes = f.runes[:0]
	for rest := []byte(doc); len(rest) > 0; {
		f.runes = slices.Grow(f.runes, len(rest)+text.MaxExpansion)
		var n int
		f.runes, n = t.Append(f.runes, rest)
		rest = rest[n:]
	}
	f.runes = t.Close(slices.Grow(f.runes, text.MaxExpansion))
	return f.runes
}

// skeleton returns the skeleton view with gaps left out.
func (f *folder) skeleton(runes []text.Rune) []text.Rune {
	var s text.Skeleton
	f.thin = s.Append(slices.Grow(f.thin[:0], text.MaxSkeletonExpansion*len(runes)), runes)
	return f.thin
}

func (f *folder) bytes(runes []text.Rune) []byte {
	f.out = f.out[:0]
	for _, r := range runes {
		switch {
		case r.Class&text.Gap == 0:
			f.out = append(f.out, string(r.R)...)
		case r.Class&text.Break != 0:
			f.out = append(f.out, 0) // nothing matches across
		}
	}
	return f.out
}
