package gateway_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

// recordedTexts adds to texts what the members that carry text say, by member and
// choice. token is kept apart: what is left out of logprobs is no text that is
// missing.
func recordedTexts(v any, index string, texts map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		if i, ok := v["index"]; ok {
			index = fmt.Sprint(i)
		}
		for name, member := range v {
			switch name {
			case "content_filter_results", "usage":
				continue
			case "content", "reasoning", "reasoning_content", "arguments", "text", "delta", "partial_json", "token", "note":
				if s, ok := member.(string); ok {
					texts[name+" "+index] += s
					continue
				}
			}
			recordedTexts(member, index, texts)
		}
	case []any:
		for _, member := range v {
			recordedTexts(member, index, texts)
		}
	}
}

// TestRecorded replays what real servers answered (testdata/recordings/real): of the
// number and of the term that they say nothing is left in any text, and nothing
// else is missing, however the bytes are cut.
func TestRecorded(t *testing.T) {
	files, err := filepath.Glob("testdata/recordings/real/*-recorded-*")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	g := guard(t, "../../examples/tiny-model/policy.yaml", gateway.Options{})
	halts := map[bool]bool{}
	redacted := strings.NewReplacer("+86 13812345678", "[cn_mobile]", "13812345678", "[cn_mobile]")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, name, _ := strings.Cut(file, "-recorded-")
			route := map[string]gateway.Route{
				"chat": gateway.Chat, "completions": gateway.Completions, "responses": gateway.Responses, "messages": gateway.Messages,
			}[strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '.' })[0]]
			request, contentType := strings.TrimSuffix(requests[route], "}")+`,"n":2,"logprobs":true}`, "text/event-stream"
			streamed := strings.HasSuffix(name, ".sse")
			if !streamed {
				request, contentType = strings.Replace(request, `"stream":true`, `"stream":false`, 1), "application/json"
			}
			read := func(body []byte) map[string]string {
				texts := map[string]string{}
				if !streamed {
					var v any
					if err := json.Unmarshal(body, &v); err != nil {
						t.Fatal(err)
					}
					recordedTexts(v, "", texts)
					return texts
				}
				all, _ := events(t, body)
				for _, e := range all {
					recordedTexts(map[string]any(e), "", texts)
				}
				return texts
			}
			want := read(body)
			for i, cut := range []func(int) int{wholly, atRandom(rng, 3), atRandom(rng, 200)} {
				out := pass(t, begin(t, g, route, request, contentType), body, cut)
				got := read(out)
				for member, text := range got {
					if strings.Contains(text, "13812345678") || strings.Contains(text, "zz") {
						t.Errorf("cut %d: %s: %q", i, member, text)
					}
				}
				for member, text := range want {
					shown, _, halted := strings.Cut(redacted.Replace(text), "zzterm-0001")
					if !strings.HasPrefix(member, "token") && shown != got[member] {
						t.Errorf("cut %d: %s: (-want +got)\n%s", i, member, cmp.Diff(shown, got[member]))
					}
					if halts[halted] = true; halted && !strings.Contains(string(out), `"content_filter"`) && !strings.Contains(string(out), `"refusal"`) {
						t.Errorf("cut %d: the end says nothing of the halt: %s", i, out)
					}
				}
			}
		})
	}
	if !halts[true] || !halts[false] {
		t.Errorf("the recordings have texts that halt and texts that do not: %v", halts)
	}
}
