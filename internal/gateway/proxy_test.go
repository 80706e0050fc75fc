package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

// upstream is a model server whose answers a test writes.
type upstream struct {
	*httptest.Server
	cancelled chan time.Time // one for every request whose client left before the end
}

// serve answers every POST with f, and everything else with its method and path.
func serve(t *testing.T, f func(w http.ResponseWriter, r *http.Request, body []byte)) *upstream {
	u := &upstream{cancelled: make(chan time.Time, 100)}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Method != http.MethodPost {
			fmt.Fprintf(w, "%s %s", r.Method, r.URL)
			return
		}
		f(w, r, body)
		if r.Context().Err() != nil {
			u.cancelled <- time.Now()
		}
	}))
	t.Cleanup(u.Close)
	return u
}

// sse writes a stream: pieces of a body, a flush after each, until the client leaves.
func sse(w http.ResponseWriter, r *http.Request, pieces ...string) {
	w.Header().Set("Content-Type", "text/event-stream")
	for _, p := range pieces {
		if p == "wait" {
			<-r.Context().Done()
		}
		if r.Context().Err() != nil {
			return
		}
		_, _ = io.WriteString(w, p) // the client may have left
		w.(http.Flusher).Flush()
	}
}

func data(d string) string { return "data: " + d + "\n\n" }

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// proxy starts a proxy in front of an upstream.
func proxy(t *testing.T, u *upstream, change func(o *gateway.ProxyOptions)) (*httptest.Server, *logBuffer) {
	t.Helper()
	address, err := gateway.ParseUpstream(u.URL)
	if err != nil {
		t.Fatal(err)
	}
	log := &logBuffer{}
	o := gateway.ProxyOptions{
		Guard: guard(t, basePolicy, gateway.Options{}), Upstream: address,
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&o)
	}
	s := httptest.NewServer(gateway.NewProxy(o))
	t.Cleanup(s.Close)
	return s, log
}

// post sends a request; header is name and value in turn.
func post(t *testing.T, s *httptest.Server, path, body string, header ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

const chatPath = "/v1/chat/completions"

var chatRequest = requests[gateway.Chat]

// TestProxyHalt: the client sees the clean text and the end, and the upstream is
// cancelled.
func TestProxyHalt(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		sse(w, r, data(delta(`{"content":"fine "}`)), data(delta(`{"content":"zzbo"}`)), data(delta(`{"content":"mb!"}`)), "wait")
	})
	s, log := proxy(t, u, nil)
	resp := post(t, s, chatPath, chatRequest, "Authorization", "Bearer secret-key", "X-Request-Id", "my-id")
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := lines(body); len(got) != 3 || got[0] != delta(`{"content":"fine "}`) || got[1] != stopped || got[2] != done {
		t.Errorf("got %q", got)
	}
	if resp.Header.Get("X-Request-Id") != "my-id" {
		t.Errorf("the answer's id is %q", resp.Header.Get("X-Request-Id"))
	}
	select {
	case <-u.cancelled:
	case <-time.After(5 * time.Second):
		t.Error("the upstream goes on")
	}
	waitFor(t, func() bool {
		return strings.Contains(log.String(), "outcome=halted") && strings.Contains(log.String(), "lexicon base-pack line 7")
	})
	if l := log.String(); !strings.Contains(l, "request_id=my-id") || strings.Contains(l, "secret") || strings.Contains(l, "zzbo") || strings.Contains(l, "fine") {
		t.Errorf("the log: %s", l)
	}
}

func waitFor(t *testing.T, f func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !f(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come to pass")
		}
	}
}

// TestProxyFlushes: what may be shown is there before the upstream says more.
func TestProxyFlushes(t *testing.T) {
	next := make(chan struct{})
	u := serve(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		sse(w, r, ": keep-alive\r\n\r\n", "data: "+delta(`{"content":"one "}`)+"\r\n\r\ndata: {\"id\":")
		<-next
		sse(w, r, `"c","choices":[{"index":0,"delta":{"content":"two "},"finish_reason":null}]}`+"\n\n")
		<-next
		sse(w, r, data(ended), data(done))
	})
	s, _ := proxy(t, u, nil)
	in := bufio.NewReader(post(t, s, chatPath, chatRequest).Body)
	want := func(want string) {
		t.Helper()
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if d, ok := strings.CutPrefix(strings.TrimSpace(line), "data: "); ok {
				if d != want {
					t.Errorf("got %s, want %s", d, want)
				}
				return
			}
		}
	}
	want(delta(`{"content":"one "}`))
	next <- struct{}{}
	want(delta(`{"content":"two "}`))
	next <- struct{}{}
	want(ended)
	want(done)
}

