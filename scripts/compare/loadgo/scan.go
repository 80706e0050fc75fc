package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloudflare/ahocorasick"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/lexicon"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
	"github.com/seed-4f09bd3a/weir/models"
)

// judge takes a token of a stream and says how much of the text may be shown.
// received counts the token in.
type judge func(stream int, token []byte, received int) (released int, halted bool, err error)

// scan runs a matcher in this process, over all streams in turn, until seconds
// of CPU time are used. begin makes fresh streams; it is not counted.
func scan(w Work, dir, peer string, seconds float64) (Outcome, error) {
	begin, err := matcher(len(w.Streams), dir, peer)
	if err != nil {
		return Outcome{}, err
	}
	raw := make([][][]byte, len(w.Streams))
	texts := make([]string, len(w.Streams))
	for i, s := range w.Streams {
		texts[i] = strings.Join(s.Tokens, "")
		for _, t := range s.Tokens {
			raw[i] = append(raw[i], []byte(t))
		}
	}
	var o Outcome
	for pass := 0; pass < 2 || o.CPUSeconds < seconds; pass++ {
		next, err := begin()
		if err != nil {
			return o, err
		}
		o.Released, o.Halted = make([]int, len(raw)), make([]bool, len(raw))
		received := make([]int, len(raw))
		o.Received = received
		tokens := 0
		cpu, start := ownCPU(), time.Now()
		for k := range raw[0] {
			for s := range raw {
				if o.Halted[s] {
					continue
				}
				received[s] += len(raw[s][k])
				if o.Released[s], o.Halted[s], err = next(s, raw[s][k], received[s]); err != nil {
					return o, err
				}
				tokens++
				if pass == 0 && !o.Halted[s] { // the first pass warms up and is not counted
					o.MaxHeld = max(o.MaxHeld, utf8.RuneCountInString(texts[s][o.Released[s]:received[s]]))
				}
			}
		}
		if pass > 0 {
			o.CPUSeconds += ownCPU() - cpu
			o.Wall += time.Since(start).Seconds()
			o.Tokens += tokens
		}
	}
	return o, nil
}

func matcher(streams int, dir, peer string) (func() (judge, error), error) {
	switch peer {
	case "weir-engine":
		return weirEngine(streams, dir)
	case "weir-matcher":
		return weirMatcher(streams, dir)
	case "cloudflare":
		return cloudflare(streams, dir)
	}
	return nil, fmt.Errorf("--peer %q: want weir-engine, weir-matcher or cloudflare", peer)
}

// weirEngine is all that weir serve does but gRPC: the default policy without
// models, patterns, folding, look-alikes, holdback.
func weirEngine(streams int, dir string) (func() (judge, error), error) {
	p, err := policyAt(filepath.Join(dir, "lexicon.yaml"))
	if err != nil {
		return nil, err
	}
	packs := map[string]*lexicon.Pack{}
	for _, name := range models.PackNames() {
		data, _ := models.Pack(name)
		if packs[name], err = lexicon.ParsePack(name, data); err != nil {
			return nil, err
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, "operator.yaml"))
	if err != nil {
		return nil, err
	}
	if packs["operator.yaml"], err = lexicon.ParsePack("operator.yaml", data); err != nil {
		return nil, err
	}
	snapshot, err := engine.NewSnapshot(engine.SnapshotConfig{Policy: p, Packs: packs})
	if err != nil {
		return nil, err
	}
	e := engine.New(snapshot, engine.Options{})
	return func() (judge, error) {
		open := make([]*engine.Stream, streams)
		for i := range open {
			var err error
			if open[i], err = e.Open(engine.StreamOptions{}); err != nil {
				return nil, err
			}
		}
		ctx := context.Background()
		return func(s int, token []byte, _ int) (int, bool, error) {
			v, err := open[s].Write(ctx, token)
			return int(v.Released), v.Action == policy.Halt, err
		}, nil
	}, nil
}

func policyAt(file string) (*policy.Policy, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return policy.Parse(file, data)
}

func terms(dir string) ([]string, error) {
	data, err := os.ReadFile(filepath.Join(dir, "terms.txt"))
	return strings.Split(strings.TrimSpace(string(data)), "\n"), err
}

// weirMatcher is the lexicon alone, with folding, on the same plain terms as the
// others. Like them it shows a token when it was read without a hit.
func weirMatcher(streams int, dir string) (func() (judge, error), error) {
	list, err := terms(dir)
	if err != nil {
		return nil, err
	}
	pack := &lexicon.Pack{Name: "terms"}
	for i, t := range list {
		pack.Entries = append(pack.Entries, lexicon.Entry{
			Terms: []string{t}, Categories: policy.CategorySet(0).Set(policy.Violence), Severity: policy.High, Line: i + 1,
		})
	}
	m, err := lexicon.Compile([]*lexicon.Pack{pack}, lexicon.Options{})
	if err != nil {
		return nil, err
	}
	return func() (judge, error) {
		states, folders := make([]lexicon.State, streams), make([]text.Folder, streams)
		for i := range states {
			states[i] = m.NewState()
		}
		var matches []lexicon.Match
		var buf [lexicon.MaxRunes]text.Rune
		return func(s int, token []byte, received int) (int, bool, error) {
			runes, _ := folders[s].Append(buf[:0], token)
			if matches = matches[:0]; !m.Advance(&states[s], runes) {
				for _, r := range runes {
					matches = m.Scan(&states[s], r, matches)
				}
			}
			if len(matches) > 0 {
				return received - len(token), true, nil
			}
			return received, false, nil
		}, nil
	}, nil
}

// cloudflare keeps no state, so it reads again what the longest term may reach back.
func cloudflare(streams int, dir string) (func() (judge, error), error) {
	list, err := terms(dir)
	if err != nil {
		return nil, err
	}
	ac := ahocorasick.NewStringMatcher(list)
	longest := 0
	for _, t := range list {
		longest = max(longest, len(t))
	}
	return func() (judge, error) {
		tails := make([][]byte, streams)
		return func(s int, token []byte, received int) (int, bool, error) {
			window := append(tails[s], token...)
			for i := len(window) - len(token); i < len(window); i++ { // terms are lower-case: ASCII is enough here
				if c := window[i]; 'A' <= c && c <= 'Z' {
					window[i] = c | 0x20
				}
			}
			if len(ac.Match(window)) > 0 {
				return received - len(token), true, nil
			}
			if over := len(window) - (longest - 1); over > 0 {
				window = window[:copy(window, window[over:])]
			}
			tails[s] = window
			return received, false, nil
		}, nil
	}, nil
}
