package gateway

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"
)

// upstreamError is what is wrong with an upstream's answer, in words that may be
// shown.
type upstreamError string

func (e upstreamError) Error() string { return string(e) }

func isUpstream(err error) bool {
	var e upstreamError
	return errors.As(err, &e)
}

// Errors of the upstream.
const (
	errNoEvents     upstreamError = "the upstream's answer says that it is a stream of events and has none"
	errNotJSON      upstreamError = "an event of the upstream is no JSON object"
	errEventTooLong upstreamError = "an event of the upstream is longer than event_bytes allows"
	errLong         upstreamError = "the upstream's answer is longer than body_bytes allows"
	errIndex        upstreamError = "an index in the upstream's answer is no plain number"
	errChoices      upstreamError = "the upstream's choices are no list of objects"
	errRedirect     upstreamError = "the upstream answers with a redirect, which would lead around the guard: ask for the path that it redirects to"
	errSwitch       upstreamError = "the upstream switches to another protocol, which cannot be judged"
	errCharset      upstreamError = "the upstream's answer is not in UTF-8, so it cannot be judged"
	errCut          upstreamError = "the upstream's answer ended in the middle of an event"
	errBroken       upstreamError = "the upstream broke off its answer"
	errPartial      upstreamError = "the upstream's answer is longer than Envoy's buffer, so it cannot be judged whole: raise per_connection_buffer_limit_bytes"
	errStall        upstreamError = "the upstream has sent nothing for longer than stall_timeout allows"
	errCompressed   upstreamError = "the upstream's answer is compressed although that was not asked for, so it cannot be judged"
	errMedia        upstreamError = "the upstream's answer is neither application/json nor text/event-stream, so it cannot be judged"
)

// guarded reads an upstream's answer and is read by the client: what comes out
// may be shown. A piece is read into the reader's own buffer, and what it became
// comes back in it: there is no other buffer but what has become of one piece, so a client that reads slowly slows the upstream down.
type guarded struct {
	proxy  *Proxy
	call   *call
	answer *Answer
	body   io.ReadCloser
	timer  *time.Timer // ends the upstream when it stalls
	stall  atomic.Bool

	out    []byte // to be read
	err    error  // after out
	pieces chan piece
	taken  chan struct{}
}

type piece struct {
	data []byte
	err  error
}

func newGuarded(p *Proxy, c *call, a *Answer, body io.ReadCloser) *guarded {
	g := &guarded{proxy: p, call: c, answer: a, body: body}
	if p.Stall > 0 {
		g.timer = time.AfterFunc(p.Stall, func() {
			g.stall.Store(true)
			c.cancel()
		})
	}
	if a.Late() != nil {
		g.pieces, g.taken = make(chan piece), make(chan struct{})
		go g.pump(c.context.Done())
	}
	return g
}

// pump reads the upstream beside the wait for late findings, one piece at a time.
func (g *guarded) pump(done <-chan struct{}) {
	buffer := make([]byte, bufferBytes)
	for {
		n, err := g.body.Read(buffer)
		select {
		case g.pieces <- piece{buffer[:n], err}:
		case <-done:
			return
		}
		if err != nil {
			return
		}
		select {
		case <-g.taken:
		case <-done:
			return
		}
	}
}

// Read implements io.Reader.
func (g *guarded) Read(p []byte) (int, error) {
	for len(g.out) == 0 {
		if g.err != nil {
			return 0, g.err
		}
		if g.timer != nil {
			g.timer.Reset(g.proxy.Stall)
		}
		g.next(p)
		if g.timer != nil {
			g.timer.Stop() // a client that reads slowly is no upstream that stalls
		}
	}
	n := copy(p, g.out)
	g.out = g.out[n:]
	return n, nil
}

// next takes one piece, or what was found late. The buffer is free to use.
func (g *guarded) next(buffer []byte) {
	ctx := g.call.client
	var out []byte
	var err error
	if g.pieces == nil {
		n, failed := g.body.Read(buffer)
		out, err = g.take(ctx, buffer[:n], failed)
	} else {
		select {
		case p := <-g.pieces:
			out, err = g.take(ctx, p.data, p.err)
			if p.err == nil && err == nil {
				select {
				case g.taken <- struct{}{}:
				case <-ctx.Done():
				}
			}
		case <-g.answer.Late():
			out, err = g.answer.Poll(ctx)
		}
	}
	g.out = out
	switch {
	case err == nil && g.answer.Done():
		halted := time.Now()
		g.call.cancel() // before the client hears of it
		_ = g.body.Close()
		if g.proxy.Trace.Cancelled != nil {
			g.proxy.Trace.Cancelled(time.Since(halted))
		}
		g.err = io.EOF
	case err == io.EOF:
		g.err = io.EOF
	case err != nil:
		g.fail(err)
	}
	g.call.whole = g.answer.over && err == nil // a client may leave at [DONE], before the upstream ends
	if g.answer.Halted() {
		g.call.outcome, g.call.cause = "halted", g.answer.Cause()
	}
}

// take passes a piece and the end of the upstream's answer to the guard. The error
// is io.EOF at its regular end.
func (g *guarded) take(ctx context.Context, data []byte, ended error) ([]byte, error) {
	out, err := g.answer.Write(ctx, data)
	switch {
	case err != nil || ended == nil || g.answer.Done():
		return out, err
	case ended == io.EOF:
		rest, err := g.answer.Close(ctx)
		if len(out) > 0 { // rest may stand in its place
			out = append(append([]byte(nil), out...), rest...)
		} else {
			out = rest
		}
		if err == nil && !g.answer.Done() {
			err = io.EOF
		}
		return out, err
	case g.stall.Load():
		return out, errStall
	}
	return out, errBroken
}

// fail ends the answer as broken. Clients of a stream get an event that says why,
// and a connection that is cut; others a status.
func (g *guarded) fail(err error) {
	g.call.end("failed")
	g.call.cancel()
	g.err = err
	if g.call.outcome == "gone" {
		return
	}
	if g.answer.sse {
		g.proxy.Log.Warn("upstream", "request_id", g.call.id, "route", g.call.route, "err", g.answer.message(err))
		g.out = append(append([]byte(nil), g.out...), g.answer.Failure(err)...)
	}
}

// Close implements io.Closer: it ends the upstream's work and frees the guard.
func (g *guarded) Close() error {
	if g.timer != nil {
		g.timer.Stop()
	}
	g.answer.Abort()
	return g.body.Close()
}
