package bench

import (
	"context"
	"fmt"
	"time"

	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// member is one stream of a batch.
type member struct {
	watch
	entry *weirv1.ModerateBatchRequestEntry
	n     int       // tokens sent
	due   time.Time // of the step with the last of them
	over  bool
}

// batches sends decode steps, each with a token of every stream: the next when the
// last was answered, or when it is due.
func (d *driver) batches(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	call, err := d.client.ModerateBatch(ctx)
	if err != nil {
		return err
	}
	members := make([]*member, d.load.Streams)
	byID := map[uint64]*member{}
	nextID := uint64(0)
	begin := func(i int) {
		if old := members[i]; old != nil {
			delete(byID, old.entry.StreamId)
		}
		nextID++
		m := &member{watch: watch{text: d.next()}}
		m.entry = &weirv1.ModerateBatchRequestEntry{StreamId: nextID, Open: &weirv1.OpenStream{Profile: d.load.Profile}}
		if d.texts <= d.load.Streams {
			m.n = i % len(m.text.Tokens) / 2 // so that streams don't end all at once
			if m.text.Halts >= 0 {
				m.n = 0
			}
		}
		members[i], byID[nextID] = m, m
	}
	request, response := &weirv1.ModerateBatchRequest{}, &weirv1.ModerateBatchResponse{}
	interval := time.Duration(0)
	if d.load.Rate > 0 {
		interval = time.Duration(float64(time.Second) / d.load.Rate)
	}
	for step := 0; ; step++ {
		due := time.Now()
		if interval > 0 {
			due = d.start.Add(time.Duration(step) * interval)
			sleepUntil(ctx, due)
		}
		if !due.Before(d.recorder.to) {
			return nil
		}
		request.Entries = request.Entries[:0]
		for i, m := range members {
			if m == nil || m.over {
				begin(i)
				m = members[i]
			}
			m.entry.Chunk, m.entry.Finish = m.text.Tokens[m.n], m.n == len(m.text.Tokens)-1
			m.n++
			m.due = due
			request.Entries = append(request.Entries, m.entry)
		}
		if err := call.SendMsg(request); err != nil {
			_ = call.RecvMsg(response) // which says why
		}
		for {
			if err := call.RecvMsg(response); err != nil {
				return err
			}
			if !response.Late {
				break
			}
			if err := d.entries(byID, response); err != nil {
				return err
			}
		}
		for _, m := range members {
			m.entry.Open = nil
		}
		if d.recorder.measured(due) {
			record(d.tally.latency, time.Since(due))
			d.tally.tokens += int64(len(members))
		}
		if err := d.entries(byID, response); err != nil {
			return err
		}
	}
}

// entries takes what an answer says of single streams. The latency of a batch is
// that of its step, so theirs is not recorded.
func (d *driver) entries(byID map[uint64]*member, response *weirv1.ModerateBatchResponse) error {
	now := time.Now()
	for _, e := range response.Entries {
		m := byID[e.StreamId]
		if m == nil {
			return fmt.Errorf("bench: the server answers for stream %d, which is none", e.StreamId)
		}
		if e.Error != nil {
			return fmt.Errorf("bench: stream %d of the batch: %s", e.StreamId, e.Error.Message)
		}
		d.verdict(&m.watch, e.Verdict, m.n-1, time.Time{}, now)
		if m.halted && m.n-1 == m.text.Halts && d.recorder.measured(m.due) {
			record(d.tally.halt, now.Sub(m.due))
		}
		if e.Verdict.GetFinal() {
			m.over = true
			if m.missed() {
				d.tally.missed++
			}
		}
	}
	return nil
}
