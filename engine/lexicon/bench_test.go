package lexicon_test

import (
	"runtime"
	"testing"

	"github.com/cloudflare/ahocorasick"

	"github.com/seed-4f09bd3a/weir/engine/enginetest"
	"github.com/seed-4f09bd3a/weir/engine/lexicon"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

const benchStreams = 1000

// tokens is the benchmark's work: the k-th token of every stream in turn, as a
// model server decodes, with a term planted every 1,000 bytes.
type tokens struct {
	terms   []string
	raw     [][]byte      // token k of stream s is at k*benchStreams+s
	folded  [][]text.Rune // the same, folded
	planted int
}

func newTokens(terms int) *tokens {
	prose := enginetest.Prose(1, 400_000)
	w := &tokens{terms: enginetest.Terms(1, terms, prose)}
	var mixed []byte
	for at := 0; at < len(prose); {
		end := min(at+1000, len(prose))
		for end < len(prose) && prose[end-1] != '\n' {
			end++
		}
		mixed = append(mixed, prose[at:end]...)
		mixed = append(mixed, w.terms[w.planted%len(w.terms)]+"\n"...)
		w.planted++
		at = end
	}
	all := enginetest.Tokens(string(mixed))
	steps := len(all) / benchStreams
	var runes []text.Rune
	var folders [benchStreams]text.Folder
	var cuts []int
	for k := range steps {
		for s := range benchStreams {
			token := all[s*steps+k]
			w.raw = append(w.raw, token)
			buf, _ := folders[s].Append(make([]text.Rune, 0, 4*text.MaxExpansion), token)
			runes = append(runes, buf...)
			cuts = append(cuts, len(runes))
		}
	}
	at := 0
	for _, end := range cuts {
		w.folded = append(w.folded, runes[at:end])
		at = end
	}
	return w
}

func pack(terms []string) *lexicon.Pack {
	p := &lexicon.Pack{Name: "bench"}
	for i, t := range terms {
		p.Entries = append(p.Entries, lexicon.Entry{
			Terms: []string{t}, Categories: policy.CategorySet(0).Set(policy.Violence), Severity: policy.High, Line: i + 1,
		})
	}
	return p
}

// BenchmarkTokens compares, at 10,000 mixed terms and with 1,000 streams taken
// in turn: this matcher on folded runes, this matcher with folding, and
// cloudflare/ahocorasick, which keeps no state and so scans an overlap of the
// longest term again at every token (on text folded beforehand, for free).
// ns/token and MB are what to compare; hits differ, since the overlap reports
// a term as often as it is seen.
func BenchmarkTokens(b *testing.B) {
	w := newTokens(10_000)
	m, err := lexicon.Compile([]*lexicon.Pack{pack(w.terms)}, lexicon.Options{})
	if err != nil {
		b.Fatal(err)
	}
	perToken := func(b *testing.B, hits int) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(w.raw)), "ns/token")
		if hits < w.planted {
			b.Fatalf("%d hits of %d planted terms: the work was not done", hits, w.planted)
		}
	}
	scan := func(st *lexicon.State, runes []text.Rune, matches []lexicon.Match) []lexicon.Match {
		if !m.Advance(st, runes) {
			for _, r := range runes {
				matches = m.Scan(st, r, matches)
			}
		}
		m.Hold(st)
		return matches
	}
	states := func() []lexicon.State {
		out := make([]lexicon.State, benchStreams)
		for i := range out {
			out[i] = m.NewState()
		}
		return out
	}
	b.Run("weir", func(b *testing.B) {
		st, matches, hits := states(), []lexicon.Match(nil), 0
		b.ReportAllocs()
		for b.Loop() {
			for i, runes := range w.folded {
				matches = scan(&st[i%benchStreams], runes, matches[:0])
				hits += len(matches)
			}
		}
		perToken(b, hits/b.N)
		b.ReportMetric(float64(m.SizeBytes())/1e6, "MB")
	})
	b.Run("weir_with_folding", func(b *testing.B) {
		st, folders := states(), make([]text.Folder, benchStreams)
		var matches []lexicon.Match
		var buf [lexicon.MaxRunes]text.Rune
		hits := 0
		b.ReportAllocs()
		for b.Loop() {
			for i, token := range w.raw {
				runes, _ := folders[i%benchStreams].Append(buf[:0], token)
				matches = scan(&st[i%benchStreams], runes, matches[:0])
				hits += len(matches)
			}
		}
		perToken(b, hits/b.N)
		b.ReportMetric(float64(m.SizeBytes())/1e6, "MB")
	})
	b.Run("cloudflare_overlap", func(b *testing.B) {
		before := heap()
		ac := ahocorasick.NewStringMatcher(w.terms)
		size := heap() - before
		longest := 0
		for _, t := range w.terms {
			longest = max(longest, len(t))
		}
		tails := make([][]byte, benchStreams)
		for i := range tails {
			tails[i] = make([]byte, 0, longest+16)
		}
		hits := 0
		for b.Loop() {
			for i, token := range w.raw {
				window := append(tails[i%benchStreams], token...)
				hits += len(ac.Match(window))
				if over := len(window) - (longest - 1); over > 0 {
					window = window[:copy(window, window[over:])]
				}
				tails[i%benchStreams] = window
			}
		}
		perToken(b, hits/b.N)
		b.ReportMetric(float64(size)/1e6, "MB")
	})
}

// heap returns the bytes that are in use after a collection.
func heap() uint64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// BenchmarkAdversarial reads what is worst for the automaton: prefixes of its
// own terms, one after the other. Compare ns/rune with BenchmarkSteady.
func BenchmarkAdversarial(b *testing.B) {
	terms := enginetest.Terms(1, 10_000, enginetest.Prose(1, 400_000))
	var s []byte
	for _, t := range terms {
		r := []rune(t)
		s = append(s, string(r[:len(r)-1])...)
	}
	benchmarkRunes(b, terms, string(s))
}

// BenchmarkSteady reads ordinary text in one stream.
func BenchmarkSteady(b *testing.B) {
	prose := enginetest.Prose(1, 400_000)
	benchmarkRunes(b, enginetest.Terms(1, 10_000, prose), prose)
}

func benchmarkRunes(b *testing.B, terms []string, s string) {
	m, err := lexicon.Compile([]*lexicon.Pack{pack(terms)}, lexicon.Options{})
	if err != nil {
		b.Fatal(err)
	}
	runes := fold(s)
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	for b.Loop() {
		st := m.NewState()
		for rest := runes; len(rest) > 0; {
			n := min(lexicon.MaxRunes, len(rest))
			if !m.Advance(&st, rest[:n]) {
				for _, r := range rest[:n] {
					m.Scan(&st, r, nil)
				}
			}
			rest = rest[n:]
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(runes)), "ns/rune")
}
