package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/internal/config"
	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

const (
	scripts    = "../../engine/testdata"
	basePolicy = scripts + "/base.yaml"
)

// engines compiles every policy once.
var engines = map[string]*engine.Engine{}

func guard(t testing.TB, policyFile string, o gateway.Options) *gateway.Guard {
	t.Helper()
	e := engines[policyFile]
	if e == nil {
		snapshot, _, err := config.LoadSnapshot(policyFile, nil)
		if err != nil {
			t.Fatal(err)
		}
		e = engine.New(snapshot, engine.Options{})
		engines[policyFile] = e
	}
	return &gateway.Guard{Engine: e, Options: o}
}

// requests are the smallest request of each route.
var requests = map[gateway.Route]string{
	gateway.Chat:        `{"model":"m","messages":[{"role":"user","content":"hello"}],"stream":true}`,
	gateway.Completions: `{"model":"m","prompt":"hello","stream":true}`,
	gateway.Responses:   `{"model":"m","input":"hello","stream":true}`,
	gateway.Messages:    `{"model":"m","messages":[{"role":"user","content":"hello"}],"stream":true,"max_tokens":9}`,
}

// begin makes the guarded answer to a request.
func begin(t testing.TB, g *gateway.Guard, r gateway.Route, request, contentType string) *gateway.Answer {
	t.Helper()
	if request == "" {
		request = requests[r]
	}
	x, refusal := g.Request(t.Context(), r, []byte(request))
	if refusal != nil {
		t.Fatalf("the request is refused: %s", refusal.Body)
	}
	a, err := x.Answer(200, contentType)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Abort)
	return a
}

// pass sends a body through an answer, in pieces of the sizes that cut returns.
func pass(t testing.TB, a *gateway.Answer, body []byte, cut func(left int) int) []byte {
	t.Helper()
	var out []byte
	for len(body) > 0 && !a.Done() {
		n := min(cut(len(body)), len(body))
		b, err := a.Write(t.Context(), body[:n])
		if out = append(out, b...); err != nil {
			t.Fatal(err)
		}
		body = body[n:]
	}
	if a.Done() {
		return out
	}
	b, err := a.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return append(out, b...)
}

func wholly(left int) int { return left }

func atRandom(rng *rand.Rand, most int) func(int) int {
	return func(int) int { return 1 + rng.IntN(most) }
}

// object is a decoded JSON object.
type object map[string]any

// dig follows names and indexes; a missing value is nil.
func dig(v any, way ...any) any {
	for _, w := range way {
		switch w := w.(type) {
		case string:
			if o, ok := v.(object); ok {
				v = o
			}
			m, _ := v.(map[string]any)
			if o, ok := v.(object); ok {
				m = o
			}
			v = m[w]
		case int:
			l, _ := v.([]any)
			if w >= len(l) {
				return nil
			}
			v = l[w]
		}
	}
	return v
}

// events reads a body of server-sent events as a client does. done reports
// whether it ended with [DONE], and that nothing came after.
func events(t testing.TB, body []byte) (out []object, done bool) {
	t.Helper()
	for _, part := range strings.Split(string(body), "\n\n") {
		var data []string
		for _, line := range strings.Split(part, "\n") {
			if rest, ok := strings.CutPrefix(line, "data: "); ok {
				data = append(data, rest)
			}
		}
		if len(data) == 0 {
			continue
		}
		if done {
			t.Errorf("something follows [DONE]: %s", part)
		}
		if data[0] == "[DONE]" {
			done = true
			continue
		}
		var o object
		if err := json.Unmarshal([]byte(strings.Join(data, "\n")), &o); err != nil {
			t.Fatalf("%v in %s", err, part)
		}
		out = append(out, o)
	}
	return out, done
}

