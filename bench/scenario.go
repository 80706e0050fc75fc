package bench

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"google.golang.org/grpc"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// Scenario is one question, asked of Weir and of its floor.
type Scenario struct {
	Name  string
	About string
	Load  Load
	Model bool // with the default classifier; else lexicon and patterns alone
	// Of its texts, where they differ from the suite's; 0 where not.
	Tokens    int
	Violating float64
	longer    int // times the suite's measured time; 0 is once
	kind      kind
}

type kind int

const (
	loaded kind = iota
	idle        // memory of streams that wait
	flat        // cost late in a stream over that early in it
)

// Scenarios are all there are, in the order in which they run. Durations and
// texts are filled in by the suite.
func Scenarios() []Scenario {
	return []Scenario{
		{Name: "token-256", About: "Moderate, a message a token, 256 streams, closed loop", Load: Load{Mode: Token, Streams: 256}},
		{Name: "token-1024", About: "the same, 1,024 streams", Load: Load{Mode: Token, Streams: 1024}},
		{Name: "batch-64", About: "ModerateBatch, decode steps of 64 streams, two under way, closed loop", Load: Load{Mode: Batch, Streams: 64, Ahead: 2}},
		{Name: "batch-256", About: "the same, 256 streams", Load: Load{Mode: Batch, Streams: 256, Ahead: 2}},
		{Name: "batch-2x256", About: "the same, two calls of 256 streams each", Load: Load{Mode: Batch, Streams: 256, Ahead: 2, Calls: 2}},
		{Name: "batch-256-lockstep", About: "batch-256, each step when the one before was answered", Load: Load{Mode: Batch, Streams: 256}},
		{Name: "batch-1024", About: "the same as batch-256, 1,024 streams", Load: Load{Mode: Batch, Streams: 1024, Ahead: 2}},
		{Name: "open-256x20", About: "Moderate, 256 streams of 20 tokens a second, open loop", Load: Load{Mode: Token, Streams: 256, Rate: 20}},
		{Name: "halt", About: "the same with short texts, half of which carry a violation, four times as long", Load: Load{Mode: Token, Streams: 256, Rate: 20}, Tokens: 20, Violating: 0.5, longer: 4},
		{Name: "coalesced-256x50", About: "Moderate, 256 streams of 50 tokens a second, those of 100 ms in a message", Load: Load{Mode: Coalesced, Streams: 256, Rate: 50, Coalesce: 100 * time.Millisecond}},
		{Name: "classifier-256x20", About: "open-256x20 with the default classifier, strict", Load: Load{Mode: Token, Streams: 256, Rate: 20}, Model: true},
		{Name: "classifier-batch-256", About: "batch-256 with the default classifier, strict", Load: Load{Mode: Batch, Streams: 256, Ahead: 2}, Model: true},
		{Name: "idle", About: "10,000 streams that wait", Load: Load{Mode: Token, Streams: 10_000}, kind: idle},
		{Name: "flat", About: "ModerateBatch, 64 streams: CPU of a token behind 100,000 others over that of one behind 100", Load: Load{Mode: Batch, Streams: 64}, kind: flat},
	}
}

// Target is a server under test.
type Target struct {
	Conn  *grpc.ClientConn
	PID   int    // 0 if it is somebody else's: no CPU time, no memory
	Admin string // host:port of its admin port; "" for none: no profiles, no allocations
}

// Measure runs a scenario once against a target.
func (s *Scenario) Measure(ctx context.Context, t Target) (Measure, error) {
	switch s.kind {
	case idle:
		return s.idle(ctx, t)
	case flat:
		return s.flat(ctx, t)
	}
	var cpu [2]float64
	var own [2]float64
	var failed error
	at := 0
	m, err := s.Load.Run(ctx, t.Conn, func() {
		own[at] = ownCPU()
		if t.PID != 0 {
			var err error
			if cpu[at], err = (process{t.PID}).cpu(); err != nil {
				failed = err
			}
		}
		at++
	})
	if err == nil {
		err = failed
	}
	if m.Tokens > 0 {
		m.CPUPerMillion = (cpu[1] - cpu[0]) / float64(m.Tokens) * 1e6
		m.ClientCPU = (own[1] - own[0]) / float64(m.Tokens) * 1e6
	}
	return m, err
}

// idle opens streams, sends each a token, and looks at what memory they take.
func (s *Scenario) idle(ctx context.Context, t Target) (Measure, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client := weirv1.NewModerationServiceClient(t.Conn)
	open := func(text string) error {
		call, err := client.Moderate(ctx)
		if err != nil {
			return err
		}
		if err := call.Send(&weirv1.ModerateRequest{Open: &weirv1.OpenStream{Profile: s.Load.Profile}, Chunk: []byte(text), Ask: true}); err != nil {
			return err
		}
		_, err = call.Recv()
		return err
	}
	// A few at first, so that what is built once does not count.
	for range 100 {
		if err := open("a"); err != nil {
			return Measure{}, err
		}
	}
	p := process{t.PID}
	before, err := p.resident()
	if err != nil {
		return Measure{}, err
	}
	for i := range s.Load.Streams {
		if err := open("a word "); err != nil {
			return Measure{}, fmt.Errorf("bench: idle stream %d: %w", i, err)
		}
	}
	after, err := p.resident()
	return Measure{Tokens: int64(s.Load.Streams), BytesPerStream: (after - before) / float64(s.Load.Streams), ResidentBytes: after}, err
}

