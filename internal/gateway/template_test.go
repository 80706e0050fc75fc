package gateway_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

// TestTokenAllocates: once a stream goes on, a token costs no memory, whether its
// event is like the last one or is read anew.
func TestTokenAllocates(t *testing.T) {
	g := guard(t, basePolicy, gateway.Options{})
	for _, c := range []struct {
		name   string
		route  gateway.Route
		events func(i int) string
	}{
		{"chat", gateway.Chat, func(int) string { return data(delta(`{"content":"clean "}`)) }},
		{"chat, escapes", gateway.Chat, func(int) string { return data(delta(`{"content":"\n\"clean\" "}`)) }},
		{"chat, obfuscation", gateway.Chat, func(i int) string {
			return data(strings.Replace(delta(`{"content":"clean "}`), `}]`, fmt.Sprintf(`}],"obfuscation":"x%d"`, i), 1))
		}},
		{"completions", gateway.Completions, func(int) string {
			return data(`{"id":"c1","choices":[{"index":0,"text":" clean","logprobs":null,"finish_reason":null}]}`)
		}},
		{"messages", gateway.Messages, func(int) string {
			return "event: content_block_delta\n" + data(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" clean"}}`)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := begin(t, g, c.route, "", "text/event-stream")
			var pieces [][]byte
			for i := range 3000 {
				pieces = append(pieces, []byte(c.events(i)))
			}
			one := func() {
				out, err := a.Write(t.Context(), pieces[0])
				if err != nil || !bytes.Contains(out, []byte("clean")) {
					t.Fatalf("%v in %s", err, out)
				}
				pieces = pieces[1:]
			}
			for range 500 {
				one()
			}
			if n := testing.AllocsPerRun(1000, one); n > 0 {
				t.Errorf("%v allocations a token", n)
			}
		})
	}
}

// FuzzTemplate writes streams of events that are alike and of events that are
// not: what goes out does not depend on what is remembered of earlier events.
func FuzzTemplate(f *testing.F) {
	for i, text := range []string{
		"some clean words, zzname and more, zzbomb and more", "\"quotes\" and \\ and \n\x00 and \xff\xe4\xb8", "call 4111 1111 1111 1111 now",
		strings.Repeat("word ", 60), "aaaaabababab", "",
	} {
		for seed := range 8 {
			f.Add([]byte(text), uint64(100*i+seed))
		}
	}
	g := guard(f, basePolicy, gateway.Options{Replacement: true})
	f.Fuzz(func(t *testing.T, text []byte, seed uint64) {
		if len(text) > 600 {
			t.Skip("long texts find nothing that short ones don't")
		}
		for _, r := range routes {
			rng := rand.New(rand.NewPCG(seed, uint64(r)))
			body := mixed(r, text, rng)
			cut := rng.Uint64()
			var got [2][]byte
			for i := range got {
				a := begin(t, g, r, "", "text/event-stream")
				if i == 1 {
					gateway.Plain(a)
				}
				rng := rand.New(rand.NewPCG(cut, 1))
				for rest := body; len(rest) > 0; {
					n := min(1+rng.IntN(200), len(rest))
					out, err := a.Write(t.Context(), rest[:n])
					got[i] = append(got[i], out...)
					if rest = rest[n:]; err != nil {
						got[i] = append(got[i], err.Error()...)
						break
					}
				}
				out, err := a.Close(t.Context())
				got[i] = append(append(got[i], out...), fmt.Sprint(err, a.Done(), a.Halted())...)
			}
			if !bytes.Equal(got[0], got[1]) {
				t.Errorf("%s: of %q\n%s\nand without templates\n%s", r, body, got[0], got[1])
			}
		}
	})
}

// mixed puts a text into events that mostly repeat a few shapes.
func mixed(r gateway.Route, text []byte, rng *rand.Rand) []byte {
	shapes := map[gateway.Route][]string{
		gateway.Chat: {
			`{"id":"c1","choices":[{"index":0,"delta":{"content":%s},"finish_reason":null}]}`,
			`{"id":"c1","choices":[{"index":0,"delta":{"role":"assistant","content":%s},"logprobs":null,"finish_reason":null}]}`,
			`{"id":"c1","choices":[{"index":1,"delta":{"content":%s}}], "usage": null}`,
			`{"created":4,"model":"other","id":"other","choices":[{"index":0,"delta":{"reasoning_content":%s,"content":""}}]}`,
			`{"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":%s}}]}}]}`,
			`{"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","function":{"name":%s,"arguments":""}}]}}]}`,
			`{"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":%s}}]}}]}`,
			`{"id":"c1","choices":[{"index":0,"delta":{"content":%s},"finish_reason":"stop"}]}`,
			`{"id":"c1","choices":[{"index":0,"delta":{"content":%s},"logprobs":{"content":[{"token":"a","bytes":[97],"top_logprobs":[]}]}}]}`,
			`{"id":"c1","choices":[{"index":0,"delta":{"content":%s}},{"index":1,"delta":{"content":"b"}}]}`,
			`{"id":"c1","choices":[{"index":0,"delta":{"content":%s}}],"usage":{"completion_tokens":3}}`,
			`{"id":"c1","choices":[{"index":0,"delta":{"content":%s}}],"token_ids":[1],"obfuscation":"xx"}`,
			`{"id":"c1","choices":[],"note":%s}`,
			`{"id":"c1","choices":[{"index":0,"delta":{"content":%s,"x":{"zzname":1,"y":2}}}]}`,
		},
		gateway.Completions: {
			`{"object":"text_completion","id":"c1","choices":[{"index":0,"text":%s,"finish_reason":null}]}`,
			`{"id":"c1","choices":[{"index":0,"text":%s,"logprobs":{"tokens":["a"],"token_logprobs":[1]}}]}`,
			`{"id":"c1","choices":[{"text":"","index":0,"reasoning":%s}]}`,
		},
		gateway.Responses: {
			`{"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":%s}`,
			`{"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":%s,"sequence_number":7,"logprobs":[]}`,
			`{"type":"response.output_text.done","item_id":"m","output_index":0,"content_index":0,"text":%s}`,
			`{"type":"response.function_call_arguments.delta","output_index":1,"item_id":"f","delta":%s}`,
			`{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","id":"f","name":"g","arguments":%s}}`,
			`{"type":"response.created","response":{"id":"r","model":"m","instructions":%s,"output":[]}}`,
		},
		gateway.Messages: {
			`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":%s}}`,
			`{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":%s}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a","more":%s}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":%s,"signature":"b"}}`,
			`{"type":"message_start","message":{"id":"m","content":[{"type":"text","text":%s}],"usage":{"input_tokens":1}}}`,
			`{"type":"content_block_stop","index":0,"note":%s}`,
		},
	}[r]
	fields := []string{"", "event: e\n", "id: 1\n", "event: e\nid: 1\nretry: 5\n", "event: e\nid: 2\n"}
	var b bytes.Buffer
	shape, field := 0, 0
	for len(text) > 0 {
		if rng.IntN(4) == 0 {
			shape, field = rng.IntN(len(shapes)), rng.IntN(len(fields))
		}
		n := min(1+rng.IntN(12), len(text))
		piece := quoted(text[:n])
		if rng.IntN(20) == 0 { // not quoted: what breaks the JSON is found in both cases
			piece = `"` + string(text[:n]) + `"`
		}
		if rng.IntN(20) == 0 {
			piece = `""`
		}
		b.WriteString(fields[field])
		for _, line := range strings.Split(fmt.Sprintf(shapes[shape], piece), "\n") {
			b.WriteString("data: " + line + "\n")
		}
		b.WriteString("\n")
		text = text[n:]
	}
	b.WriteString("data: [DONE]\n\n")
	return b.Bytes()
}
