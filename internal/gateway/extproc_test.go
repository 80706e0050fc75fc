package gateway_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	filterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/gateway"
	"github.com/seed-4f09bd3a/weir/internal/gateway/extproc"
)

// TestExtProcHalt: a halt ends the answer while the upstream goes on, with nothing of
// the violation and nothing after the end; STREAMED can only swallow the rest.
func TestExtProcHalt(t *testing.T) {
	e := newEnvoy(t, guard(t, basePolicy, gateway.Options{}), nil)
	for _, test := range []struct {
		name     string
		response []byte
		text     string
	}{
		{"in the middle", answerOf("some fine ", "words zzb", "omb, and", " more", " zz"), "some fine words "},
		{"at the first token", answerOf("zzbomb", " and more"), ""},
	} {
		for name, m := range modes {
			t.Run(test.name+" "+name, func(t *testing.T) {
				e.TB = t
				perEvent := func(n int) func(int) int { return func(int) int { return n } }(len(test.response) / 4)
				got := e.do(exchanged{mode: m, body: []byte(chatRequest), response: test.response, cut: perEvent,
					hold: name == "duplex" || name == "override"})
				shown := show(t, gateway.Chat, got.body)
				if shown.text != test.text || !shown.halted || bytes.Contains(got.body, []byte("zzb")) || !bytes.HasSuffix(got.body, []byte("data: [DONE]\n\n")) {
					t.Errorf("got %s", got)
				}
				if early := name == "duplex" || name == "override"; got.early != early || got.broken {
					t.Errorf("early %t, broken %t, want early %t", got.early, got.broken, early)
				}
			})
		}
	}
	e.TB = t
	for _, o := range e.outcomes(2 * len(modes)) {
		if o != "chat halted" {
			t.Errorf("an exchange is counted as %s", o)
		}
	}
	// Whatever clients are told, the log says why.
	if log, want := e.log.String(), 2*len(modes); strings.Count(log, `cause="halt: violence at bytes`) != want || strings.Contains(log, "zzb") {
		t.Errorf("want %d causes in the log:\n%s", want, log)
	}
}

// TestExtProcHalts halts many exchanges at once: nothing of a violation goes on and
// nothing follows the end. That no goroutine stays behind is for newEnvoy to see.
func TestExtProcHalts(t *testing.T) {
	const count = 500
	e := newEnvoy(t, guard(t, basePolicy, gateway.Options{}), nil)
	next := make(chan struct{})
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for range next {
				got := e.do(exchanged{body: []byte(chatRequest), response: answerOf("some fine ", "words zzb", "omb, and", " more"), cut: func(int) int { return 80 }, hold: true})
				if !got.early || bytes.Contains(got.body, []byte("zzb")) || !bytes.HasSuffix(got.body, []byte("data: [DONE]\n\n")) || bytes.Count(got.body, []byte(done)) != 1 {
					t.Errorf("got %s", got)
				}
			}
		})
	}
	for range count {
		next <- struct{}{}
	}
	close(next)
	all.Wait()
	for _, o := range e.outcomes(count) {
		if o != "chat halted" {
			t.Errorf("an exchange is counted as %s", o)
		}
	}
}

// TestExtProcChannels: tool calls, two choices of which one halts, redactions.
func TestExtProcChannels(t *testing.T) {
	e := newEnvoy(t, guard(t, basePolicy, gateway.Options{}), nil)
	chunk := func(index, d, finish string) string {
		return data(`{"id":"c","choices":[{"index":` + index + `,"delta":` + d + `,"finish_reason":` + finish + `}]}`)
	}
	for name, m := range modes {
		got := e.do(exchanged{mode: m, body: []byte(chatRequest), cut: atRandom(seeded(name), 30), response: []byte(
			chunk("0", `{"tool_calls":[{"index":0,"function":{"name":"send","arguments":"{\"to\": \"zzn"}}]}`, "null") +
				chunk("0", `{"tool_calls":[{"index":0,"function":{"arguments":"ame\"}"}}]}`, "null") + chunk("0", "{}", `"tool_calls"`) + data(done))})
		if !bytes.Contains(got.body, []byte(`***`)) || bytes.Contains(got.body, []byte("zzn")) || got.early {
			t.Errorf("%s: tool call: %s", name, got)
		}
		two := strings.Replace(chatRequest, `"stream"`, `"n":2,"stream"`, 1)
		got = e.do(exchanged{mode: m, body: []byte(two), cut: atRandom(seeded(name), 30), response: []byte(
			chunk("0", `{"content":"a zzbomb"}`, "null") + chunk("1", `{"content":"fine"}`, "null") + chunk("0", `{"content":" never"}`, "null") +
				chunk("1", `{"content":" to the end"}`, "null") + chunk("1", "{}", `"stop"`) + chunk("0", "{}", `"stop"`) + data(done))})
		if bytes.Contains(got.body, []byte("zzb")) || bytes.Contains(got.body, []byte("never")) || !bytes.Contains(got.body, []byte(" to the end")) ||
			bytes.Count(got.body, []byte(`"content_filter"`)) != 1 || bytes.Count(got.body, []byte(done)) != 1 {
			t.Errorf("%s: two choices: %s", name, got)
		}
	}
}

