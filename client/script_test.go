package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/seed-4f09bd3a/weir/client"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// script is a server that answers with given verdicts, whatever it is sent: for
// what a real one does seldom (late results) or never (mistakes).
type script struct {
	weirv1.UnimplementedModerationServiceServer
	responses []*weirv1.ModerateResponse
}

// Moderate waits for all of the text before it answers.
func (s *script) Moderate(stream grpc.BidiStreamingServer[weirv1.ModerateRequest, weirv1.ModerateResponse]) error {
	for {
		if r, err := stream.Recv(); err != nil {
			return err
		} else if r.Finish {
			break
		}
	}
	for _, r := range s.responses {
		if err := stream.Send(r); err != nil {
			return err
		}
	}
	return nil
}

// read sends a text to the script and returns what a reader has seen, with
// every withdrawal as "<N kept>", and how it ended.
func (s *script) read(t *testing.T, text string) (seen, remains string, err error) {
	t.Helper()
	l := bufconn.Listen(1 << 16)
	g := grpc.NewServer()
	weirv1.RegisterModerationServiceServer(g, s)
	served := make(chan error, 1)
	go func() { served <- g.Serve(l) }()
	defer func() {
		g.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}()
	conn, err := grpc.NewClient("passthrough:script", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the test has its answer
	stream, err := client.Open(context.Background(), conn, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for {
		u, err := stream.Recv()
		if err != nil {
			if err := stream.Send([]byte("more")); !errors.Is(err, client.ErrEnded) {
				t.Errorf("Send after the end: %v, want ErrEnded", err)
			}
			return all.String(), remains, err
		}
		if u.Retract {
			fmt.Fprintf(&all, "<%d kept>", u.KeepBytes)
			remains = remains[:u.KeepBytes]
		}
		all.Write(u.Text)
		remains += string(u.Text)
	}
}

// verdict releases up to an offset, with edits, and withdraws from another if
// that is not negative.
func verdict(released, retract int64, edits ...*weirv1.Edit) *weirv1.ModerateResponse {
	v := &weirv1.Verdict{Action: weirv1.Action_ACTION_REDACT, ReleasedOffset: released, Edits: edits}
	if retract >= 0 {
		v.RetractFromOffset = &retract
	}
	return &weirv1.ModerateResponse{Verdict: v}
}

func final(r *weirv1.ModerateResponse) *weirv1.ModerateResponse {
	r.Verdict.Final = true
	return r
}

func replace(start, end int64, with string) *weirv1.Edit {
	return &weirv1.Edit{StartOffset: start, EndOffset: end, Replacement: with}
}

// TestRetract: a retraction is told in bytes of the original, a reader has
// shown ones.
func TestRetract(t *testing.T) {
	const text = "0123456789abcdefghij"
	shorter, longer := replace(2, 6, "*"), replace(10, 11, "LONG")
	for _, c := range []struct {
		name    string
		script  []*weirv1.ModerateResponse
		seen    string
		remains string
	}{
		{"all", []*weirv1.ModerateResponse{verdict(20, -1), final(verdict(20, 0))},
			text + "<0 kept>", ""},
		{"between edits", []*weirv1.ModerateResponse{verdict(20, -1, shorter, longer), final(verdict(20, 8))},
			"01*6789LONGbcdefghij<5 kept>", "01*67"},
		{"after edits", []*weirv1.ModerateResponse{verdict(20, -1, shorter, longer), final(verdict(20, 12))},
			"01*6789LONGbcdefghij<12 kept>", "01*6789LONGb"},
		{"end of an edit", []*weirv1.ModerateResponse{verdict(20, -1, shorter, longer), final(verdict(20, 6))},
			"01*6789LONGbcdefghij<3 kept>", "01*"},
		{"inside an edit", []*weirv1.ModerateResponse{verdict(20, -1, shorter, longer), final(verdict(20, 4))},
			"01*6789LONGbcdefghij<2 kept>", "01"},
		{"goes on behind it", []*weirv1.ModerateResponse{verdict(8, -1, shorter), verdict(8, 7), final(verdict(20, -1, longer))},
			"01*67<4 kept>89LONGbcdefghij", "01*689LONGbcdefghij"},
		{"twice", []*weirv1.ModerateResponse{verdict(8, -1, shorter), verdict(8, 7), verdict(16, -1, longer), verdict(16, 12), final(verdict(20, -1))},
			"01*67<4 kept>89LONGbcdef<11 kept>ghij", "01*689LONGbghij"},
		{"into what is withdrawn already", []*weirv1.ModerateResponse{verdict(8, -1), verdict(8, 3), verdict(12, -1), final(verdict(12, 5))},
			"01234567<3 kept>89ab<3 kept>", "012"},
		{"only what was not shown yet", []*weirv1.ModerateResponse{verdict(5, -1), final(verdict(20, 8, longer))},
			"01234567", "01234567"},
		{"released in the same verdict", []*weirv1.ModerateResponse{verdict(5, -1), final(verdict(20, 3, longer))},
			"01234<3 kept>", "012"},
		{"an edit of the same verdict", []*weirv1.ModerateResponse{final(verdict(20, 4, shorter, longer))},
			"01", "01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			seen, remains, err := (&script{responses: c.script}).read(t, text)
			if seen != c.seen || remains != c.remains || !errors.Is(err, io.EOF) {
				t.Errorf("a reader sees %q, which leaves %q, ended by %v; want %q, %q, EOF", seen, remains, err, c.seen, c.remains)
			}
		})
	}
}

// TestBrokenServer: what can't be true releases nothing and is an error, not a panic.
func TestBrokenServer(t *testing.T) {
	for _, c := range []struct {
		name   string
		script []*weirv1.ModerateResponse
		want   error
	}{
		{"more than was sent", []*weirv1.ModerateResponse{final(verdict(9, -1))}, client.ErrServer},
		{"less than before", []*weirv1.ModerateResponse{verdict(4, -1), final(verdict(3, -1))}, client.ErrServer},
		{"edit before what is released", []*weirv1.ModerateResponse{verdict(4, -1), final(verdict(8, -1, replace(3, 5, "")))}, client.ErrServer},
		{"edit behind what is released", []*weirv1.ModerateResponse{final(verdict(4, -1, replace(3, 5, "")))}, client.ErrServer},
		{"edits overlap", []*weirv1.ModerateResponse{final(verdict(8, -1, replace(1, 5, ""), replace(4, 6, "")))}, client.ErrServer},
		{"edit backwards", []*weirv1.ModerateResponse{final(verdict(8, -1, replace(5, 1, "")))}, client.ErrServer},
		{"negative retraction", []*weirv1.ModerateResponse{func() *weirv1.ModerateResponse {
			r, at := verdict(4, -1), int64(-1)
			r.Verdict.RetractFromOffset = &at
			return r
		}()}, client.ErrServer},
		{"no verdict", []*weirv1.ModerateResponse{{}}, client.ErrServer},
		{"a verdict after the last", []*weirv1.ModerateResponse{final(verdict(8, -1)), final(verdict(8, -1))}, client.ErrServer},
		{"no last verdict", []*weirv1.ModerateResponse{verdict(8, -1)}, io.ErrUnexpectedEOF},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, _, err := (&script{responses: c.script}).read(t, "01234567"); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}
