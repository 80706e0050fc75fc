package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/seed-4f09bd3a/weir/engine/enginetest"
	"github.com/seed-4f09bd3a/weir/engine/lexicon"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
	"github.com/seed-4f09bd3a/weir/models"
)

// planted is the violation: invented, and so long that it always spans tokens.
const planted = "zzquorble vintrak"

// prepare writes work.json, the same as work.bin for C, terms.txt with every
// plain term, and policies with the pack that adds those that do not ship.
func prepare(out, corpus, policyFile string, streams, tokens, count int) error {
	if streams < 8 || tokens < 40 {
		return errors.New("want --streams of 8 and --tokens of 40 at least: every eighth stream carries a violation")
	}
	terms, err := shipped()
	if err != nil {
		return err
	}
	sentences, err := read(corpus)
	if err != nil {
		return err
	}
	// Peers without word boundaries and exceptions would halt on a harmless
	// sentence that spells a term: leave it out for everybody.
	kept := sentences[:0]
	for _, s := range sentences {
		if !spells(s, terms) {
			kept = append(kept, s)
		}
	}
	if len(kept) < 10 {
		return fmt.Errorf("%d sentences are left without a term: want 10 at least, see --corpus", len(kept))
	}
	invented := newTerms(max(count-len(terms)-1, 0), strings.Join(kept, " "))
	invented = append(invented, planted)
	all := append(terms, invented...)

	var w Work
	rng := rand.New(rand.NewPCG(1, 1))
	for s := range streams {
		var prose strings.Builder
		st := Stream{Start: -1}
		for prose.Len() < 5*tokens {
			if s%8 == 7 && st.Start < 0 && prose.Len() > tokens {
				st.Start = prose.Len()
				prose.WriteString(planted)
				st.End = prose.Len()
				prose.WriteByte(' ')
			}
			prose.WriteString(kept[rng.IntN(len(kept))])
			prose.WriteByte(' ')
		}
		for _, token := range enginetest.Tokens(prose.String())[:tokens] {
			st.Tokens = append(st.Tokens, string(token))
		}
		w.Streams = append(w.Streams, st)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	data, err := json.Marshal(w)
	if err != nil {
		return err
	}
	defaults, err := os.ReadFile(policyFile)
	if err != nil {
		return err
	}
	with, without, err := policies(string(defaults))
	if err != nil {
		return err
	}
	pack := "version: 1\nname: operator\nlicence: Apache-2.0\nsource: invented\nentries:\n"
	for _, t := range invented {
		pack += fmt.Sprintf("  - {term: %q, category: violence, severity: high}\n", t)
	}
	for name, content := range map[string][]byte{
		"work.json": data, "work.bin": binaryWork(w), "terms.txt": []byte(strings.Join(all, "\n") + "\n"),
		"operator.yaml": []byte(pack), "model.yaml": []byte(with), "lexicon.yaml": []byte(without),
	} {
		if err := os.WriteFile(filepath.Join(out, name), content, 0o644); err != nil {
			return err
		}
	}
	fmt.Printf("{\"terms\": %d, \"shipped\": %d, \"sentences\": %d, \"streams\": %d, \"tokens_each\": %d}\n",
		len(all), len(terms), len(kept), streams, tokens)
	return nil
}

// newTerms returns n invented terms that do not occur in prose, also not as Weir
// folds it: no matcher has a reason to halt on them.
func newTerms(n int, prose string) []string {
	prose += " " + enginetest.Prose(1, 400_000) // a short corpus, or one of one script, has too few letters to make them of
	folded := string(text.FoldString(prose))
	seen := map[string]bool{} // Weir refuses two terms that fold to the same
	var out []string
	for _, t := range enginetest.Terms(1, n+n/10+100, prose) {
		f := string(text.FoldString(t))
		if len(out) < n && !seen[f] && !strings.Contains(folded, f) {
			seen[f] = true
			out = append(out, t)
		}
	}
	return out
}

// policies returns the default policy with the operator's pack, with and without models.
func policies(defaults string) (with, without string, err error) {
	const packs, use = "packs: [weir-en, weir-zh, weir-ja]\n", "models:\n  - use: weir-harm\n"
	if !strings.Contains(defaults, packs) || !strings.Contains(defaults, use) {
		return "", "", errors.New("the default policy has other packs or models than prepare.go expects: adapt policies()")
	}
	with = strings.Replace(defaults, packs, "packs: [weir-en, weir-zh, weir-ja, operator.yaml]\n", 1)
	return with, strings.Replace(with, use, "", 1), nil
}

// shipped returns the terms of the shipped packs that halt by default, as plain
// lower-case text. Combinations and exceptions have no such form.
func shipped() ([]string, error) {
	var out []string
	seen := map[string]bool{}
	for _, name := range models.PackNames() {
		data, _ := models.Pack(name)
		pack, err := lexicon.ParsePack(name+".yaml", data)
		if err != nil {
			return nil, err
		}
		for _, e := range pack.Entries {
			if e.Severity < policy.High {
				continue
			}
			for _, t := range e.Terms {
				if t = strings.ToLower(t); !seen[t] {
					seen[t] = true
					out = append(out, t)
				}
			}
		}
	}
	return out, nil
}

func spells(sentence string, terms []string) bool {
	sentence = strings.ToLower(sentence)
	for _, t := range terms {
		if strings.Contains(sentence, t) {
			return true
		}
	}
	return false
}

// read returns the sentences of corpus, or of every *.txt in it, or generated
// ones if it is empty.
func read(corpus string) ([]string, error) {
	if corpus == "" {
		return strings.Split(strings.TrimSpace(enginetest.Prose(1, 400_000)), "\n"), nil
	}
	files := []string{corpus}
	if info, err := os.Stat(corpus); err == nil && info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(corpus, "*.txt")); err != nil {
			return nil, err
		}
	}
	var out []string
	for _, file := range files {
		if filepath.Base(file) == "violations.txt" {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("--corpus: %w: want a file of sentences or a folder of *.txt", err)
		}
		for line := range strings.SplitSeq(string(data), "\n") {
			if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
				out = append(out, line)
			}
		}
	}
	return out, nil
}

// binaryWork is streams, tokens, then length and bytes of every token, the k-th
// of every stream in turn; all numbers 32 bits, little-endian.
func binaryWork(w Work) []byte {
	var b bytes.Buffer
	number := func(n int) { _ = binary.Write(&b, binary.LittleEndian, uint32(n)) }
	number(len(w.Streams))
	number(len(w.Streams[0].Tokens))
	for k := range w.Streams[0].Tokens {
		for _, s := range w.Streams {
			number(len(s.Tokens[k]))
			b.WriteString(s.Tokens[k])
		}
	}
	return b.Bytes()
}
