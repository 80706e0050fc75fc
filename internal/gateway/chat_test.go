package gateway_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

var filterResults = regexp.MustCompile(`"content_filter_results":\{.*?"snapshot_version":"[0-9a-f]+"\}\}`)

// through sends events' data through an answer, one by one, and returns the data
// of what comes out. Reports of findings are shortened.
func through(t *testing.T, a *gateway.Answer, data ...string) []string {
	t.Helper()
	var body strings.Builder
	for _, d := range data {
		body.WriteString("data: " + d + "\n\n")
	}
	return lines(pass(t, a, []byte(body.String()), wholly))
}

func lines(body []byte) []string {
	var out []string
	for _, line := range strings.Split(string(body), "\n") {
		if d, ok := strings.CutPrefix(line, "data: "); ok {
			out = append(out, filterResults.ReplaceAllString(d, `"content_filter_results":…`))
		}
	}
	return out
}

func delta(d string) string {
	return `{"id":"c","choices":[{"index":0,"delta":` + d + `,"finish_reason":null}]}`
}

const (
	stopped = `{"id":"c","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"content_filter","content_filter_results":…}]}`
	ended   = `{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
	done    = "[DONE]"
)

func TestChat(t *testing.T) {
	for _, test := range []struct {
		name      string
		request   string
		options   gateway.Options
		in, want  []string
		keepsOpen bool
	}{
		{
			name: "held text comes before the end",
			in:   []string{delta(`{"role":"assistant","content":""}`), delta(`{"content":"a zz"}`), ended, done},
			want: []string{delta(`{"role":"assistant","content":""}`), delta(`{"content":"a "}`), delta(`{"content":"zz"}`), ended, done},
		},
		{
			name: "the last chunk may have text",
			in:   []string{delta(`{"content":"a zz"}`), `{"id":"c","choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"length"}]}`, done},
			want: []string{delta(`{"content":"a "}`), `{"id":"c","choices":[{"index":0,"delta":{"content":"zzb"},"finish_reason":"length"}]}`, done},
		},
		{
			name: "a stream without an end",
			in:   []string{delta(`{"content":"a zz"}`)},
			want: []string{delta(`{"content":"a "}`), delta(`{"content":"zz"}`)},
		},
		{
			name: "an event with nothing left is dropped",
			in:   []string{delta(`{"content":"zz"}`), delta(`{"content":"bom"}`), delta(`{"content":"."}`), ended, done},
			want: []string{delta(`{"content":"zzbom."}`), ended, done},
		},
		{
			name: "halt at the first token",
			in:   []string{delta(`{"content":"zzbomb!"}`), delta(`{"content":"more"}`)},
			want: []string{`{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":"content_filter","content_filter_results":…}]}`, done},
		},
		{
			name:    "replacement text and usage",
			request: `{"messages":[{"role":"user","content":"hello you"}],"stream":true,"stream_options":{"include_usage":true}}`,
			options: gateway.Options{Replacement: true},
			in:      []string{delta(`{"content":"a "}`), delta(`{"content":"zzbomb!"}`), delta(`{"content":"more"}`)},
			want: []string{
				delta(`{"content":"a "}`),
				`{"id":"c","choices":[{"index":0,"delta":{"content":"This answer was stopped."},"logprobs":null,"finish_reason":null}]}`, stopped,
				`{"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"estimated":true}}`, done,
			},
		},
		{
			name:    "the usage that the upstream has sent",
			request: `{"messages":[],"stream":true,"stream_options":{"include_usage":true}}`,
			in: []string{
				`{"id":"c","choices":[{"index":0,"delta":{"content":"a "},"finish_reason":null}],"usage":{"prompt_tokens":7,"completion_tokens":1}}`,
				delta(`{"content":"zzbomb!"}`),
			},
			want: []string{
				`{"id":"c","choices":[{"index":0,"delta":{"content":"a "},"finish_reason":null}],"usage":{"prompt_tokens":7,"completion_tokens":1}}`,
				stopped, `{"id":"c","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":1}}`, done,
			},
		},
		{
			name: "reasoning that is over comes out before the content",
			in:   []string{delta(`{"reasoning_content":"hm zz"}`), delta(`{"content":"yes"}`), ended, done},
			want: []string{delta(`{"reasoning_content":"hm "}`), delta(`{"reasoning_content":"zz"}`), delta(`{"content":"yes"}`), ended, done},
		},
		{
			name: "a term across a pause",
			in:   []string{delta(`{"content":"a zz"}`), delta(`{"reasoning":"hm "}`), delta(`{"content":"bomb!"}`)},
			want: []string{delta(`{"content":"a "}`), delta(`{"content":"zz"}`), delta(`{"reasoning":"hm "}`), stopped, done},
		},
		{
			name: "what was shown before a pause is not shown again",
			in:   []string{delta(`{"content":"call 13812345678 one "}`), delta(`{"reasoning":"hm "}`), delta(`{"content":"two "}`), ended, done},
			want: []string{
				delta(`{"content":"call [cn_mobile] one "}`), delta(`{"reasoning":"hm "}`), delta(`{"content":"two "}`),
				`{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop","content_filter_results":…}]}`, done,
			},
		},
		{
			name: "arguments of a tool call, in fragments",
			in: []string{
				delta(`{"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"mail","arguments":""}}]}`),
				delta(`{"tool_calls":[{"index":0,"function":{"arguments":"{\"to\":\"zz"}}]}`),
				delta(`{"tool_calls":[{"index":1,"id":"t2","type":"function","function":{"name":"call","arguments":"{\"n\":\"zzbo"}}]}`),
				delta(`{"tool_calls":[{"index":1,"function":{"arguments":"mb\"}"}}]}`),
			},
			want: []string{
				delta(`{"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"mail","arguments":""}}]}`),
				delta(`{"tool_calls":[{"index":0,"function":{"arguments":"{\"to\":\""}}]}`),
				delta(`{"tool_calls":[{"index":0,"function":{"arguments":"zz"}}]}`),
				delta(`{"tool_calls":[{"index":1,"id":"t2","type":"function","function":{"name":"call","arguments":"{\"n\":\""}}]}`),
				stopped, done,
			},
		},
		{
			name: "the name of a tool",
			in:   []string{delta(`{"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"zzbomb","arguments":""}}]}`)},
			want: []string{`{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":"content_filter","content_filter_results":…}]}`, done},
		},
		{
			name: "a name that comes in pieces",
			in: []string{
				delta(`{"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"zz"}}]}`),
				delta(`{"tool_calls":[{"index":0,"function":{"name":"bomb"}}]}`),
			},
			want: []string{delta(`{"tool_calls":[{"index":0,"id":"t1","type":"function","function":{"name":"zz"}}]}`), stopped, done},
		},
		{
			name: "refusal, transcript, and fields that nobody knows",
			in: []string{
				delta(`{"refusal":"no zzname "}`), delta(`{"audio":{"id":"a","transcript":"so zzname ","data":"AAAA","expires_at":1}}`),
				delta(`{"musing":{"deep":["zzname "]}}`), ended, done,
			},
			want: []string{
				delta(`{"refusal":"no *** "}`), delta(`{"audio":{"id":"a","transcript":"so *** ","expires_at":1}}`),
				delta(`{"musing":{"deep":["*** "]}}`),
				`{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop","content_filter_results":…}]}`, done,
			},
		},
		{
			name: "fields beside the delta and beside the choices",
			in: []string{
				`{"id":"c","zz":{"text":"zzbomb"},"timings":{"ms":1},"count":3,"choices":[{"index":0,"token_ids":[1],"delta":{"content":"a "},"note":"zzname ","finish_reason":null}],"prompt_token_ids":[2]}`, ended, done,
			},
			want: []string{
				`{"id":"c","timings":{"ms":1},"count":3,"choices":[{"index":0,"delta":{"content":"a "},"note":"*** ","finish_reason":null}]}`,
				`{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop","content_filter_results":…}]}`, done,
			},
		},
		{
			name:    "one of two choices",
			request: `{"messages":[],"n":2,"stream":true}`,
			in: []string{
				`{"id":"c","choices":[{"index":0,"delta":{"content":"a "},"finish_reason":null},{"index":1,"delta":{"content":"b "},"finish_reason":null}]}`,
				`{"id":"c","choices":[{"index":1,"delta":{"content":"zzbomb!"},"finish_reason":null}]}`,
				`{"id":"c","choices":[{"index":1,"delta":{"content":"more"},"finish_reason":null}]}`,
				delta(`{"content":"still"}`), ended, delta(`{"content":"never"}`),
			},
			want: []string{
				`{"id":"c","choices":[{"index":0,"delta":{"content":"a "},"finish_reason":null},{"index":1,"delta":{"content":"b "},"finish_reason":null}]}`,
				`{"id":"c","choices":[{"index":1,"delta":{},"logprobs":null,"finish_reason":"content_filter","content_filter_results":…}]}`,
				delta(`{"content":"still"}`), ended, done,
			},
		},
		{
			name: "halves of runes",
			in:   []string{delta(`{"content":"a \ud83d"}`), delta(`{"content":"\ude00 "}`), delta(`{"content":"\ud83d"}`), delta("{\"content\":\"\xe4\xb8\"}"), delta("{\"content\":\"\xad\"}"), ended, done},
			want: []string{delta(`{"content":"a "}`), delta(`{"content":"😀 "}`), delta(`{"content":"���"}`), delta(`{"content":"中"}`), ended, done},
		},
		{
			name: "an error of the upstream",
			in:   []string{`{"error":{"message":"out of memory","code":500}}`},
			want: []string{`{"error":{"message":"out of memory","code":500}}`},
		},
		{
			name: "what comes after the end is dropped",
			in:   []string{ended, done, delta(`{"content":"x"}`)},
			want: []string{ended, done},
		},
		{
			name: "the words of a prompt filter pass, and a new line is a boundary",
			in:   []string{`{"id":"","choices":[],"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}`, ended, done},
			want: []string{`{"id":"","choices":[],"prompt_filter_results":[{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}`, ended, done},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := begin(t, guard(t, basePolicy, test.options), gateway.Chat, test.request, "text/event-stream")
			if diff := cmp.Diff(test.want, through(t, a, test.in...)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLogprobs(t *testing.T) {
	entry := func(token, top string) string {
		return `{"token":"` + token + `","logprob":-0.5,"bytes":null,"top_logprobs":[` + top + `]}`
	}
	event := func(text, entries string) string {
		return `{"id":"c","choices":[{"index":0,"delta":{"content":"` + text + `"},"logprobs":{"content":[` + entries + `]},"finish_reason":null}]}`
	}
	a := begin(t, guard(t, basePolicy, gateway.Options{}), gateway.Chat, "", "text/event-stream")
	got := through(t, a,
		event("one ", entry("one ", `{"token":"zzbomb","logprob":-1},{"token":"two","logprob":-2}`)),
		event("zz", entry("zz", "")), // held, and so is its token
		event("x zzname ", entry("x ", "")+","+entry("zzname", "")+","+entry(" ", "")),
		event("lost", entry("something else", "")), // does not add up
		event("more", entry("more", "")),
	)
	want := []string{
		event("one ", entry("one ", `{"token":"two","logprob":-2}`)),
		event("zzx *** ", entry("zz", "")+","+entry("x ", "")+","+entry(" ", "")),
		event("lost", ""), event("more", ""),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}

	legacy := func(text, logprobs string) string {
		return `{"id":"c","choices":[{"index":0,"text":"` + text + `","logprobs":` + logprobs + `,"finish_reason":null}]}`
	}
	a = begin(t, guard(t, basePolicy, gateway.Options{}), gateway.Completions, "", "text/event-stream")
	got = through(t, a,
		legacy("a zz", `{"tokens":["a ","zz"],"token_logprobs":[-1,-2],"top_logprobs":[{"a ":-1,"zzbomb":-3},null],"text_offset":[0,2]}`),
		legacy("y", `{"tokens":["y"],"token_logprobs":[-3],"top_logprobs":[null],"text_offset":[4]}`),
		legacy("!", `null`),
	)
	want = []string{
		legacy("a ", `{"tokens":["a "],"token_logprobs":[-1],"top_logprobs":[{"a ":-1}],"text_offset":[0]}`),
		legacy("zzy", `{"tokens":["zz","y"],"token_logprobs":[-2,-3],"top_logprobs":[null,null],"text_offset":[2,4]}`),
		legacy("!", `null`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// TestWholeCalls: an answer in one piece that halts has no tool calls, and
// reasoning counts before content.
func TestWholeCalls(t *testing.T) {
	for in, want := range map[string]string{
		`{"role":"assistant","content":"fine","tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{\"a\":\"zzbomb\"}"}}]}`: `{"role":"assistant","content":"fine"}`,
		`{"content":"fine","reasoning_content":"so zzbomb it is"}`:                                                                                   `{"content":"","reasoning_content":"so "}`,
		`{"content":"fine","audio":{"id":"a","data":"AAAA","transcript":"zzbomb"}}`:                                                                  `{"content":"fine","audio":{"id":"a","transcript":""}}`,
	} {
		a := begin(t, guard(t, basePolicy, gateway.Options{}), gateway.Chat, "", "application/json")
		got := string(pass(t, a, []byte(`{"id":"c","extra":"zzbomb","choices":[{"index":0,"message":`+in+`,"finish_reason":"stop"}],"usage":{"total_tokens":3}}`), wholly))
		full := `{"id":"c","choices":[{"index":0,"message":` + want + `,"finish_reason":"content_filter","content_filter_results":…}],"usage":{"total_tokens":3}}`
		if diff := cmp.Diff(full, filterResults.ReplaceAllString(got, `"content_filter_results":…`)); diff != "" {
			t.Errorf("body (-want +got):\n%s", diff)
		}
	}
}

// TestNames: names of members may be the model's, as in arguments of tools that are
// objects, and are judged, too.
func TestNames(t *testing.T) {
	object := func(name string) string { return `{"a":{"` + name + `":true},"b":"."}` }
	for r, event := range map[gateway.Route][2]string{
		gateway.Chat:      {`{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":`, `}}]},"finish_reason":null}]}`},
		gateway.Responses: {`{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","id":"i","arguments":`, `}}`},
		gateway.Messages:  {`{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"i","input":`, `}}`},
	} {
		g := guard(t, basePolicy, gateway.Options{})
		for name, want := range map[string]string{"fine": object("fine"), "zzname": `{"a":{},"b":"."}`, "zzbomb": ""} {
			a := begin(t, g, r, "", "text/event-stream")
			out, err := a.Write(t.Context(), []byte(data(event[0]+object(name)+event[1])))
			if err != nil || !strings.Contains(string(out), want) || strings.Contains(string(out), "zz") && !strings.Contains(string(out), "content_filter") {
				t.Errorf("%s, %s: %v in %s", r, name, err, out)
			}
			if a.Halted() != (name == "zzbomb") || strings.Contains(string(out), `"zz`) {
				t.Errorf("%s, %s: halted %t: %s", r, name, a.Halted(), out)
			}
		}
	}
}

// TestFindings: clients are told as much of findings as the operator allows.
func TestFindings(t *testing.T) {
	for detail, want := range map[gateway.Detail]string{
		gateway.DetailFull: `"weir":{"findings":[{"category":"violence","severity":"high","action":"halt","score":1,"threshold":0,"channel":"content",` +
			`"start_offset":2,"end_offset":8,"source":"lexicon:base-pack:7","explanation":"halt: violence at bytes [2, 8): lexicon base-pack line 7,`,
		gateway.DetailCategory: `"weir":{"findings":[{"category":"violence","severity":"high","action":"halt","channel":"content",` +
			`"start_offset":2,"end_offset":8,"source":"lexicon:base-pack"}],"snapshot_version":`,
		gateway.DetailNone: `"violence":{"filtered":true,"severity":"high"}}}]}`,
	} {
		g := guard(t, basePolicy, gateway.Options{Findings: detail})
		out := string(pass(t, begin(t, g, gateway.Chat, "", "text/event-stream"), []byte(data(delta(`{"content":"a zzbomb"}`))), wholly))
		if !strings.Contains(out, want) || detail == gateway.DetailNone && strings.Contains(out, "weir") {
			t.Errorf("got %s, want %s", out, want)
		}
		whole := string(pass(t, begin(t, g, gateway.Chat, "", "application/json"), []byte(`{"choices":[{"index":0,"message":{"content":"a zzbomb"}}]}`), wholly))
		if detail != gateway.DetailFull && strings.Contains(whole, "explanation") {
			t.Errorf("a whole answer tells more: %s", whole)
		}
	}
}
