package extproc

import (
	"strconv"

	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

// responseHeaders begins the answer. c is set if Envoy sends nothing of requests.
func (x *exchange) responseHeaders(h *extprocv3.HttpHeaders, c *extprocv3.ProtocolConfiguration) error {
	code := status(h)
	switch {
	case x.silent:
		return nil
	case c != nil:
		return x.misconfigured("the filter's request_header_mode is SKIP, so that nobody knows whether to guard the answer: set it to SEND")
	case x.pass:
		return x.sendResponseHeaders(nil, untouched())
	case x.judged == nil && x.observed: // the request's body is not shown
		return x.untouchedAnswer()
	case x.judged == nil && code >= 200 && code <= 299:
		return x.misconfigured("the request's body did not come to be judged: set the filter's request_body_mode to BUFFERED or FULL_DUPLEX_STREAMED, or set allow_mode_override")
	case x.judged == nil: // an error of Envoy's, such as 413, or of an upstream that has not waited
		return x.untouchedAnswer()
	}
	answer, err := x.judged.Answer(code, header(h, "content-type"))
	switch {
	case err != nil:
		return x.failed(err, nil, false, false)
	case answer == nil:
		return x.untouchedAnswer()
	}
	x.answer = answer
	switch {
	case encoded(h):
		return x.failed(gateway.ErrCompressed, nil, false, false)
	case h.EndOfStream: // a stream of no events, or no JSON
		if _, err := answer.Close(x.ctx); err != nil {
			return x.failed(err, nil, false, false)
		}
		x.ended = true
		return x.sendResponseHeaders(x.answerMutation(), nil)
	case x.response == modeNone && !x.observed:
		return x.misconfigured("the filter's response_body_mode is NONE, so the answer cannot be judged: set it to FULL_DUPLEX_STREAMED")
	}
	x.wait()
	if x.response == modeDuplex && !answer.Streamed() {
		x.held = true // until the whole is judged, so that it may become an error
		return nil
	}
	return x.sendResponseHeaders(x.answerMutation(), nil)
}

// untouchedAnswer lets the rest of an exchange pass as it is.
func (x *exchange) untouchedAnswer() error {
	x.pass = true
	return x.sendResponseHeaders(set("x-request-id", x.id), nil)
}

// answerMutation takes out the headers that describe the text as it was.
func (x *exchange) answerMutation() *extprocv3.HeaderMutation {
	m := set("x-request-id", x.id)
	m.RemoveHeaders = gateway.StaleHeaders()
	return m
}

// responseBody takes a piece of the answer.
func (x *exchange) responseBody(b *extprocv3.HttpBody) error {
	switch {
	case x.silent:
		return nil
	case x.drop:
		return x.sendResponseBody(replaced(nil, nil))
	case x.pass && x.response == modeDuplex:
		return pieces(b.Body, b.EndOfStream, x.sendResponseBody)
	case x.pass:
		return x.sendResponseBody(unchanged())
	case x.answer == nil:
		return errUnjudged // a body without headers
	case x.response == modePartial && !b.EndOfStream:
		return x.failed(gateway.ErrPartial, nil, false, true) // Envoy would send on the rest unseen
	}
	end := b.EndOfStream || x.response == modeBuffered
	body, err := x.piece(b.Body, end)
	return x.deliver(body, err, end)
}

// piece passes a piece, and the end, of the upstream's answer to the guard.
func (x *exchange) piece(data []byte, end bool) ([]byte, error) {
	out, err := x.answer.Write(x.ctx, data)
	if err != nil || !end || x.answer.Done() {
		return out, err
	}
	rest, err := x.answer.Close(x.ctx)
	if len(out) > 0 { // rest may stand in its place
		return append(append([]byte(nil), out...), rest...), err
	}
	return rest, err
}

// deliver sends what the guard made of a piece. end says that it was the last one.
func (x *exchange) deliver(body []byte, err error, end bool) error {
	if x.answer.Halted() {
		x.outcome = "halted"
	}
	whole := x.response == modeBuffered || x.response == modePartial || x.held
	if err != nil {
		return x.failed(err, body, !whole, true)
	}
	over := end || x.answer.Done()
	x.wait()
	if over {
		x.rest()
		x.ended = true
		defer x.close()
	}
	switch {
	case x.response == modeBuffered || x.response == modePartial:
		return x.sendResponseBody(replaced(body, set("content-length", strconv.Itoa(len(body)))))
	case x.response == modeStreamed || x.response == modeNone:
		x.drop = over
		return x.sendResponseBody(replaced(body, nil))
	case x.held && !over:
		return nil
	case x.held:
		x.held = false
		if err := x.sendResponseHeaders(x.answerMutation(), nil); err != nil {
			return err
		}
	}
	err = pieces(body, over, x.sendResponseBody)
	x.silent = over // what the upstream still says is read and forgotten
	return err
}

// responseTrailers takes the trailers that end an answer in place of its last piece.
func (x *exchange) responseTrailers() error {
	if x.silent {
		return nil
	}
	if x.answer == nil || x.pass || x.ended {
		return x.sendResponseTrailers()
	}
	rest, err := x.piece(nil, true)
	switch {
	case err == nil && x.response == modeStreamed && len(rest) > 0:
		err = errUnjudged // it has no place to go to
		fallthrough
	case err != nil:
		return x.failed(err, nil, !x.held, false)
	}
	if x.answer.Halted() {
		x.outcome = "halted"
	}
	x.rest()
	x.ended = true
	if x.held {
		x.held = false
		if err := x.sendResponseHeaders(x.answerMutation(), nil); err != nil {
			return err
		}
	}
	if x.response == modeDuplex {
		if err := pieces(rest, false, x.sendResponseBody); err != nil {
			return err
		}
	}
	return x.sendResponseTrailers()
}