// TestProxyBroken: what the upstream does wrong has one outcome each, and shows
// nothing that was not judged.
func TestProxyBroken(t *testing.T) {
	stall := func(o *gateway.ProxyOptions) { o.Stall = 400 * time.Millisecond }
	small := func(o *gateway.ProxyOptions) {
		o.Guard = guard(t, basePolicy, gateway.Options{EventBytes: 200, BodyBytes: 2000})
	}
	for _, test := range []struct {
		name   string
		change func(o *gateway.ProxyOptions)
		serve  func(w http.ResponseWriter, r *http.Request)
		status int
		says   string
	}{
		{"no JSON in a stream", nil, func(w http.ResponseWriter, r *http.Request) { sse(w, r, data("{zzbomb")) }, 200, "no JSON object"},
		{"a name twice", nil, func(w http.ResponseWriter, r *http.Request) {
			sse(w, r, data(`{"choices":[{"delta":{"content":"zzbomb","content":"x"}}]}`))
		}, 200, "no JSON object"},
		{"cut in an event", nil, func(w http.ResponseWriter, r *http.Request) { sse(w, r, "data: "+delta(`{"content":"zzbomb"}`)+"\n") }, 200, "ended in the middle"},
		{"cut in the transfer", nil, func(w http.ResponseWriter, r *http.Request) {
			sse(w, r, data(delta(`{"content":"fine zzbo"}`)))
			panic(http.ErrAbortHandler)
		}, 200, "broke off"},
		{"stalls", stall, func(w http.ResponseWriter, r *http.Request) { sse(w, r, data(delta(`{"content":"a"}`)), "wait") }, 200, "stall_timeout"},
		{"an event too long", small, func(w http.ResponseWriter, r *http.Request) {
			sse(w, r, data(delta(`{"content":"`+strings.Repeat("x", 200)+`"}`)))
		}, 200, "event_bytes"},
		{"a line without end", small, func(w http.ResponseWriter, r *http.Request) {
			sse(w, r, "data: "+strings.Repeat("x", 100), strings.Repeat("x", 100))
		}, 200, "event_bytes"},
		{"a body too long", small, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"choices":[],"x":"`+strings.Repeat("x", 2000)+`"}`)
		}, 502, "body_bytes"},
		{"no JSON", nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, "{zzbomb")
		}, 502, "no valid JSON"},
		{"another type", nil, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "zzbomb") }, 502, "neither application/json nor"},
		{"compressed", nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "zzbomb")
		}, 502, "compressed"},
		{"an error passes", nil, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no such model", 404) }, 404, "no such model"},
	} {
		t.Run(test.name, func(t *testing.T) {
			u := serve(t, func(w http.ResponseWriter, r *http.Request, _ []byte) { test.serve(w, r) })
			s, log := proxy(t, u, test.change)
			resp := post(t, s, chatPath, chatRequest)
			body, err := io.ReadAll(resp.Body)
			if resp.StatusCode != test.status || !strings.Contains(string(body), test.says) || strings.Contains(string(body), "zzbo") {
				t.Errorf("got %d %s", resp.StatusCode, body)
			}
			if test.status == 200 && (err == nil || strings.Contains(string(body), done)) {
				t.Errorf("the stream ends as if it were whole: %v, %s", err, body)
			}
			if strings.Contains(log.String(), "zzbo") {
				t.Errorf("the log: %s", log)
			}
		})
	}
}

// wrapped puts errors into a url.Error, as http.Client does.
type wrapped struct{ http.RoundTripper }

func (w wrapped) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.RoundTripper.RoundTrip(r)
	if err != nil {
		err = &url.Error{Op: r.Method, URL: r.URL.String(), Err: err}
	}
	return resp, err
}

// TestProxyUnreachable: the log says why an upstream cannot be reached, and quotes
// neither its answer nor the query.
func TestProxyUnreachable(t *testing.T) {
	closed := serve(t, nil)
	closed.Close()
	broken := serve(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
			_, _ = io.WriteString(conn, "zzbomb\r\n\r\n")
			_ = conn.Close()
		}
	})
	plain := serve(t, nil)
	plain.URL = strings.Replace(plain.URL, "http:", "https:", 1)
	private := &upstream{Server: httptest.NewUnstartedServer(nil)}
	private.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	private.StartTLS()
	t.Cleanup(private.Close)
	nowhere := &upstream{Server: &httptest.Server{URL: "http://weir.invalid"}}
	for _, test := range []struct {
		name     string
		upstream *upstream
		says     string
		cause    string // "" for none
	}{
		{"nobody listens", closed, "the upstream cannot be reached", "connection refused"},
		{"no such host", nowhere, "the upstream cannot be reached", "lookup weir.invalid"},
		{"no TLS", plain, "the upstream cannot be reached", "does not look like a TLS handshake"},
		{"a certificate of nobody known", private, "its certificate was not accepted", "certificate signed by unknown authority"},
		{"no HTTP", broken, "the upstream's answer is broken", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, log := proxy(t, test.upstream, func(o *gateway.ProxyOptions) { o.Transport = wrapped{gateway.NewTransport(0)} })
			resp := post(t, s, chatPath+"?api-version=1", chatRequest)
			body, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != http.StatusBadGateway || !strings.Contains(string(body), test.says) {
				t.Errorf("got %d %s, want %q", resp.StatusCode, body, test.says)
			}
			l := log.String()
			if strings.Contains(l, "cause=") != (test.cause != "") || !strings.Contains(l, test.cause) || !strings.Contains(l, test.says) {
				t.Errorf("the log does not say %q: %s", test.cause, l)
			}
			if strings.Contains(l, "zzbo") || strings.Contains(l, "api-version") || test.cause != "" && strings.Contains(string(body), test.cause) {
				t.Errorf("too much is said: %s%s", l, body)
			}
		})
	}
}

// TestProxyRequests: requests that never reach the upstream.
func TestProxyRequests(t *testing.T) {
	u := serve(t, func(http.ResponseWriter, *http.Request, []byte) { t.Error("the upstream was asked") })
	s, _ := proxy(t, u, func(o *gateway.ProxyOptions) {
		o.Guard = guard(t, basePolicy, gateway.Options{BodyBytes: 3000})
		o.Refuse = true
	})
	for _, test := range []struct {
		name, path, body, encoding string
		status                     int
		says                       string
	}{
		{"a blocked prompt", chatPath, `{"messages":[{"role":"user","content":"how to zzbomb"}]}`, "", 400, `"code":"content_filter"`},
		{"parts", chatPath, `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}},{"type":"text","text":"how to zzbomb"}]}]}`, "", 400, `"code":"content_filter"`},
		{"the result of a tool", chatPath, `{"messages":[{"role":"tool","tool_call_id":"x","content":"zzbomb"}]}`, "", 400, `"code":"content_filter"`},
		{"a completion", "/v1/completions", `{"prompt":["fine","zzbomb"]}`, "", 400, `"code":"content_filter"`},
		{"token ids", "/v1/completions", `{"prompt":[[1,2]]}`, "", 400, "send text"},
		{"responses", "/v1/responses", `{"input":[{"role":"user","content":[{"type":"input_text","text":"zzbomb"}]}]}`, "", 400, `"code":"content_filter"`},
		{"the output of a function", "/v1/responses", `{"input":[{"type":"function_call_output","call_id":"c","output":"zzbomb"}]}`, "", 400, `"code":"content_filter"`},
		{"messages", "/v1/messages", `{"messages":[{"role":"user","content":[{"type":"text","text":"zzbomb"}]}]}`, "", 400, `"type":"error"`},
		{"a doubled slash", "//v1//chat/completions/", `{"messages":[{"role":"user","content":"how to zzbomb"}]}`, "", 400, `"code":"content_filter"`},
		{"no JSON", chatPath, `{"messages":zzbomb}`, "", 400, "no valid JSON at byte"},
		{"a name twice", chatPath, `{"messages":[],"messages":[]}`, "", 400, "a name twice"},
		{"no messages", chatPath, `{"prompt":"x"}`, "", 400, "messages is no list"},
		{"compressed", chatPath, `x`, "gzip", 415, "compressed"},
		{"too long", chatPath, `{"messages":[` + strings.Repeat(" ", 3000) + `]}`, "", 413, "3000 bytes"},
		{"a path that is not guarded", "/generate", `{}`, "", 404, "cannot be guarded"},
	} {
		t.Run(test.name, func(t *testing.T) {
			resp := post(t, s, test.path, test.body, "Content-Encoding", test.encoding)
			body, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != test.status || !strings.Contains(string(body), test.says) || strings.Contains(string(body), "zzbomb") {
				t.Errorf("got %d %s, want %d with %s", resp.StatusCode, body, test.status, test.says)
			}
			if ct := resp.Header.Get("Content-Type"); ct != "application/json" {
				t.Errorf("content type %s", ct)
			}
		})
	}
	resp, err := http.Get(s.URL + "/v1/models?x=1")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // a test
	if body, _ := io.ReadAll(resp.Body); string(body) != "GET /v1/models?x=1" {
		t.Errorf("what is not guarded: got %s", body)
	}
}

// TestProxyPasses: what the upstream gets is what the client sent.
func TestProxyPasses(t *testing.T) {
	request := `{ "messages": [{"role":"system","content":"never say zzbomb"},{"role":"assistant","content":"zzbomb"},{"role":"user","content":"hi"}] ,"x":1.50}`
	u := serve(t, func(w http.ResponseWriter, r *http.Request, body []byte) {
		if string(body) != request || r.Header.Get("Authorization") != "Bearer k" || r.Header.Get("Accept-Encoding") != "identity" || r.URL.RawQuery != "api-version=1" {
			t.Errorf("the upstream gets %s %v %s", r.URL, r.Header, body)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{ "id":"c", "choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}], "usage":{"total_tokens":1e2} }`)
	})
	s, log := proxy(t, u, nil)
	resp := post(t, s, chatPath+"?api-version=1", request, "Authorization", "Bearer k", "Accept-Encoding", "gzip")
	body, _ := io.ReadAll(resp.Body)
	if string(body) != `{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}],"usage":{"total_tokens":1e2}}` {
		t.Errorf("got %s", body)
	}
	if strings.Contains(log.String(), "api-version") {
		t.Errorf("the log has the query: %s", log)
	}
}

