package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/seed-4f09bd3a/weir/internal/wire"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// Mode is how tokens go to the server.
type Mode string

// The modes.
const (
	Token     Mode = "token"     // Moderate, a message a token
	Coalesced Mode = "coalesced" // Moderate, the tokens of some milliseconds in one message
	Batch     Mode = "batch"     // ModerateBatch, a message a decode step with a token of every stream
)

// Load is what is asked of a server.
type Load struct {
	Mode     Mode
	Streams  int
	Rate     float64       // tokens a second and stream; 0 for closed loop
	Ahead    int           // of Batch in closed loop: steps under way at once; 0 is 1
	Calls    int           // of Batch: calls, each with so many streams; 0 is 1
	Coalesce time.Duration // of Coalesced: how long tokens are gathered
	Warm     time.Duration // not measured
	Measured time.Duration
	Profile  string
	Texts    []Text
}

func (l *Load) check() error {
	switch {
	case l.Streams < 1 || l.Streams > 100_000:
		return fmt.Errorf("bench: %d streams: want 1 to 100,000", l.Streams)
	case l.Rate < 0 || l.Rate > 1000:
		return fmt.Errorf("bench: rate %g: want 0 (closed loop) to 1,000 tokens a second and stream", l.Rate)
	case l.Ahead < 0 || l.Ahead > 16 || l.Ahead > 1 && (l.Mode != Batch || l.Rate > 0):
		return fmt.Errorf("bench: %d steps under way: want 0 to 16, more than 1 in batches in closed loop only", l.Ahead)
	case l.Calls < 0 || l.Calls > 64 || l.Calls > 1 && l.Mode != Batch:
		return fmt.Errorf("bench: %d calls: want 0 to 64, more than 1 in batches only", l.Calls)
	case l.Measured <= 0:
		return fmt.Errorf("bench: duration %s: want more than 0", l.Measured)
	case len(l.Texts) == 0:
		return errors.New("bench: no texts")
	case l.Mode == Coalesced && (l.Rate == 0 || l.Coalesce <= 0):
		return errors.New("bench: mode coalesced wants a rate and a time to gather tokens for")
	case l.Mode != Token && l.Mode != Coalesced && l.Mode != Batch:
		return fmt.Errorf("bench: mode %q: want token, coalesced or batch", l.Mode)
	}
	return nil
}

// Dial connects to host:port or unix:PATH.
func Dial(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(wire.NewCodec())))
}

// Ready waits until the server behind conn answers, at most so long.
func Ready(ctx context.Context, conn grpc.ClientConnInterface, most time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	_, err := weirv1.NewModerationServiceClient(conn).Check(ctx, &weirv1.CheckRequest{}, grpc.WaitForReady(true))
	if status.Code(err) == codes.DeadlineExceeded {
		return fmt.Errorf("no answer within %s", most)
	}
	return err
}

// Run loads the server behind conn and returns what it measured. at is called at
// the start and the end of the measurement.
func (l *Load) Run(ctx context.Context, conn grpc.ClientConnInterface, at func()) (Measure, error) {
	if err := l.check(); err != nil {
		return Measure{}, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	client := weirv1.NewModerationServiceClient(conn)
	if _, err := client.Check(ctx, &weirv1.CheckRequest{Profile: l.Profile}, grpc.WaitForReady(true)); err != nil {
		return Measure{}, fmt.Errorf("bench: the server does not answer: %w", err)
	}
	start := time.Now()
	r := &recorder{from: start.Add(l.Warm), to: start.Add(l.Warm + l.Measured), total: newTally()}
	drives := l.Streams
	if l.Mode == Batch {
		drives = max(l.Calls, 1)
	}
	done := make(chan error, drives)
	for i := range drives {
		d := &driver{load: l, recorder: r, client: client, index: i, tally: newTally(), start: start}
		go func() {
			err := d.drive(ctx)
			r.add(&d.tally)
			done <- err
		}()
	}
	sleepUntil(ctx, r.from)
	at()
	sleepUntil(ctx, r.to)
	at()
	var failed error
	for range drives {
		if err := <-done; err != nil && failed == nil {
			failed = err
			cancel(err)
		}
	}
	if failed != nil {
		return Measure{}, failed
	}
	return r.measure(), nil
}

func sleepUntil(ctx context.Context, t time.Time) {
	wait := time.NewTimer(time.Until(t))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
	}
}

