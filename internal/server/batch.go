package server

import (
	"context"
	"errors"
	"io"
	"runtime"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"

	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

type batchStream = grpc.BidiStreamingServer[weirv1.ModerateBatchRequest, weirv1.ModerateBatchResponse]

// ModerateBatch implements ModerationService.
func (s *Server) ModerateBatch(stream batchStream) error {
	return s.run(stream, func(a *activity) error {
		c := batchCall{
			server: s, stream: stream, activity: a,
			sessions: map[uint64]*batchSession{}, late: make(chan struct{}, 1), beside: make(chan *part),
		}
		defer c.end()
		return c.serve()
	})
}

// batchCall is one ModerateBatch call. The goroutine that receives does all the work
// but for what asynchronous detectors find between steps.
type batchCall struct {
	server   *Server
	stream   batchStream
	activity *activity
	late     chan struct{} // shared by all streams of the call
	beside   chan *part    // to workers that wait for one
	workers  atomic.Int64
	judged   sync.WaitGroup     // parts that workers have
	polling  sync.WaitGroup     // the goroutine of late findings
	stop     context.CancelFunc // ends it

	mu       sync.Mutex // of all that follows, and of sending
	sessions map[uint64]*batchSession
	step     uint64 // counts requests
	response weirv1.ModerateBatchResponse
	spare    []*weirv1.ModerateBatchResponseEntry // entries of answers sent, to use again
	parts    []part                               // of the request being judged
	over     bool                                 // the client has closed its side
	polls    bool                                 // there is a goroutine for late findings
}

// batchSession is one stream of the call.
type batchSession struct {
	session
	step uint64 // the last request that had an entry for it
}

func (c *batchCall) end() {
	c.stop()
	c.polling.Wait()
	close(c.beside)
	c.judged.Wait() // something may have panicked meanwhile
	for _, x := range c.sessions {
		x.end()
	}
}

func (c *batchCall) serve() error {
	var ctx context.Context
	ctx, c.stop = context.WithCancel(c.stream.Context())
	defer context.AfterFunc(c.server.stopping, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if err := c.rest(); err != nil {
			c.activity.stop(err)
		}
	})()
	c.mu.Lock()
	err := c.rest()
	c.mu.Unlock()
	for request := new(weirv1.ModerateBatchRequest); err == nil && request != nil; {
		if err = c.stream.RecvMsg(request); errors.Is(err, io.EOF) {
			request = nil
		} else if err != nil {
			return err
		}
		err = c.take(ctx, request)
	}
	return err
}

// rest is called when a request or a finding is done with. A model server may have
// nothing to do for a while, which is no reason to end its call; nor is its call a
// reason to wait when the server drains.
func (c *batchCall) rest() error {
	if len(c.sessions) > 0 || c.over {
		return nil
	}
	if !c.server.Ready() {
		return errDraining
	}
	c.activity.rest()
	return nil
}

// take answers a request, or nil for the end of them.
func (c *batchCall) take(ctx context.Context, request *weirv1.ModerateBatchRequest) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if request == nil {
		c.over = true
		return c.finish(ctx)
	}
	c.activity.touch()
	c.step++
	c.entries(ctx, request.Entries)
	if err := c.send(false); err != nil {
		return err
	}
	return c.rest()
}

// part is one entry of a request on its way to an answer.
type part struct {
	request        *weirv1.ModerateBatchRequestEntry
	session        *batchSession
	out            *weirv1.ModerateBatchResponseEntry
	opened         bool
	changed, final bool
	err            error
}

// entries judges the next parts of several streams and adds the answers. Parts
// that may wait for a model are judged side by side, so that their strides
// share its steps; the others one after the other, which is faster.
func (c *batchCall) entries(ctx context.Context, requests []*weirv1.ModerateBatchRequestEntry) {
	for _, r := range requests {
		x := c.sessions[r.StreamId]
		if x != nil && x.step == c.step {
			c.judge(ctx) // a second entry for one stream is answered after the first
			x = c.sessions[r.StreamId]
		}
		if p, ok := c.accept(ctx, r, x); ok {
			c.parts = append(c.parts, p)
		}
	}
	c.judge(ctx)
}

// judge judges the parts accepted so far and adds the answers.
func (c *batchCall) judge(ctx context.Context) {
	for i := range c.parts {
		p := &c.parts[i]
		if p.err != nil {
			continue
		}
		if len(c.parts) > 1 && (p.opened && p.request.Open.Prompt != nil || p.session.stream.MayWait(len(p.request.Chunk))) {
			c.judgeBeside(ctx, p)
			continue
		}
		p.judge(ctx)
	}
	c.judged.Wait()
	for i := range c.parts {
		c.settle(&c.parts[i])
	}
	clear(c.parts)
	c.parts = c.parts[:0]
}

// workersKept is how many workers wait for the next step: a goroutine for every part
// would grow its stack anew each time, which was a third of the time of judging it.
const workersKept = 256

// judgeBeside judges a part on another goroutine: one that waits for work, or a new
// one.
func (c *batchCall) judgeBeside(ctx context.Context, p *part) {
	c.judged.Add(1)
	select {
	case c.beside <- p:
		return
	default:
	}
	c.workers.Add(1)
	c.server.children.Go(func() {
		defer c.workers.Add(-1)
		for p := p; p != nil; p = <-c.beside {
			c.judgePart(ctx, p)
			if c.workers.Load() > workersKept {
				return
			}
		}
	})
}

