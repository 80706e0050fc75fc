package gateway_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/engine/enginetest"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

var routes = []gateway.Route{gateway.Chat, gateway.Completions, gateway.Responses, gateway.Messages}

// TestScripts passes the engine's scripts through every API, as a stream cut in
// many ways and in one piece.
func TestScripts(t *testing.T) {
	all, err := enginetest.Load(scripts)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			g := guard(t, scripts+"/"+s.Policy+".yaml", gateway.Options{Profile: s.Profile})
			want := expect(t, s)
			for _, r := range routes {
				t.Run(r.String(), func(t *testing.T) {
					rng := rand.New(rand.NewPCG(1, uint64(len(s.Name))))
					for range 8 {
						body := stream(r, s.Text(), func(int) int { return rng.IntN(9) + 1 })
						want.check(t, show(t, r, pass(t, begin(t, g, r, "", "text/event-stream"), body, atRandom(rng, 60))))
					}
					body := stream(r, s.Text(), wholly)
					want.check(t, show(t, r, pass(t, begin(t, g, r, "", "text/event-stream; charset=utf-8"), body, func(int) int { return 1 })))
				})
			}
		})
	}
}

// expectation is what a script says of what a client sees.
type expectation struct {
	text     string
	halted   bool
	findings []policy.Finding
}

func expect(t testing.TB, s *enginetest.Script) expectation {
	e := expectation{findings: s.Findings}
	released := policy.Offset(len(s.Text()))
	for _, f := range s.Findings {
		if f.Action == policy.Halt {
			e.halted, released = true, min(released, f.Span.Start)
		}
	}
	for _, f := range s.Final {
		switch f.Key {
		case "action":
			e.halted = f.Value == "halt"
		case "released":
			n, err := strconv.Atoi(f.Value)
			if err != nil {
				t.Fatal(err)
			}
			released = policy.Offset(n)
		}
	}
	e.text = read(t, enginetest.Apply(s.Text(), released, s.Edits))
	return e
}

func (e *expectation) check(t *testing.T, s shown) {
	t.Helper()
	if s.text != e.text || s.halted != e.halted {
		t.Errorf("shown %q, halted %t, want %q, %t", s.text, s.halted, e.text, e.halted)
	}
	for _, again := range s.again {
		if again != e.text {
			t.Errorf("said again %q, want %q", again, e.text)
		}
	}
	var got, want []string
	for _, f := range s.findings {
		got = append(got, fmt.Sprint(dig(f, "action"), " ", dig(f, "category"), " ", dig(f, "severity"), " ",
			dig(f, "start_offset"), " ", dig(f, "end_offset"), " ", dig(f, "source")))
	}
	for _, f := range e.findings {
		want = append(want, fmt.Sprint(f.Action, " ", f.Category, " ", f.Severity, " ", f.Span.Start, " ", f.Span.End, " ", f.Source))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-script +got):\n%s", diff)
	}
}

// TestWhole: an answer that is not streamed says what a stream does.
func TestWhole(t *testing.T) {
	all, err := enginetest.Load(scripts)
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[gateway.Route][2]string{
		gateway.Chat:        {`{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":`, `},"finish_reason":"stop"}]}`},
		gateway.Completions: {`{"id":"c","object":"text_completion","choices":[{"index":0,"text":`, `,"finish_reason":"stop"}]}`},
		gateway.Responses:   {`{"id":"r","object":"response","status":"completed","output":[{"type":"message","id":"m","content":[{"type":"output_text","text":`, `}]}]}`},
		gateway.Messages:    {`{"id":"m","type":"message","content":[{"type":"text","text":`, `}],"stop_reason":"end_turn"}`},
	}
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			g := guard(t, scripts+"/"+s.Policy+".yaml", gateway.Options{Profile: s.Profile})
			want := expect(t, s)
			for r, body := range bodies {
				a := begin(t, g, r, "", "application/json")
				out := pass(t, a, []byte(body[0]+quoted(s.Text())+body[1]), func(int) int { return 7 })
				var o object
				if err := json.Unmarshal(out, &o); err != nil {
					t.Fatal(err)
				}
				var got shown
				results := any(nil)
				switch r {
				case gateway.Chat:
					got.text, _ = dig(o, "choices", 0, "message", "content").(string)
					got.halted = dig(o, "choices", 0, "finish_reason") == "content_filter"
					results = dig(o, "choices", 0, "content_filter_results")
				case gateway.Completions:
					got.text, _ = dig(o, "choices", 0, "text").(string)
					got.halted = dig(o, "choices", 0, "finish_reason") == "content_filter"
					results = dig(o, "choices", 0, "content_filter_results")
				case gateway.Responses:
					got.text, _ = dig(o, "output", 0, "content", 0, "text").(string)
					got.halted = dig(o, "incomplete_details", "reason") == "content_filter"
					results = dig(o, "content_filter_results")
				case gateway.Messages:
					got.text, _ = dig(o, "content", 0, "text").(string)
					got.halted = dig(o, "stop_reason") == "refusal"
					results = dig(o, "content_filter_results")
				}
				got.findings, _ = dig(results, "weir", "findings").([]any)
				want.check(t, got)
			}
		})
	}
}
