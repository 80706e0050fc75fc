package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"

	"github.com/seed-4f09bd3a/weir/client"
	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/internal/config"
	"github.com/seed-4f09bd3a/weir/internal/server"
)

// dial starts a server with the policy of the engine's stream scripts, in this
// process, and connects to it. stop ends both.
func dial() (conn *grpc.ClientConn, stop func()) {
	snap, files, err := config.LoadSnapshot("../engine/testdata/base.yaml", nil)
	if err != nil {
		panic(err)
	}
	e := engine.New(snap, engine.Options{})
	log := slog.New(slog.DiscardHandler)
	srv, err := server.New(server.Options{
		Config: config.Default(), Engine: e, Log: log,
		Metrics: server.NewMetrics("test", e.Snapshot),
		Reload:  config.NewReloader(e, "", files, log, nil),
	})
	if err != nil {
		panic(err)
	}
	l := bufconn.Listen(1 << 20)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, l) }()
	conn, err = grpc.NewClient("passthrough:weir", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		panic(err)
	}
	return conn, func() {
		_ = conn.Close()
		cancel()
		if err := <-done; err != nil {
			panic(err)
		}
	}
}

// show streams the tokens and returns what a reader sees.
func show(t *testing.T, o client.Options, tokens ...string) (shown string, last client.Update) {
	t.Helper()
	conn, stop := dial()
	defer stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := client.Open(ctx, conn, o)
	if err != nil {
		t.Fatal(err)
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for _, token := range tokens {
			if err := s.Send([]byte(token)); err != nil {
				if !errors.Is(err, client.ErrEnded) {
					t.Errorf("Send: %v", err)
				}
				return
			}
		}
		if err := s.CloseSend(); err != nil && !errors.Is(err, client.ErrEnded) {
			t.Errorf("CloseSend: %v", err)
		}
	}()
	var b strings.Builder
	for {
		u, err := s.Recv()
		if errors.Is(err, io.EOF) {
			<-sent
			return b.String(), last
		}
		if err != nil {
			t.Fatal(err)
		}
		b.Write(u.Text)
		last = u
	}
}

func TestShow(t *testing.T) {
	for _, c := range []struct {
		name   string
		o      client.Options
		tokens []string
		want   string
		halted bool
	}{
		{name: "clean", tokens: []string{"a ", "zz", "ebra"}, want: "a zzebra"},
		{name: "halt", tokens: []string{"a ", "zz", "bo", "mb ", "and more"}, want: "a ", halted: true},
		{name: "edits", tokens: []string{"call 138", "1234", "5678, then ", "zzname and 13812345678"}, want: "call [cn_mobile], then *** and [cn_mobile]"},
		{name: "empty", want: ""},
		{name: "prompt halts", o: client.Options{Prompt: []byte("zzbomb")}, tokens: []string{"x"}, want: "", halted: true},
		{name: "prompt passes", o: client.Options{Prompt: []byte("hello")}, tokens: []string{"x"}, want: "x"},
		{name: "rune cut", tokens: []string{"\xe5\x92", "\x94x"}, want: "咔x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, last := show(t, c.o, c.tokens...)
			if got != c.want || last.Halted != c.halted {
				t.Errorf("a reader sees %q, halted %t; want %q, %t", got, last.Halted, c.want, c.halted)
			}
			if c.halted && last.Replacement != "This answer was stopped." {
				t.Errorf("replacement %q", last.Replacement)
			}
		})
	}
}

func TestUnknownProfile(t *testing.T) {
	conn, stop := dial()
	defer stop()
	s, err := client.Open(context.Background(), conn, client.Options{Profile: "nobody"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Send([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Recv(); status.Code(err) != codes.InvalidArgument {
		t.Errorf("got %v, want INVALID_ARGUMENT", err)
	}
}

func Example() {
	conn, stop := dial()
	defer stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream, err := client.Open(ctx, conn, client.Options{})
	if err != nil {
		panic(err)
	}
	model, cancelModel := context.WithCancel(ctx)
	defer cancelModel()
	go func() {
		for _, token := range []string{"This", " is", " how", " a", " zz", "bo", "mb", " is", " made"} {
			if model.Err() != nil || stream.Send([]byte(token)) != nil {
				return // the stream has ended, and Recv tells why
			}
		}
		_ = stream.CloseSend()
	}()
	var shown []byte
	for {
		u, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			panic(err)
		}
		if u.Retract { // only profiles with release: async do this
			shown = shown[:u.KeepBytes]
		}
		shown = append(shown, u.Text...)
		if u.Halted {
			cancelModel() // the violation is in what the model wrote: no more of it
			shown = append(shown, "■ "+u.Replacement...)
		}
	}
	fmt.Printf("%s\n", shown)
	// Output: This is how a ■ This answer was stopped.
}
