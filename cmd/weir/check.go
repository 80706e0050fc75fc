package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/config"
)

type checkCmd struct {
	Text    string `arg:"" optional:"" help:"The text; - or nothing for standard input."`
	File    string `help:"Read the text from this file." type:"existingfile" placeholder:"FILE"`
	Profile string `help:"Profile that judges the text." default:"default" placeholder:"NAME"`
	Policy  string `help:"Policy file; without it the embedded policy." type:"existingfile" placeholder:"FILE"`
	Chunk   int    `help:"Cut the text into chunks of this many bytes; 0 for as it comes." placeholder:"BYTES"`
	JSON    bool   `help:"Print one JSON object." name:"json"`
}

// outcome is what became of the whole text.
type outcome struct {
	last     policy.Verdict
	findings []policy.Finding
	edits    []policy.Edit
	text     []byte // what was read, to show findings in
}

// Run judges the text and exits with 3 if it is halted.
func (c *checkCmd) Run() error {
	if c.Text != "" && c.Text != "-" && c.File != "" {
		return errors.New("check: give a text or --file, not both")
	}
	if c.Chunk < 0 {
		return fmt.Errorf("check: --chunk %d: want 0 or more bytes", c.Chunk)
	}
	store, err := localModels(0)
	if err != nil {
		return err
	}
	snap, _, err := config.LoadSnapshot(c.Policy, store)
	if err != nil {
		return err
	}
	stream, err := engine.New(snap, engine.Options{}).Open(engine.StreamOptions{Profile: c.Profile})
	if err != nil {
		return err
	}
	defer stream.Abort()
	in, err := c.input()
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	o, err := c.judge(stream, in)
	if err != nil {
		return err
	}
	if c.JSON {
		err = o.printJSON(os.Stdout)
	} else {
		o.print(os.Stdout, stream)
	}
	if err == nil && o.last.Action == policy.Halt {
		err = errHalted
	}
	return err
}

func (c *checkCmd) input() (io.ReadCloser, error) {
	switch {
	case c.File != "":
		return os.Open(c.File)
	case c.Text != "" && c.Text != "-":
		return io.NopCloser(strings.NewReader(c.Text)), nil
	}
	return io.NopCloser(os.Stdin), nil
}

// judge streams the input until it ends or is halted.
func (c *checkCmd) judge(stream *engine.Stream, in io.Reader) (*outcome, error) {
	ctx := context.Background()
	o := &outcome{}
	take := func(v policy.Verdict) {
		o.last = v
		o.findings = append(o.findings, v.Findings...)
		o.edits = append(o.edits, v.Edits...)
	}
	size := 64 << 10 // 64 KiB
	if c.Chunk > 0 {
		size = c.Chunk
	}
	buf := make([]byte, size)
	for {
		n, err := in.Read(buf)
		if c.Chunk > 0 && err == nil && n < size {
			var more int
			more, err = io.ReadFull(in, buf[n:])
			n += more
		}
		if n > 0 {
			o.text = append(o.text, buf[:n]...)
			v, err := stream.Write(ctx, buf[:n])
			if err != nil {
				return nil, err
			}
			if take(v); v.Action == policy.Halt {
				return o, nil
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("check: %w", err)
		}
	}
	v, err := stream.Close(ctx)
	if err != nil {
		return nil, err
	}
	take(v)
	return o, nil
}

// printJSON prints the outcome as one object on one line.
func (o *outcome) printJSON(w io.Writer) error {
	type finding struct {
		Category    string  `json:"category"`
		Severity    string  `json:"severity"`
		Score       float32 `json:"score"`
		StartOffset int64   `json:"start_offset"`
		EndOffset   int64   `json:"end_offset"`
		Source      string  `json:"source"`
	}
	out := struct {
		Action        string    `json:"action"`
		ReleasedBytes int64     `json:"released_bytes"`
		HaltOffset    *int64    `json:"halt_offset"`
		Findings      []finding `json:"findings"`
	}{Action: o.last.Action.String(), ReleasedBytes: int64(o.last.Released), Findings: []finding{}}
	if o.last.HaltOffset != policy.NoOffset {
		halt := int64(o.last.HaltOffset)
		out.HaltOffset = &halt
	}
	for _, f := range o.findings {
		out.Findings = append(out.Findings, finding{
			f.Category.String(), f.Severity.String(), f.Score, int64(f.Span.Start), int64(f.Span.End), f.Source.String(),
		})
	}
	return json.NewEncoder(w).Encode(out)
}

// print shows the findings in the text, and what became of it.
func (o *outcome) print(w io.Writer, stream *engine.Stream) {
	for _, f := range o.findings {
		fmt.Fprintln(w, policy.Explain(f, stream.Profile(), stream.Snapshot().Version()))
		line, mark := underline(o.text, int(f.Span.Start), int(f.Span.End))
		fmt.Fprintf(w, "    %s\n    %s\n", line, mark)
	}
	switch o.last.Action {
	case policy.Halt:
		fmt.Fprintf(w, "halt: the reader sees the first %d bytes; the text stops at byte %d\n", o.last.Released, o.last.HaltOffset)
	case policy.Redact:
		fmt.Fprintf(w, "redact: the reader sees all %d bytes with %d of them replaced\n", o.last.Released, hidden(o.edits))
	default:
		fmt.Fprintf(w, "%s: the reader sees all %d bytes\n", o.last.Action, o.last.Released)
	}
	if o.last.Degraded {
		fmt.Fprintln(w, "degraded: a detector failed, and the text was judged without it")
	}
}

func hidden(edits []policy.Edit) (bytes int64) {
	for _, e := range edits {
		bytes += int64(e.Span.End - e.Span.Start)
	}
	return bytes
}

// underline returns the part of the text around a span on one line, and a line
// that marks the span, for a terminal where some runes take two columns.
func underline(text []byte, start, end int) (line, mark string) {
	const context = 24 // runes on either side
	const most = 60    // runes of the span
	end = min(end, len(text))
	left, right := start, end
	for n := 0; n < context && left > 0; n++ {
		_, size := utf8.DecodeLastRune(text[:left])
		left -= size
	}
	for n := 0; n < context && right < len(text) && utf8.FullRune(text[right:]); n++ {
		_, size := utf8.DecodeRune(text[right:])
		right += size
	}
	var a, b strings.Builder
	put := func(part []byte, under string, limit int) {
		for n := 0; len(part) > 0; n++ {
			r, size := utf8.DecodeRune(part)
			part = part[size:]
			if n == limit {
				a.WriteString("…")
				b.WriteString(under)
				return
			}
			columns := 1
			switch {
			case r < ' ' || r == 0x7f:
				r = '␣'
			case !unicode.IsPrint(r) && r != utf8.RuneError:
				continue
			default:
				if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
					columns = 2
				}
			}
			a.WriteRune(r)
			b.WriteString(strings.Repeat(under, columns))
		}
	}
	if left > 0 {
		put([]byte("…"), " ", most)
	}
	put(text[left:start], " ", most)
	put(text[start:end], "^", most)
	put(text[end:right], " ", most)
	if right < len(text) && utf8.FullRune(text[right:]) {
		put([]byte("…"), " ", most)
	}
	return a.String(), strings.TrimRight(b.String(), " ")
}
