package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	filterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
	"github.com/seed-4f09bd3a/weir/internal/gateway/extproc"
)

// envoy speaks the protocol as Envoy's filter does, and fails the test where Envoy
// would call a message spurious. What it assumes was seen in Envoy 1.40 (examples/envoy).
type envoy struct {
	testing.TB
	client extprocv3.ExternalProcessorClient
	conn   *grpc.ClientConn
	log    *logBuffer
	stop   func() error // ends the server
	mu     sync.Mutex
	ended  []string // route and outcome of each exchange
	panics int
}

func newEnvoy(t testing.TB, g *gateway.Guard, change func(o *extproc.Options)) *envoy {
	t.Helper()
	before := goleak.IgnoreCurrent()
	e := &envoy{TB: t, log: &logBuffer{}}
	o := extproc.Options{
		Guard: g, Drain: 5 * time.Second, Log: slog.New(slog.NewTextHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Trace: extproc.Trace{
			Done: func(route, outcome string, _ time.Duration) {
				e.mu.Lock()
				defer e.mu.Unlock()
				e.ended = append(e.ended, route+" "+outcome)
			},
			Panicked: func() { e.panics++ },
		},
	}
	if change != nil {
		change(&o)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	s := extproc.New(o)
	go func() { served <- s.Serve(ctx, l) }()
	e.stop = sync.OnceValue(func() error { cancel(); return <-served })
	if e.conn, err = grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		t.Fatal(err)
	}
	e.client = extprocv3.NewExternalProcessorClient(e.conn)
	t.Cleanup(func() {
		_ = e.conn.Close()
		if err := e.stop(); err != nil {
			t.Error(err)
		}
		if s.Ready() {
			t.Error("the server says that it is ready after its end")
		}
		if err := goleak.Find(before); err != nil {
			t.Error(err)
		}
	})
	return e
}

// outcomes waits until n exchanges have ended.
func (e *envoy) outcomes(n int) []string {
	e.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		e.mu.Lock()
		ended := append([]string(nil), e.ended...)
		e.mu.Unlock()
		if len(ended) >= n {
			return ended
		}
		if time.Now().After(end) {
			e.Fatalf("only %v have ended", ended)
		}
	}
}

type mode = filterv3.ProcessingMode

// modes are configurations of the filter; the last asks for an override.
var modes = map[string]*mode{
	"duplex": {RequestBodyMode: filterv3.ProcessingMode_FULL_DUPLEX_STREAMED, ResponseBodyMode: filterv3.ProcessingMode_FULL_DUPLEX_STREAMED,
		RequestTrailerMode: filterv3.ProcessingMode_SEND, ResponseTrailerMode: filterv3.ProcessingMode_SEND},
	"buffered": {RequestBodyMode: filterv3.ProcessingMode_BUFFERED, ResponseBodyMode: filterv3.ProcessingMode_BUFFERED},
	"partial":  {RequestBodyMode: filterv3.ProcessingMode_BUFFERED_PARTIAL, ResponseBodyMode: filterv3.ProcessingMode_BUFFERED_PARTIAL},
	"streamed": {RequestBodyMode: filterv3.ProcessingMode_STREAMED, ResponseBodyMode: filterv3.ProcessingMode_STREAMED},
	"override": {},
}

// exchanged is one HTTP exchange through Envoy.
type exchanged struct {
	mode     *mode
	fixed    bool // allow_mode_override is off
	buffer   int  // bytes that Envoy buffers; 0 for no limit
	silent   bool // an Envoy that does not send protocol_config
	observe  bool
	trailers bool // on both ways

	method, path string
	header       map[string]string // of the request
	body         []byte
	status       int
	answer       map[string]string // headers of the response
	response     []byte
	cut          func(left int) int // of both bodies
	hold         bool               // the upstream never ends its answer
	leave        bool               // the client leaves when something of the answer has come
}

