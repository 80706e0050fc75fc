package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/seed-4f09bd3a/weir/internal/wire"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// echo answers everything at once with a verdict that releases it all: what the
// protocol costs by itself.
type echo struct {
	weirv1.UnimplementedModerationServiceServer
}

// NewEcho returns a gRPC server that judges nothing, with the codec of the real one
// and gRPC's own defaults.
func NewEcho() *grpc.Server {
	s := grpc.NewServer(grpc.ForceServerCodecV2(wire.NewCodec()))
	weirv1.RegisterModerationServiceServer(s, echo{})
	return s
}

func (echo) Check(_ context.Context, r *weirv1.CheckRequest) (*weirv1.CheckResponse, error) {
	n := int64(len(r.Text))
	return &weirv1.CheckResponse{Verdict: release(&weirv1.Verdict{}, n, true)}, nil
}

func release(v *weirv1.Verdict, n int64, final bool) *weirv1.Verdict {
	v.Action = weirv1.Action_ACTION_ALLOW
	v.ReleasedOffset, v.ScannedOffset, v.ReceivedOffset, v.Final = n, n, n, final
	return v
}

func (echo) Moderate(stream grpc.BidiStreamingServer[weirv1.ModerateRequest, weirv1.ModerateResponse]) error {
	request, response := &weirv1.ModerateRequest{}, &weirv1.ModerateResponse{Verdict: &weirv1.Verdict{}}
	for n := int64(0); ; {
		if err := stream.RecvMsg(request); err != nil {
			return ended(err)
		}
		n += int64(len(request.Chunk))
		release(response.Verdict, n, request.Finish)
		if err := stream.SendMsg(response); err != nil || request.Finish {
			return err
		}
	}
}

func (echo) ModerateBatch(stream grpc.BidiStreamingServer[weirv1.ModerateBatchRequest, weirv1.ModerateBatchResponse]) error {
	request, response := &weirv1.ModerateBatchRequest{}, &weirv1.ModerateBatchResponse{}
	received := map[uint64]int64{}
	for {
		if err := stream.RecvMsg(request); err != nil {
			return ended(err)
		}
		for i, e := range request.Entries {
			n := received[e.StreamId] + int64(len(e.Chunk))
			if received[e.StreamId] = n; e.Finish {
				delete(received, e.StreamId)
			}
			if i == len(response.Entries) {
				response.Entries = append(response.Entries, &weirv1.ModerateBatchResponseEntry{Verdict: &weirv1.Verdict{}})
			}
			response.Entries[i].StreamId = e.StreamId
			release(response.Entries[i].Verdict, n, e.Finish)
		}
		response.Entries = response.Entries[:len(request.Entries)]
		if err := stream.SendMsg(response); err != nil {
			return err
		}
	}
}

func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// ServeRaw sends every byte back on a Unix socket until the listener closes.
func ServeRaw(l net.Listener) error {
	for {
		c, err := l.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			return err
		}
		go func() {
			defer c.Close() //nolint:errcheck // the other side sees it
			b := make([]byte, 4096)
			for {
				n, err := c.Read(b)
				if err != nil {
					return
				}
				if _, err := c.Write(b[:n]); err != nil {
					return
				}
			}
		}()
	}
}

// RunRaw sends tokens over Unix sockets, one for each stream, in closed loop.
func RunRaw(ctx context.Context, path string, l *Load, at func()) (Measure, error) {
	if err := l.check(); err != nil {
		return Measure{}, err
	}
	start := time.Now()
	r := &recorder{from: start.Add(l.Warm), to: start.Add(l.Warm + l.Measured), total: newTally()}
	var all sync.WaitGroup
	failed := make(chan error, l.Streams)
	for i := range l.Streams {
		all.Go(func() {
			d := &driver{load: l, recorder: r, index: i, tally: newTally(), start: start}
			if err := d.raw(path); err != nil {
				failed <- err
			}
			r.add(&d.tally)
		})
	}
	sleepUntil(ctx, r.from)
	at()
	sleepUntil(ctx, r.to)
	at()
	all.Wait()
	select {
	case err := <-failed:
		return Measure{}, fmt.Errorf("bench: raw socket: %w", err)
	default:
		return r.measure(), nil
	}
}

func (d *driver) raw(path string) error {
	c, err := net.Dial("unix", path)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // nothing is left to send
	in, back := bufio.NewReader(c), make([]byte, 64)
	for {
		for _, token := range d.next().Tokens {
			due := time.Now()
			if !due.Before(d.recorder.to) {
				return nil
			}
			if _, err := c.Write(token); err != nil {
				return err
			}
			if _, err := io.ReadFull(in, back[:len(token)]); err != nil {
				return err
			}
			if d.recorder.measured(due) {
				d.tally.tokens++
				record(d.tally.latency, time.Since(due))
			}
		}
	}
}

// ListenUnix opens a socket at path.
func ListenUnix(path string) (net.Listener, error) {
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return l, os.Chmod(path, 0o600)
}