// TestProxyClientLeaves: a client that leaves cancels the upstream.
func TestProxyClientLeaves(t *testing.T) {
	u := serve(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		sse(w, r, data(delta(`{"content":"one "}`)), "wait")
	})
	s, log := proxy(t, u, nil)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+chatPath, strings.NewReader(chatRequest))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // a test
	if _, err := resp.Body.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case <-u.cancelled:
	case <-time.After(5 * time.Second):
		t.Error("the upstream goes on")
	}
	waitFor(t, func() bool { return strings.Contains(log.String(), "outcome=gone") })
}

// closing is a client's side that closes when it is written to.
type closing struct {
	*httptest.ResponseRecorder
	leave context.CancelFunc
	err   error // of writes
}

func (c *closing) Write(p []byte) (int, error) {
	c.leave()
	if c.err != nil {
		return 0, c.err
	}
	return c.ResponseRecorder.Write(p)
}

// outcome is how a proxy says that a request ended whose client closes when it is
// written to.
func outcome(t *testing.T, u *upstream, profile string, write error, method, path, body string) string {
	t.Helper()
	address, err := gateway.ParseUpstream(u.URL)
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	p := gateway.NewProxy(gateway.ProxyOptions{
		Guard: guard(t, basePolicy, gateway.Options{Profile: profile}), Upstream: address, Log: slog.New(slog.DiscardHandler),
		Trace: gateway.ProxyTrace{Done: func(_, outcome string, _ time.Duration) { got += outcome }},
	})
	// Only below a server does ReverseProxy panic.
	ctx, leave := context.WithCancel(context.WithValue(t.Context(), http.ServerContextKey, u.Config))
	defer leave()
	func() {
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				panic(p)
			}
		}()
		p.ServeHTTP(&closing{httptest.NewRecorder(), leave, write}, httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body)))
	}()
	return got
}