// result is what became of it.
type result struct {
	asked     bool              // the upstream has got the request's headers
	forwarded map[string]string // those
	request   []byte            // its body
	status    int               // that the client sees
	header    map[string]string
	body      []byte
	broken    bool // the answer is cut off
	early     bool // the answer ended before the upstream's
	untouched bool // the answer passed without the processor
}

func (r *result) String() string {
	return fmt.Sprintf("%d %v %s (asked %t, broken %t, early %t)", r.status, r.header, r.body, r.asked, r.broken, r.early)
}

// immediateError is an ImmediateResponse.
type immediateError struct{ *extprocv3.ImmediateResponse }

func (immediateError) Error() string { return "immediate response" }

// call is one call of Process.
type call struct {
	*envoy
	*exchanged
	stream extprocv3.ExternalProcessor_ProcessClient
	mode   *mode // as overridden
	sent   bool  // something was
}

// do passes an exchange through the filter.
func (e *envoy) do(x exchanged) *result {
	e.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel() // as Envoy resets the call when the exchange has ended
	stream, err := e.client.Process(ctx)
	if err != nil {
		e.Fatal(err)
	}
	if x.mode == nil {
		x.mode = modes["override"]
	}
	if x.cut == nil {
		x.cut = wholly
	}
	if x.method == "" {
		x.method, x.path = "POST", chatPath
	}
	if x.status == 0 {
		x.status = 200
	}
	if x.answer == nil {
		x.answer = map[string]string{"content-type": "text/event-stream"}
	}
	c := &call{envoy: e, exchanged: &x, stream: stream, mode: x.mode}
	r := &result{}
	err = c.passRequest(r)
	if err == nil {
		r.asked = true
		err = c.passResponse(r)
	}
	if x.observe {
		_ = stream.CloseSend()
		for err == nil {
			_, err = stream.Recv()
		}
		if err == io.EOF {
			err = nil
		}
	}
	var now immediateError
	switch {
	case err == nil:
	case errors.As(err, &now):
		if r.status != 0 { // after headers have gone out Envoy resets
			r.broken = true
			break
		}
		r.status, r.body, r.header = int(now.Status.Code), now.Body, map[string]string{}
		mutate(r.header, now.Headers)
	default: // as with failure_mode_allow: false
		if r.status != 0 {
			r.broken = true
			break
		}
		r.status, r.body = 500, []byte(err.Error())
	}
	return r
}

func headerMap(pairs map[string]string, more ...string) *extprocv3.HttpHeaders {
	h := &extprocv3.HttpHeaders{Headers: &corev3.HeaderMap{}}
	for i := 0; i < len(more); i += 2 {
		h.Headers.Headers = append(h.Headers.Headers, &corev3.HeaderValue{Key: more[i], RawValue: []byte(more[i+1])})
	}
	for k, v := range pairs {
		h.Headers.Headers = append(h.Headers.Headers, &corev3.HeaderValue{Key: k, RawValue: []byte(v)})
	}
	return h
}

func mutate(header map[string]string, m *extprocv3.HeaderMutation) {
	for _, s := range m.GetSetHeaders() {
		header[s.Header.Key] = string(s.Header.RawValue)
	}
	for _, name := range m.GetRemoveHeaders() {
		delete(header, name)
	}
}

func (c *call) send(m *extprocv3.ProcessingRequest) error {
	if !c.sent && !c.silent {
		m.ProtocolConfig = &extprocv3.ProtocolConfiguration{RequestBodyMode: c.exchanged.mode.RequestBodyMode, ResponseBodyMode: c.exchanged.mode.ResponseBodyMode}
	}
	c.sent = true
	m.ObservabilityMode = c.observe
	if err := c.stream.Send(m); err != nil && err != io.EOF { // Recv tells what happened
		return err
	}
	return nil
}

// recv returns the next answer; ImmediateResponse is an error.
func (c *call) recv() (*extprocv3.ProcessingResponse, error) {
	m, err := c.stream.Recv()
	if err != nil {
		return nil, err
	}
	if r := m.GetImmediateResponse(); r != nil {
		return nil, immediateError{r}
	}
	return m, nil
}

