package gateway_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

// apiCase is a stream of the responses or the messages API: the data of events.
type apiCase struct {
	name     string
	in, want []string
}

func (c *apiCase) run(t *testing.T, r gateway.Route) {
	t.Helper()
	got := through(t, begin(t, guard(t, basePolicy, gateway.Options{}), r, "", "text/event-stream"), c.in...)
	if diff := cmp.Diff(c.want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

const (
	created = `{"type":"response.created","sequence_number":0,"response":{"id":"r","status":"in_progress","output":[]}}`
	added   = `{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":`
	item    = `"sequence_number":2,"item_id":"i","output_index":0`
	part    = item + `,"content_index":0`
	summary = item + `,"summary_index":0`
)

var sequenceNumber = regexp.MustCompile(`"sequence_number":[0-9]+`)

// renumber writes the sequence numbers that the guard gives.
func renumber(data ...string) []string {
	for i, d := range data {
		data[i] = sequenceNumber.ReplaceAllString(d, fmt.Sprintf(`"sequence_number":%d`, i))
	}
	return data
}

// TestResponses: tool calls, reasoning, refusals and annotations.
func TestResponses(t *testing.T) {
	call := func(status, args string) string {
		return `{"id":"i","type":"function_call","status":"` + status + `","arguments":` + args + `,"call_id":"c","name":"send"}`
	}
	argument := func(s string) string {
		return `{"type":"response.function_call_arguments.delta",` + item + `,"delta":` + s + `}`
	}
	spoken := func(kind, at, s string) string {
		return `{"type":"response.` + kind + `.delta",` + at + `,"delta":` + quoted([]byte(s)) + `}`
	}
	over := func(output string) string {
		return `{"type":"response.incomplete","response":{"id":"r","status":"incomplete","output":[` + output +
			`],"incomplete_details":{"reason":"content_filter"},"content_filter_results":…},"sequence_number":9}`
	}
	cited := func(text string) string {
		return `{"type":"response.output_text.annotation.added",` + part + `,"annotation_index":0,"annotation":{"type":"url_citation","title":` +
			quoted([]byte(text)) + `,"url":"https://example.org/` + text + `"}}`
	}
	for _, c := range []apiCase{
		{
			name: "a redaction in arguments, whole again in what ends them",
			in: []string{
				created, added + call("in_progress", `""`) + `}`, argument(`"{\"to\":"`), argument(`"\"zz"`), argument(`"name\"}"`),
				`{"type":"response.function_call_arguments.done",` + item + `,"name":"send","arguments":"{\"to\":\"zzname\"}"}`,
				`{"type":"response.output_item.done","sequence_number":4,"output_index":0,"item":` + call("completed", `"{\"to\":\"zzname\"}"`) + `}`,
				`{"type":"response.completed","sequence_number":5,"response":{"id":"r","status":"completed","output":[` + call("completed", `"{\"to\":\"zzname\"}"`) + `]}}`,
			},
			want: []string{
				created, added + call("in_progress", `""`) + `}`, argument(`"{\"to\":"`), argument(`"\""`), argument(`"***\"}"`),
				`{"type":"response.function_call_arguments.done",` + item + `,"name":"send","arguments":"{\"to\":\"***\"}"}`,
				`{"type":"response.output_item.done","sequence_number":4,"output_index":0,"item":` + call("completed", `"{\"to\":\"***\"}"`) + `}`,
				`{"type":"response.completed","sequence_number":5,"response":{"id":"r","status":"completed","output":[` +
					call("completed", `"{\"to\":\"***\"}"`) + `],"content_filter_results":…}}`,
			},
		},
		{
			name: "a halt in arguments: the call is never said to be whole",
			in:   []string{created, added + call("in_progress", `""`) + `}`, argument(`"{\"to\":\"zzbo"`), argument(`"mb\"}"`)},
			want: []string{
				created, added + call("in_progress", `""`) + `}`, argument(`"{\"to\":\""`),
				`{"type":"response.output_item.done","output_index":0,"item":` + call("incomplete", `"{\"to\":\""`) + `,"sequence_number":9}`,
				over(call("incomplete", `"{\"to\":\""`)),
			},
		},
		{
			name: "the name of a function: the call is never heard of",
			in:   []string{created, added + strings.Replace(call("in_progress", `""`), "send", "zzbomb", 1) + `}`},
			want: []string{created, over("")},
		},
		{
			name: "a halt in a summary of the reasoning",
			in: []string{
				created, added + `{"id":"i","type":"reasoning","summary":[]}}`,
				`{"type":"response.reasoning_summary_part.added",` + summary + `,"part":{"type":"summary_text","text":""}}`,
				spoken("reasoning_summary_text", summary, "some zzbo"), spoken("reasoning_summary_text", summary, "mb"),
			},
			want: []string{
				created, added + `{"id":"i","type":"reasoning","summary":[]}}`,
				`{"type":"response.reasoning_summary_part.added",` + summary + `,"part":{"type":"summary_text","text":""}}`,
				spoken("reasoning_summary_text", summary, "some "),
				`{"type":"response.reasoning_summary_text.done","item_id":"i","output_index":0,"summary_index":0,"text":"some ","sequence_number":9}`,
				`{"type":"response.reasoning_summary_part.done","item_id":"i","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":"some "},"sequence_number":9}`,
				`{"type":"response.output_item.done","output_index":0,"item":{"id":"i","type":"reasoning","summary":[{"type":"summary_text","text":"some "}],"status":"incomplete"},"sequence_number":9}`,
				over(`{"id":"i","type":"reasoning","summary":[{"type":"summary_text","text":"some "}],"status":"incomplete"}`),
			},
		},
		{
			name: "a halt in reasoning that is not summed up",
			in:   []string{created, added + `{"id":"i","type":"reasoning","content":[]}}`, spoken("reasoning_text", part, "a zzbomb")},
			want: []string{
				created, added + `{"id":"i","type":"reasoning","content":[]}}`, spoken("reasoning_text", part, "a "),
				`{"type":"response.reasoning_text.done","item_id":"i","output_index":0,"content_index":0,"text":"a ","sequence_number":9}`,
				`{"type":"response.output_item.done","output_index":0,"item":{"id":"i","type":"reasoning","content":[{"type":"reasoning_text","text":"a "}],"status":"incomplete"},"sequence_number":9}`,
				over(`{"id":"i","type":"reasoning","content":[{"type":"reasoning_text","text":"a "}],"status":"incomplete"}`),
			},
		},
		{
			name: "a halt in a refusal",
			in: []string{
				created, added + `{"id":"i","type":"message","role":"assistant","content":[]}}`,
				`{"type":"response.content_part.added",` + part + `,"part":{"type":"refusal","refusal":""}}`, spoken("refusal", part, "no zzbomb"),
			},
			want: []string{
				created, added + `{"id":"i","type":"message","role":"assistant","content":[]}}`,
				`{"type":"response.content_part.added",` + part + `,"part":{"type":"refusal","refusal":""}}`, spoken("refusal", part, "no "),
				`{"type":"response.refusal.done","item_id":"i","output_index":0,"content_index":0,"refusal":"no ","sequence_number":9}`,
				`{"type":"response.content_part.done","item_id":"i","output_index":0,"content_index":0,"part":{"type":"refusal","refusal":"no "},"sequence_number":9}`,
				`{"type":"response.output_item.done","output_index":0,"item":{"id":"i","type":"message","role":"assistant","content":[{"type":"refusal","refusal":"no "}],"status":"incomplete"},"sequence_number":9}`,
				over(`{"id":"i","type":"message","role":"assistant","content":[{"type":"refusal","refusal":"no "}],"status":"incomplete"}`),
			},
		},
		{
			name: "a text that is done is not said to be done again",
			in: []string{
				created, added + `{"id":"i","type":"message","role":"assistant","content":[]}}`, spoken("refusal", part, "no"),
				`{"type":"response.refusal.done",` + part + `,"refusal":"no"}`, spoken("output_text", `"sequence_number":2,"item_id":"j","output_index":1,"content_index":0`, "zzbomb"),
			},
			want: []string{
				created, added + `{"id":"i","type":"message","role":"assistant","content":[]}}`, spoken("refusal", part, "no"),
				`{"type":"response.refusal.done",` + part + `,"refusal":"no"}`,
				`{"type":"response.output_item.done","output_index":0,"item":{"id":"i","type":"message","role":"assistant","content":[{"type":"refusal","refusal":"no"}],"status":"incomplete"},"sequence_number":9}`,
				over(`{"id":"i","type":"message","role":"assistant","content":[{"type":"refusal","refusal":"no"}],"status":"incomplete"}`),
			},
		},
		{
			name: "annotations",
			in:   []string{created, cited("zzname"), cited("zzbomb")},
			want: []string{created, cited("***"), over("")},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want = renumber(c.want...)
			c.run(t, gateway.Responses)
		})
	}
}

// TestMessages: the input of tools, reasoning and citations.
func TestMessages(t *testing.T) {
	const start = `{"type":"message_start","message":{"id":"m","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}`
	block := func(index int, b string) string {
		return fmt.Sprintf(`{"type":"content_block_start","index":%d,"content_block":%s}`, index, b)
	}
	piece := func(index int, kind, name, text string) string {
		return fmt.Sprintf(`{"type":"content_block_delta","index":%d,"delta":{"type":"%s","%s":%s}}`, index, kind, name, quoted([]byte(text)))
	}
	stop := func(index int) string { return fmt.Sprintf(`{"type":"content_block_stop","index":%d}`, index) }
	const end = `{"type":"message_stop"}`
	refused := func(tokens int) string {
		return fmt.Sprintf(`{"type":"message_delta","delta":{"stop_reason":"refusal","stop_sequence":null},"usage":{"output_tokens":%d},"content_filter_results":…}`, tokens)
	}
	tool := block(0, `{"type":"tool_use","id":"t","name":"send","input":{}}`)
	thinking := block(0, `{"type":"thinking","thinking":"","signature":""}`)
	signature := piece(0, "signature_delta", "signature", "EqQBCgIYAh")
	for _, c := range []apiCase{
		{
			name: "a redaction in the input of a tool",
			in: []string{
				start, tool, piece(0, "input_json_delta", "partial_json", ""), piece(0, "input_json_delta", "partial_json", `{"to": "zz`),
				piece(0, "input_json_delta", "partial_json", `name"}`), stop(0), `{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}`, end,
			},
			want: []string{
				start, tool, piece(0, "input_json_delta", "partial_json", ""), piece(0, "input_json_delta", "partial_json", `{"to": "`),
				piece(0, "input_json_delta", "partial_json", `***"}`), stop(0),
				`{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9},"content_filter_results":…}`, end,
			},
		},
		{
			name: "a halt in the input of a tool",
			in:   []string{start, tool, piece(0, "input_json_delta", "partial_json", `{"to": "zzbo`), piece(0, "input_json_delta", "partial_json", `mb`)},
			want: []string{start, tool, piece(0, "input_json_delta", "partial_json", `{"to": "`), stop(0), refused(2), end},
		},
		{
			name: "the name of a tool: the call is never heard of",
			in:   []string{start, strings.Replace(tool, "send", "zzbomb", 1)},
			want: []string{start, refused(0), end},
		},
		{
			name: "reasoning: what is held comes before the signature",
			in: []string{
				start, thinking, piece(0, "thinking_delta", "thinking", "a zzname zz"), signature, stop(0),
				block(1, `{"type":"text","text":""}`), piece(1, "text_delta", "text", "fine"), stop(1), end,
			},
			want: []string{
				start, thinking, piece(0, "thinking_delta", "thinking", "a *** "), piece(0, "thinking_delta", "thinking", "zz"), signature, stop(0),
				block(1, `{"type":"text","text":""}`), piece(1, "text_delta", "text", "fine"), stop(1), end,
			},
		},
		{
			name: "a halt in reasoning",
			in:   []string{start, thinking, piece(0, "thinking_delta", "thinking", "a zzbomb")},
			want: []string{start, thinking, piece(0, "thinking_delta", "thinking", "a "), stop(0), refused(1), end},
		},
		{
			name: "citations",
			in: []string{
				start, block(0, `{"type":"text","text":"","citations":[]}`),
				`{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"a zzname","document_title":"b"}}}`,
				`{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"a zzbomb","document_title":"b"}}}`,
			},
			want: []string{
				start, block(0, `{"type":"text","text":"","citations":[]}`),
				`{"type":"content_block_delta","index":0,"delta":{"type":"citations_delta","citation":{"type":"char_location","cited_text":"a ***","document_title":"b"}}}`,
				stop(0), refused(2), end,
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, gateway.Messages) })
	}
}
