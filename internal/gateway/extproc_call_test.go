package gateway_test

import (
	"errors"
	"fmt"
	"io"
	"sync"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	filterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
)

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