// override applies a mode_override as Envoy does.
func (c *call) override(m *mode) {
	o := c.exchanged.mode
	if m == nil || c.fixed || o.RequestBodyMode == filterv3.ProcessingMode_FULL_DUPLEX_STREAMED || o.ResponseBodyMode == filterv3.ProcessingMode_FULL_DUPLEX_STREAMED {
		return
	}
	c.mode = m
}

// side is one of an exchange's two directions.
type side struct {
	open     func(c *call) bool // the body never ends
	headers  func(*extprocv3.HttpHeaders) *extprocv3.ProcessingRequest
	body     func(*extprocv3.HttpBody) *extprocv3.ProcessingRequest
	trailers *extprocv3.ProcessingRequest
	gotHead  func(*extprocv3.ProcessingResponse) *extprocv3.HeadersResponse
	gotBody  func(*extprocv3.ProcessingResponse) *extprocv3.BodyResponse
	gotTrail func(*extprocv3.ProcessingResponse) *extprocv3.TrailersResponse
}

var requestSide = side{
	open: func(*call) bool { return false },
	headers: func(h *extprocv3.HttpHeaders) *extprocv3.ProcessingRequest {
		return &extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestHeaders{RequestHeaders: h}}
	},
	body: func(b *extprocv3.HttpBody) *extprocv3.ProcessingRequest {
		return &extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestBody{RequestBody: b}}
	},
	trailers: &extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_RequestTrailers{RequestTrailers: &extprocv3.HttpTrailers{}}},
	gotHead:  (*extprocv3.ProcessingResponse).GetRequestHeaders,
	gotBody:  (*extprocv3.ProcessingResponse).GetRequestBody,
	gotTrail: (*extprocv3.ProcessingResponse).GetRequestTrailers,
}

var responseSide = side{
	open: func(c *call) bool { return c.hold },
	headers: func(h *extprocv3.HttpHeaders) *extprocv3.ProcessingRequest {
		return &extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_ResponseHeaders{ResponseHeaders: h}}
	},
	body: func(b *extprocv3.HttpBody) *extprocv3.ProcessingRequest {
		return &extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_ResponseBody{ResponseBody: b}}
	},
	trailers: &extprocv3.ProcessingRequest{Request: &extprocv3.ProcessingRequest_ResponseTrailers{ResponseTrailers: &extprocv3.HttpTrailers{}}},
	gotHead:  (*extprocv3.ProcessingResponse).GetResponseHeaders,
	gotBody:  (*extprocv3.ProcessingResponse).GetResponseBody,
	gotTrail: (*extprocv3.ProcessingResponse).GetResponseTrailers,
}

func (c *call) passRequest(r *result) error {
	header := map[string]string{}
	for k, v := range c.header {
		header[k] = v
	}
	h := headerMap(header, ":method", c.method, ":path", c.path)
	h.EndOfStream = len(c.body) == 0
	r.forwarded = header
	if h.EndOfStream {
		_, err := c.head(requestSide, h, header)
		return err
	}
	_, err := c.pass(requestSide, h, header, c.body, c.mode.RequestBodyMode, func(m *mode) bodyModes { return bodyModes{m.RequestBodyMode, m.RequestTrailerMode} }, &r.request, nil)
	return err
}

func (c *call) passResponse(r *result) error {
	if c.mode.ResponseHeaderMode == filterv3.ProcessingMode_SKIP {
		r.status, r.header, r.body, r.untouched = c.status, c.answer, c.response, true
		return nil
	}
	header := map[string]string{}
	for k, v := range c.answer {
		header[k] = v
	}
	h := headerMap(header, ":status", fmt.Sprint(c.status))
	h.EndOfStream = len(c.response) == 0 && !c.hold
	if h.EndOfStream {
		_, err := c.head(responseSide, h, header)
		if err == nil {
			r.status, r.header = c.status, header
		}
		return err
	}
	early, err := c.pass(responseSide, h, header, c.response, c.mode.ResponseBodyMode, func(m *mode) bodyModes { return bodyModes{m.ResponseBodyMode, m.ResponseTrailerMode} }, &r.body,
		func() { r.status, r.header = c.status, header })
	r.early = early
	return err
}

