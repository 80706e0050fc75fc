package extproc

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	filterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

type bodyMode = filterv3.ProcessingMode_BodySendMode

// Modes, by the names that Envoy's configuration has for them.
const (
	modeNone     = filterv3.ProcessingMode_NONE
	modeStreamed = filterv3.ProcessingMode_STREAMED
	modeBuffered = filterv3.ProcessingMode_BUFFERED
	modePartial  = filterv3.ProcessingMode_BUFFERED_PARTIAL
	modeDuplex   = filterv3.ProcessingMode_FULL_DUPLEX_STREAMED
)

// exchange is one HTTP exchange: one call of Process. It belongs to the goroutine
// of the call.
type exchange struct {
	server  *Server
	ctx     context.Context
	out     func(*extprocv3.ProcessingResponse) error
	began   time.Time
	id      string
	route   string // for logs and metrics
	outcome string

	observed  bool     // Envoy heeds no answer
	request   bodyMode // how bodies come
	response  bodyMode
	override  bool // asked for in place of none; heeded if a request body comes
	api       gateway.Route
	moderates bool // the request is answered by Guard.Moderate

	// Of these at most one is true. If none is, the exchange is guarded.
	pass   bool // everything goes on as it is
	silent bool // nothing is answered any more
	drop   bool // STREAMED: the answer has ended, what still comes is cleared

	held     bool // the answer to the last headers waits for their body
	body     []byte
	judged   *gateway.Exchange // once the prompt has passed
	answer   *gateway.Answer   // once it has begun
	ended    bool              // the answer went out to its end
	slot     bool
	patience *time.Timer // until the upstream has stalled
	waits    bool        // and it runs
}

// run takes messages until Envoy ends the call. An error ends it from this side.
func (x *exchange) run(messages <-chan message) error {
	for {
		var late <-chan struct{}
		var stalled <-chan time.Time
		if x.waits {
			stalled = x.patience.C
		}
		if x.answer != nil && x.response == modeDuplex && !x.silent && !x.pass {
			late = x.answer.Late()
		}
		var err error
		select {
		case m := <-messages:
			if m.err != nil {
				return x.gone(m.err)
			}
			err = x.take(m.request)
		case <-x.ctx.Done():
			err = x.ctx.Err()
		case <-late:
			var body []byte
			body, err = x.answer.Poll(x.ctx)
			err = x.deliver(body, err, false)
		case <-stalled:
			x.waits = false
			err = x.failed(gateway.ErrStall, nil, !x.held, false)
		}
		if err != nil {
			return x.gone(err)
		}
	}
}

// gone is the end of the call: regular if everything had been answered.
func (x *exchange) gone(err error) error {
	unfinished := !x.pass && !x.silent && !x.ended && x.route != "other"
	switch {
	case errors.Is(err, errUnjudged):
		x.outcome = "failed"
		return err
	case unfinished && (x.outcome == "ok" || x.outcome == "passed"):
		x.outcome = "gone"
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// errUnjudged ends a call whose answer must not go on. Envoy answers with an error,
// or breaks the answer off if it has begun; with failure_mode_allow it would go on.
var errUnjudged = grpcstatus.Error(codes.Aborted, "the exchange cannot be judged any further")

// take takes one message.
func (x *exchange) take(m *extprocv3.ProcessingRequest) error {
	x.observed = x.observed || m.ObservabilityMode
	switch r := m.Request.(type) {
	case *extprocv3.ProcessingRequest_RequestHeaders:
		return x.requestHeaders(r.RequestHeaders, m.ProtocolConfig)
	case *extprocv3.ProcessingRequest_RequestBody:
		return x.requestBody(r.RequestBody)
	case *extprocv3.ProcessingRequest_RequestTrailers:
		return x.requestTrailers()
	case *extprocv3.ProcessingRequest_ResponseHeaders:
		return x.responseHeaders(r.ResponseHeaders, m.ProtocolConfig)
	case *extprocv3.ProcessingRequest_ResponseBody:
		return x.responseBody(r.ResponseBody)
	case *extprocv3.ProcessingRequest_ResponseTrailers:
		return x.responseTrailers()
	}
	return nil // of a later version of the protocol, and not to be answered
}

// send answers, unless Envoy only lets us watch.
func (x *exchange) send(r *extprocv3.ProcessingResponse) error {
	if x.observed || x.silent {
		return nil
	}
	return x.out(r)
}

func (x *exchange) sendRequestHeaders(m *extprocv3.HeaderMutation, mode *filterv3.ProcessingMode) error {
	return x.send(&extprocv3.ProcessingResponse{ModeOverride: mode,
		Response: &extprocv3.ProcessingResponse_RequestHeaders{RequestHeaders: headersDone(m)}})
}

func (x *exchange) sendRequestBody(b *extprocv3.BodyResponse) error {
	return x.send(&extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestBody{RequestBody: b}})
}

func (x *exchange) sendRequestTrailers() error {
	return x.send(&extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestTrailers{RequestTrailers: &extprocv3.TrailersResponse{}}})
}

