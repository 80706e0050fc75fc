package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"golang.org/x/term"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
	"github.com/seed-4f09bd3a/weir/internal/config"
)

type scoreCmd struct {
	File    string `arg:"" optional:"" help:"JSON Lines with text and, if wanted, id; - or nothing for standard input."`
	Profile string `help:"Profile that decides what becomes of each text." default:"default" placeholder:"NAME"`
	Policy  string `help:"Policy file; without it the embedded policy." type:"existingfile" placeholder:"FILE"`
}

// scored is a line of the output.
type scored struct {
	ID         json.RawMessage    `json:"id,omitempty"`
	Scores     map[string]float64 `json:"scores"`
	Action     string             `json:"action"`
	HaltOffset *int64             `json:"halt_offset"`
	Findings   []scoredFinding    `json:"findings"`

	runes int64
	err   error
}

type scoredFinding struct {
	Category string  `json:"category"`
	Action   string  `json:"action"`
	Score    float64 `json:"score"`
	Start    int64   `json:"start_offset"`
	End      int64   `json:"end_offset"`
	Source   string  `json:"source"`
}

// Run scores every text, in order.
func (c *scoreCmd) Run() error {
	in := io.Reader(os.Stdin)
	if c.File != "" && c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return fmt.Errorf("score: %w", err)
		}
		defer f.Close() //nolint:errcheck // only read
		in = f
	}
	s, err := newScorer(c.Policy, c.Profile)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<16)
	live := term.IsTerminal(int(os.Stdout.Fd()))
	progress := newProgress("score")
	var texts, runes int64
	err = scoreLines(in, s.score, func(r *scored) error {
		if r.err != nil {
			return r.err
		}
		line, err := json.Marshal(r)
		if err != nil {
			return err
		}
		texts, runes = texts+1, runes+r.runes
		progress.count(texts, runes)
		if _, err = out.Write(append(line, '\n')); err == nil && live {
			err = out.Flush()
		}
		return err
	})
	err = errors.Join(err, out.Flush())
	progress.sum(texts, runes)
	return err
}

// scorer judges whole texts. It is safe for concurrent use.
type scorer struct {
	engine  *engine.Engine
	members []classifier.Member
	profile string
}

func newScorer(policyFile, profile string) (*scorer, error) {
	store, err := localModels(64 << 20) // a verdict then costs no second inference
	if err != nil {
		return nil, err
	}
	snap, _, err := config.LoadSnapshot(policyFile, store)
	if err != nil {
		return nil, err
	}
	s := &scorer{engine: engine.New(snap, engine.Options{}), members: snap.Models(), profile: profile}
	stream, err := s.engine.Open(engine.StreamOptions{Profile: profile})
	if err != nil {
		return nil, err
	}
	stream.Abort()
	return s, nil
}

// score judges one text: its scores to the end, wherever the policy would halt
// it, and what the policy makes of it.
func (s *scorer) score(x *scoreInput) *scored {
	out := &scored{ID: x.ID, Scores: map[string]float64{}, Findings: []scoredFinding{}}
	folded := text.Fold(x.Text)
	out.runes = int64(len(folded))
	err := s.strides(x.Text, folded, func(m int, _ int, scores []float32) {
		for l, c := range s.members[m].Batcher.Info().Labels {
			if c != policy.NoCategory {
				out.Scores[c.String()] = max(out.Scores[c.String()], round(scores[l]))
			}
		}
	})
	if err != nil {
		out.err = err
		return out
	}
	v, err := s.engine.Check(context.Background(), engine.StreamOptions{Profile: s.profile}, []byte(x.Text))
	if err != nil {
		out.err = err
		return out
	}
	out.Action = v.Action.String()
	if v.HaltOffset != policy.NoOffset {
		at := int64(v.HaltOffset)
		out.HaltOffset = &at
	}
	for _, f := range v.Findings {
		out.Findings = append(out.Findings, scoredFinding{
			Category: f.Category.String(), Action: f.Action.String(), Score: round(f.Score),
			Start: int64(f.Span.Start), End: int64(f.Span.End), Source: f.Source.String(),
		})
	}
	return out
}