// flat compares the CPU time of tokens far into a text with that of tokens near its
// start, in turns, with the same tokens.
func (s *Scenario) flat(ctx context.Context, t Target) (Measure, error) {
	const far, near, block, blocks = 100_000, 100, 500, 40
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	call, err := weirv1.NewModerationServiceClient(t.Conn).ModerateBatch(ctx)
	if err != nil {
		return Measure{}, err
	}
	var tokens [][]byte
	for i := range s.Load.Texts {
		if s.Load.Texts[i].Halts < 0 {
			tokens = append(tokens, s.Load.Texts[i].Tokens...)
		}
	}
	response := &weirv1.ModerateBatchResponse{}
	nextID, total := uint64(0), int64(0)
	newStreams := func() *weirv1.ModerateBatchRequest {
		r := &weirv1.ModerateBatchRequest{}
		for range s.Load.Streams {
			nextID++
			r.Entries = append(r.Entries, &weirv1.ModerateBatchRequestEntry{StreamId: nextID, Open: &weirv1.OpenStream{Profile: s.Load.Profile}})
		}
		return r
	}
	send := func(r *weirv1.ModerateBatchRequest, from, steps int) error {
		for step := from; step < from+steps; step++ {
			for i, e := range r.Entries {
				e.Chunk = tokens[(i*997+step)%len(tokens)]
			}
			if err := call.SendMsg(r); err != nil {
				_ = call.RecvMsg(response) // which says why
			}
			if err := call.RecvMsg(response); err != nil {
				return err
			}
			for _, e := range r.Entries {
				e.Open = nil
			}
			total += int64(len(r.Entries))
		}
		return nil
	}
	p := process{t.PID}
	timed := func(r *weirv1.ModerateBatchRequest, from int) (float64, error) {
		before, err := p.cpu()
		if err == nil {
			err = send(r, from, block)
		}
		if err != nil {
			return 0, err
		}
		after, err := p.cpu()
		return after - before, err
	}
	began := time.Now()
	late := newStreams()
	if err := send(late, 0, far); err != nil {
		return Measure{}, err
	}
	var nearCPU, farCPU float64
	for n := range blocks {
		early := newStreams()
		if err := send(early, n*block, near); err != nil {
			return Measure{}, err
		}
		a, err := timed(early, n*block)
		if err != nil {
			return Measure{}, err
		}
		b, err := timed(late, n*block)
		if err != nil {
			return Measure{}, err
		}
		nearCPU, farCPU = nearCPU+a, farCPU+b
		for _, e := range early.Entries {
			e.Abort = true
		}
		if err := send(early, 0, 1); err != nil {
			return Measure{}, err
		}
	}
	seconds := time.Since(began).Seconds()
	return Measure{Tokens: total, Seconds: seconds, TokensPerSecond: float64(total) / seconds, Flat: farCPU / nearCPU}, nil
}

// InProcess writes the tokens of all streams in turn into the engine, without a
// server: the floor of the engine.
func InProcess(ctx context.Context, e *engine.Engine, l *Load) (Measure, error) {
	type open struct {
		stream *engine.Stream
		text   *Text
		n      int
	}
	streams := make([]open, l.Streams)
	begun := 0
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	tokens := int64(0)
	cpu := ownCPU()
	for time.Since(began) < l.Measured {
		for range 64 { // between looks at the clock
			for i := range streams {
				o := &streams[i]
				if o.stream == nil {
					s, err := e.Open(engine.StreamOptions{Profile: l.Profile})
					if err != nil {
						return Measure{}, err
					}
					*o = open{stream: s, text: &l.Texts[begun%len(l.Texts)]}
					begun++
				}
				v, err := o.stream.Write(ctx, o.text.Tokens[o.n])
				if err != nil {
					return Measure{}, err
				}
				tokens++
				if o.n++; o.n == len(o.text.Tokens) || v.Action == policy.Halt {
					o.stream.Abort()
					*o = open{}
				}
			}
		}
	}
	seconds := time.Since(began).Seconds()
	cpu = ownCPU() - cpu
	runtime.ReadMemStats(&after)
	for i := range streams {
		if streams[i].stream != nil {
			streams[i].stream.Abort()
		}
	}
	return Measure{
		Tokens: tokens, Seconds: seconds, TokensPerSecond: float64(tokens) / seconds,
		CPUPerMillion: cpu / float64(tokens) * 1e6,
		Allocations:   float64(after.Mallocs-before.Mallocs) / float64(tokens),
	}, nil
}
