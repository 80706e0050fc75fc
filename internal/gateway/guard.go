package gateway

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// Options say how answers are guarded. The zero value is useful.
type Options struct {
	Profile     string // of answers; "" is the policy's default
	Language    string // of the replacement text after a halt, as a BCP 47 tag; "" is en
	Replacement bool   // show the profile's replacement text after a halt
	Findings    Detail // of findings, in what clients get
	EventBytes  int    // longest server-sent event; 0 is 1 MiB
	BodyBytes   int64  // longest request body, and longest answer that is not streamed; 0 is 16 MiB
}

// Detail is how much clients are told of findings.
type Detail int

// The details. Each says what is filtered, in the words of content_filter_results.
const (
	DetailFull     Detail = iota // with rule, place, score and what the policy made of them
	DetailCategory               // with category, place, action and the pack, pattern or model, and not which entry
	DetailNone                   // nothing more
)

// Guard judges what goes through HTTP APIs. It is immutable and safe for
// concurrent use.
type Guard struct {
	Engine  *engine.Engine
	Options Options
}

func (g *Guard) eventBytes() int {
	if g.Options.EventBytes > 0 {
		return g.Options.EventBytes
	}
	return 1 << 20 // 1 MiB
}

// BodyBytes returns the longest body that is judged, with its default.
func (g *Guard) BodyBytes() int64 {
	if g.Options.BodyBytes > 0 {
		return g.Options.BodyBytes
	}
	return 16 << 20 // 16 MiB
}

// Route is an API whose answers carry text of a model.
type Route int

// The routes.
const (
	Chat        Route = iota // POST /v1/chat/completions
	Completions              // POST /v1/completions
	Responses                // POST /v1/responses
	Messages                 // POST /v1/messages
)

// String returns the route's name for logs and metrics.
func (r Route) String() string {
	return [...]string{"chat", "completions", "responses", "messages"}[r]
}

// RouteOf returns the route of a request, or false for what passes untouched. A
// path may have a prefix before /v1, as servers behind gateways do, and is read
// as lenient servers read it: case, doubled and trailing slashes do not matter.
// Answers that are stored and fetched again by GET are guarded as well.
func RouteOf(method, urlPath string) (Route, bool) {
	clean := cleaned(urlPath)
	switch {
	case strings.EqualFold(method, http.MethodGet):
		clean = path.Dir(clean) // without the id
		if !strings.HasSuffix(clean, "/chat/completions") && !strings.HasSuffix(clean, "/responses") {
			return 0, false
		}
	case !strings.EqualFold(method, http.MethodPost):
		return 0, false
	case path.Base(clean) == "cancel" && strings.HasSuffix(path.Dir(path.Dir(clean)), "/responses"):
		return Responses, true // is answered by what there is of the response
	}
	for r, suffix := range suffixes {
		if strings.HasSuffix(clean, suffix) {
			return Route(r), true
		}
	}
	return 0, false
}

// suffixes are the ends of the routes' paths.
var suffixes = [...]string{"/chat/completions", "/completions", "/responses", "/messages"}

// cleaned returns a path as lenient servers read it: without escapes and doubled
// slashes, in lower case.
func cleaned(urlPath string) string {
	urlPath, _, _ = strings.Cut(urlPath, "?")
	for range 4 { // a gateway between may read it once more
		plain, err := url.PathUnescape(urlPath)
		if err != nil || plain == urlPath {
			break
		}
		urlPath = plain
	}
	return strings.ToLower(path.Clean("/" + urlPath))
}

// Sealed reports whether a request is for something that belongs to a guarded API
// and may carry text of the model in a form that is not guarded: batches, lists of
// stored answers, what a server has invented below an API's path. It must be
// refused, whatever becomes of other paths. What is known to carry none is not
// sealed: counts of tokens, the parts of prompts, deletions.
func Sealed(method, urlPath string) bool {
	if _, guarded := RouteOf(method, urlPath); guarded {
		return false
	}
	switch strings.ToUpper(method) {
	case http.MethodDelete, http.MethodHead, http.MethodOptions:
		return false
	}
	clean := cleaned(urlPath)
	switch path.Base(clean) {
	case "count_tokens", "input_tokens", "input_items":
		return false
	case "messages": // of a stored completion's prompt; GET alone, POST is a route
		if strings.HasSuffix(path.Dir(path.Dir(clean)), "/chat/completions") {
			return false
		}
	}
	for _, suffix := range suffixes {
		if strings.Contains(clean+"/", suffix+"/") {
			return true
		}
	}
	return false
}