// strides has every model judge a whole text, folded as text.Fold does, and calls
// each with the member, the number of runes up to the stride's end, and the scores.
// It feeds models as engine.Stream does, but stops at nothing.
func (s *scorer) strides(original string, folded []text.Rune, each func(member, end int, scores []float32)) error {
	const ahead = 64 // strides given to the models at once
	session := classifier.NewSession(s.members, nil)
	defer session.Stop()
	filled, ends := make([]int, len(s.members)), make([]int, len(s.members))
	var results []classifier.Result
	take := func(waiting int) error {
		if err := session.Wait(context.Background(), waiting); err != nil {
			return err
		}
		results = session.Take(results[:0])
		for _, r := range results {
			if r.Err != nil {
				return r.Err
			}
			ends[r.Member] += r.Runes
			if !r.Skipped {
				each(r.Member, ends[r.Member], r.Scores)
			}
		}
		return nil
	}
	read := 0 // bytes that models of the original have
	for i, r := range folded {
		last := i == len(folded)-1
		end := max(read, int(r.End())) // runes that fold to nothing go with the next that does not
		for m := range s.members {
			info := s.members[m].Batcher.Info()
			filled[m]++
			full := filled[m] == info.StrideRunes
			switch {
			case !info.Original:
				session.Add(m, r.R)
			case last && !full:
				session.AddOriginal(m, []byte(original[read:]), 1)
			default:
				session.AddOriginal(m, []byte(original[read:end]), 1)
			}
			if full || last {
				session.Submit(m, last)
				filled[m] = 0
				if err := take(ahead); err != nil {
					return err
				}
			}
		}
		read = end
	}
	return take(0)
}

func round(score float32) float64 {
	const places = 1e6
	return float64(int64(float64(score)*places+0.5)) / places
}

// maxLineBytes bounds one line of JSON.
const maxLineBytes = 64 << 20 // 64 MiB

// readLines calls each with every line that is not blank, and its number.
func readLines(in io.Reader, each func(n int, line []byte) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 1<<20), maxLineBytes)
	n := 0
	for lines.Scan() {
		n++
		if line := bytes.TrimSpace(lines.Bytes()); len(line) > 0 {
			if err := each(n, line); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("line %d: %w", n+1, err)
	}
	return nil
}

// scoreLines judges lines side by side and hands the results on in order. What
// came before a bad line is handed on.
func scoreLines[T any](in io.Reader, judge func(*scoreInput) T, emit func(T) error) error {
	inFlight := 64 * runtime.GOMAXPROCS(0) // enough to fill the models' batches
	pending := make(chan chan T, inFlight)
	stop := make(chan struct{})
	var readErr error
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(pending)
		readErr = readLines(in, func(n int, line []byte) error {
			x, err := parseLine(n, line)
			if err != nil {
				return err
			}
			done := make(chan T, 1)
			select {
			case pending <- done:
			case <-stop:
				return nil
			}
			wg.Go(func() { done <- judge(x) })
			return nil
		})
	})
	var err error
	for done := range pending {
		if r := <-done; err == nil {
			if err = emit(r); err != nil {
				close(stop)
			}
		}
	}
	wg.Wait()
	return errors.Join(err, readErr)
}

// scoreInput is one text.
type scoreInput struct {
	Line int
	ID   json.RawMessage
	Text string
	Raw  []byte // the whole line
}

func parseLine(n int, line []byte) (*scoreInput, error) {
	var x struct {
		ID   json.RawMessage `json:"id"`
		Text *string         `json:"text"`
	}
	if err := json.Unmarshal(line, &x); err != nil {
		var at *json.SyntaxError
		if errors.As(err, &at) {
			return nil, fmt.Errorf("line %d: no JSON at byte %d: want one object a line, with text", n, at.Offset)
		}
		return nil, fmt.Errorf("line %d: want an object with text, a string, and if wanted id", n)
	}
	if x.Text == nil {
		return nil, fmt.Errorf("line %d: text is missing", n)
	}
	return &scoreInput{Line: n, ID: x.ID, Text: *x.Text, Raw: bytes.Clone(line)}, nil
}
