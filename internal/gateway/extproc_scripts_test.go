package gateway_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/enginetest"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

var paths = map[gateway.Route]string{
	gateway.Chat: chatPath, gateway.Completions: "/v1/completions", gateway.Responses: "/v1/responses", gateway.Messages: "/v1/messages",
}

// TestExtProcScripts passes the engine's scripts through the external processor in
// every mode of the filter, as streams cut in many ways.
func TestExtProcScripts(t *testing.T) {
	all, err := enginetest.Load(scripts)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			e := newEnvoy(t, guard(t, scripts+"/"+s.Policy+".yaml", gateway.Options{Profile: s.Profile}), nil)
			want := expect(t, s)
			for _, r := range routes {
				for name, m := range modes {
					t.Run(r.String()+"/"+name, func(t *testing.T) {
						e.TB = t
						rng := seeded(s.Name + name)
						for range 2 {
							body := stream(r, s.Text(), func(int) int { return rng.IntN(9) + 1 })
							got := e.do(exchanged{mode: m, method: "POST", path: paths[r], body: []byte(requests[r]), response: body, cut: atRandom(rng, 200)})
							if got.broken || got.status != 200 || string(got.request) != requests[r] {
								t.Fatalf("got %s of %s", got, got.request)
							}
							want.check(t, show(t, r, got.body))
							if duplex := name == "duplex" || name == "override"; got.early && (!duplex || !want.halted) {
								t.Errorf("the answer ended before the upstream's: %s", got)
							}
						}
					})
				}
			}
			e.TB = t
		})
	}
}

// TestExtProcWhole: an answer that is not streamed says what a stream does.
func TestExtProcWhole(t *testing.T) {
	all, err := enginetest.Load(scripts)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			e := newEnvoy(t, guard(t, scripts+"/"+s.Policy+".yaml", gateway.Options{Profile: s.Profile}), nil)
			want := expect(t, s)
			for name, m := range modes {
				body := `{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":` + quoted(s.Text()) + `},"finish_reason":"stop"}]}`
				got := e.do(exchanged{mode: m, body: []byte(chatRequest), answer: map[string]string{"content-type": "application/json", "content-length": "1", "etag": "x"},
					response: []byte(body), cut: atRandom(seeded(name), 40)})
				var o object
				if err := json.Unmarshal(got.body, &o); err != nil || got.header["etag"] != "" {
					t.Fatalf("%s: %v in %s", name, err, got)
				}
				var seen shown
				seen.text, _ = dig(o, "choices", 0, "message", "content").(string)
				seen.halted = dig(o, "choices", 0, "finish_reason") == "content_filter"
				seen.findings, _ = dig(o, "choices", 0, "content_filter_results", "weir", "findings").([]any)
				want.check(t, seen)
			}
		})
	}
}

// FuzzExtProc cuts texts, the bytes of their streams and the messages of the protocol
// at random: what a client sees is what the engine makes of the whole text.
func FuzzExtProc(f *testing.F) {
	addScripts(f)
	g := guard(f, basePolicy, gateway.Options{})
	e := newEnvoy(f, g, nil)
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
		r := routes[rng.IntN(len(routes))]
		e.TB = t
		defer func() { e.TB = f }()
		names := slices.Sorted(maps.Keys(modes))
		name := names[rng.IntN(len(names))]
		body := stream(r, text, atRandom(rng, 8))
		out := e.do(exchanged{mode: modes[name], method: "POST", path: paths[r], body: []byte(requests[r]), response: body, cut: atRandom(rng, 150)})
		got := show(t, r, out.body)
		if out.broken || got.text != want || got.halted != (v.Action == policy.Halt) {
			t.Errorf("%s, %s: shown %q, halted %t, want %q, %t", r, name, got.text, got.halted, want, v.Action == policy.Halt)
		}
	})
}
