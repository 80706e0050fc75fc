package bench

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"

	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// member is one stream of a batch.
type member struct {
	watch
	id    uint64
	n     int // tokens sent
	first int // index of a token, less the step that it is sent in
}

// batches are the streams of one call and the steps under way.
type batches struct {
	*driver
	members []*member          // of the next step
	byID    map[uint64]*member // and those whose end is not yet answered
	lastID  uint64
	request weirv1.ModerateBatchRequest
	due     []time.Time // of the steps under way, by step modulo its length
}

// batches sends decode steps, each with a token of every stream: the next when it
// is due, or when no more than Ahead of those before are unanswered.
func (d *driver) batches(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	call, err := d.client.ModerateBatch(ctx)
	if err != nil {
		return err
	}
	b := &batches{
		driver: d, members: make([]*member, d.load.Streams), byID: map[uint64]*member{},
		due: make([]time.Time, max(d.load.Ahead, 1)),
	}
	for range d.load.Streams {
		b.request.Entries = append(b.request.Entries, &weirv1.ModerateBatchRequestEntry{})
	}
	interval := time.Duration(0)
	if d.load.Rate > 0 {
		interval = time.Duration(float64(time.Second) / d.load.Rate)
	}
	response := &weirv1.ModerateBatchResponse{}
	answered := 0
	for step := 0; ; step++ {
		due := time.Now()
		if interval > 0 {
			due = d.start.Add(time.Duration(step) * interval)
			sleepUntil(ctx, due)
		}
		if !due.Before(d.recorder.to) {
			return nil
		}
		b.due[step%len(b.due)] = due
		b.fill(step)
		if err := call.SendMsg(&b.request); err != nil {
			_ = call.RecvMsg(response) // which says why
		}
		if step+1-answered < len(b.due) {
			continue
		}
		for {
			if err := call.RecvMsg(response); err != nil {
				return err
			}
			if !response.Late {
				break
			}
			if err := b.entries(response, answered); err != nil {
				return err
			}
		}
		if due := b.due[answered%len(b.due)]; d.recorder.measured(due) {
			record(d.tally.latency, time.Since(due))
			d.tally.tokens += int64(len(b.members))
		}
		if err := b.entries(response, answered); err != nil {
			return err
		}
		answered++
	}
}

// fill makes a step: the next token of every stream, the first of a new one where
// one has ended.
func (b *batches) fill(step int) {
	for i, m := range b.members {
		e := b.request.Entries[i]
		e.Open = nil
		if m == nil || m.halted || m.n == len(m.text.Tokens) {
			m = b.begin(i, step)
			e.StreamId, e.Open = m.id, &weirv1.OpenStream{Profile: b.load.Profile}
		}
		e.Chunk, e.Finish = m.text.Tokens[m.n], m.n == len(m.text.Tokens)-1
		m.n++
	}
}

func (b *batches) begin(i, step int) *member {
	b.lastID++
	m := &member{watch: watch{text: b.next()}, id: b.lastID}
	if b.texts <= b.load.Streams {
		m.n = i % len(m.text.Tokens) / 2 // so that streams don't end all at once
		if m.text.Halts >= 0 {
			m.n = 0
		}
	}
	m.first = m.n - step
	b.members[i], b.byID[m.id] = m, m
	return m
}

// entries takes what an answer says of single streams. The latency of a batch is
// that of its step, so theirs is not recorded.
func (b *batches) entries(response *weirv1.ModerateBatchResponse, step int) error {
	now := time.Now()
	due := b.due[step%len(b.due)]
	for _, e := range response.Entries {
		m := b.byID[e.StreamId]
		if m == nil {
			if b.over(e) {
				continue
			}
			return fmt.Errorf("bench: the server answers for stream %d, which is none", e.StreamId)
		}
		if e.Error != nil {
			return fmt.Errorf("bench: stream %d of the batch: %s", e.StreamId, e.Error.Message)
		}
		n := m.first + step // index of the token
		b.verdict(&m.watch, e.Verdict, n, time.Time{}, now)
		if m.marked(n) && b.recorder.measured(due) {
			record(b.tally.halt, now.Sub(due))
		}
		if e.Verdict.GetFinal() {
			delete(b.byID, m.id)
			if m.missed() {
				b.tally.missed++
			}
		}
	}
	return nil
}

// over reports that an entry is about a stream that halted while more of its tokens
// were under way.
func (b *batches) over(e *weirv1.ModerateBatchResponseEntry) bool {
	return b.load.Ahead > 1 && e.GetError().GetCode() == int32(codes.FailedPrecondition) && e.StreamId <= b.lastID
}
