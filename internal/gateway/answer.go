package gateway

import (
	"context"
	"errors"
	"net/http"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// Answer guards the body of one answer while it comes. It belongs to one
// goroutine at a time and must be ended by Abort.
type Answer struct {
	exchange *Exchange
	sse      bool
	scanner  scanner
	body     []byte // of JSON
	format   format
	tree     *tree // of the event that is being guarded
	plain    bool  // for tests: no memory and no template is used twice
	keep     bool  // channels keep their texts

	open     []*channel // with a stream of the engine
	failed   bool       // it is an error of the upstream's
	late     chan struct{}
	out      []byte // to return
	findings []finding
	tokens   map[string]bool // alternatives in logprobs, whether they pass
	halted   bool            // some channel was
	over     bool            // the answer has ended: what still comes is dropped
	stopped  bool            // and it was we who ended it
}

// format is an API's way of putting text into JSON. Its methods append to out.
type format interface {
	// event takes an event of a stream.
	event(ctx context.Context, e *event) error
	// flush ends what is open when the upstream ends its stream.
	flush(ctx context.Context) error
	// halt ends the stream in the API's words after a channel has halted outside
	// of event.
	halt(ctx context.Context, c *channel) error
	// whole guards an answer in one piece.
	whole(ctx context.Context, body *node) error
	// failure describes an error.
	failure(dst []byte, message string) []byte
}

// finding is a finding in one channel, with offsets of the channel.
type finding struct {
	policy.Finding
	channel string
	scope   any // the choice or item that the channel belongs to
}

// Write takes the next piece of the upstream's body, cut anywhere, and returns
// what may be sent on, which is valid until the next call. An error says that the
// answer cannot be judged: send what was returned, then Failure, and end the
// answer as broken. It blocks while models judge.
func (a *Answer) Write(ctx context.Context, piece []byte) ([]byte, error) {
	a.out = a.out[:0]
	if a.over {
		return nil, nil
	}
	if !a.sse {
		if int64(len(a.body)+len(piece)) > a.exchange.guard.BodyBytes() {
			return nil, errLong
		}
		a.body = append(a.body, piece...)
		return nil, nil
	}
	err := a.scanner.scan(piece, func(e *event) error {
		switch {
		case a.over:
			return nil
		case e.comment:
			a.out = append(a.out, ":\n\n"...)
			return nil
		case !e.hasData:
			return nil // has only a name or an id: browsers drop it too
		}
		return a.format.event(ctx, e)
	})
	return a.out, err
}

// Close takes the end of the upstream's body, and returns as Write does.
func (a *Answer) Close(ctx context.Context) ([]byte, error) {
	a.out = a.out[:0]
	switch {
	case a.over:
		return nil, nil
	case a.sse && a.scanner.done():
		// Some servers leave out the empty line behind the last event, which says nothing.
		err := a.format.event(ctx, &event{data: []byte("[DONE]"), hasData: true})
		a.over = true
		return a.out, err
	case a.sse && a.scanner.pending():
		return nil, errCut
	case a.sse && a.scanner.strange:
		return nil, errNoEvents
	case a.sse:
		err := a.format.flush(ctx)
		a.over = true
		return a.out, err
	}
	if a.failed {
		a.over = true
		return a.failure(ctx)
	}
	body, err := parse(a.body)
	if err == nil && body.kind != '{' {
		err = errors.New("it is no object")
	}
	if err != nil {
		return nil, upstreamError("the upstream's answer cannot be judged: " + err.Error())
	}
	if err := a.format.whole(ctx, body); err != nil {
		return nil, err
	}
	a.over = true
	a.out = body.append(a.out)
	return a.out, nil
}

// Done reports that the answer has ended before the upstream's: nothing more may
// be sent, and the upstream's work is in vain.
func (a *Answer) Done() bool { return a.stopped }

func (a *Answer) stop() { a.over, a.stopped = true, true }

// Halted reports whether the policy has halted the answer, or a part of it.
func (a *Answer) Halted() bool { return a.halted }

// Late returns a channel that is readable when Poll has something to say. It is
// nil if the profile has no asynchronous detector.
func (a *Answer) Late() <-chan struct{} { return a.late }

// Poll takes what asynchronous detectors have found, and returns as Write does.
func (a *Answer) Poll(ctx context.Context) ([]byte, error) {
	a.out = a.out[:0]
	for _, c := range append([]*channel(nil), a.open...) {
		if a.over {
			break
		}
		was := c.halted
		if out, err := c.poll(nil); err != nil {
			return a.out, err
		} else if len(out) > 0 {
			return a.out, errors.New("gateway: text was released between events") // the engine says it never is
		}
		if c.halted && !was {
			if err := a.format.halt(ctx, c); err != nil {
				return a.out, err
			}
		}
	}
	return a.out, nil
}

// Failure returns what to send after Write or Close failed: an event, or a body.
func (a *Answer) Failure(err error) []byte {
	return a.format.failure(nil, a.message(err))
}

// message returns what may be said of an error: what is wrong with the upstream,
// and of our own failures that there was one.
func (a *Answer) message(err error) string {
	if isUpstream(err) {
		return err.Error()
	}
	return "the answer could not be judged"
}

// Abort frees everything. It may be called more than once.
func (a *Answer) Abort() {
	a.over = true
	for len(a.open) > 0 {
		a.open[len(a.open)-1].end()
	}
}

// found notes a finding.
func (a *Answer) found(c *channel, f policy.Finding) {
	f.Span.Start = max(0, f.Span.Start+policy.Offset(c.base)) // it may begin in a text before
	f.Span.End += policy.Offset(c.base)
	a.findings = append(a.findings, finding{Finding: f, channel: c.name, scope: c.scope})
	if f.Action == policy.Halt {
		a.halted = true
	}
}

// shown is write of a channel, into memory that holds until the next event.
func (a *Answer) shown(ctx context.Context, c *channel, text []byte) ([]byte, error) {
	begin := len(a.tree.text)
	out, err := c.write(ctx, a.tree.text, text)
	a.tree.text = out
	return out[begin:len(out):len(out)], err
}

// parse reads the data of an event.
func (a *Answer) parse(data []byte) (*node, error) {
	if a.plain {
		a.tree = &tree{}
	}
	return a.tree.parse(data)
}

// text judges a text that is complete and returns what may be shown of it.
func (a *Answer) text(ctx context.Context, c *channel, text []byte) ([]byte, error) {
	out, err := c.write(ctx, nil, text)
	if err != nil {
		return nil, err
	}
	return c.close(ctx, out)
}

// name judges a name of a member by itself: it is shown or not.
func (a *Answer) name(ctx context.Context, scope any, name string) (keep bool, halted *channel, err error) {
	if keep, err = a.harmless(ctx, name); keep || err != nil {
		return keep, nil, err
	}
	c := a.newChannel("name", scope)
	if _, err = a.text(ctx, c, []byte(name)); c.halted {
		halted = c
	}
	return false, halted, err
}

// failure guards the body of an error, which may quote the model: JSON of any shape,
// or plain text. What the policy halts is replaced.
func (a *Answer) failure(ctx context.Context) ([]byte, error) {
	n, err := parse(a.body)
	if err != nil {
		c := a.newChannel("error", nil)
		c.json = true // it may be JSON of a kind
		a.out, err = a.text(ctx, c, a.body)
	} else if err = a.complaint(ctx, n); err == nil {
		a.out = n.append(a.out)
	}
	if err != nil {
		return nil, err
	}
	if a.halted { // nothing else is in the body
		return a.exchange.refuse(http.StatusBadGateway, "server_error", "content_filter", errComplaint).Body, nil
	}
	return a.out, nil
}

const errComplaint = "the upstream's error message was stopped by the content policy"

// complaint guards an error inside an answer, which may quote the model. What the
// policy halts is replaced.
func (a *Answer) complaint(ctx context.Context, n *node) error {
	if n.null() {
		return nil
	}
	halted := false
	v := visitor{opaque: func(string) bool { return false }}
	v.name = func(ctx context.Context, name string) (bool, error) {
		keep, c, err := a.name(ctx, nil, name)
		halted = halted || c != nil
		return keep, err
	}
	err := v.visit(ctx, n, func(l leaf) error {
		c := a.newChannel("error", nil)
		c.json = true // it may quote a call of a tool
		var err error
		l.node.text, err = a.text(ctx, c, l.node.text)
		halted = halted || c.halted
		return err
	})
	if halted {
		*n = *object("message", "weir: "+errComplaint, "type", "server_error", "code", "content_filter")
	}
	return err
}

// send appends an event whose data is n.
func (a *Answer) send(e *event, n *node) {
	a.out = appendEvent(a.out, e, n.append)
}