// quoted puts text into a JSON string and leaves invalid UTF-8 as it is, as some
// servers do.
func quoted(text []byte) string {
	var b bytes.Buffer
	b.WriteByte('"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < 0x20:
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// read is quoted and back again: what a client makes of text.
func read(t testing.TB, text []byte) string {
	t.Helper()
	var out string
	if err := json.Unmarshal([]byte(quoted(text)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// stream puts text into an answer's stream, cut as cut says.
func stream(r gateway.Route, text []byte, cut func(left int) int) []byte {
	var pieces [][]byte
	for rest := text; len(rest) > 0; {
		n := min(cut(len(rest)), len(rest))
		pieces = append(pieces, rest[:n])
		rest = rest[n:]
	}
	var b bytes.Buffer
	sequence := 0
	typed := func(kind, rest string) {
		fmt.Fprintf(&b, "event: %s\ndata: {\"type\":\"%s\",\"sequence_number\":%d%s}\n\n", kind, kind, sequence, rest)
		sequence++
	}
	switch r {
	case gateway.Chat:
		chunk := func(delta, finish string) {
			fmt.Fprintf(&b, `data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":%s,"logprobs":null,"finish_reason":%s}]}`+"\n\n", delta, finish)
		}
		chunk(`{"role":"assistant","content":""}`, "null")
		for _, p := range pieces {
			chunk(`{"content":`+quoted(p)+`}`, "null")
		}
		chunk(`{}`, `"stop"`)
		b.WriteString("data: [DONE]\n\n")
	case gateway.Completions:
		for _, p := range pieces {
			fmt.Fprintf(&b, "data: {\"id\":\"c1\",\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":%s,\"finish_reason\":null}]}\r\n\r\n", quoted(p))
		}
		b.WriteString("data: {\"id\":\"c1\",\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":\"\",\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	case gateway.Responses:
		at := `,"item_id":"msg_1","output_index":0,"content_index":0`
		whole := quoted(text)
		part := func(text string) string {
			return `{"type":"output_text","text":` + text + `,"annotations":[]}`
		}
		item := func(status, content string) string {
			return `{"id":"msg_1","type":"message","status":"` + status + `","role":"assistant","content":[` + content + `]}`
		}
		typed("response.created", `,"response":{"id":"r1","object":"response","status":"in_progress","model":"m","output":[],"usage":null}`)
		typed("response.output_item.added", `,"output_index":0,"item":`+item("in_progress", ""))
		typed("response.content_part.added", at+`,"part":`+part(`""`))
		for _, p := range pieces {
			typed("response.output_text.delta", at+`,"delta":`+quoted(p))
		}
		typed("response.output_text.done", at+`,"text":`+whole)
		typed("response.content_part.done", at+`,"part":`+part(whole))
		typed("response.output_item.done", `,"output_index":0,"item":`+item("completed", part(whole)))
		typed("response.completed", `,"response":{"id":"r1","object":"response","status":"completed","model":"m","output":[`+item("completed", part(whole))+`]}`)
	case gateway.Messages:
		typed("message_start", `,"message":{"id":"m1","type":"message","role":"assistant","content":[],"model":"m","stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}`)
		typed("content_block_start", `,"index":0,"content_block":{"type":"text","text":""}`)
		typed("ping", "")
		for _, p := range pieces {
			typed("content_block_delta", `,"index":0,"delta":{"type":"text_delta","text":`+quoted(p)+`}`)
		}
		typed("content_block_stop", `,"index":0`)
		typed("message_delta", `,"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":9}`)
		typed("message_stop", "")
	}
	return b.Bytes()
}

// shown is what a client makes of an answer.
type shown struct {
	text     string
	again    []string // the texts that the responses API repeats
	halted   bool     // ended by the policy, in the API's words
	findings []any
}

// show reads a stream as a client of the route does.
func show(t testing.TB, r gateway.Route, body []byte) shown {
	t.Helper()
	list, done := events(t, body)
	var s shown
	ended := false
	for _, e := range list {
		if ended && dig(e, "type") != "message_stop" && len(dig(e, "choices").([]any)) > 0 {
			t.Errorf("something follows the end of the text: %v", e)
		}
		results := any(nil)
		switch r {
		case gateway.Chat, gateway.Completions:
			c := dig(e, "choices", 0)
			piece, _ := dig(c, "delta", "content").(string)
			if r == gateway.Completions {
				piece, _ = dig(c, "text").(string)
			}
			s.text += piece
			ended = dig(c, "finish_reason") != nil
			s.halted = dig(c, "finish_reason") == "content_filter"
			results = dig(c, "content_filter_results")
		case gateway.Responses:
			switch dig(e, "type") {
			case "response.output_text.delta":
				s.text += dig(e, "delta").(string)
			case "response.output_text.done":
				s.again = append(s.again, dig(e, "text").(string))
			case "response.content_part.done":
				s.again = append(s.again, dig(e, "part", "text").(string))
			case "response.output_item.done":
				s.again = append(s.again, dig(e, "item", "content", 0, "text").(string))
			case "response.completed", "response.incomplete":
				if text, ok := dig(e, "response", "output", 0, "content", 0, "text").(string); ok {
					s.again = append(s.again, text)
				}
				s.halted = dig(e, "response", "incomplete_details", "reason") == "content_filter"
				results = dig(e, "response", "content_filter_results")
				ended, done = true, true
			}
		case gateway.Messages:
			switch dig(e, "type") {
			case "content_block_delta":
				s.text += dig(e, "delta", "text").(string)
			case "message_delta":
				s.halted = dig(e, "delta", "stop_reason") == "refusal"
				results = dig(e, "content_filter_results")
			case "message_stop":
				ended, done = true, true
			}
		}
		if found, ok := dig(results, "weir", "findings").([]any); ok {
			s.findings = found
		}
	}
	if !ended || !done {
		t.Errorf("the stream does not end as its API ends streams: %s", body)
	}
	return s
}