// TestProxyGone: a client that closes once it has the whole answer was answered.
func TestProxyGone(t *testing.T) {
	whole := serve(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"fine"},"finish_reason":"stop"}]}`)
	})
	broken := serve(t, func(w http.ResponseWriter, r *http.Request, _ []byte) { sse(w, r, data("{")) })
	waits := serve(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		sse(w, r, data(delta(`{"content":"one "}`)), "wait")
	})
	closed := serve(t, nil)
	closed.Close()
	for _, test := range []struct {
		name     string
		upstream *upstream
		write    error
		method   string
		path     string
		want     string
	}{
		{"a whole answer", whole, nil, http.MethodPost, chatPath, "ok"},
		{"what is not guarded", whole, nil, http.MethodGet, "/v1/models", "passed"},
		{"a write fails", whole, io.ErrClosedPipe, http.MethodPost, chatPath, "gone"},
		{"a write of what is not guarded fails", whole, io.ErrClosedPipe, http.MethodGet, "/v1/models", "gone"},
		{"in the middle", waits, nil, http.MethodPost, chatPath, "gone"},
		{"a broken stream", broken, nil, http.MethodPost, chatPath, "failed"},
		{"no upstream", closed, nil, http.MethodPost, chatPath, "failed"},
		{"no upstream of what is not guarded", closed, nil, http.MethodGet, "/v1/models", "failed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := outcome(t, test.upstream, "", test.write, test.method, test.path, chatRequest); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// TestProxyModerations: what was not judged is not counted as if it were.
func TestProxyModerations(t *testing.T) {
	u := serve(t, nil)
	for _, test := range []struct{ body, profile, want string }{
		{`{"input":"zzbomb"}`, "", "ok"},
		{`{"input":[1]}`, "", "refused"},
		{`{"input":"fine"}`, "missing", "failed"},
	} {
		if got := outcome(t, u, test.profile, nil, http.MethodPost, "/v1/moderations", test.body); got != test.want {
			t.Errorf("%s: got %q, want %q", test.body, got, test.want)
		}
	}
}

// TestProxyBusy: one request too many is told so.
func TestProxyBusy(t *testing.T) {
	begun := make(chan struct{})
	u := serve(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		close(begun)
		sse(w, r, "wait")
	})
	s, _ := proxy(t, u, func(o *gateway.ProxyOptions) { o.Exchanges = 1 })
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan struct{})
	go func() {
		defer close(first)
		r, _ := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+chatPath, strings.NewReader(chatRequest))
		if resp, err := http.DefaultClient.Do(r); err == nil {
			_ = resp.Body.Close()
		}
	}()
	<-begun
	resp := post(t, s, chatPath, chatRequest)
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %v", resp.StatusCode, resp.Header)
	}
	cancel()
	<-first
}

// TestProxyCannotBeResumed: no header makes llama.cpp's server go on without a reader.
func TestProxyCannotBeResumed(t *testing.T) {
	got := make(chan http.Header, 1)
	u := serve(t, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		got <- r.Header
		sse(w, r, "some words")
	})
	s, _ := proxy(t, u, nil)
	post(t, s, chatPath, chatRequest, "x-conversation-id", "one", "X-Other", "two")
	if h := <-got; h.Get("X-Conversation-Id") != "" || h.Get("X-Other") != "two" {
		t.Errorf("the upstream got %v", h)
	}
}

func TestParseUpstream(t *testing.T) {
	for in, want := range map[string]string{
		"127.0.0.1:8000": "want a URL", "ftp://x": "want a URL", "http://x/v1": "leave out /v1", "http://x/v1/": "leave out /v1",
		"http://u:p@x": "no user", "http://x?k=1": "no user", "https://x/base": "",
	} {
		_, err := gateway.ParseUpstream(in)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", in, err, want)
		}
	}
}
