package extproc

import (
	"fmt"
	"net/http"
	"strings"

	filterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

// requestHeaders begins an exchange.
func (x *exchange) requestHeaders(h *extprocv3.HttpHeaders, c *extprocv3.ProtocolConfiguration) error {
	method, path := header(h, ":method"), header(h, ":path")
	x.id = gateway.RequestID(header(h, "x-request-id"))
	x.request, x.response = c.GetRequestBodyMode(), c.GetResponseBodyMode()
	route, guarded := gateway.RouteOf(method, path)
	x.api, x.moderates = route, gateway.IsModerations(method, path)
	switch {
	case x.moderates:
		x.route = "moderations"
	case guarded:
		x.route = route.String()
	default:
		if refusal := gateway.Unguarded(method, path, x.server.options.Refuse); refusal != nil {
			return x.refuse(refusal)
		}
		x.pass = true
		return x.sendRequestHeaders(nil, untouched())
	}
	x.outcome = "ok"
	_, query, _ := strings.Cut(path, "?")
	rest := x.api.Rest(query)
	if slots := x.server.slots; slots != nil {
		select {
		case slots <- struct{}{}:
			x.slot = true
		default:
			return x.refuse(x.api.Busy())
		}
	}
	switch {
	case encoded(h):
		return x.refuse(x.api.Compressed())
	case rest != nil:
		return x.refuse(rest)
	case x.observed:
	case c == nil:
		return x.misconfigured("this Envoy does not say how it sends bodies (protocol_config), which the guard has to know: use Envoy 1.34 or later")
	case x.request == modeNone && !h.EndOfStream:
		if x.response == modeDuplex || c.SendBodyWithoutWaitingForHeaderResponse { // Envoy heeds no override
			return x.misconfigured("the filter's request_body_mode is NONE, so the prompt cannot be judged: set it to BUFFERED or FULL_DUPLEX_STREAMED")
		}
		x.override = true
	case !x.moderates && x.response == modeNone:
		return x.misconfigured("the filter's response_body_mode is NONE, so the answer cannot be judged: set it to FULL_DUPLEX_STREAMED, or also request_body_mode to NONE and allow_mode_override")
	}
	if h.EndOfStream {
		return x.prompt(func() error { return x.sendRequestHeaders(x.requestMutation(), nil) })
	}
	if x.request == modeDuplex {
		x.held = true // until the prompt is judged, so that the upstream hears nothing of one that is blocked
		return nil
	}
	var mode *filterv3.ProcessingMode
	if x.override {
		mode = guardedMode()
		x.request, x.response = mode.RequestBodyMode, mode.ResponseBodyMode
	}
	return x.sendRequestHeaders(x.requestMutation(), mode)
}

// requestMutation asks the upstream for what can be read.
func (x *exchange) requestMutation() *extprocv3.HeaderMutation {
	m := set("accept-encoding", "identity", "x-request-id", x.id)
	m.RemoveHeaders = gateway.ResumeHeaders()
	return m
}

// prompt judges the request, and calls on if it passes.
func (x *exchange) prompt(on func() error) error {
	body := x.body
	x.body = nil
	if x.moderates {
		r := x.server.options.Guard.Moderate(x.ctx, body)
		if r.Status >= http.StatusMultipleChoices {
			return x.refuse(r)
		}
		return x.reply(r)
	}
	judged, refusal := x.server.options.Guard.Request(x.ctx, x.api, body)
	if refusal != nil {
		return x.refuse(refusal)
	}
	x.judged = judged
	return on()
}

// requestBody takes a piece of the request.
func (x *exchange) requestBody(b *extprocv3.HttpBody) error {
	switch {
	case x.silent:
		return nil
	case x.pass && x.request == modeDuplex:
		return pieces(b.Body, b.EndOfStream, x.sendRequestBody)
	case x.pass || x.judged != nil:
		return x.sendRequestBody(unchanged())
	}
	limit := x.server.options.Guard.BodyBytes()
	if int64(len(x.body)+len(b.Body)) > limit {
		return x.refuse(x.api.Refuse(http.StatusRequestEntityTooLarge, "invalid_request_error", "request_too_large",
			fmt.Sprintf("the request is longer than the %d bytes that the guard allows", limit)))
	}
	x.body = append(x.body, b.Body...)
	switch x.request {
	case modeBuffered:
		return x.prompt(func() error { return x.sendRequestBody(unchanged()) })
	case modePartial:
		if !b.EndOfStream {
			return x.refuse(x.api.Refuse(http.StatusRequestEntityTooLarge, "invalid_request_error", "request_too_large",
				"the request is longer than Envoy's buffer, so that it cannot be judged whole: the operator can raise per_connection_buffer_limit_bytes"))
		}
		return x.prompt(func() error { return x.sendRequestBody(unchanged()) })
	case modeDuplex:
		if !b.EndOfStream {
			return nil
		}
		return x.forward(true)
	}
	if !b.EndOfStream {
		return x.sendRequestBody(replaced(nil, nil))
	}
	body := x.body
	return x.prompt(func() error { return x.sendRequestBody(replaced(body, nil)) })
}

// forward judges a request of mode FULL_DUPLEX_STREAMED and sends it on whole.
func (x *exchange) forward(end bool) error {
	body := x.body
	return x.prompt(func() error {
		x.held = false
		if err := x.sendRequestHeaders(x.requestMutation(), nil); err != nil {
			return err
		}
		return pieces(body, end, x.sendRequestBody)
	})
}

// requestTrailers takes the trailers that end a request in place of its last piece.
func (x *exchange) requestTrailers() error {
	if !x.pass && !x.silent && x.judged == nil {
		if x.request != modeDuplex {
			return x.refuse(x.api.Refuse(http.StatusBadRequest, "invalid_request_error", "cannot_judge", "a request with trailers cannot be judged: send it without"))
		}
		if err := x.forward(false); err != nil || x.silent {
			return err
		}
	}
	return x.sendRequestTrailers()
}