// TestExtProcPasses: what is guarded gets to the upstream as it was but for headers,
// and what is not guarded passes as it is both ways.
func TestExtProcPasses(t *testing.T) {
	e := newEnvoy(t, guard(t, basePolicy, gateway.Options{}), nil)
	big := bytes.Repeat([]byte(`zzbomb `), 30_000) // more than one piece
	for name, m := range modes {
		for _, trailers := range []bool{false, name == "duplex"} {
			x := exchanged{mode: m, trailers: trailers, body: []byte(`{ "messages": [{"role":"assistant","content":"zzbomb"},{"role":"user","content":"hi"}] ,"x":1.50}`),
				header: map[string]string{"authorization": "Bearer k", "accept-encoding": "gzip", "x-request-id": "mine"}, cut: atRandom(seeded(name), 50)}
			x.response = answerOf("fine ", "words zzb") // held, and then no term
			got := e.do(x)
			if f := got.forwarded; !bytes.Equal(got.request, x.body) || f["authorization"] != "Bearer k" || f["accept-encoding"] != "identity" || f["x-request-id"] != "mine" || got.header["x-request-id"] != "mine" {
				t.Errorf("%s: the upstream gets %v %s; %s", name, f, got.request, got)
			}
			if !bytes.Contains(got.body, []byte("zzb")) || got.broken {
				t.Errorf("%s: what was held is lost: %s", name, got)
			}
			x.method, x.path, x.body, x.response, x.cut = "POST", "/generate", big, big, wholly
			x.answer = map[string]string{"content-type": "text/plain", "content-length": "210000", "etag": "x", "content-encoding": "br"}
			got = e.do(x)
			if !bytes.Equal(got.request, big) || !bytes.Equal(got.body, big) || got.header["etag"] != "x" || got.forwarded["accept-encoding"] != "gzip" {
				t.Errorf("%s: an exchange that is not guarded becomes %s", name, got)
			}
			if asked := name != "duplex"; got.untouched != asked {
				t.Errorf("%s: the answer passed without the processor: %t", name, got.untouched)
			}
		}
	}
	// What Envoy is not allowed to leave out comes, and passes.
	got := e.do(exchanged{mode: modes["buffered"], fixed: true, method: "POST", path: "/generate", body: big, response: big})
	if !bytes.Equal(got.request, big) || !bytes.Equal(got.body, big) || got.untouched {
		t.Errorf("got %d bytes, %d bytes", len(got.request), len(got.body))
	}
	e.outcomes(4*len(modes) + 1) // and so everything is in the log
	if strings.Contains(e.log.String(), "zzb") || strings.Contains(e.log.String(), "Bearer") {
		t.Error("the log has text or keys")
	}
	if !strings.Contains(e.log.String(), "request_id=mine route=chat outcome=ok") {
		t.Errorf("the log has no line for the request: %s", e.log)
	}
}

