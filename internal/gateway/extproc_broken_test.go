package gateway_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	filterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
	"github.com/seed-4f09bd3a/weir/internal/gateway/extproc"
)

// TestExtProcBroken: answers that cannot be judged end as the proxy's: as an error
// where nothing has gone out, else with an error event and cut.
func TestExtProcBroken(t *testing.T) {
	event := map[string]string{"content-type": "text/event-stream"}
	jsons := map[string]string{"content-type": "application/json"}
	for _, test := range []struct {
		name     string
		code     int
		answer   map[string]string
		response string
		begun    bool // the headers have gone out where they do before the end
		says     string
	}{
		{"no JSON in a stream", 200, event, string(answerOf("fine ")) + data("{zzbomb"), true, "no JSON object"},
		{"cut in an event", 200, event, "data: " + delta(`{"content":"zzbomb"}`) + "\n", true, "ended in the middle"},
		{"an event too long", 200, event, data(delta(`{"content":"` + strings.Repeat("x", 2000) + `"}`)), true, "event_bytes"},
		{"no JSON", 200, jsons, "{zzbomb", false, "no valid JSON"},
		{"nothing", 200, jsons, "", false, "no valid JSON"},
		{"a body too long", 200, jsons, `{"choices":[],"x":"` + strings.Repeat("x", 3000) + `"}`, false, "body_bytes"},
		{"another type", 200, map[string]string{"content-type": "text/html"}, "zzbomb", false, "neither application/json nor"},
		{"compressed", 200, map[string]string{"content-type": "application/json", "content-encoding": "gzip"}, "zzbomb", false, "compressed"},
		{"an error passes", 404, jsons, "no such model", false, "no such model"},
	} {
		for name, m := range modes {
			t.Run(test.name+" "+name, func(t *testing.T) {
				e := newEnvoy(t, guard(t, basePolicy, gateway.Options{EventBytes: 1500, BodyBytes: 3000}), nil)
				got := e.do(exchanged{mode: m, body: []byte(chatRequest), status: test.code, answer: test.answer, response: []byte(test.response), cut: atRandom(seeded(name), 300)})
				want := test.code
				begun := test.begun && (name == "duplex" || name == "override" || name == "streamed")
				inPlace := name == "streamed" && test.response != "" && (test.says == "no valid JSON" || test.says == "body_bytes") // its status has gone out
				if test.code == 200 && !begun && !inPlace {
					want = 502
				}
				if got.status != want || !bytes.Contains(got.body, []byte(test.says)) || bytes.Contains(got.body, []byte("zzb")) || name != "streamed" && got.broken != begun {
					t.Errorf("got %s, want %d", got, want)
				}
				if bytes.Contains(got.body, []byte(done)) {
					t.Errorf("the stream ends as if it were whole: %s", got)
				}
				if strings.Contains(e.log.String(), "zzb") {
					t.Errorf("the log: %s", e.log)
				}
			})
		}
	}
}

// TestExtProcPartialAnswer: Envoy would let the rest pass unseen.
func TestExtProcPartialAnswer(t *testing.T) {
	e := newEnvoy(t, guard(t, basePolicy, gateway.Options{}), nil)
	got := e.do(exchanged{mode: modes["partial"], buffer: 200, body: []byte(chatRequest), response: append(answerOf("fine ", "words ", "and "), answerOf("zzbomb")...)})
	if got.status != 502 || !bytes.Contains(got.body, []byte("per_connection_buffer_limit_bytes")) {
		t.Errorf("got %s", got)
	}
}

// TestExtProcStall: an upstream that goes silent.
func TestExtProcStall(t *testing.T) {
	e := newEnvoy(t, guard(t, basePolicy, gateway.Options{}), func(o *extproc.Options) { o.Stall = 400 * time.Millisecond })
	for _, name := range []string{"duplex", "override", "streamed"} {
		got := e.do(exchanged{mode: modes[name], body: []byte(chatRequest), response: answerOf("fine zzb"), hold: true})
		if got.status != 200 || !got.broken || bytes.Contains(got.body, []byte("zzb")) || name != "streamed" && !bytes.Contains(got.body, []byte("stall_timeout")) {
			t.Errorf("%s: got %s", name, got)
		}
		got = e.do(exchanged{mode: modes[name], body: []byte(chatRequest), answer: map[string]string{"content-type": "application/json"}, response: []byte(`{"a"`), hold: true})
		if want := map[bool]int{true: 200, false: 504}[name == "streamed"]; got.status != want || len(got.body) == 0 && want == 504 {
			t.Errorf("%s: JSON: got %s", name, got)
		}
	}
}

// TestExtProcModes: a filter that does not let the exchange be judged is told so, and
// nothing goes on.
func TestExtProcModes(t *testing.T) {
	e := newEnvoy(t, guard(t, basePolicy, gateway.Options{}), nil)
	buffered := filterv3.ProcessingMode_BUFFERED
	for _, test := range []struct {
		name  string
		x     exchanged
		asked bool
		says  string
	}{
		{"an override that is not allowed", exchanged{fixed: true}, true, "allow_mode_override"},
		{"no answer", exchanged{mode: &mode{RequestBodyMode: buffered}}, false, "response_body_mode is NONE"},
		{"no request", exchanged{mode: &mode{ResponseBodyMode: filterv3.ProcessingMode_FULL_DUPLEX_STREAMED}}, false, "request_body_mode is NONE"},
		{"an old Envoy", exchanged{mode: modes["buffered"], silent: true}, false, "protocol_config"},
	} {
		x := test.x
		x.body, x.response = []byte(chatRequest), answerOf("a zzbomb")
		got := e.do(x)
		if got.status != 500 || got.asked != test.asked || !bytes.Contains(got.body, []byte(test.says)) || bytes.Contains(got.body, []byte("zzb")) {
			t.Errorf("%s: got %s", test.name, got)
		}
	}
	stream, err := e.client.Process(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := &call{envoy: e, exchanged: &exchanged{mode: modes["duplex"]}, stream: stream}
	if err := c.send(responseSide.headers(headerMap(nil, ":status", "200", "content-type", "application/json"))); err != nil {
		t.Fatal(err)
	}
	if m, err := stream.Recv(); err != nil || m.GetImmediateResponse().GetStatus().GetCode() != 500 {
		t.Errorf("a filter that sends no request headers: got %v, %v", m, err)
	}
	// An answer of Envoy's own, such as 413, passes though no prompt was judged.
	got := e.do(exchanged{fixed: true, body: []byte(chatRequest), status: 413, answer: map[string]string{"content-type": "text/plain"}, response: []byte("Payload Too Large")})
	if got.status != 413 || string(got.body) != "Payload Too Large" {
		t.Errorf("Envoy's own answer: %s", got)
	}
}
