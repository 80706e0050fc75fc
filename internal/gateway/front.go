package gateway

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

// What other fronts than the Proxy need to answer in the same words.

// Errors of an upstream's answer, for Exchange.Failed and Answer.Failure.
const (
	ErrBroken     = errBroken     // it ended before its end
	ErrCompressed = errCompressed // it has a Content-Encoding
	ErrPartial    = errPartial    // a front was given a part of it only
	ErrStall      = errStall      // nothing came for too long
)

// staleHeaders describe the upstream's text, which the guarded answer need not be.
var staleHeaders = [...]string{"Content-Length", "Etag", "Digest", "Content-Digest", "Repr-Digest", "Content-Md5", "Accept-Ranges"}

// StaleHeaders returns the names, in lower case, of the headers that a guarded
// answer must not keep.
func StaleHeaders() []string { return lower(staleHeaders[:]) }

func lower(names []string) []string {
	out := make([]string, 0, len(names))
	for _, name := range names {
		out = append(out, strings.ToLower(name))
	}
	return out
}

// resumeHeaders make servers go on with an answer whose client has gone, and show it
// elsewhere (llama.cpp's at GET /v1/stream), or begin in the middle of one.
var resumeHeaders = [...]string{"X-Conversation-Id", "Last-Event-Id", "Range", "If-Range"}

// ResumeHeaders returns the names, in lower case, of the headers that a request must
// not keep, since a halt would not end its answer.
func ResumeHeaders() []string { return lower(resumeHeaders[:]) }

// Rest returns what to answer to a request for the rest of a stored answer, as its
// query says, or nil: what came before the rest belongs to the same text.
func (r Route) Rest(query string) *Refusal {
	values, _ := url.ParseQuery(query) // what is wrong is left out
	if !values.Has("starting_after") {
		return nil
	}
	return r.Refuse(http.StatusBadRequest, "invalid_request_error", "cannot_judge",
		"the rest of an answer cannot be judged without its beginning: leave out starting_after")
}

// Encoded reports whether a Content-Encoding keeps a body from being read.
func Encoded(contentEncoding string) bool {
	return contentEncoding != "" && !strings.EqualFold(contentEncoding, "identity")
}

// Busy returns what to answer to a request when as many as allowed are under way.
func (r Route) Busy() *Refusal {
	return r.Refuse(http.StatusServiceUnavailable, "server_error", "overloaded", "too many requests at once: try again later")
}

// Compressed returns what to answer to a request that is Encoded.
func (r Route) Compressed() *Refusal {
	return r.Refuse(http.StatusUnsupportedMediaType, "invalid_request_error", "compressed", "the request is compressed, which the guard cannot read: send it as it is")
}

// Level returns at what level the log has a request that ended so.
func Level(outcome string) slog.Level {
	switch outcome {
	case "failed":
		return slog.LevelWarn
	case "halted", "blocked", "refused", "busy":
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

// Unguarded returns what to answer to a request that no route guards, or nil if it
// passes. refuse lets through only what asks for something to be shown.
func Unguarded(method, urlPath string, refuse bool) *Refusal {
	if Sealed(method, urlPath) {
		return Chat.Refuse(http.StatusNotFound, "invalid_request_error", "unknown_url",
			"what is below this API cannot be guarded: use the API itself")
	}
	switch strings.ToUpper(method) {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	if !refuse {
		return nil
	}
	return Chat.Refuse(http.StatusNotFound, "invalid_request_error", "unknown_url",
		"this path cannot be guarded, and the operator lets nothing else through")
}

// IsModerations reports whether a request is one for Guard.Moderate.
func IsModerations(method, urlPath string) bool {
	return strings.EqualFold(method, http.MethodPost) && strings.HasSuffix(cleaned(urlPath), "/moderations")
}

// RequestID returns a client's id for a request if it may stand in a log, and a new
// one if not.
func RequestID(id string) string {
	ok := len(id) > 0 && len(id) <= 128
	for i := 0; ok && i < len(id); i++ {
		ok = id[i] > ' ' && id[i] < 0x7f
	}
	if !ok {
		return rand.Text()
	}
	return id
}

// Refuse returns an answer in the error schema of a route's API. kind and code are
// OpenAI's type and code; message says what to change.
func (r Route) Refuse(status int, kind, code, message string) *Refusal {
	x := Exchange{route: r}
	return x.refuse(status, kind, code, message)
}

// Failed returns what to answer in place of an upstream's answer that cannot be
// judged, before anything of it was sent.
func (x *Exchange) Failed(err error) *Refusal {
	status := http.StatusBadGateway
	if errors.Is(err, errStall) {
		status = http.StatusGatewayTimeout
	}
	return x.refuse(status, "server_error", "upstream_failed", Message(err))
}

// Message returns what may be said of an error of an Answer: what is wrong with the
// upstream, and of our own failures that there was one.
func Message(err error) string {
	var a Answer
	return a.message(err)
}

// Streamed reports whether the answer is a stream of events; else it is one piece
// of JSON, of which nothing may be sent before Close.
func (a *Answer) Streamed() bool { return a.sse }
