package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// ProxyOptions are what a Proxy is made of.
type ProxyOptions struct {
	Guard     *Guard
	Upstream  *url.URL          // scheme and host, and a path to put before those of requests
	Transport http.RoundTripper // nil for NewTransport
	Stall     time.Duration     // longest wait for the next byte of an answer; 0 for no limit
	Exchanges int               // guarded at once; more are answered 503. 0 for no limit
	Refuse    bool              // answer 404 to POST requests that cannot be guarded, in place of passing them through
	Log       *slog.Logger
	Trace     ProxyTrace
}

// ProxyTrace is a set of hooks for metrics. Each may be nil; they are called on
// the goroutines of requests.
type ProxyTrace struct {
	// Done is called once for every request, when its line is in the log. outcome is
	// passed (not guarded), ok, halted, blocked (the prompt), refused (a wrong
	// request), busy, failed or gone (the client).
	Done func(route, outcome string, d time.Duration)
	// Cancelled is called when the upstream's work was cancelled after a halt, with
	// the time since the halt.
	Cancelled func(d time.Duration)
}

// Proxy is an HTTP handler that guards an upstream that speaks the APIs of
// OpenAI and Anthropic. It is safe for concurrent use.
type Proxy struct {
	ProxyOptions
	reverse *httputil.ReverseProxy
	slots   chan struct{}
}

// NewTransport returns a transport for model servers: many connections, no
// compression, as long as it takes until an answer begins up to header.
func NewTransport(header time.Duration) *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: header,
		MaxIdleConnsPerHost:   1024,
		IdleConnTimeout:       90 * time.Second,
		DisableCompression:    true, // what is not guarded passes as it is
		ForceAttemptHTTP2:     true,
	}
}

// ParseUpstream reads the address of an upstream.
func ParseUpstream(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("upstream %q: want a URL such as http://127.0.0.1:8000", s)
	case strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), "/v1"):
		return nil, fmt.Errorf("upstream %q: leave out /v1: paths are passed on as they come", s)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, fmt.Errorf("upstream: want no user, query or fragment in the URL")
	}
	return u, nil
}

// NewProxy returns a proxy.
func NewProxy(o ProxyOptions) *Proxy {
	p := &Proxy{ProxyOptions: o}
	if p.Transport == nil {
		p.Transport = NewTransport(0)
	}
	if o.Exchanges > 0 {
		p.slots = make(chan struct{}, o.Exchanges)
	}
	p.reverse = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(o.Upstream)
			r.SetXForwarded()
			if callOf(r.In.Context()).exchange != nil {
				r.Out.Header.Set("Accept-Encoding", "identity") // what cannot be read cannot be guarded
				for _, name := range resumeHeaders {
					r.Out.Header.Del(name)
				}
			}
		},
		Transport:      p.Transport,
		FlushInterval:  -1,
		BufferPool:     buffers{},
		ModifyResponse: p.answer,
		ErrorHandler:   p.failed,
		// It logs what the client or the upstream broke off, which we do ourselves.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	return p
}

// bufferBytes is the size of the buffer of an answer. Under load much has come
// since the last piece; what is read at once is written at once.
const bufferBytes = 16 << 10 // 16 KiB

// buffers makes buffers that are smaller than ReverseProxy's 32 KiB. They are not
// used again, so that nothing of one answer gets into another.
type buffers struct{}

// Get implements httputil.BufferPool.
func (buffers) Get() []byte { return make([]byte, bufferBytes) }

// Put implements httputil.BufferPool.
func (buffers) Put([]byte) {}

// call is one request on its way.
type call struct {
	id       string
	route    string
	exchange *Exchange          // nil for what passes through
	context  context.Context    // ends when the upstream's work is in vain
	cancel   context.CancelFunc // ends it
	client   context.Context    // ends when the client goes
	outcome  string
	whole    bool   // the answer has come to its end
	cause    string // of a halt
	began    time.Time
}

type callKey struct{}

func callOf(ctx context.Context) *call { return ctx.Value(callKey{}).(*call) }

// end says how a request ended before its client is told: whoever leaves later has
// been answered.
func (c *call) end(outcome string) {
	c.outcome = outcome
	if c.client.Err() != nil {
		c.outcome = "gone"
	}
}

// ServeHTTP answers one request.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{id: RequestID(r.Header.Get("X-Request-Id")), route: "other", client: r.Context(), outcome: "passed", began: time.Now()}
	defer p.done(c)
	r.Header.Set("X-Request-Id", c.id)
	w.Header().Set("X-Request-Id", c.id)
	ctx, cancel := context.WithCancel(context.WithValue(r.Context(), callKey{}, c))
	defer cancel()
	c.context, c.cancel = ctx, cancel
	r = r.WithContext(ctx)

	route, guarded := RouteOf(r.Method, r.URL.Path)
	moderations := IsModerations(r.Method, r.URL.Path)
	switch {
	case guarded || moderations:
	default:
		if refusal := Unguarded(r.Method, r.URL.Path, p.Refuse); refusal != nil {
			c.outcome = "refused"
			write(w, refusal)
			return
		}
		p.forward(c, w, r)
		return
	}
	c.route = route.String()
	if moderations {
		c.route = "moderations"
	}
	if p.slots != nil {
		select {
		case p.slots <- struct{}{}:
			defer func() { <-p.slots }()
		default:
			c.outcome = "busy"
			w.Header().Set("Retry-After", "1")
			write(w, route.Busy())
			return
		}
	}
	refusal := route.Rest(r.URL.RawQuery)
	var body []byte
	if refusal == nil {
		body, refusal = p.read(w, r, route)
	}
	switch {
	case refusal != nil:
	case moderations:
		refusal = p.Guard.Moderate(r.Context(), body)
	default:
		c.exchange, refusal = p.Guard.Request(r.Context(), route, body)
	}
	if refusal != nil {
		switch {
		case refusal.Blocked:
			c.outcome = "blocked"
		case refusal.Status >= http.StatusInternalServerError:
			c.end("failed")
		case refusal.Status < http.StatusMultipleChoices: // of moderations
			c.end("ok")
		default:
			c.outcome = "refused"
		}
		write(w, refusal)
		return
	}
	c.outcome = "ok"
	if len(body) > 0 || r.ContentLength != 0 {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.TransferEncoding = nil
	}
	p.forward(c, w, r)
}

