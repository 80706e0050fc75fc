package gateway

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// channel is one text of an answer: the content of a choice, its reasoning, the
// arguments of a tool call. It is a stream of the engine, and the bytes that the
// engine has not released.
//
// A channel that was closed may go on, as reasoning does after a tool call. The
// end of what was shown is then read once more before the rest, so that what
// began before the pause is found.
type channel struct {
	name   string // such as content or tool_calls[0].function.arguments, for reports
	answer *Answer
	scope  any      // the choice or item that it belongs to
	steps  []step   // where its text stands
	model  *node    // responses, messages: a delta event without its text
	turn   int      // the last event that had text for it
	tokens logprobs // responses
	ended  bool     // responses: the upstream has said that it is done
	json   bool     // its text is JSON, and is judged without escapes
	after  *channel // its text follows that one's: readers join them

	stream *engine.Stream // nil while closed
	base   int64          // offset in the channel of the stream's first byte
	held   []byte         // received and not released; before shown, what was read once more
	room   []byte         // where held lies
	at     policy.Offset  // in the stream, of the first byte of held
	skip   policy.Offset  // in the stream: bytes before it were shown before
	half   []byte         // the first half of a surrogate pair, or of an escape, whose second may come

	received int64         // bytes of text, in the channel
	released int64         // bytes of text that were shown, edited or not, in the channel
	tail     []byte        // the last bytes of text that were released
	edits    []policy.Span // in the channel, of what was replaced
	halted   bool
	retract  int64 // offset in the channel from which shown text is withdrawn, or -1

	keep            bool   // fill the next two
	original, shown []byte // all text that came, and what was shown of it
}

// tailBytes is how much is read once more after a pause: the longest terms of the
// packs, a card number, some words around them.
const tailBytes = 256

func (a *Answer) newChannel(name string, scope any) *channel {
	return &channel{name: name, answer: a, scope: scope, retract: -1, keep: a.keep}
}

// open begins a stream of the engine, with the tail of what was shown.
func (c *channel) open(ctx context.Context) error {
	a := c.answer
	stream, err := a.exchange.guard.Engine.Open(engine.StreamOptions{
		Profile: a.exchange.guard.Options.Profile, Snapshot: a.exchange.snapshot, Late: a.late,
	})
	if err != nil {
		return err
	}
	c.stream = stream
	a.open = append(a.open, c)
	if c.received == 0 {
		before := c.after
		for before != nil && before.received == 0 { // it was empty
			before = before.after
		}
		if before != nil {
			c.tail = bytes.Clone(before.tail)
		}
	}
	c.base, c.at, c.skip, c.held = c.released-int64(len(c.tail)), 0, policy.Offset(len(c.tail)), c.room[:0]
	if len(c.tail) == 0 {
		return nil
	}
	c.hold(c.tail)
	_, err = c.take(nil)(stream.Write(ctx, c.judged(c.tail)))
	return err
}

// judged returns what the engine gets of a text, in as many bytes.
func (c *channel) judged(text []byte) []byte {
	if c.json {
		return unescaped(text)
	}
	return text
}

// write judges more text and appends to dst what may be shown. Afterwards the
// channel may have halted.
func (c *channel) write(ctx context.Context, dst, text []byte) ([]byte, error) {
	if c.halted {
		return dst, nil
	}
	if len(c.half) > 0 && len(text) > 0 {
		if low := lowSurrogate(text); low != 0 {
			text = append(appendUnit(c.half, low), text[3:]...)
		} else {
			text = append(c.half, text...)
		}
		c.half = nil
	}
	if highSurrogate(text) != 0 {
		c.half, text = slices.Clone(text[len(text)-3:]), text[:len(text)-3]
	}
	if c.json {
		if n := cutEscape(text); n < len(text) {
			c.half, text = append(bytes.Clone(text[n:]), c.half...), text[:n]
		}
	}
	return c.feed(ctx, dst, text)
}

// feed is write without looking for halves.
func (c *channel) feed(ctx context.Context, dst, text []byte) ([]byte, error) {
	if len(text) == 0 {
		return dst, nil
	}
	if c.stream == nil {
		if err := c.open(ctx); err != nil || c.halted {
			return dst, err
		}
	}
	c.received += int64(len(text))
	c.hold(text)
	if c.keep {
		c.original = append(c.original, text...)
	}
	return c.take(dst)(c.stream.Write(ctx, c.judged(text)))
}