// driver drives one stream after another, or all of them in batches. It belongs
// to one goroutine, but for what sender has.
type driver struct {
	load     *Load
	recorder *recorder
	client   weirv1.ModerationServiceClient
	index    int
	start    time.Time
	tally    tally
	texts    int // how many it has begun
}

// next returns the text of the next stream. Drivers begin at different ones.
func (d *driver) next() *Text {
	t := &d.load.Texts[(d.index*7919+d.texts)%len(d.load.Texts)]
	d.texts++
	return t
}

func (d *driver) drive(ctx context.Context) error {
	switch {
	case d.load.Mode == Batch:
		return d.batches(ctx)
	case d.load.Rate == 0:
		return d.closed(ctx)
	default:
		return d.open(ctx)
	}
}

// watch follows one stream's verdicts.
type watch struct {
	text     *Text
	halted   bool
	released int64
	received int64
}

// missed says that the server has all of a violation and did not halt.
func (w *watch) missed() bool {
	return w.text.Halts >= 0 && !w.halted && w.received >= w.text.Complete
}

// verdict takes an answer. due is when the token that it answers was due, and n
// its index.
func (d *driver) verdict(w *watch, v *weirv1.Verdict, n int, due, now time.Time) {
	w.released, w.received = max(w.released, v.GetReleasedOffset()), v.GetReceivedOffset()
	// A text that the end of the measurement cut short may show what has become of its violation.
	if w.text.Halts >= 0 && w.received >= w.text.Complete {
		if w.released > w.text.Violation {
			d.tally.leaked = max(d.tally.leaked, w.text.leaked(w.released))
		}
	}
	if v.GetAction() == weirv1.Action_ACTION_HALT && !w.halted {
		w.halted = true
		d.tally.halts++
		if w.text.Halts < 0 || n < w.text.Halts {
			d.tally.falseHalts++
		}
		if byModel(v) {
			d.tally.modelHalts++
		}
	}
	if d.recorder.measured(due) {
		record(d.tally.latency, now.Sub(due))
	}
}

// byModel says that a verdict halts for what a model found.
func byModel(v *weirv1.Verdict) bool {
	for _, f := range v.GetFindings() {
		if f.Action == weirv1.Action_ACTION_HALT && strings.HasPrefix(f.Source, "model:") {
			return true
		}
	}
	return false
}

// marked says that token n completes a violation and was answered as it should be:
// by a halt, or by a server that halts nothing.
func (w *watch) marked(n int) bool { return n == w.text.Mark && (w.halted || w.text.Halts < 0) }

// closed sends each token when the one before was answered.
func (d *driver) closed(ctx context.Context) error {
	request, response := &weirv1.ModerateRequest{Ask: true}, &weirv1.ModerateResponse{}
	for time.Now().Before(d.recorder.to) {
		w := watch{text: d.next()}
		call, cancel, err := d.moderate(ctx)
		if err != nil {
			return err
		}
		request.Open = &weirv1.OpenStream{Profile: d.load.Profile}
		final := false
		for n, token := range w.text.Tokens {
			due := time.Now()
			if due.After(d.recorder.to) {
				break
			}
			request.Chunk, request.Finish = token, n == len(w.text.Tokens)-1
			if err := call.SendMsg(request); err != nil && !errors.Is(err, io.EOF) {
				cancel()
				return err
			}
			request.Open = nil
			if err := call.RecvMsg(response); err != nil {
				cancel()
				return err
			}
			now, v := time.Now(), response.GetVerdict()
			d.verdict(&w, v, n, due, now)
			if d.recorder.measured(due) {
				d.tally.tokens++
				if w.marked(n) {
					record(d.tally.halt, now.Sub(due))
				}
			}
			if final = v.GetFinal(); final {
				break
			}
		}
		if final && w.missed() {
			d.tally.missed++
		}
		cancel()
	}
	return nil
}

func (d *driver) moderate(ctx context.Context) (grpc.BidiStreamingClient[weirv1.ModerateRequest, weirv1.ModerateResponse], context.CancelFunc, error) {
	ctx, cancel := context.WithCancel(ctx)
	call, err := d.client.Moderate(ctx)
	if err != nil {
		cancel()
	}
	return call, cancel, err
}
