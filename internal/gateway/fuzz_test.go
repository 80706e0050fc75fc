package gateway_test

import (
	"math/rand/v2"
	"testing"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/enginetest"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

// FuzzAnswer cuts texts and the bytes of their streams at random: what a client of
// any API sees is what the engine makes of the whole text.
func FuzzAnswer(f *testing.F) {
	addScripts(f)
	g := guard(f, basePolicy, gateway.Options{})
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		if len(text) > 300 {
			t.Skip("long texts find nothing that short ones don't")
		}
		v, err := g.Engine.Check(t.Context(), engine.StreamOptions{}, text)
		if err != nil {
			t.Fatal(err)
		}
		want := read(t, enginetest.Apply(text, v.Released, v.Edits))
		rng := rand.New(rand.NewPCG(seed, 1))
		for _, r := range routes {
			body := stream(r, text, atRandom(rng, 8))
			got := show(t, r, pass(t, begin(t, g, r, "", "text/event-stream"), body, atRandom(rng, 100)))
			if got.text != want || got.halted != (v.Action == policy.Halt) {
				t.Errorf("%s: shown %q, halted %t, want %q, %t", r, got.text, got.halted, want, v.Action == policy.Halt)
			}
			for _, again := range got.again {
				if again != want {
					t.Errorf("%s: said again %q, want %q", r, again, want)
				}
			}
		}
	})
}

// FuzzBody gives answers arbitrary bytes: they may fail, and must not panic.
func FuzzBody(f *testing.F) {
	for _, r := range routes {
		f.Add(stream(r, []byte("some zzname words"), atRandom(rand.New(rand.NewPCG(1, 2)), 5)))
	}
	f.Add([]byte(`{"choices":[{"message":{"content":null,"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]},"logprobs":{"content":[{"token":"a","top_logprobs":[null]}]}}]}`))
	f.Add([]byte(`{"output":[{"type":"function_call","arguments":"zzbomb"}],"content":[{"type":"tool_use","input":{"a":"zzname"}}]}`))
	f.Add([]byte("data: {\"choices\":[{\"text\":\"a\",\"logprobs\":{\"tokens\":[\"a\"],\"top_logprobs\":[3],\"text_offset\":[]}}]}\n\n"))
	g := guard(f, basePolicy, gateway.Options{Replacement: true})
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, r := range routes {
			for _, contentType := range []string{"text/event-stream", "application/json"} {
				a := begin(t, g, r, "", contentType)
				if _, err := a.Write(t.Context(), body); err == nil {
					_, err = a.Close(t.Context())
					if err == nil {
						continue
					}
					a.Failure(err)
				}
			}
		}
	})
}

// addScripts makes the texts of the stream scripts seeds.
func addScripts(f *testing.F) {
	f.Helper()
	all, err := enginetest.Load(scripts)
	if err != nil {
		f.Fatal(err)
	}
	for i, s := range all {
		f.Add(s.Text(), uint64(i))
	}
}
