package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

// TestLeaks: ways around the guard that a careless or hostile upstream may take, on
// purpose or not. What must not be shown is the part of the violation that never
// comes out; what is clean comes out whole.
func TestLeaks(t *testing.T) {
	g := guard(t, basePolicy, gateway.Options{})
	message := func(inner string) string {
		return `{"id":"c","choices":[{"index":0,"message":{"role":"assistant",` + inner + `},"finish_reason":"stop"}]}`
	}
	call := func(arguments string) string {
		return `"tool_calls":[{"index":0,"id":"t","type":"function","function":{"name":"send","arguments":` + quoted([]byte(arguments)) + `}}]`
	}
	blocks := func(events ...string) string {
		var b strings.Builder
		for _, e := range events {
			b.WriteString(data(e))
		}
		return b.String()
	}
	text := func(index, s string) string {
		return `{"type":"content_block_delta","index":` + index + `,"delta":{"type":"text_delta","text":` + quoted([]byte(s)) + `}}`
	}
	start := func(index, s string) string {
		return `{"type":"content_block_start","index":` + index + `,"content_block":{"type":"text","text":` + quoted([]byte(s)) + `}}`
	}
	stop := func(index string) string { return `{"type":"content_block_stop","index":` + index + `}` }
	said := func(part, s string) string {
		return `{"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":` + part + `,"delta":` + quoted([]byte(s)) + `}`
	}
	logprob := func(token, bytes string) string {
		return `"logprobs":{"content":[{"token":"` + token + `","logprob":-1,"bytes":` + bytes + `,"top_logprobs":[]}]}`
	}
	const stream, whole = "text/event-stream", "application/json"
	for _, test := range []struct {
		name   string
		route  gateway.Route
		status int
		kind   string
		body   string
		never  string // is not shown
		shown  string // is
	}{
		// The arguments of a tool call are JSON in a string.
		{"a line break in arguments", gateway.Chat, 200, whole, message(call(`{"text":"Dear all,\nzzbomb now"}`)), "zzb", ""},
		{"the same in a stream", gateway.Chat, 200, stream, data(delta("{" + call(`{"text":"Dear all,\nzzbomb now"}`) + "}")), "zzb", `Dear all,\\n`},
		{"an escape cut in two", gateway.Chat, 200, stream, data(delta("{"+call(`{"text":"Dear\`)+"}")) + data(delta("{"+call(`nzzbomb now"}`)+"}")), "zzb", "Dear"},
		{"a letter by its number", gateway.Chat, 200, whole, message(call(`{"text":"z\u007abomb"}`)), "u007a", ""},
		{"a number cut in two", gateway.Chat, 200, stream, data(delta("{"+call(`{"text":"z\u00`)+"}")) + data(delta("{"+call(`7abomb"}`)+"}")), "bomb", ""},
		{"clean escapes", gateway.Chat, 200, whole, message(call(`{"text":"a\n\u5929\u6c14 \"b\" \\ \ud83d\ude00"}`)), "zzb", `{\"text\":\"a\\n\\u5929\\u6c14 \\\"b\\\" \\\\ \\ud83d\\ude00\"}`},
		{"a redaction of an escape", gateway.Chat, 200, whole, message(call(`{"text":"a \u007azname\n b"}`)), "zname", `a ***\\n b`},
		{"arguments of a response", gateway.Responses, 200, stream, data(`{"type":"response.function_call_arguments.delta","item_id":"f","output_index":0,"delta":"{\"text\":\"a\\nzzbomb\"}"}`), "zzb", ""},
		{"arguments of an item", gateway.Responses, 200, whole, `{"id":"r","status":"completed","output":[{"type":"function_call","id":"f","name":"g","arguments":"{\"text\":\"a\\nzzbomb\"}"}]}`, "zzb", ""},
		{"arguments that are done", gateway.Responses, 200, stream, data(`{"type":"response.function_call_arguments.done","item_id":"f","output_index":0,"arguments":"{\"text\":\"a\\nzzbomb\"}"}`), "zzb", ""},
		{"an error that quotes a call", gateway.Chat, 400, whole, `{"error":{"failed_generation":"{\"text\":\"a\\nzzbomb\"}"}}`, "zzb", "stopped by the content policy"},
		{"an empty block between", gateway.Messages, 200, whole, `{"type":"message","content":[{"type":"text","text":"a zz"},{"type":"text","text":""},{"type":"text","text":"bomb b"}]}`, "bomb", ""},
		{"an empty part between", gateway.Chat, 200, whole, message(`"content":[{"type":"text","text":"a zz"},{"type":"text","text":""},{"type":"text","text":"bomb b"}]`), "bomb", ""},
		{"input of a tool", gateway.Messages, 200, whole, `{"type":"message","content":[{"type":"tool_use","id":"t","name":"f","input":{"text":"a\nzzbomb"}}]}`, "zzb", ""},
		{"input in pieces", gateway.Messages, 200, stream, data(`{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"text\":\"a\\nzzbomb\"}"}}`), "zzb", ""},
		{"names in arguments that mean something elsewhere", gateway.Chat, 200, whole, message(`"tool_calls":[{"function":{"name":"f","arguments":{"id":"zzbomb"}}}]`), "zzb", ""},

		// Errors quote what the model has said.
		{"an error's message", gateway.Chat, 400, whole, `{"error":{"message":"Failed to parse: zzbomb","failed_generation":"zzbomb"}}`, "zzb", "stopped by the content policy"},
		{"an error in plain text", gateway.Chat, 500, "text/plain", "Failed to parse: zzbomb", "zzb", "stopped by the content policy"},
		{"an answer with an error's status", gateway.Chat, 400, whole, message(`"content":"zzbomb"`), "zzb", "stopped by the content policy"},
		{"an ordinary error", gateway.Chat, 404, whole, `{"error":{"message":"no such model","code":null}}`, "zzb", `{"error":{"message":"no such model","code":null}}`},
		{"an ordinary error in plain text", gateway.Chat, 503, "text/plain", "try again\n", "zzb", "try again\n"},
		{"an error in a stream", gateway.Chat, 200, stream, data(`{"error":{"message":"zzbomb"}}`), "zzb", "stopped by the content policy"},
		{"an error in a whole answer", gateway.Chat, 200, whole, `{"error":{"message":"zzbomb"}}`, "zzb", "stopped by the content policy"},
		{"an error of responses", gateway.Responses, 200, stream, data(`{"type":"error","message":"zzbomb"}`), "zzb", "incomplete"},
		{"a failed response", gateway.Responses, 200, stream, data(`{"type":"response.failed","response":{"error":{"message":"zzbomb"}}}`), "zzb", "stopped by the content policy"},
		{"an error of messages", gateway.Messages, 200, stream, data(`{"type":"error","error":{"type":"api_error","message":"zzbomb"}}`), "zzb", "refusal"},

		// Clients join these.
		{"blocks", gateway.Messages, 200, stream, blocks(start("0", ""), text("0", "a zz"), stop("0"), start("1", ""), text("1", "bomb b"), stop("1")), "bomb", `"zz"`},
		{"the beginning of a block", gateway.Messages, 200, stream, blocks(start("0", "a zz"), text("0", "bomb b")), "bomb", `"text":"a "`},
		{"a block that begins with all of it", gateway.Messages, 200, stream, data(start("0", "a zzbomb b")), "zzb", `"text":"a "`},
		{"the beginning of the next block", gateway.Messages, 200, stream, blocks(start("0", ""), text("0", "a zz"), stop("0"), start("1", "bomb b"), stop("1")), "bomb", ""},
		{"blocks of a whole answer", gateway.Messages, 200, whole, `{"type":"message","content":[{"type":"text","text":"a zz"},{"type":"text","text":"bomb b"}]}`, "bomb", "a zz"},
		{"clean blocks", gateway.Messages, 200, whole, `{"type":"message","content":[{"type":"text","text":"a zzbom"},{"type":"text","text":" fine"}]}`, "filter", `" fine"`},
		{"parts of a response", gateway.Responses, 200, stream, data(said("0", "a zz")) + data(said("1", "bomb b")), "bomb", ""},
		{"the beginning of a part", gateway.Responses, 200, stream, data(`{"type":"response.content_part.added","item_id":"m","output_index":0,"content_index":0,"part":{"type":"output_text","text":"a zz"}}`) + data(said("0", "bomb b")), "bomb", ""},
		{"parts of a whole response", gateway.Responses, 200, whole, `{"id":"r","output":[{"type":"message","content":[{"type":"output_text","text":"a zz"},{"type":"output_text","text":"bomb b"}]}]}`, "bomb", ""},
		{"a content of parts", gateway.Chat, 200, whole, message(`"content":[{"type":"text","text":"a zz"},{"type":"text","text":"bomb b"}]`), "bomb", ""},

		// Shapes that no API has, and readers that guess.
		{"a document of plain text", gateway.Messages, 200, whole, `{"type":"message","content":[{"type":"web_fetch_tool_result","content":{"content":{"source":{"type":"text","data":"zzbomb"}}}}]}`, "zzb", ""},
		{"a content that is a string", gateway.Messages, 200, whole, `{"type":"message","content":"zzbomb"}`, "zzb", "its content is no list"},
		{"an answer of another API", gateway.Messages, 200, whole, message(`"content":"zzbomb"`), "zzb", ""},
		{"choices that are no list", gateway.Chat, 200, whole, `{"choices":{"message":{"content":"zzbomb"}}}`, "zzb", "no list"},
		{"an output that is no list", gateway.Responses, 200, whole, `{"output":{"content":"zzbomb"}}`, "zzb", "no list"},
		{"an index with a fraction", gateway.Chat, 200, whole, `{"choices":[{"index":1.0,"message":{"content":"a"}}]}`, `"a"`, "no list of objects"},
		{"text beside what a ping has", gateway.Messages, 200, stream, data(`{"type":"ping","text":"zzbomb"}`), "zzb", "refusal"},
		{"text beside the response", gateway.Responses, 200, stream, data(`{"type":"response.created","text":"zzbomb","response":{"id":"r"}}`), "zzb", "incomplete"},
		{"token ids", gateway.Chat, 200, whole, `{"tokens":[71],"choices":[{"index":0,"output_ids":[72],"message":{"content":"a","token_ids":[73]}}]}`, "7", `"content":"a"`},
		{"the name of an event", gateway.Chat, 200, stream, "event: zzbomb\u2028data\nid: a b\n" + data(delta(`{"content":"fine"}`)), "zzb", "fine"},
		{"another character set", gateway.Chat, 200, "text/event-stream; charset=utf-7", data(delta(`{"content":"+AHoA-"}`)), "AHo", "not in UTF-8"},
		{"a redirect", gateway.Chat, 307, whole, "zzbomb", "zzb", "redirect"},
		{"another protocol", gateway.Chat, 101, "", "zzbomb", "zzb", "another protocol"},

		// Log probabilities.
		{"a token that is not the text", gateway.Chat, 200, whole, `{"choices":[{"index":0,"message":{"content":"a pony"},` + logprob("zzbomb", "null") + `}]}`, "zzb", "a pony"},
		{"bytes that are not the token", gateway.Chat, 200, whole, `{"choices":[{"index":0,"message":{"content":"a pony"},` + logprob("zzbomb", "[97,32,112,111,110,121]") + `}]}`, "zzb", "a pony"},
		{"bytes that are a string", gateway.Chat, 200, whole, `{"choices":[{"index":0,"message":{"content":"a pony"},` + logprob("a pony", `"zzbomb"`) + `}]}`, "zzb", "a pony"},
		{"log probabilities in the text's place", gateway.Chat, 200, stream, data(delta(`{"content":"a","logprobs":"zzbomb"}`)), "zzb", `"a"`},
		{"completions' columns", gateway.Completions, 200, whole, `{"choices":[{"index":0,"text":"a","logprobs":{"tokens":["a"],"token_logprobs":["zzbomb"]}}]}`, "zzb", `"a"`},
		{"a delta of a response", gateway.Responses, 200, stream, data(strings.Replace(said("0", "a pony"), `"delta"`, `"logprobs":[{"token":"zzbomb","logprob":-1}],"delta"`, 1)), "zzb", "a pony"},

		// What clients trip over.
		{"a reason to finish that is none", gateway.Chat, 200, stream, data(strings.Replace(delta(`{"content":"one "}`), `"finish_reason":null`, `"finish_reason":""`, 1)) + data(delta(`{"content":"two"}`)), "zzb", "two"},
		{"an end without an empty line", gateway.Chat, 200, stream, data(delta(`{"content":"fine"}`)) + "data: [DONE]", "error", "data: [DONE]\n\n"},
		{"no stream at all", gateway.Chat, 200, stream, `{"error":{"message":"no"}}` + "\n", `"no"`, "has none"},
	} {
		t.Run(test.name, func(t *testing.T) {
			x, refusal := g.Request(t.Context(), test.route, []byte(requests[test.route]))
			if refusal != nil {
				t.Fatalf("%s", refusal.Body)
			}
			a, err := x.Answer(test.status, test.kind)
			var out []byte
			if err == nil {
				defer a.Abort()
				var b []byte
				b, err = a.Write(t.Context(), []byte(test.body))
				if out = append(out, b...); err == nil && !a.Done() {
					b, err = a.Close(t.Context())
					out = append(out, b...)
				}
			}
			if err != nil {
				out = append(out, err.Error()...)
			}
			if strings.Contains(string(out), test.never) || !strings.Contains(string(out), test.shown) {
				t.Errorf("got %s, want %q and never %q", out, test.shown, test.never)
			}
		})
	}
}

// TestAroundPaths: ways to an API that are spelled in another way are guarded, and
// the rest of an answer is not to be had without its beginning.
func TestAroundPaths(t *testing.T) {
	for _, path := range []string{"/v1/chat%2Fcompletions", "/v1/chat/%63ompletions", "/v1/chat/completion%73?x=1", "/v1/chat%252Fcompletions", "/V1/Chat//Completions/"} {
		if r, ok := gateway.RouteOf(http.MethodPost, path); !ok || r != gateway.Chat {
			t.Errorf("%s is not guarded", path)
		}
	}
	if !gateway.IsModerations(http.MethodPost, "/v1/%6doderations/") {
		t.Error("moderations")
	}
	for query, refused := range map[string]bool{"": false, "stream=true": false, "stream=true&starting_after=1": true, "starting%5Fafter=0": true, "%zz&starting_after=1": true} {
		if got := gateway.Responses.Rest(query) != nil; got != refused {
			t.Errorf("%s: refused %t", query, got)
		}
	}
}

// TestPromptSpelling: what some servers read as a prompt is judged, or refused.
func TestPromptSpelling(t *testing.T) {
	g := guard(t, basePolicy, gateway.Options{})
	for body, status := range map[string]int{
		`{"messages":[{"role":"user","content":"fine"}],"Messages":[{"role":"user","content":"zzbomb"}]}`:         400,
		`{"messages":[{"role":"user","content":"fine","Content":"zzbomb"}]}`:                                      400,
		`{"messages":[{"role":"user","type":"function_call","content":"zzbomb"}]}`:                                400,
		`{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","data":"zzbomb"}}]}]}`: 400,
		`{"messages":[{"role":"user","content":"fine"}]}`:                                                         0,
	} {
		_, refusal := g.Request(t.Context(), gateway.Chat, []byte(body))
		if got := refusal; (got == nil) != (status == 0) || got != nil && (got.Status != status || strings.Contains(string(got.Body), "zzb")) {
			t.Errorf("%s: %+v", body, refusal)
		}
	}
}
