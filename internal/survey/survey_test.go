package survey_test

import (
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/engine/lexicon"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/survey"
)

func parse(t *testing.T, entries string) []*lexicon.Pack {
	t.Helper()
	p, err := lexicon.ParsePack("p.yaml", []byte("version: 1\nname: p\nentries:\n"+entries))
	if err != nil {
		t.Fatal(err)
	}
	return []*lexicon.Pack{p}
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // a failed write shows in the test
	if !strings.HasSuffix(name, ".gz") {
		_, err = f.WriteString(text)
	} else {
		z := gzip.NewWriter(f)
		if _, err = z.Write([]byte(text)); err == nil {
			err = z.Close()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCount(t *testing.T) {
	packs := parse(t, `
  - {term: zzbomb, category: violence, severity: high, exceptions: [bath zzbomb]}
  - {term: zzslur, category: harassment, severity: low, evasive: true}
  - {all: [zzmake, zzthing], within: 20, category: illicit, severity: medium}
`)
	files := []string{
		write(t, "a.jsonl", `{"text": "a ZZbomb, a zzbomber", "lang": "en"}
{"text": "bath zzbomb and zz-s-l-u-r", "lang": "en"}
{"text": "zzbomb", "lang": "de"}
`),
		write(t, "b.txt.gz", "zzmake one zzthing\nnothing\n"),
	}
	calls := 0
	n, err := survey.Count(packs, &survey.Corpus{Files: files, Where: map[string]string{"lang": "en"}, Progress: func(read, total int64) {
		calls++
		if read < 0 || read > total {
			t.Errorf("progress %d of %d", read, total)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	documents := map[string]int64{}
	for _, term := range n.Terms {
		documents[term.Role+" "+term.Text] = term.Documents
	}
	want := map[string]int64{
		"term zzbomb": 2, "exception bath zzbomb": 1, "term zzslur": 1, "part zzmake": 1, "part zzthing": 1,
	}
	if diff := cmp.Diff(want, documents); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
	if n.Documents != 4 || n.Matches != 3 || n.MatchedDocuments != 3 || n.BySeverity != [policy.NumSeverities]int64{0, 1, 1, 1, 0} || calls == 0 {
		t.Errorf("got %+v after %d calls", n, calls)
	}
	if got, want := n.PerRunes(), 3*100_000/float64(n.Runes); got != want {
		t.Errorf("PerRunes is %v, want %v", got, want)
	}
}

func TestCountMistakes(t *testing.T) {
	packs := parse(t, "  - {term: zzbomb, category: violence, severity: high}\n")
	for name, want := range map[string]string{
		`{"text": "fine"}` + "\nprivate words": ":2: want a JSON object per line",
		`{"txt": "private words"}`:             `:1: want a string "text"`,
	} {
		_, err := survey.Count(packs, &survey.Corpus{Files: []string{write(t, "a.jsonl", name)}})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "private") {
			t.Errorf("got %v, want %q and no text", err, want)
		}
	}
	if _, err := survey.Count(packs, &survey.Corpus{Files: []string{"gone.txt"}}); err == nil {
		t.Error("a missing file is no error")
	}
}

func TestLint(t *testing.T) {
	got := survey.Lint(parse(t, `
  - {term: zzbomb, category: violence, severity: high}
  - {term: build a zzbomb, category: violence, severity: high}
  - {term: the zzbomb word, category: violence, severity: critical}
  - {term: zzbombs, category: violence, severity: high}
  - {term: zzgood, category: violence, severity: high, exceptions: [zzgoodness, zzgood deed]}
  - {term: zqxa, category: harassment, severity: high, evasive: true}
`))
	var lines []string
	for _, p := range got {
		lines = append(lines, p.String())
	}
	want := []string{
		`p:6: "build a zzbomb" is not needed: p:5 matches wherever it does, at least as severely`,
		`p:9: exception "zzgoodness" can never apply: the entry does not match inside it (is the term a whole word there?)`,
		`p:10: "zqxa" has 4 letters in the skeleton view: ordinary neighbours may spell it; count it over a corpus or leave evasive out`,
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}
