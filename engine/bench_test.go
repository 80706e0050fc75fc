package engine_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/enginetest"
	"github.com/seed-4f09bd3a/weir/engine/lexicon"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/models"
)

// embedded compiles the default policy with its packs.
func embedded(t testing.TB) *engine.Snapshot {
	t.Helper()
	p, err := policy.Parse("default.yaml", models.DefaultPolicy())
	if err != nil {
		t.Fatal(err)
	}
	packs := map[string]*lexicon.Pack{}
	for _, name := range models.PackNames() {
		data, _ := models.Pack(name)
		if packs[name], err = lexicon.ParsePack(name+".yaml", data); err != nil {
			t.Fatal(err)
		}
	}
	snap, err := engine.NewSnapshot(engine.SnapshotConfig{Policy: p, Packs: packs})
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// BenchmarkWrite is one clean token of about four bytes under the default
// policy, with so many streams taken in turn: what the engine adds per token.
func BenchmarkWrite(b *testing.B) {
	tokens := enginetest.Tokens(enginetest.Prose(1, 400_000))
	e := engine.New(embedded(b), engine.Options{})
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprintf("streams=%d", n), func(b *testing.B) {
			ctx := context.Background()
			streams := make([]*engine.Stream, n)
			for i := range streams {
				var err error
				if streams[i], err = e.Open(engine.StreamOptions{}); err != nil {
					b.Fatal(err)
				}
				defer streams[i].Abort()
			}
			steps := len(tokens) / n
			bytes, i := 0, 0
			b.ReportAllocs()
			for b.Loop() {
				// Stream s reads its own part of the text.
				s := i % n
				token := tokens[s*steps+i/n%steps]
				bytes += len(token)
				if v, err := streams[s].Write(ctx, token); err != nil || v.Action != policy.Allow {
					b.Fatal(v.Findings, err)
				}
				i++
			}
			b.ReportMetric(float64(bytes)/float64(b.N), "bytes/token")
		})
	}
}

// BenchmarkWritePosition is the same at the start of a stream and behind 10 MB
// of text: the cost of a byte does not depend on its position.
func BenchmarkWritePosition(b *testing.B) {
	prose := enginetest.Prose(1, 400_000)
	tokens := enginetest.Tokens(prose)
	e := engine.New(embedded(b), engine.Options{})
	for _, before := range []int{0, 10_000_000} {
		b.Run(fmt.Sprintf("after=%d", before), func(b *testing.B) {
			ctx := context.Background()
			s, err := e.Open(engine.StreamOptions{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Abort()
			for written := 0; written < before; written += len(prose) {
				if _, err := s.Write(ctx, []byte(prose)); err != nil {
					b.Fatal(err)
				}
			}
			i := 0
			for b.Loop() {
				if v, err := s.Write(ctx, tokens[i%len(tokens)]); err != nil || v.Action != policy.Allow {
					b.Fatal(v.Findings, err)
				}
				i++
			}
		})
	}
}

// BenchmarkCheck is whole texts, in bytes per second.
func BenchmarkCheck(b *testing.B) {
	prose := []byte(enginetest.Prose(1, 400_000))
	e := engine.New(embedded(b), engine.Options{})
	b.SetBytes(int64(len(prose)))
	b.ReportAllocs()
	for b.Loop() {
		if v, err := e.Check(context.Background(), engine.StreamOptions{}, prose); err != nil || v.Action != policy.Allow {
			b.Fatal(v.Findings, err)
		}
	}
}
