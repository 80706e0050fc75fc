package gateway_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

// recording is the body of a streamed answer of some server.
type recording struct {
	name  string
	route gateway.Route
	parts [][]byte // events and comments, with the empty lines behind them
	end   []byte   // of a line and of an event
}

func recordings(t *testing.T) (all []recording) {
	t.Helper()
	files, err := filepath.Glob("testdata/recordings/*.sse")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %d files", err, len(files))
	}
	for _, file := range files {
		body, err := os.ReadFile(file) //nolint:gosec // a fixture
		if err != nil {
			t.Fatal(err)
		}
		r := recording{name: strings.TrimSuffix(filepath.Base(file), ".sse"), end: []byte("\n")}
		if bytes.Contains(body, []byte("\r\n")) {
			r.end = []byte("\r\n")
		}
		r.parts = slices.DeleteFunc(bytes.SplitAfter(body, slices.Concat(r.end, r.end)), func(p []byte) bool { return len(p) == 0 })
		list, _ := events(t, unix(body))
		switch first := list[0]; {
		case strings.HasPrefix(fmt.Sprint(first["type"]), "response."):
			r.route = gateway.Responses
		case first["type"] == "message_start":
			r.route = gateway.Messages
		case first["object"] == "text_completion":
			r.route = gateway.Completions
		}
		all = append(all, r)
	}
	return all
}