type bodyModes struct {
	body     filterv3.ProcessingMode_BodySendMode
	trailers filterv3.ProcessingMode_HeaderSendMode
}

// head sends headers and applies what is answered.
func (c *call) head(s side, h *extprocv3.HttpHeaders, header map[string]string) (*extprocv3.ProcessingResponse, error) {
	if err := c.send(s.headers(h)); err != nil || c.observe {
		return nil, err
	}
	m, err := c.recv()
	if err != nil {
		return nil, err
	}
	c.headed(s, m, header)
	return m, nil
}

func (c *call) headed(s side, m *extprocv3.ProcessingResponse, header map[string]string) {
	got := s.gotHead(m)
	if got == nil {
		c.Fatalf("spurious: headers are answered by %v", m)
	}
	c.override(m.ModeOverride)
	mutate(header, got.Response.GetHeaderMutation())
}

// pass passes headers and a body. began is called when the headers go on. early
// says that the body ended by the processor's word.
func (c *call) pass(s side, h *extprocv3.HttpHeaders, header map[string]string, body []byte, now filterv3.ProcessingMode_BodySendMode, of func(*mode) bodyModes, out *[]byte, began func()) (early bool, err error) {
	if began == nil {
		began = func() {}
	}
	if now == filterv3.ProcessingMode_FULL_DUPLEX_STREAMED {
		return c.duplex(s, h, header, body, out, began)
	}
	if _, err := c.head(s, h, header); err != nil {
		return false, err
	}
	m := of(c.mode)
	switch m.body {
	case filterv3.ProcessingMode_NONE:
		began()
		*out = body
		return false, nil
	case filterv3.ProcessingMode_BUFFERED, filterv3.ProcessingMode_BUFFERED_PARTIAL:
		sent, fits := body, c.buffer == 0 || len(body) <= c.buffer
		if !fits && m.body == filterv3.ProcessingMode_BUFFERED {
			return false, errors.New("Envoy answers 413 by itself")
		} else if !fits {
			sent = body[:c.buffer]
		}
		b := c.body1(s, sent, fits && !c.trailers)
		if b.err != nil {
			return false, b.err
		}
		mutate(header, b.r.GetHeaderMutation())
		if b.r.GetBodyMutation() != nil {
			sent = b.body(c, sent)
			if l, ok := header["content-length"]; ok && l != fmt.Sprint(len(sent)) {
				c.Errorf("content-length %s of a body of %d bytes: Envoy refuses that", l, len(sent))
			}
		}
		began()
		*out = sent
		if !fits {
			*out = append(*out, body[c.buffer:]...)
		}
		return false, nil
	}
	// STREAMED: chunks are sent as they come, answers come in order.
	delete(header, "content-length")
	began()
	var chunks [][]byte
	for rest := body; len(rest) > 0; {
		n := min(c.cut(len(rest)), len(rest))
		chunks, rest = append(chunks, rest[:n]), rest[n:]
	}
	for i, chunk := range chunks {
		b := c.body1(s, chunk, i == len(chunks)-1 && !s.open(c) && !c.trailers)
		if b.err != nil {
			return false, b.err
		}
		*out = append(*out, b.body(c, chunk)...)
		if c.leave && s.open(c) {
			return false, errors.New("the client has left")
		}
	}
	if s.open(c) {
		_, err := c.recv()
		return false, err
	}
	if c.trailers && m.trailers == filterv3.ProcessingMode_SEND {
		return false, c.trail(s)
	}
	return false, nil
}

