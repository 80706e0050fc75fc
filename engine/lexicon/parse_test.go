package lexicon_test

import (
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/engine/enginetest"
	"github.com/seed-4f09bd3a/weir/engine/lexicon"
	"github.com/seed-4f09bd3a/weir/engine/policy"
)

var update = flag.Bool("update", false, "write golden files")

func TestParsePack(t *testing.T) {
	p, err := lexicon.ParsePack("p.yaml", []byte(`
version: 1
name: own
language: en
licence: Apache-2.0
source: written for this test
entries:
  - term: zzone
    category: violence
    severity: high
  - terms: [zz two, zz three]
    category: [violence, illicit]
    severity: low
    whole_word: false
    exceptions: [a zz two b]
  - all: [zzfour, zzfive]
    within: 7
    category: other
    severity: critical
`))
	if err != nil {
		t.Fatal(err)
	}
	violence := policy.CategorySet(0).Set(policy.Violence)
	want := []lexicon.Entry{
		{Terms: []string{"zzone"}, Categories: violence, Severity: policy.High, WholeWord: true, Line: 8},
		{Terms: []string{"zz two", "zz three"}, Categories: violence.Set(policy.Illicit), Severity: policy.Low,
			Exceptions: []string{"a zz two b"}, Line: 11},
		{All: []string{"zzfour", "zzfive"}, WithinRunes: 7, Categories: policy.CategorySet(0).Set(policy.Other),
			Severity: policy.Critical, WholeWord: true, Line: 16},
	}
	if diff := gocmp.Diff(want, p.Entries); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if p.Name != "own" || p.Language != "en" || p.Licence != "Apache-2.0" || p.Source == "" || p.Digest() == [32]byte{} {
		t.Errorf("got %+v", p)
	}
}

// TestParsePackMistakes pins what is said of a pack full of mistakes, all at once.
func TestParsePackMistakes(t *testing.T) {
	data, err := os.ReadFile("testdata/mistakes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, err = lexicon.ParsePack("mistakes.yaml", data)
	if err == nil {
		t.Fatal("no error")
	}
	got := err.Error() + "\n"
	if *update {
		if err := os.WriteFile("testdata/mistakes.golden", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/mistakes.golden")
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

// TestSize pins the memory of large lexicons; times are logged, not judged.
func TestSize(t *testing.T) {
	prose := enginetest.Prose(1, 40_000)
	for _, c := range []struct {
		terms, most int
	}{{100, 1 << 20}, {10_000, 3_000_000}, {100_000, 16_000_000}} {
		if c.terms > 10_000 && testing.Short() {
			continue
		}
		p := pack(enginetest.Terms(1, c.terms, prose))
		began := time.Now()
		m, err := lexicon.Compile([]*lexicon.Pack{p}, lexicon.Options{})
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(began)
		t.Logf("%d terms: %d bytes, compiled in %s", c.terms, m.SizeBytes(), took.Round(time.Millisecond))
		if m.SizeBytes() > c.most {
			t.Errorf("%d terms take %d bytes, want at most %d", c.terms, m.SizeBytes(), c.most)
		}
	}
}

// TestBounded is the bound on adversarial text: a hundred terms that end at
// every rune are decided with few candidates kept and one match reported.
func TestBounded(t *testing.T) {
	var terms []string
	for n := 1; n <= lexicon.MaxTermRunes; n++ {
		terms = append(terms, strings.Repeat("字", n))
	}
	m, err := lexicon.Compile([]*lexicon.Pack{pack(terms)}, lexicon.Options{})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("字", 20_000)
	if got := len(stream(t, m, text, func() int { return 30 })); got > 20_000 {
		t.Errorf("%d matches in 20,000 runes", got)
	}
}

// TestAllocations: reading clean text allocates nothing.
func TestAllocations(t *testing.T) {
	prose := enginetest.Prose(1, 100_000)
	m, err := lexicon.Compile([]*lexicon.Pack{pack(enginetest.Terms(1, 1000, prose))}, lexicon.Options{})
	if err != nil {
		t.Fatal(err)
	}
	runes := fold(prose)
	st := m.NewState()
	at := 0
	if n := testing.AllocsPerRun(1000, func() {
		if !m.Advance(&st, runes[at:at+lexicon.MaxRunes]) {
			for _, r := range runes[at : at+lexicon.MaxRunes] {
				m.Scan(&st, r, nil)
			}
		}
		at += lexicon.MaxRunes
	}); n != 0 {
		t.Errorf("%v allocations per block", n)
	}
}
