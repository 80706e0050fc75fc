package server

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"

	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

type moderateStream = grpc.BidiStreamingServer[weirv1.ModerateRequest, weirv1.ModerateResponse]

// Moderate implements ModerationService.
func (s *Server) Moderate(stream moderateStream) error {
	return s.run(stream, func(a *activity) error {
		c := moderateCall{stream: stream, activity: a}
		defer c.end()
		return c.serve(s)
	})
}

// moderateCall is one Moderate call. The goroutine that receives does all the work
// but for what asynchronous detectors find between requests.
type moderateCall struct {
	stream   moderateStream
	activity *activity
	polling  sync.WaitGroup     // the goroutine of late findings
	stop     context.CancelFunc // ends it; nil without one

	mu       sync.Mutex // of all that follows, and of sending
	session  *session
	over     bool                    // the last answer is sent
	response weirv1.ModerateResponse // sending serialises before it returns, so it is used again
	verdict  weirv1.Verdict
}

func (c *moderateCall) end() {
	if c.stop != nil {
		c.stop()
		c.polling.Wait()
	}
	if c.session != nil {
		c.session.end()
	}
}

func (c *moderateCall) serve(s *Server) error {
	ctx := c.stream.Context()
	request := &weirv1.ModerateRequest{}
	if err := c.stream.RecvMsg(request); err != nil {
		if errors.Is(err, io.EOF) {
			return errNotOpen
		}
		return err
	}
	c.activity.touch()
	if request.Open == nil {
		return errNotOpen
	}
	var err error
	if c.session, err = s.openSession(ctx, request.Open, nil); err != nil {
		return err
	}
	if p := c.session.prompt; p != nil {
		if err := c.stream.SendMsg(&weirv1.ModerateResponse{Verdict: p, Prompt: true}); err != nil || p.Action == weirv1.Action_ACTION_HALT {
			return err
		}
	}
	if late := c.session.stream.Late(); late != nil {
		ctx, c.stop = context.WithCancel(ctx)
		c.polling.Go(func() { c.activity.poll(ctx, s, late, c.found) })
	}
	for {
		if final, err := c.take(ctx, request); err != nil || final {
			return err
		}
		if err := c.stream.RecvMsg(request); errors.Is(err, io.EOF) {
			request.Reset()
			request.Finish = true
		} else if err != nil {
			return err
		}
		if request.Open != nil {
			return errOpenAgain
		}
	}
}

// take passes one request on and answers it if there is something to say.
func (c *moderateCall) take(ctx context.Context, r *weirv1.ModerateRequest) (final bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.activity.touch()
	changed, final, err := c.session.write(ctx, &c.verdict, r.Chunk, r.Finish, r.Ask)
	if err == nil && changed {
		err = c.send()
	}
	c.over = final || err != nil
	return final, err
}

func (c *moderateCall) send() error {
	c.response.Verdict = &c.verdict
	err := c.stream.SendMsg(&c.response)
	c.activity.touch()
	return err
}

// found sends what asynchronous detectors have found, if anything, and ends the call
// after a halt.
func (c *moderateCall) found() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return nil
	}
	changed, final, err := c.session.poll(&c.verdict)
	if err == nil && changed {
		err = c.send()
	}
	if c.over = final; final && err == nil {
		c.activity.stop(nil)
	}
	return err
}
