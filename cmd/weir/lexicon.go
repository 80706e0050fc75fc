package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/seed-4f09bd3a/weir/engine/lexicon"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/config"
	"github.com/seed-4f09bd3a/weir/internal/survey"
	"github.com/seed-4f09bd3a/weir/models"
)

type lexiconCmd struct {
	Stats lexiconStatsCmd `cmd:"" help:"Count terms and matches over a corpus."`
	Lint  lexiconLintCmd  `cmd:"" help:"Report entries that do nothing, and evasive terms that are too short."`
}

// loadPacks loads packs by path or embedded name; none means all embedded ones.
// It reports the problems of all of them.
func loadPacks(refs []string) ([]*lexicon.Pack, error) {
	if len(refs) == 0 {
		refs = models.PackNames()
	}
	var out []*lexicon.Pack
	var problems []error
	for _, ref := range refs {
		pack, _, err := config.LoadPack(".", ref)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		out = append(out, pack)
	}
	return out, errors.Join(problems...)
}

type lexiconLintCmd struct {
	Packs []string `arg:"" optional:"" help:"Pack files or names of embedded packs; without any, all embedded packs."`
}

// Run prints one problem per line and fails if there are any.
func (c *lexiconLintCmd) Run() error {
	packs, err := loadPacks(c.Packs)
	if err != nil {
		return err
	}
	problems := survey.Lint(packs)
	for _, p := range problems {
		fmt.Println(p)
	}
	if len(problems) > 0 {
		return errors.New("lint: " + counted(len(problems), "problem"))
	}
	entries := 0
	for _, p := range packs {
		entries += len(p.Entries)
	}
	fmt.Printf("%s, %s: no problems\n", counted(len(packs), "pack"), counted(entries, "entry"))
	return nil
}

type lexiconStatsCmd struct {
	Pack  []string          `help:"Pack file or name of an embedded pack; may be repeated. Without it, all embedded packs." placeholder:"PACK"`
	Where map[string]string `help:"Count only JSON documents with this top-level string, such as lang=zh; may be repeated." placeholder:"KEY=VALUE"`
	Top   int               `help:"Rows of each table; 0 for all." default:"20"`
	Terms bool              `help:"Print terms too, not only where they are in their packs."`
	JSON  bool              `help:"Print one JSON object." name:"json"`
	Files []string          `arg:"" type:"existingfile" help:"NAME.jsonl (an object with \"text\" per line) or plain text (a document per line), also as .gz."`
}

// Run counts, with progress on standard error.
func (c *lexiconStatsCmd) Run() error {
	packs, err := loadPacks(c.Pack)
	if err != nil {
		return err
	}
	progress := newProgress("counting")
	counts, err := survey.Count(packs, &survey.Corpus{Files: c.Files, Where: c.Where, Progress: progress.set})
	progress.end()
	if err != nil {
		return err
	}
	if c.JSON {
		return c.printJSON(counts)
	}
	return c.printTables(counts)
}

func (c *lexiconStatsCmd) printJSON(n *survey.Counts) error {
	type term struct {
		Pack      string `json:"pack"`
		Line      int    `json:"line"`
		Term      string `json:"term,omitempty"`
		Role      string `json:"role"`
		Documents int64  `json:"documents"`
	}
	type entry struct {
		Pack      string `json:"pack"`
		Line      int32  `json:"line"`
		Severity  string `json:"severity"`
		Matches   int64  `json:"matches"`
		Documents int64  `json:"documents"`
	}
	out := struct {
		Documents        int64   `json:"documents"`
		Bytes            int64   `json:"bytes"`
		Runes            int64   `json:"runes"`
		Matches          int64   `json:"matches"`
		MatchedDocuments int64   `json:"matched_documents"`
		PerRunes         float64 `json:"matches_per_100000_runes"`
		Entries          []entry `json:"entries"`
		Terms            []term  `json:"terms"`
	}{n.Documents, n.Bytes, n.Runes, n.Matches, n.MatchedDocuments, n.PerRunes(), []entry{}, []term{}}
	for _, e := range n.Entries {
		out.Entries = append(out.Entries, entry{e.Pack, e.Line, e.Severity.String(), e.Matches, e.Documents})
	}
	for _, t := range n.Terms {
		row := term{Pack: t.Pack, Line: t.Line, Role: t.Role, Documents: t.Documents}
		if c.Terms {
			row.Term = t.Text
		}
		out.Terms = append(out.Terms, row)
	}
	e := json.NewEncoder(os.Stdout)
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

func (c *lexiconStatsCmd) printTables(n *survey.Counts) error {
	fmt.Printf("%s, %s, %s counted\n", counted(n.Documents, "document"), counted(n.Runes, "rune"), counted(len(n.Terms), "spelling"))
	fmt.Printf("%s in %s: %.3f per 100,000 runes", counted(n.Matches, "match"), counted(n.MatchedDocuments, "document"), n.PerRunes())
	for s := policy.Low; s < policy.NumSeverities; s++ {
		fmt.Printf(", %s %d", s, n.BySeverity[s])
	}
	fmt.Println()
	if len(n.Entries) > 0 {
		fmt.Println("\nentries that match (whole words, exceptions and combinations applied)")
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "  entry\tseverity\tmatches\tdocuments")
		for _, e := range n.Entries[:c.rows(len(n.Entries))] {
			fmt.Fprintf(w, "  %s:%d\t%s\t%d\t%d\n", e.Pack, e.Line, e.Severity, e.Matches, e.Documents)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	terms := slices.DeleteFunc(slices.Clone(n.Terms), func(t survey.Term) bool { return t.Documents == 0 })
	slices.SortFunc(terms, func(a, b survey.Term) int {
		return cmp.Or(cmp.Compare(b.Documents, a.Documents), strings.Compare(a.Pack, b.Pack), cmp.Compare(a.Line, b.Line))
	})
	if len(terms) == 0 {
		return nil
	}
	fmt.Println("\ndocuments in which a spelling occurs (anywhere, also inside words)")
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, t := range terms[:c.rows(len(terms))] {
		fmt.Fprintf(w, "  %s:%d\t%s\t%d", t.Pack, t.Line, t.Role, t.Documents)
		if c.Terms {
			fmt.Fprintf(w, "\t%s", t.Text)
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

func (c *lexiconStatsCmd) rows(n int) int {
	if c.Top > 0 {
		return min(n, c.Top)
	}
	return n
}
