package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	filterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
	"github.com/seed-4f09bd3a/weir/internal/gateway/extproc"
)

// envoy speaks the protocol as Envoy's filter does, and fails the test where Envoy
// would call a message spurious. What it assumes was seen in Envoy 1.40 (examples/envoy).
type envoy struct {
	testing.TB
	client extprocv3.ExternalProcessorClient
	conn   *grpc.ClientConn
	log    *logBuffer
	stop   func() error // ends the server
	mu     sync.Mutex
	ended  []string // route and outcome of each exchange
	panics int
}

func newEnvoy(t testing.TB, g *gateway.Guard, change func(o *extproc.Options)) *envoy {
	t.Helper()
	before := goleak.IgnoreCurrent()
	e := &envoy{TB: t, log: &logBuffer{}}
	o := extproc.Options{
		Guard: g, Drain: 5 * time.Second, Log: slog.New(slog.NewTextHandler(e.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Trace: extproc.Trace{
			Done: func(route, outcome string, _ time.Duration) {
				e.mu.Lock()
				defer e.mu.Unlock()
				e.ended = append(e.ended, route+" "+outcome)
			},
			Panicked: func() { e.panics++ },
		},
	}
	if change != nil {
		change(&o)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	s := extproc.New(o)
	go func() { served <- s.Serve(ctx, l) }()
	e.stop = sync.OnceValue(func() error { cancel(); return <-served })
	if e.conn, err = grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		t.Fatal(err)
	}
	e.client = extprocv3.NewExternalProcessorClient(e.conn)
	t.Cleanup(func() {
		_ = e.conn.Close()
		if err := e.stop(); err != nil {
			t.Error(err)
		}
		if s.Ready() {
			t.Error("the server says that it is ready after its end")
		}
		if err := goleak.Find(before); err != nil {
			t.Error(err)
		}
	})
	return e
}

// outcomes waits until n exchanges have ended.
func (e *envoy) outcomes(n int) []string {
	e.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		e.mu.Lock()
		ended := append([]string(nil), e.ended...)
		e.mu.Unlock()
		if len(ended) >= n {
			return ended
		}
		if time.Now().After(end) {
			e.Fatalf("only %v have ended", ended)
		}
	}
}

type mode = filterv3.ProcessingMode

// modes are configurations of the filter; the last asks for an override.
var modes = map[string]*mode{
	"duplex": {RequestBodyMode: filterv3.ProcessingMode_FULL_DUPLEX_STREAMED, ResponseBodyMode: filterv3.ProcessingMode_FULL_DUPLEX_STREAMED,
		RequestTrailerMode: filterv3.ProcessingMode_SEND, ResponseTrailerMode: filterv3.ProcessingMode_SEND},
	"buffered": {RequestBodyMode: filterv3.ProcessingMode_BUFFERED, ResponseBodyMode: filterv3.ProcessingMode_BUFFERED},
	"partial":  {RequestBodyMode: filterv3.ProcessingMode_BUFFERED_PARTIAL, ResponseBodyMode: filterv3.ProcessingMode_BUFFERED_PARTIAL},
	"streamed": {RequestBodyMode: filterv3.ProcessingMode_STREAMED, ResponseBodyMode: filterv3.ProcessingMode_STREAMED},
	"override": {},
}

// exchanged is one HTTP exchange through Envoy.
type exchanged struct {
	mode     *mode
	fixed    bool // allow_mode_override is off
	buffer   int  // bytes that Envoy buffers; 0 for no limit
	silent   bool // an Envoy that does not send protocol_config
	observe  bool
	trailers bool // on both ways

	method, path string
	header       map[string]string // of the request
	body         []byte
	status       int
	answer       map[string]string // headers of the response
	response     []byte
	cut          func(left int) int // of both bodies
	hold         bool               // the upstream never ends its answer
	leave        bool               // the client leaves when something of the answer has come
}

// result is what became of it.
type result struct {
	asked     bool              // the upstream has got the request's headers
	forwarded map[string]string // those
	request   []byte            // its body
	status    int               // that the client sees
	header    map[string]string
	body      []byte
	broken    bool // the answer is cut off
	early     bool // the answer ended before the upstream's
	untouched bool // the answer passed without the processor
}

func (r *result) String() string {
	return fmt.Sprintf("%d %v %s (asked %t, broken %t, early %t)", r.status, r.header, r.body, r.asked, r.broken, r.early)
}

// immediateError is an ImmediateResponse.
type immediateError struct{ *extprocv3.ImmediateResponse }

func (immediateError) Error() string { return "immediate response" }

// call is one call of Process.
type call struct {
	*envoy
	*exchanged
	stream extprocv3.ExternalProcessor_ProcessClient
	mode   *mode // as overridden
	sent   bool  // something was
}

// do passes an exchange through the filter.
func (e *envoy) do(x exchanged) *result {
	e.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel() // as Envoy resets the call when the exchange has ended
	stream, err := e.client.Process(ctx)
	if err != nil {
		e.Fatal(err)
	}
	if x.mode == nil {
		x.mode = modes["override"]
	}
	if x.cut == nil {
		x.cut = wholly
	}
	if x.method == "" {
		x.method, x.path = "POST", chatPath
	}
	if x.status == 0 {
		x.status = 200
	}
	if x.answer == nil {
		x.answer = map[string]string{"content-type": "text/event-stream"}
	}
	c := &call{envoy: e, exchanged: &x, stream: stream, mode: x.mode}
	r := &result{}
	err = c.passRequest(r)
	if err == nil {
		r.asked = true
		err = c.passResponse(r)
	}
	if x.observe {
		_ = stream.CloseSend()
		for err == nil {
			_, err = stream.Recv()
		}
		if err == io.EOF {
			err = nil
		}
	}
	var now immediateError
	switch {
	case err == nil:
	case errors.As(err, &now):
		if r.status != 0 { // after headers have gone out Envoy resets
			r.broken = true
			break
		}
		r.status, r.body, r.header = int(now.Status.Code), now.Body, map[string]string{}
		mutate(r.header, now.Headers)
	default: // as with failure_mode_allow: false
		if r.status != 0 {
			r.broken = true
			break
		}
		r.status, r.body = 500, []byte(err.Error())
	}
	return r
}

// answerOf streams pieces of text of one choice.
func answerOf(texts ...string) []byte {
	var b strings.Builder
	for _, t := range texts {
		b.WriteString(data(delta(`{"content":` + quoted([]byte(t)) + `}`)))
	}
	return []byte(b.String())
}

func seeded(name string) *rand.Rand { return rand.New(rand.NewPCG(7, uint64(len(name)))) }
