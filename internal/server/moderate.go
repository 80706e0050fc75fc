package server

import (
	"context"
	"errors"
	"io"

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

// moderateCall is one Moderate call; it belongs to one goroutine.
type moderateCall struct {
	stream   moderateStream
	activity *activity
	session  *session
	response weirv1.ModerateResponse // sending serialises before it returns, so it is used again
	verdict  weirv1.Verdict
}

func (c *moderateCall) end() {
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
		return c.serveLate(ctx, request, late)
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
	c.activity.touch()
	changed, final, err := c.session.write(ctx, &c.verdict, r.Chunk, r.Finish, r.Ask)
	if err != nil || !changed {
		return final, err
	}
	return final, c.send()
}

func (c *moderateCall) send() error {
	c.response.Verdict = &c.verdict
	err := c.stream.SendMsg(&c.response)
	c.activity.touch()
	return err
}

// received is what a call's receiving goroutine hands over.
type received[T any] struct {
	request *T
	err     error // io.EOF when the client has closed its side
}

// receive reads requests in a goroutine of its own until the call or ctx ends. A
// request may be used until the next one is taken: meanwhile another is read.
func receive[Req, Res any](ctx context.Context, s *Server, stream grpc.BidiStreamingServer[Req, Res]) <-chan received[Req] {
	out := make(chan received[Req])
	s.children.Go(func() {
		request, another := new(Req), new(Req)
		for {
			request, another = another, request
			err := stream.RecvMsg(request)
			select {
			case out <- received[Req]{request, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	})
	return out
}

// serveLate is the loop of profiles whose detectors may report between requests.
func (c *moderateCall) serveLate(ctx context.Context, first *weirv1.ModerateRequest, late <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if final, err := c.take(ctx, first); err != nil || final {
		return err
	}
	requests := receive(ctx, c.session.server, c.stream)
	for {
		select {
		case <-ctx.Done():
			return c.session.server.toStatus(ctx.Err())
		case r := <-requests:
			switch {
			case errors.Is(r.err, io.EOF):
				r.request = &weirv1.ModerateRequest{Finish: true}
			case r.err != nil:
				return r.err
			case r.request.Open != nil:
				return errOpenAgain
			}
			if final, err := c.take(ctx, r.request); err != nil || final {
				return err
			}
		case <-late:
			changed, final, err := c.session.poll(&c.verdict)
			if err == nil && changed {
				err = c.send()
			}
			if err != nil || final {
				return err
			}
		}
	}
}
