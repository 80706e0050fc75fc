package server_test

import (
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"

	"github.com/seed-4f09bd3a/weir/internal/config"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// TestNoTextBatch: as TestNoText, of the calls for many streams and for whole
// texts. What a client makes up is no label either.
func TestNoTextBatch(t *testing.T) {
	const marker = "qqmarkerqq"
	h := start(t, basePolicy, func(c *config.Config) { c.Limits.ChunkBytes, c.Limits.TextBytes = 100, 300 })
	var told []string
	note := func(verdicts ...*weirv1.Verdict) {
		for _, v := range verdicts {
			told = append(told, v.GetReplacement())
			for _, f := range v.GetFindings() {
				told = append(told, f.Explanation, f.Source, f.Category)
			}
		}
	}
	b := h.batch()
	open := &weirv1.OpenStream{Prompt: []byte(marker + " zz mild "), Language: marker}
	text := []byte(marker + " 13812345678 zz mild zzbomb " + marker)
	for _, r := range []*weirv1.ModerateBatchRequest{
		{Entries: []*entry{{StreamId: 1, Open: open, Chunk: text}, {StreamId: 2, Open: open}, {StreamId: 3, Open: &weirv1.OpenStream{Profile: "nobody"}}}},
		{Entries: []*entry{{StreamId: 1, Chunk: text}, {StreamId: 2, Chunk: []byte(strings.Repeat(marker, 11))}, {StreamId: 4, Chunk: text}}},
		{Entries: []*entry{{StreamId: 5, Open: open, Chunk: []byte(marker)}, {StreamId: 5, Chunk: text}}},
	} {
		if err := b.s.Send(r); err != nil {
			t.Fatal(err)
		}
		a, err := b.s.Recv()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range a.Entries {
			note(e.Verdict, e.PromptVerdict)
			told = append(told, e.GetError().GetMessage())
		}
	}
	for _, r := range []*weirv1.CheckRequest{
		{Text: text, Prompt: text}, {Text: text, Language: marker}, {Text: []byte(strings.Repeat(marker, 31))}, {Text: text, Profile: "nobody"},
	} {
		a, err := h.client.Check(t.Context(), r)
		if err != nil {
			told = append(told, err.Error())
		}
		note(a.GetVerdict(), a.GetPromptVerdict())
	}
	all := strings.Join(told, "\n")
	for what, text := range map[string]string{"log": h.log.String(), "metrics": h.scrape(), "answers": all} {
		if strings.Contains(text, marker) {
			t.Errorf("the %s hold text of users:\n%s", what, text)
		}
	}
	for _, want := range []string{"violence", "privacy", "harassment", "limits.chunk_bytes", "limits.text_bytes", "nobody", "two entries", "not open"} {
		if !strings.Contains(all, want) {
			t.Errorf("the answers do not speak of %s:\n%s", want, all)
		}
	}
	if strings.Contains(h.scrape(), "nobody") {
		t.Error("a profile that does not exist is a label")
	}
}

// TestNoCrossingModerate: thousands of calls at once, each with a place of its
// own for what is found in it.
func TestNoCrossingModerate(t *testing.T) {
	h := start(t, basePolicy, nil)
	const calls = 2000
	var (
		wait    sync.WaitGroup
		streams [calls]grpc.BidiStreamingClient[weirv1.ModerateRequest, weirv1.ModerateResponse]
	)
	for i := range streams {
		streams[i] = h.moderate(&weirv1.OpenStream{}, "").s
	}
	h.openStreams(calls)
	for i, s := range streams {
		wait.Go(func() {
			fill := strings.Repeat("x ", i/2)
			text, at := fill+"zzbomb ends", int64(len(fill))
			redacts := i%2 == 0
			if redacts {
				text = fill + "13812345678 ends"
			}
			edits := []*weirv1.Edit(nil)
			for rest := text; rest != ""; {
				n := min(len(rest), 64+i%97)
				r := &weirv1.ModerateRequest{Chunk: []byte(rest[:n]), Finish: n == len(rest)}
				if rest = rest[n:]; s.Send(r) != nil {
					break // it has halted, which is received below
				}
			}
			for {
				a, err := s.Recv()
				if err != nil {
					t.Errorf("stream %d: %v", i, err)
					return
				}
				v := a.Verdict
				if edits = append(edits, v.Edits...); !v.Final {
					continue
				}
				switch {
				case redacts:
					if len(edits) != 1 || edits[0].StartOffset != at || v.ReleasedOffset != int64(len(text)) || v.HaltOffset != nil {
						t.Errorf("stream %d: edits %v and %v, want one at %d", i, edits, v, at)
					}
				case v.GetHaltOffset() != at || v.HaltOffset == nil || v.ReleasedOffset != at || len(edits) > 0:
					t.Errorf("stream %d: edits %v and %v, want a halt at %d", i, edits, v, at)
				}
				return
			}
		})
	}
	wait.Wait()
	h.openStreams(0)
}