// Exchange is one request and its answer. It belongs to one goroutine at a time.
type Exchange struct {
	guard    *Guard
	snapshot *engine.Snapshot
	profile  *policy.Profile
	route    Route
	choices  int  // that the answer will have
	usage    bool // the client wants a chunk with the usage
	prompt   int  // bytes of the prompt that was judged
	tree     tree // of the request, then of the answer
}

// Route returns the API that the request is for.
func (x *Exchange) Route() Route { return x.route }

// Refusal is an answer in place of the upstream's.
type Refusal struct {
	Status  int
	Body    []byte // JSON in the API's error schema
	Blocked bool   // by the policy; else the request is wrong, or judging failed
}

// Request judges the prompt of a request. refusal is what to answer without
// asking the upstream, or nil. It blocks while models judge.
func (g *Guard) Request(ctx context.Context, r Route, body []byte) (x *Exchange, refusal *Refusal) {
	x = &Exchange{guard: g, snapshot: g.Engine.Snapshot(), route: r, choices: 1}
	name := g.Options.Profile
	if name == "" {
		name = engine.DefaultProfile
	}
	var ok bool
	if x.profile, ok = x.snapshot.Policy().Profile(name); !ok {
		return nil, x.refuse(http.StatusInternalServerError, "server_error", "weir_profile", "the guard's profile is not in its policy: the operator must set another")
	}
	if int64(len(body)) > g.BodyBytes() {
		return nil, x.refuse(http.StatusRequestEntityTooLarge, "invalid_request_error", "request_too_large",
			fmt.Sprintf("the request is longer than the %d bytes that the guard allows", g.BodyBytes()))
	}
	if len(body) == 0 { // an answer is fetched again, or the upstream will refuse it
		return x, nil
	}
	defer x.tree.free() // the body is the caller's
	request, err := x.tree.parse(body)
	if err == nil && request.kind != '{' {
		err = errors.New("the JSON is no object")
	}
	if err != nil {
		return nil, x.refuse(http.StatusBadRequest, "invalid_request_error", "invalid_json", "the request cannot be judged: "+err.Error())
	}
	prompt, err := x.read(request)
	if err != nil {
		return nil, x.refuse(http.StatusBadRequest, "invalid_request_error", "cannot_judge", "the request cannot be judged: "+err.Error())
	}
	x.prompt = len(prompt)
	if len(prompt) == 0 {
		return x, nil
	}
	if name = x.profile.PromptProfile; name == "" {
		name = x.profile.Name
	}
	v, err := g.Engine.Check(ctx, engine.StreamOptions{Profile: name, Snapshot: x.snapshot}, prompt)
	if err != nil {
		return nil, x.refuse(http.StatusInternalServerError, "server_error", "weir_failed", "the prompt could not be judged")
	}
	if v.Action == policy.Halt {
		return nil, x.block(&v)
	}
	return x, nil
}

// Answer begins the guarded answer to a response of the upstream. It is nil if
// the response has no body.
func (x *Exchange) Answer(status int, contentType string) (*Answer, error) {
	a := &Answer{exchange: x, tree: &x.tree}
	switch {
	case status == http.StatusNoContent, status == http.StatusResetContent, status == http.StatusNotModified:
		return nil, nil
	case status < 200:
		return nil, errSwitch
	case status > 299 && status < 400:
		return nil, errRedirect
	case status >= 400:
		a.failed = true
		return a, nil
	}
	media, parameters, _ := mime.ParseMediaType(contentType)
	switch strings.ToLower(parameters["charset"]) {
	case "", "utf-8", "utf8", "us-ascii":
	default:
		return nil, errCharset
	}
	switch {
	case media == "text/event-stream":
		a.sse = true
	case media == "application/json" || strings.HasSuffix(media, "+json"):
	default:
		return nil, errMedia
	}
	a.scanner.limit = x.guard.eventBytes()
	if x.profile.Release == policy.Async {
		a.late = make(chan struct{}, 1)
	}
	switch x.route {
	case Responses:
		a.keep = true
		a.format = newResponses(a)
	case Messages:
		a.format = newMessages(a)
	default:
		a.format = newChat(a)
	}
	return a, nil
}