// unix ends lines as the helpers of these tests read them.
func unix(body []byte) []byte { return bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")) }

// said are the texts of an answer's deltas by their place, and finish what ends
// them, in one word.
type said struct {
	texts   map[string]string
	finish  []string
	choices map[string]bool
}

// hear gathers what a stream says.
func hear(list []object) said {
	s := said{texts: map[string]string{}, choices: map[string]bool{}}
	for _, e := range list {
		deltas(map[string]any(e), func(place string, m map[string]any, name string) {
			s.texts[place] += m[name].(string)
		})
		for _, c := range anys(e["choices"]) {
			s.choices[fmt.Sprint(dig(c, "index"))] = true
			if f, ok := dig(c, "finish_reason").(string); ok {
				s.finish = append(s.finish, f)
			}
		}
		if f, ok := dig(e, "delta", "stop_reason").(string); ok {
			s.finish = append(s.finish, f)
		}
		if r := dig(e, "response", "status"); r != nil && r != "in_progress" {
			s.finish = append(s.finish, fmt.Sprint(r, dig(e, "response", "incomplete_details", "reason")))
		}
	}
	return s
}

func anys(v any) []any {
	l, _ := v.([]any)
	return l
}

// deltas calls f for every text of an event that goes on with a text: its place,
// the object that it is a member of, and its name there.
func deltas(e map[string]any, f func(place string, m map[string]any, name string)) {
	kind, _ := e["type"].(string)
	switch {
	case strings.HasSuffix(kind, ".delta"):
		f(fmt.Sprint(kind, e["output_index"], e["content_index"], e["summary_index"]), e, "delta")
	case kind == "content_block_delta":
		d := e["delta"].(map[string]any)
		for _, name := range []string{"text", "thinking", "partial_json"} {
			if d[name] != nil {
				f(fmt.Sprint(name, e["index"]), d, name)
			}
		}
	}
	for _, c := range anys(e["choices"]) {
		c := c.(map[string]any)
		d, ok := c["delta"].(map[string]any)
		if !ok {
			d = c
		}
		for _, name := range []string{"text", "content", "refusal", "reasoning", "reasoning_content"} {
			if _, ok := d[name].(string); ok {
				f(fmt.Sprint(name, c["index"]), d, name)
			}
		}
		for _, call := range anys(d["tool_calls"]) {
			if function, ok := dig(call, "function").(map[string]any); ok && function["arguments"] != nil {
				f(fmt.Sprint("arguments", c["index"], dig(call, "index")), function, "arguments")
			}
		}
	}
}

// put returns the recording with a text at the end of one of its deltas, chosen
// at random, and the number of parts up to there. The other members of the event
// keep their values.
func (r *recording) put(t *testing.T, text string, rng *rand.Rand) (parts [][]byte, at int, place string) {
	t.Helper()
	type spot struct {
		part  int
		place string
	}
	var spots []spot
	for i, p := range r.parts {
		if e := r.decode(t, p); e != nil {
			deltas(e, func(place string, m map[string]any, name string) {
				if len(m[name].(string)) > 0 {
					spots = append(spots, spot{i, place})
				}
			})
		}
	}
	if len(spots) == 0 {
		t.Fatal("no text")
	}
	s := spots[rng.IntN(len(spots))]
	e := r.decode(t, r.parts[s.part])
	deltas(e, func(place string, m map[string]any, name string) {
		if place == s.place {
			m[name] = m[name].(string) + text
		}
	})
	delete(e, "logprobs")
	for _, c := range anys(e["choices"]) {
		delete(c.(map[string]any), "logprobs") // they do not add up now
	}
	data, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var changed []byte
	for line := range bytes.SplitAfterSeq(r.parts[s.part], r.end) {
		if bytes.HasPrefix(line, []byte("data: ")) {
			line = slices.Concat([]byte("data: "), data, r.end)
		}
		changed = append(changed, line...)
	}
	parts = slices.Clone(r.parts)
	parts[s.part] = changed
	return parts, s.part + 1, s.place
}

// decode returns the JSON of a part, or nil.
func (r *recording) decode(t *testing.T, part []byte) map[string]any {
	t.Helper()
	list, _ := events(t, unix(part))
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

// replay sends a recording through a proxy: the parts before at in pieces that cut
// chooses, then, if wait, nothing until the client leaves or 5 s are over. It
// returns what the client gets, and how long after that the upstream was cancelled,
// or -1.
func (r *recording) replay(t *testing.T, profile string, parts [][]byte, at int, wait bool, cut func(left int) int) (body []byte, after time.Duration) {
	t.Helper()
	cancelled := make(chan time.Duration, 1)
	u := serve(t, func(w http.ResponseWriter, q *http.Request, _ []byte) {
		w.Header().Set("Content-Type", "text/event-stream")
		send := func(rest []byte) {
			for len(rest) > 0 && q.Context().Err() == nil {
				n := min(cut(len(rest)), len(rest))
				_, _ = w.Write(rest[:n]) // the client may have left
				w.(http.Flusher).Flush()
				rest = rest[n:]
			}
		}
		send(slices.Concat(parts[:at]...))
		sent := time.Now()
		if wait {
			select {
			case <-q.Context().Done():
				cancelled <- time.Since(sent)
				return
			case <-time.After(20 * time.Second):
			}
		}
		send(slices.Concat(parts[at:]...))
		cancelled <- -1
	})
	s, _ := proxy(t, u, func(o *gateway.ProxyOptions) { o.Guard = guard(t, basePolicy, gateway.Options{Profile: profile}) })
	request := requests[r.route]
	if slices.ContainsFunc(r.parts, func(p []byte) bool { return bytes.Contains(p, []byte(`"index":1,"delta"`)) }) {
		request = strings.Replace(request, "{", `{"n":2,`, 1)
	}
	path := map[gateway.Route]string{gateway.Chat: chatPath, gateway.Completions: "/v1/completions", gateway.Responses: "/v1/responses", gateway.Messages: "/v1/messages"}[r.route]
	body, err := io.ReadAll(post(t, s, path, request).Body)
	if err != nil {
		t.Fatal(err)
	}
	return body, <-cancelled
}

// removed are what the guard takes out although the text is clean: what says text
// again that was not judged, what is no text and cannot be read, and what was made
// for the length of the text.
var removed = []string{"obfuscation", "__verbose", "token_ids", "prompt_token_ids"}

func strip(v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range removed {
			delete(v, name)
		}
		for _, m := range v {
			strip(m)
		}
	case []any:
		for _, m := range v {
			strip(m)
		}
	}
}

// TestRecordings replays what real servers send.
func TestRecordings(t *testing.T) {
	for _, r := range recordings(t) {
		t.Run(r.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, uint64(len(r.parts))))
			cuts := map[string]func(int) int{"whole": wholly, "cut": atRandom(rng, 40)}
			sent, sentDone := events(t, unix(slices.Concat(r.parts...)))
			spoken := hear(sent)
			for _, e := range sent {
				strip(map[string]any(e))
			}
			for how, cut := range cuts {
				t.Run("clean "+how, func(t *testing.T) {
					body, after := r.replay(t, "", r.parts, len(r.parts), false, cut)
					got, done := events(t, body)
					if done != sentDone || after != -1 {
						t.Errorf("[DONE]: %t, want %t; cancelled after %v", done, sentDone, after)
					}
					if bytes.Contains(slices.Concat(r.parts...), append([]byte("\n:"), r.end...)) && !bytes.Contains(body, []byte("\n:\n")) {
						t.Error("a comment that keeps the connection is lost")
					}
					if diff := cmp.Diff(spoken, hear(got), cmp.AllowUnexported(said{})); diff != "" {
						t.Errorf("what is said (-sent +got):\n%s", diff)
					}
					// Where nothing is held, every event comes as it was.
					body, _ = r.replay(t, "watch", r.parts, len(r.parts), false, cut)
					got, _ = events(t, body)
					if diff := cmp.Diff(sent, got); diff != "" {
						t.Errorf("events (-sent +got):\n%s", diff)
					}
				})
				t.Run("halt "+how, func(t *testing.T) {
					for range 4 {
						parts, at, place := r.put(t, " zzbomb!", rng)
						several := len(spoken.choices) > 1
						body, after := r.replay(t, "", parts, at, !several, cut)
						list, _ := events(t, body)
						got := hear(list)
						if bytes.Contains(body, []byte("zzb")) {
							t.Errorf("the violation is shown: %s", body)
						}
						if !slices.ContainsFunc(got.finish, func(f string) bool {
							return f == "content_filter" || f == "refusal" || f == "incompletecontent_filter"
						}) {
							t.Errorf("%s: ended by %q", place, got.finish)
						}
						for place, text := range got.texts {
							if !strings.HasPrefix(spoken.texts[place], strings.TrimSuffix(text, " ")) {
								t.Errorf("%s: said %q, sent %q", place, text, spoken.texts[place])
							}
						}
						if !several && after < 0 {
							t.Errorf("%s: the upstream was not cancelled", place)
						}
						t.Logf("%s: cancelled after %v", place, after)
					}
				})
				t.Run("redaction "+how, func(t *testing.T) {
					for range 4 {
						parts, _, place := r.put(t, " zzname!", rng)
						body, after := r.replay(t, "", parts, len(parts), false, cut)
						list, done := events(t, body)
						got := hear(list)
						if bytes.Contains(body, []byte("zzn")) || !strings.Contains(got.texts[place], " ***!") {
							t.Errorf("%s: said %q", place, got.texts[place])
						}
						got.texts[place] = strings.Replace(got.texts[place], " ***!", "", 1)
						if diff := cmp.Diff(spoken, got, cmp.AllowUnexported(said{})); diff != "" {
							t.Errorf("what else is said (-sent +got):\n%s", diff)
						}
						if done != sentDone || after != -1 {
							t.Errorf("[DONE]: %t, want %t; cancelled after %v", done, sentDone, after)
						}
					}
				})
			}
		})
	}
}