// close ends the text, for now, and appends the rest of what may be shown.
func (c *channel) close(ctx context.Context, dst []byte) (_ []byte, err error) {
	if c.halted {
		return dst, nil
	}
	half := c.half
	c.half = nil
	if dst, err = c.feed(ctx, dst, half); err != nil {
		return dst, err
	}
	if c.stream == nil || c.halted {
		return dst, nil
	}
	dst, err = c.take(dst)(c.stream.Close(ctx))
	c.end()
	return dst, err
}

// poll takes what asynchronous detectors have found.
func (c *channel) poll(dst []byte) ([]byte, error) {
	if c.stream == nil || c.stream.Late() == nil {
		return dst, nil
	}
	return c.take(dst)(c.stream.Poll())
}

// end frees the stream. It may be called more than once.
func (c *channel) end() {
	if c.stream == nil {
		return
	}
	c.stream.Abort()
	c.stream, c.held, c.room = nil, nil, nil
	open := c.answer.open
	if i := slices.Index(open, c); i >= 0 {
		c.answer.open = slices.Delete(open, i, i+1)
	}
}

// take returns a function that takes a verdict and appends to dst what it releases.
func (c *channel) take(dst []byte) func(policy.Verdict, error) ([]byte, error) {
	return func(v policy.Verdict, err error) ([]byte, error) {
		if err != nil {
			return dst, fmt.Errorf("gateway: judging: %w", err)
		}
		before := len(dst)
		for _, e := range v.Edits {
			start, end := c.snap(e.Span.Start, false), c.snap(e.Span.End, true)
			dst = c.release(dst, start)
			if end > c.skip {
				dst = append(dst, e.Replacement...)
				c.edits = append(c.edits, policy.Span{Start: start + policy.Offset(c.base), End: end + policy.Offset(c.base)})
			}
			c.drop(end)
		}
		dst = c.release(dst, c.snap(v.Released, false))
		if c.keep {
			c.shown = append(c.shown, dst[before:]...)
		}
		for _, f := range v.Findings {
			if f.Span.End > c.skip {
				c.answer.found(c, f)
			}
		}
		if v.RetractFrom != policy.NoOffset {
			c.retract = max(0, c.base+int64(v.RetractFrom))
		}
		if v.Action == policy.Halt {
			c.halted = true
			c.end()
		}
		return dst, nil
	}
}

// snap moves an offset of the stream out of the middle of an escape.
func (c *channel) snap(to policy.Offset, end bool) policy.Offset {
	if !c.json || to <= c.at {
		return to
	}
	return c.at + policy.Offset(snap(c.held, int(to-c.at), end))
}

// release appends the held bytes before an offset of the stream.
func (c *channel) release(dst []byte, to policy.Offset) []byte {
	if n := int(min(c.skip, to) - c.at); n > 0 {
		c.held, c.at = c.held[n:], c.at+policy.Offset(n) // were shown before the pause
	}
	if n := int(to - c.at); n > 0 {
		dst = append(dst, c.held[:n]...)
		c.drop(to)
	}
	return dst
}

// hold appends to the held bytes, over those that are no longer held if there is
// room.
func (c *channel) hold(text []byte) {
	if n := len(c.held) + len(text); n > cap(c.held) {
		if 2*n > cap(c.room) {
			c.room = make([]byte, 0, max(64, 4*n))
		}
		c.held = append(c.room[:0], c.held...)
	}
	c.held = append(c.held, text...)
}

// drop counts the held bytes before an offset of the stream as shown.
func (c *channel) drop(to policy.Offset) {
	n := int(to - c.at)
	if n <= 0 {
		return
	}
	c.tail = appendTail(c.tail, c.held[min(n, max(0, int(c.skip-c.at))):n])
	c.held, c.at = c.held[n:], to
	c.released = max(c.released, c.base+int64(to))
}

// appendTail appends to the last bytes of a text and keeps tailBytes, cut where
// no word and no rune is cut, if there is such a place.
func appendTail(tail, text []byte) []byte {
	tail = append(tail, text...)
	if len(tail) <= 2*tailBytes { // cut seldom
		return tail
	}
	whole := tail
	tail = tail[len(tail)-tailBytes:]
	if i := bytes.IndexAny(tail, " \n\t"); i >= 0 {
		tail = tail[i:]
	} else {
		for len(tail) > 0 && !utf8.RuneStart(tail[0]) {
			tail = tail[1:]
		}
	}
	return append(whole[:0], tail...)
}