// TestExtProcRequests: requests that never reach the upstream.
func TestExtProcRequests(t *testing.T) {
	e := newEnvoy(t, guard(t, basePolicy, gateway.Options{BodyBytes: 3000}), func(o *extproc.Options) { o.Refuse = true })
	long := `{"messages":[` + strings.Repeat(" ", 3000) + `]}`
	for _, test := range []struct {
		name, path, body, encoding string
		status                     int
		says, outcome              string
	}{
		{"a blocked prompt", chatPath, `{"messages":[{"role":"user","content":"how to zzbomb"}]}`, "", 400, `"code":"content_filter"`, "chat blocked"},
		{"messages", "/v1/messages", `{"messages":[{"role":"user","content":[{"type":"text","text":"zzbomb"}]}]}`, "", 400, `"type":"error"`, "messages blocked"},
		{"no JSON", chatPath, `{"messages":zzbomb}`, "", 400, "no valid JSON at byte", "chat refused"},
		{"compressed", chatPath, `x`, "gzip", 415, "compressed", "chat refused"},
		{"too long", chatPath, long, "", 413, "3000 bytes", "chat refused"},
		{"a path that is not guarded", "/generate", `{}`, "", 404, "cannot be guarded", "other refused"},
		{"moderations", "/v1/moderations", `{"input":"zzbomb"}`, "", 200, `"flagged":true`, "moderations ok"},
		{"wrong moderations", "/v1/moderations", `{"input":[1]}`, "", 400, "cannot be judged", "moderations refused"},
	} {
		for name, m := range modes {
			t.Run(test.name+" "+name, func(t *testing.T) {
				e.TB = t
				header := map[string]string{}
				if test.encoding != "" {
					header["content-encoding"] = test.encoding
				}
				got := e.do(exchanged{mode: m, method: "POST", path: test.path, header: header, body: []byte(test.body), cut: atRandom(seeded(name), 500)})
				if got.asked || got.status != test.status || !bytes.Contains(got.body, []byte(test.says)) || bytes.Contains(got.body, []byte("zzbomb")) {
					t.Errorf("got %s, want %d with %s", got, test.status, test.says)
				}
				if got.header["content-type"] != "application/json" || got.header["x-request-id"] == "" {
					t.Errorf("headers %v", got.header)
				}
				if all := e.outcomes(1); all[len(all)-1] != test.outcome {
					t.Errorf("counted as %s, want %s", all[len(all)-1], test.outcome)
				}
				e.mu.Lock()
				e.ended = nil
				e.mu.Unlock()
			})
		}
	}
	e.TB = t
	got := e.do(exchanged{mode: modes["partial"], buffer: 50, body: []byte(`{"messages":[{"role":"user","content":"` + strings.Repeat("fine ", 50) + ` zzbomb"}]}`)})
	if got.asked || got.status != 413 || !bytes.Contains(got.body, []byte("per_connection_buffer_limit_bytes")) {
		t.Errorf("a part of a prompt: %s", got)
	}
	got = e.do(exchanged{mode: modes["duplex"], method: "GET", path: "/generate", response: []byte("x")})
	if got.status != 200 || string(got.body) != "x" {
		t.Errorf("GET: %s", got)
	}
}