func (x *exchange) sendResponseHeaders(m *extprocv3.HeaderMutation, mode *filterv3.ProcessingMode) error {
	return x.send(&extprocv3.ProcessingResponse{ModeOverride: mode,
		Response: &extprocv3.ProcessingResponse_ResponseHeaders{ResponseHeaders: headersDone(m)}})
}

func (x *exchange) sendResponseBody(b *extprocv3.BodyResponse) error {
	return x.send(&extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseBody{ResponseBody: b}})
}

func (x *exchange) sendResponseTrailers() error {
	return x.send(&extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseTrailers{ResponseTrailers: &extprocv3.TrailersResponse{}}})
}

// refuse answers in place of the upstream, and nothing after. If the answer has
// begun, Envoy breaks it off instead.
func (x *exchange) refuse(r *gateway.Refusal) error {
	switch {
	case x.ctx.Err() != nil:
		x.outcome = "gone"
	case r.Blocked:
		x.outcome = "blocked"
	case r.Status == http.StatusServiceUnavailable:
		x.outcome = "busy"
	case r.Status >= http.StatusInternalServerError:
		x.outcome = "failed"
	default:
		x.outcome = "refused"
	}
	return x.reply(r)
}

func (x *exchange) reply(r *gateway.Refusal) error {
	err := x.send(immediate(r, x.id))
	x.silent = true
	x.close()
	return err
}

// misconfigured refuses what Envoy does not let us judge.
func (x *exchange) misconfigured(message string) error {
	x.server.options.Log.Error("ext_proc filter", "request_id", x.id, "route", x.route, "err", message)
	return x.refuse(x.api.Refuse(http.StatusInternalServerError, "server_error", "weir_ext_proc", message))
}

// failed ends an answer that cannot be judged: with an error if nothing of it has
// gone out, else with an error event and a connection that is cut. asked says that a
// piece of the answer is what it answers.
func (x *exchange) failed(err error, body []byte, begun, asked bool) error {
	if x.ctx.Err() != nil {
		x.outcome = "gone"
		return x.ctx.Err()
	}
	x.outcome = "failed"
	x.server.options.Log.Warn("upstream", "request_id", x.id, "route", x.route, "err", gateway.Message(err))
	if !begun {
		return x.reply(x.judged.Failed(err))
	}
	body = append(append([]byte(nil), body...), x.answer.Failure(err)...)
	var sent error
	switch {
	case x.response == modeDuplex:
		sent = pieces(body, false, x.sendResponseBody)
	case asked: // else Envoy waits for no body, and a message would be spurious
		sent = x.sendResponseBody(replaced(body, nil))
	}
	if sent != nil {
		return sent
	}
	return x.reply(x.judged.Failed(err))
}

// wait restarts the time that the upstream has for the next piece.
func (x *exchange) wait() {
	d := x.server.options.Stall
	switch {
	case d == 0 || x.observed || x.response != modeDuplex && x.response != modeStreamed:
		return
	case x.patience == nil:
		x.patience = time.NewTimer(d)
	default:
		x.patience.Reset(d)
	}
	x.waits = true
}

func (x *exchange) rest() {
	if x.waits {
		x.patience.Stop()
		x.waits = false
	}
}

// close frees everything. It may be called more than once.
func (x *exchange) close() {
	x.rest()
	if x.answer != nil {
		x.answer.Abort()
	}
	if x.slot {
		x.slot = false
		<-x.server.slots
	}
}