// judgePart judges a part on a worker, where gRPC's interceptors see no panic.
func (c *batchCall) judgePart(ctx context.Context, p *part) {
	defer c.judged.Done()
	defer func() {
		if v := recover(); v != nil {
			p.err = c.server.panicked(v)
		}
	}()
	p.judge(ctx)
}

// accept opens the stream of an entry if it has none. An abort has no answer.
func (c *batchCall) accept(ctx context.Context, r *weirv1.ModerateBatchRequestEntry, x *batchSession) (p part, answer bool) {
	p = part{request: r, session: x}
	twice := x != nil && x.step == c.step
	if x != nil {
		x.step = c.step
	}
	switch {
	case twice:
		p.err = errTwice
	case r.Abort:
		if x != nil {
			c.drop(r.StreamId, x)
		}
		return p, false
	case x == nil && r.Open == nil:
		p.err = errNoStream
	case x != nil && r.Open != nil:
		p.err = errOpenAgain
	case x == nil && len(c.sessions) >= c.server.limits.BatchStreams:
		p.err = errBatchStreams(c.server.limits.BatchStreams)
	case x == nil:
		s, err := c.server.admitSession(r.Open, c.late)
		if err != nil {
			p.err = err
			break
		}
		p.opened, p.session = true, &batchSession{session: *s, step: c.step}
		if s.stream.Late() != nil && !c.polls {
			c.polls = true
			c.polling.Go(func() { c.activity.poll(ctx, c.server, c.late, c.found) })
		}
		c.sessions[r.StreamId] = p.session
	}
	if p.err == nil {
		p.out = c.next(r.StreamId)
	}
	return p, true
}

// judge judges the prompt, if there is one, and the chunk. It touches nothing
// of the call.
func (p *part) judge(ctx context.Context) {
	r, x := p.request, p.session
	if p.opened {
		if p.err = x.begin(ctx, r.Open); p.err != nil {
			return
		}
		if p.out.PromptVerdict = x.prompt; !x.counted {
			p.out.Verdict = nil // the prompt halted
			p.changed, p.final = true, true
			return
		}
	}
	p.changed, p.final, p.err = x.write(ctx, p.out.Verdict, r.Chunk, r.Finish, r.Ask || p.out.PromptVerdict != nil)
}

// settle adds the answer to a part, if there is something to say.
func (c *batchCall) settle(p *part) {
	switch {
	case p.err != nil:
		c.fail(p.request.StreamId, p.session, p.err)
		return
	case p.final:
		c.drop(p.request.StreamId, p.session)
	}
	if p.changed {
		c.response.Entries = append(c.response.Entries, p.out)
	} else {
		c.spare = append(c.spare, p.out)
	}
}

// next returns an entry to fill, an old one if there is one.
func (c *batchCall) next(id uint64) *weirv1.ModerateBatchResponseEntry {
	if n := len(c.spare); n > 0 {
		out := c.spare[n-1]
		c.spare = c.spare[:n-1]
		out.StreamId, out.PromptVerdict, out.Error = id, nil, nil
		if out.Verdict == nil {
			out.Verdict = &weirv1.Verdict{}
		}
		return out
	}
	return &weirv1.ModerateBatchResponseEntry{StreamId: id, Verdict: &weirv1.Verdict{}}
}

// fail answers that a stream could not be judged, and ends it.
func (c *batchCall) fail(id uint64, x *batchSession, err error) {
	if x != nil {
		c.drop(id, x)
	}
	st := status.Convert(err)
	c.response.Entries = append(c.response.Entries, &weirv1.ModerateBatchResponseEntry{
		StreamId: id, Error: &weirv1.StreamError{Code: int32(st.Code()), Message: st.Message()},
	})
}

func (c *batchCall) drop(id uint64, x *batchSession) {
	x.end()
	delete(c.sessions, id)
}

// send sends the entries collected, and keeps them for the next answers.
func (c *batchCall) send(late bool) error {
	c.response.Late = late
	err := c.stream.SendMsg(&c.response)
	// gRPC's writer runs now, not when a processor has woken for it or this goroutine
	// waits: with the next step at hand that is a fifth more tokens a second.
	runtime.Gosched()
	c.activity.touch()
	const most = 4096 // entries kept
	for _, e := range c.response.Entries {
		if len(c.spare) < most {
			c.spare = append(c.spare, e)
		}
	}
	clear(c.response.Entries)
	c.response.Entries = c.response.Entries[:0]
	return err
}

// found sends what asynchronous detectors have found in any stream.
func (c *batchCall) found() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, x := range c.sessions {
		if x.stream.Late() == nil {
			continue
		}
		out := c.next(id)
		changed, final, err := x.poll(out.Verdict)
		switch {
		case err != nil:
			c.fail(id, x, err)
			continue
		case final:
			c.drop(id, x)
		}
		if changed {
			c.response.Entries = append(c.response.Entries, out)
		} else {
			c.spare = append(c.spare, out)
		}
	}
	if len(c.response.Entries) > 0 {
		if err := c.send(true); err != nil {
			return err
		}
	}
	return c.rest()
}

// finish ends all texts when the client closes its side.
func (c *batchCall) finish(ctx context.Context) error {
	for id, x := range c.sessions {
		out := c.next(id)
		if _, _, err := x.write(ctx, out.Verdict, nil, true, true); err != nil {
			c.fail(id, x, err)
			continue
		}
		c.drop(id, x)
		c.response.Entries = append(c.response.Entries, out)
	}
	if len(c.response.Entries) == 0 {
		return nil
	}
	return c.send(true)
}
