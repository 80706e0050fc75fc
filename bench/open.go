package bench

import (
	"context"
	"errors"
	"io"
	"time"

	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// schedule is when the tokens of a stream are due: from a phase of its own on, so
// that streams are spread evenly, at a fixed rate, through all its texts.
type schedule struct {
	start    time.Time
	interval time.Duration
}

func (d *driver) schedule() schedule {
	interval := time.Duration(float64(time.Second) / d.load.Rate)
	// The golden ratio spreads any number of streams evenly.
	phase := float64(d.index) * 0.6180339887498949
	return schedule{d.start.Add(time.Duration((phase - float64(int(phase))) * float64(interval))), interval}
}

func (s schedule) due(k int) time.Time { return s.start.Add(time.Duration(k) * s.interval) }

// open sends tokens when they are due, whatever has been answered.
func (d *driver) open(ctx context.Context) error {
	s := d.schedule()
	gather := 1 // tokens in a message
	if d.load.Mode == Coalesced {
		gather = max(1, int(d.load.Coalesce/s.interval))
	}
	for k := 0; s.due(k).Before(d.recorder.to); {
		text := d.next()
		call, cancel, err := d.moderate(ctx)
		if err != nil {
			return err
		}
		sent := make(chan int, 1) // tokens that were due until the stream ended
		ended := make(chan struct{})
		go func() {
			n, request := 0, &weirv1.ModerateRequest{Ask: true, Open: &weirv1.OpenStream{Profile: d.load.Profile}}
			var chunk []byte
			for n < len(text.Tokens) && s.due(k+n).Before(d.recorder.to) {
				m := min(gather, len(text.Tokens)-n)
				if !waitFor(ended, s.due(k+n+m-1)) {
					break
				}
				chunk = chunk[:0]
				for _, token := range text.Tokens[n : n+m] {
					chunk = append(chunk, token...)
				}
				n += m
				request.Chunk, request.Finish = chunk, n == len(text.Tokens)
				if call.SendMsg(request) != nil {
					break // the receiver learns why
				}
				request.Open = nil
			}
			if n < len(text.Tokens) {
				_ = call.CloseSend() // the measurement is over; what is under way is still answered
			}
			sent <- n
		}()
		err = d.receive(call.RecvMsg, text, s, k, gather)
		close(ended)
		n := <-sent
		cancel()
		if err != nil {
			return err
		}
		k += max(n, 1)
	}
	return nil
}

// waitFor sleeps until t; false if the stream ended before.
func waitFor(ended <-chan struct{}, t time.Time) bool {
	wait := time.Until(t)
	if wait <= 0 {
		select {
		case <-ended:
			return false
		default:
			return true
		}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ended:
		return false
	}
}

// receive takes the answers of one text, whose first token is token k of the schedule.
func (d *driver) receive(recv func(any) error, text *Text, s schedule, k, gather int) error {
	w, response := watch{text: text}, &weirv1.ModerateResponse{}
	for n := 0; ; {
		err := recv(response)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		m := min(gather, len(text.Tokens)-n)
		now, v := time.Now(), response.GetVerdict()
		// Latency is that of the last token of a message; the others have waited longer, as was asked for.
		n += m
		due := s.due(k + n - 1)
		d.verdict(&w, v, n-1, due, now)
		if d.recorder.measured(due) {
			d.tally.tokens += int64(m)
			if n-m <= text.Mark && text.Mark < n && w.marked(text.Mark) {
				record(d.tally.halt, now.Sub(s.due(k+text.Mark)))
			}
		}
		if v.GetFinal() {
			if w.missed() {
				d.tally.missed++
			}
			return nil
		}
	}
}
