package gateway_test

import (
	"math/rand/v2"
	"strings"
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

// FuzzArguments cuts the arguments of a tool call anywhere, in escapes too: what is
// shown of them does not depend on it, and of clean ones it is all.
func FuzzArguments(f *testing.F) {
	for i, text := range []string{`{"a":"Dear,\n zzname \u007azname \ud83d\ude00\\n"}`, `\u007a\u007abomb`, `a\nzzbomb \\`, `zzbom\u00`, `\ud83d\ud83d\ude00 zz\tname zz\u0020name`, `{"a":1}\`} {
		f.Add(text, uint64(i))
	}
	g := guard(f, basePolicy, gateway.Options{})
	// in pieces of at most so many bytes, 0 for one piece
	shown := func(t *testing.T, text string, most int, rng *rand.Rand) (string, bool) {
		a := begin(t, g, gateway.Chat, "", "text/event-stream")
		var b strings.Builder
		halted := false
		take := func(out []byte) {
			list, _ := events(t, out)
			for _, e := range list {
				if s, ok := dig(e, "choices", 0, "delta", "tool_calls", 0, "function", "arguments").(string); ok {
					b.WriteString(s)
				}
				halted = halted || dig(e, "choices", 0, "finish_reason") == "content_filter"
			}
		}
		for len(text) > 0 && !a.Done() {
			n := len(text)
			if most > 0 {
				n = min(1+rng.IntN(most), n)
			}
			out, err := a.Write(t.Context(), []byte(data(delta(`{"tool_calls":[{"index":0,"function":{"arguments":`+quoted([]byte(text[:n]))+`}}]}`))))
			if err != nil {
				t.Fatal(err)
			}
			take(out)
			text = text[n:]
		}
		if !a.Done() {
			out, err := a.Write(t.Context(), []byte(data(done)))
			if err != nil {
				t.Fatal(err)
			}
			take(out)
		}
		return b.String(), halted
	}
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		for _, r := range text { // a cut in a rune is another test's
			if r >= 0x80 || len(text) > 300 {
				t.Skip()
			}
		}
		rng := rand.New(rand.NewPCG(seed, 1))
		want, halted := shown(t, text, 0, rng)
		for range 3 {
			got, also := shown(t, text, 1+rng.IntN(8), rng)
			if got != want || also != halted {
				t.Errorf("of %q cut %q, halted %t, whole %q, halted %t", text, got, also, want, halted)
			}
		}
		if !halted && !strings.Contains(want, "*") && !strings.Contains(want, "[") && want != text {
			t.Errorf("of %q %q is shown", text, want)
		}
	})
}