// forward asks the upstream. ReverseProxy panics if the answer does not reach the
// client whole.
func (p *Proxy) forward(c *call, w http.ResponseWriter, r *http.Request) {
	defer func() {
		if !c.whole && (c.outcome == "ok" || c.outcome == "passed") {
			c.end("failed")
		}
	}()
	p.reverse.ServeHTTP(w, r)
	c.whole = true
}

// read takes the body of a request.
func (p *Proxy) read(w http.ResponseWriter, r *http.Request, route Route) ([]byte, *Refusal) {
	if Encoded(r.Header.Get("Content-Encoding")) {
		return nil, route.Compressed()
	}
	x := Exchange{route: route}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, p.Guard.BodyBytes()))
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return nil, x.refuse(http.StatusRequestEntityTooLarge, "invalid_request_error", "request_too_large",
			fmt.Sprintf("the request is longer than the %d bytes that the guard allows", long.Limit))
	case err != nil:
		return nil, x.refuse(http.StatusBadRequest, "invalid_request_error", "request_cut", "the request's body did not come whole")
	}
	return body, nil
}

// write sends a refusal.
func write(w http.ResponseWriter, r *Refusal) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.Status)
	_, _ = w.Write(r.Body) // the client may have gone
}

// done logs and counts a request. Nothing of its text, its query or its headers
// but the id is logged.
func (p *Proxy) done(c *call) {
	d := time.Since(c.began)
	attributes := []any{"request_id", c.id, "route", c.route, "outcome", c.outcome, "duration", d}
	if c.cause != "" {
		attributes = append(attributes, "cause", c.cause)
	}
	p.Log.Log(context.Background(), Level(c.outcome), "request", attributes...)
	if p.Trace.Done != nil {
		p.Trace.Done(c.route, c.outcome, d)
	}
}

// answer puts the guard between the upstream's answer and the client.
func (p *Proxy) answer(resp *http.Response) error {
	ctx := resp.Request.Context()
	c := callOf(ctx)
	if resp.Header.Get("X-Request-Id") != "" {
		resp.Header.Del("X-Request-Id") // ours is set, and the upstream has been told it
	}
	if c.exchange == nil {
		return nil
	}
	answer, err := c.exchange.Answer(resp.StatusCode, resp.Header.Get("Content-Type"))
	if err != nil || answer == nil {
		return err
	}
	if Encoded(resp.Header.Get("Content-Encoding")) {
		return errCompressed
	}
	for _, name := range staleHeaders {
		resp.Header.Del(name)
	}
	resp.ContentLength = -1
	g := newGuarded(p, c, answer, resp.Body)
	if answer.sse {
		resp.Body = g
		return nil
	}
	defer g.Close() //nolint:errcheck // nothing is left to lose
	body, err := io.ReadAll(g)
	if err != nil {
		return err
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Set("Content-Length", fmt.Sprint(len(body)))
	return nil
}

// failed answers when there is no answer to guard.
func (p *Proxy) failed(w http.ResponseWriter, r *http.Request, err error) {
	c := callOf(r.Context())
	c.end("failed")
	status, message := http.StatusBadGateway, "the upstream cannot be reached"
	var opened *net.OpError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var timeout interface{ Timeout() bool }
	switch {
	case c.outcome == "gone":
		return // nobody is there
	case errors.As(err, &timeout) && timeout.Timeout():
		status, message = http.StatusGatewayTimeout, "the upstream did not answer in time"
	case errors.As(err, &certificate):
		message = "the upstream cannot be reached: its certificate was not accepted"
	case errors.As(err, &opened) || errors.As(err, &record):
	case isUpstream(err):
		message = err.Error()
	default:
		message = "the upstream's answer is broken"
	}
	if errors.Is(err, errStall) {
		status = http.StatusGatewayTimeout
	}
	attributes := []any{"request_id", c.id, "route", c.route, "err", message}
	if cause := causeOf(err); cause != "" {
		attributes = append(attributes, "cause", cause)
	}
	p.Log.Warn("upstream", attributes...)
	x := Exchange{route: Chat}
	if c.exchange != nil {
		x.route = c.exchange.route
	}
	write(w, x.refuse(status, "server_error", "upstream_failed", message))
}

// causeOf returns what the log may have of an error: addresses, and what is wrong
// with a certificate. Other errors may quote an answer, or a URL with its query.
func causeOf(err error) string {
	for ; err != nil; err = errors.Unwrap(err) {
		switch err.(type) {
		case *net.OpError, *net.DNSError, *tls.CertificateVerificationError, tls.RecordHeaderError:
			return err.Error()
		}
	}
	return ""
}