// TestExtProcStored: answers that are fetched again have no request body.
func TestExtProcStored(t *testing.T) {
	e := newEnvoy(t, guard(t, basePolicy, gateway.Options{}), nil)
	x := exchanged{method: "GET", path: "/v1/responses/r1", answer: map[string]string{"content-type": "application/json"},
		response: []byte(`{"id":"r","object":"response","output":[{"type":"message","id":"m","content":[{"type":"output_text","text":"a zzbomb"}]}]}`)}
	for name, m := range modes {
		x.mode = m
		got := e.do(x)
		if name == "override" { // nothing shows whether Envoy heeds it
			if got.status != 500 || got.asked || !bytes.Contains(got.body, []byte("response_body_mode is NONE")) {
				t.Errorf("%s: got %s", name, got)
			}
		} else if got.status != 200 || !bytes.Contains(got.body, []byte("content_filter")) || bytes.Contains(got.body, []byte("zzb")) {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

// TestExtProcObserves: in observability mode nothing is answered, and what would have
// been done is logged.
func TestExtProcObserves(t *testing.T) {
	e := newEnvoy(t, guard(t, basePolicy, gateway.Options{}), nil)
	e.do(exchanged{mode: modes["streamed"], observe: true, body: []byte(chatRequest), response: answerOf("fine zzbomb")})
	e.do(exchanged{mode: modes["streamed"], observe: true, body: []byte(`{"messages":[{"role":"user","content":"zzbomb"}]}`), response: answerOf("x")})
	for _, o := range e.outcomes(2) {
		if o != "chat observed" {
			t.Errorf("counted as %s", o)
		}
	}
	for _, want := range []string{"outcome=observed", "would_be=halted", "would_be=blocked"} {
		if !strings.Contains(e.log.String(), want) {
			t.Errorf("the log has no %s: %s", want, e.log)
		}
	}
}

// TestExtProcBusy: more exchanges than are allowed at once.
func TestExtProcBusy(t *testing.T) {
	e := newEnvoy(t, guard(t, basePolicy, gateway.Options{}), func(o *extproc.Options) { o.Exchanges = 1 })
	ctx, cancel := context.WithCancel(t.Context())
	first, err := e.client.Process(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c := &call{envoy: e, exchanged: &exchanged{mode: modes["buffered"]}, stream: first}
	if _, err := c.head(requestSide, headerMap(nil, ":method", "POST", ":path", chatPath), map[string]string{}); err != nil {
		t.Fatal(err)
	}
	x := exchanged{mode: modes["buffered"], body: []byte(chatRequest), response: answerOf("fine")}
	if got := e.do(x); got.status != 503 || got.header["retry-after"] != "1" || got.asked {
		t.Errorf("got %s", got)
	}
	cancel() // the first client leaves, and its place is free
	e.outcomes(2)
	if got := e.do(x); got.status != 200 {
		t.Errorf("got %s", got)
	}
	all := e.outcomes(3)
	slices.Sort(all)
	if !slices.Equal(all, []string{"chat busy", "chat gone", "chat ok"}) {
		t.Errorf("counted as %v", all)
	}
}

// TestExtProcClientLeaves: Envoy resets the call, in the middle of an answer and while
// the prompt is judged.
func TestExtProcClientLeaves(t *testing.T) {
	e := newEnvoy(t, guard(t, basePolicy, gateway.Options{}), nil)
	for _, m := range modes {
		if m.ResponseBodyMode == filterv3.ProcessingMode_BUFFERED || m.ResponseBodyMode == filterv3.ProcessingMode_BUFFERED_PARTIAL {
			continue // all is over when the client gets something
		}
		e.do(exchanged{mode: m, body: []byte(chatRequest), response: answerOf("one ", "two ", "three"), cut: func(int) int { return 90 }, hold: true, leave: true})
	}
	for _, o := range e.outcomes(3) {
		if o != "chat gone" {
			t.Errorf("counted as %s", o)
		}
	}
}

// TestExtProcRetracts: in release mode async text is shown at once, and what a model
// finds later ends the stream while the upstream is silent.
func TestExtProcRetracts(t *testing.T) {
	p, err := policy.Parse("async.yaml", []byte("version: 1\nname: async\nreplacement: {en: stopped}\nprofiles:\n  default:\n    release: async\n    fail: closed\n    categories:\n      sexual: {score: {halt: 0.5}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	m := &slowModel{next: make(chan struct{})}
	b, err := classifier.NewBatcher(m, classifier.BatcherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	snapshot, err := engine.NewSnapshot(engine.SnapshotConfig{Policy: p, Models: []classifier.Member{{Batcher: b}}})
	if err != nil {
		t.Fatal(err)
	}
	e := newEnvoy(t, &gateway.Guard{Engine: engine.New(snapshot, engine.Options{})}, func(o *extproc.Options) { o.Stall = time.Minute })
	time.AfterFunc(50*time.Millisecond, func() { close(m.next) })
	got := e.do(exchanged{mode: modes["override"], body: []byte(`{"messages":[],"stream":true}`), response: answerOf("abcdefgz and so on"), hold: true})
	list, ended := events(t, got.body)
	if len(list) != 2 || !ended || !got.early || dig(list[0], "choices", 0, "delta", "content") != "abcdefgz and so on" ||
		dig(list[1], "choices", 0, "finish_reason") != "content_filter" || dig(list[1], "choices", 0, "content_filter_offsets", "start_offset") != 4.0 {
		t.Errorf("got %s, want a halt that withdraws from byte 4", got)
	}
}

// TestExtProcPanic: an exchange that panics fails alone.
func TestExtProcPanic(t *testing.T) {
	e := newEnvoy(t, &gateway.Guard{}, nil)
	got := e.do(exchanged{mode: modes["buffered"], body: []byte(`{"messages":[{"role":"user","content":"zzbomb"}]}`)})
	if got.status != 500 || got.asked || e.panics != 1 || e.outcomes(1)[0] != "chat failed" {
		t.Errorf("got %s, %d panics, %v", got, e.panics, e.outcomes(1))
	}
	if log := e.log.String(); !strings.Contains(log, "panic in an exchange") || strings.Contains(log, "zzbomb") {
		t.Errorf("the log: %s", log)
	}
}

// TestExtProcDrain: an open exchange ends after the server has begun to stop, a new
// one is not let in, and health says so.
func TestExtProcDrain(t *testing.T) {
	e := newEnvoy(t, guard(t, basePolicy, gateway.Options{}), nil)
	health, err := healthv1.NewHealthClient(e.conn).Check(t.Context(), &healthv1.HealthCheckRequest{Service: extprocv3.ExternalProcessor_ServiceDesc.ServiceName})
	if err != nil || health.Status != healthv1.HealthCheckResponse_SERVING {
		t.Errorf("health is %v, %v", health, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	open, err := e.client.Process(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c := &call{envoy: e, exchanged: &exchanged{mode: modes["buffered"]}, stream: open}
	if _, err := c.head(requestSide, headerMap(nil, ":method", "POST", ":path", chatPath), map[string]string{}); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- e.stop() }()
	for {
		brief, end := context.WithTimeout(t.Context(), 10*time.Millisecond)
		s, err := e.client.Process(brief)
		if err == nil {
			_, err = s.Recv()
		}
		end()
		if status.Code(err) == codes.Unavailable {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if b := c.body1(requestSide, []byte(chatRequest), true); b.err != nil {
		t.Errorf("an open exchange while draining: %v", b.err)
	}
	cancel()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}