// trail sends trailers.
func (c *call) trail(s side) error {
	if err := c.send(s.trailers); err != nil {
		return err
	}
	m, err := c.recv()
	if err == nil && s.gotTrail(m) == nil {
		c.Errorf("spurious: trailers are answered by %v", m)
	}
	return err
}

// answered is what one body message was answered by.
type answered struct {
	r   *extprocv3.CommonResponse
	err error
}

// body1 sends a body and waits for its answer.
func (c *call) body1(s side, body []byte, end bool) answered {
	if err := c.send(s.body(&extprocv3.HttpBody{Body: body, EndOfStream: end})); err != nil {
		return answered{err: err}
	}
	if c.observe {
		return answered{}
	}
	m, err := c.recv()
	if err != nil {
		return answered{err: err}
	}
	got := s.gotBody(m)
	if got == nil {
		c.Fatalf("spurious: a body is answered by %v", m)
	}
	return answered{r: got.Response}
}

// body returns what a chunk became.
func (a answered) body(c *call, chunk []byte) []byte {
	switch b := a.r.GetBodyMutation().GetMutation().(type) {
	case nil:
		return chunk
	case *extprocv3.BodyMutation_Body:
		return b.Body
	case *extprocv3.BodyMutation_ClearBody:
		if b.ClearBody {
			return nil
		}
		return chunk
	default:
		c.Fatalf("spurious: %v in a mode that is not FULL_DUPLEX_STREAMED", a.r)
		return nil
	}
}

// duplex passes a body in mode FULL_DUPLEX_STREAMED: everything is sent as it comes,
// whatever comes back.
func (c *call) duplex(s side, h *extprocv3.HttpHeaders, header map[string]string, body []byte, out *[]byte, began func()) (early bool, err error) {
	delete(header, "content-length")
	over, stop := make(chan struct{}), make(chan struct{})
	defer func() { <-over }()
	defer close(stop)
	all := false
	var mu sync.Mutex
	go func() {
		defer close(over)
		if c.send(s.headers(h)) != nil {
			return
		}
		for rest := body; len(rest) > 0; {
			select {
			case <-stop:
				return
			default:
			}
			n := min(c.cut(len(rest)), len(rest))
			end := n == len(rest) && !s.open(c) && !c.trailers
			if end {
				mu.Lock()
				all = true
				mu.Unlock()
			}
			if c.send(s.body(&extprocv3.HttpBody{Body: rest[:n], EndOfStream: end})) != nil {
				return
			}
			rest = rest[n:]
		}
		if c.trailers {
			_ = c.send(s.trailers)
		}
	}()
	for first := true; ; first = false {
		m, err := c.recv()
		if err != nil {
			return false, err
		}
		switch {
		case first:
			c.headed(s, m, header)
			began()
			continue
		case c.trailers && s.gotTrail(m) != nil:
			return false, nil
		}
		got := s.gotBody(m).GetResponse().GetBodyMutation().GetStreamedResponse()
		if got == nil {
			c.Fatalf("spurious in FULL_DUPLEX_STREAMED: %v", m)
		}
		if len(got.Body) > 64<<10 {
			c.Errorf("a piece of %d bytes", len(got.Body))
		}
		*out = append(*out, got.Body...)
		if c.leave && s.open(c) {
			return false, errors.New("the client has left")
		}
		if got.EndOfStream {
			mu.Lock()
			defer mu.Unlock()
			if !all && len(got.Body) == 0 {
				c.Error("an early end without a body: Envoy does not heed it")
			}
			return !all, nil
		}
	}
}

// answerOf streams pieces of text of one choice.
func answerOf(texts ...string) []byte {
	var b strings.Builder
	for _, t := range texts {
		b.WriteString(data(delta(`{"content":` + quoted([]byte(t)) + `}`)))
	}
	return []byte(b.String())
}

func seeded(name string) *rand.Rand { return rand.New(rand.NewPCG(7, uint64(len(name)))) }
