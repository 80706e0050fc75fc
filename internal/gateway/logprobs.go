package gateway

import (
	"bytes"
	"context"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// logprobs follows the tokens of one channel that come with probabilities. A
// token goes out with the text that it is part of; what was edited has none. If
// the tokens are not the text that comes with them, those that are left are kept
// back.
type logprobs struct {
	name    string // of the channel
	at      int64  // bytes of the tokens so far
	came    []byte // the tokens of this event
	pending []logprob
	lost    bool // tokens and text do not agree
}

type logprob struct {
	start, end int64
	nodes      [4]*node // chat: the entry; completions: one of each list
}

// add takes a token with its bytes.
func (l *logprobs) add(token []byte, nodes ...*node) {
	p := logprob{start: l.at, end: l.at + int64(len(token))}
	l.came = append(l.came, token...)
	for i, n := range nodes {
		p.nodes[i] = n.detach() // it waits for its text
	}
	l.at = p.end
	l.pending = append(l.pending, p)
}

// take returns the tokens whose text was shown. text is what came with the tokens.
func (l *logprobs) take(c *channel, text []byte) []logprob {
	l.lost = l.lost || !bytes.Equal(l.came, text)
	l.came = l.came[:0]
	if l.lost = l.lost || c == nil || !c.halted && l.at != c.received+int64(len(c.half)); l.lost {
		l.pending = nil
		return nil
	}
	var out []logprob
	n := 0
	for ; n < len(l.pending) && l.pending[n].end <= c.released; n++ {
		p, edited := l.pending[n], false
		for _, e := range c.edits {
			edited = edited || int64(e.Start) < p.end && p.start < int64(e.End)
		}
		if !edited {
			out = append(out, p)
		}
	}
	l.pending = l.pending[n:]
	return out
}

func (c *choice) find(name string) *channel {
	for _, ch := range c.channels {
		if ch.name == name {
			return ch
		}
	}
	return nil
}

func (c *choice) tracker(name string, create bool) *logprobs {
	for _, l := range c.logprobs {
		if l.name == name {
			return l
		}
	}
	if !create {
		return nil
	}
	l := &logprobs{name: name}
	c.logprobs = append(c.logprobs, l)
	return l
}

// guardLogprobs puts in place of a choice's logprobs those whose text was shown.
func (f *chat) guardLogprobs(ctx context.Context, c *choice, n *node) error {
	came := n.get("logprobs")
	if came != nil && came.kind != '{' {
		n.set("logprobs", value(nil)) // null, or nothing we know
		came = nil
	}
	if came == nil && len(c.logprobs) == 0 {
		return nil
	}
	if f.completions() {
		return f.legacyLogprobs(ctx, c, n, came)
	}
	out := object()
	for _, name := range [...]string{"content", "refusal"} {
		entries := came.get(name)
		listed := entries != nil && entries.kind == '['
		l := c.tracker(name, listed && len(entries.nodes) > 0)
		if l == nil {
			switch {
			case listed:
				out.set(name, list())
			case came != nil && entries != nil:
				out.set(name, value(nil))
			}
			continue
		}
		if listed {
			for _, e := range entries.nodes {
				token, ok, err := f.a.guardLogprob(ctx, e)
				if err != nil {
					return err
				}
				l.add(token, e)
				l.lost = l.lost || !ok
			}
		}
		shown := list()
		for _, p := range l.take(c.find(name), f.came(name)) {
			shown.nodes = append(shown.nodes, p.nodes[0])
		}
		if len(shown.nodes) > 0 || listed {
			out.set(name, shown)
		}
	}
	if len(out.names) > 0 {
		n.set("logprobs", out)
	} else if came != nil {
		n.set("logprobs", value(nil))
	}
	return nil
}

// came returns the text that the event has for a channel of the choice.
func (f *chat) came(name string) []byte {
	for _, l := range f.leaves {
		if l.channel.name == name {
			return l.came
		}
	}
	return nil
}

// guardLogprob returns the bytes of a token, and removes alternatives to it that
// the policy does not let pass. ok is false if it says two things.
func (a *Answer) guardLogprob(ctx context.Context, e *node) (token []byte, ok bool, err error) {
	if token, ok, err = a.token(ctx, e); !ok || err != nil {
		return nil, false, err
	}
	e.keep(func(name string, m *node) bool {
		switch name {
		case "token", "bytes", "top_logprobs":
			return true
		}
		return !m.hasText()
	})
	top := e.get("top_logprobs")
	if top.null() {
		return token, true, nil
	}
	if top.kind != '[' {
		return nil, false, nil
	}
	kept := top.nodes[:0]
	for _, t := range top.nodes {
		other, ok, err := a.token(ctx, t)
		if err == nil && ok {
			ok, err = a.harmless(ctx, string(other))
		}
		if err != nil {
			return nil, false, err
		}
		if ok {
			t.keep(func(name string, m *node) bool { return name == "token" || name == "bytes" || !m.hasText() })
			kept = append(kept, t)
		}
	}
	top.nodes = kept
	return token, true, nil
}

// token returns the bytes of a token. ok is false if it is none, or has bytes and a
// text of its own beside them that does not pass; servers write half a character so.
func (a *Answer) token(ctx context.Context, e *node) (token []byte, ok bool, err error) {
	text := e.get("token")
	if !is(text, '"') {
		return nil, false, nil
	}
	list := e.get("bytes")
	if list.null() {
		return text.text, true, nil
	}
	if list.kind != '[' {
		return nil, false, nil
	}
	for _, b := range list.nodes {
		n := b.integer(-1)
		if n < 0 || n > 255 {
			return nil, false, nil
		}
		token = append(token, byte(n))
	}
	if bytes.Equal(token, text.text) {
		return token, true, nil
	}
	ok, err = a.harmless(ctx, string(text.text))
	return token, ok, err
}

// harmless reports whether the policy lets a token by itself pass.
func (a *Answer) harmless(ctx context.Context, token string) (bool, error) {
	if ok, known := a.tokens[token]; known {
		return ok, nil
	}
	g := a.exchange.guard
	v, err := g.Engine.Check(ctx, engine.StreamOptions{Profile: g.Options.Profile, Snapshot: a.exchange.snapshot}, []byte(token))
	if err != nil {
		return false, err
	}
	if len(a.tokens) >= 10_000 || a.tokens == nil {
		a.tokens = map[string]bool{}
	}
	ok := v.Action < policy.Redact
	a.tokens[token] = ok
	return ok, nil
}

// legacyLogprobs is guardLogprobs for completions, where they are lists side by side.
func (f *chat) legacyLogprobs(ctx context.Context, c *choice, n, came *node) error {
	names := [4]string{"tokens", "token_logprobs", "top_logprobs", "text_offset"}
	l := c.tracker("text", true)
	if tokens := came.get("tokens"); tokens != nil && tokens.kind == '[' {
		for i, t := range tokens.nodes {
			var row [4]*node
			row[0] = t
			for k, name := range names[1:] {
				row[k+1] = value(nil)
				if side := came.get(name); side != nil && side.kind == '[' && i < len(side.nodes) {
					row[k+1] = side.nodes[i]
				}
			}
			if err := f.harmlessNames(ctx, row[2]); err != nil {
				return err
			}
			l.add(t.text, row[:]...)
			for k, kind := range [...]byte{'"', '0', '{', '0'} {
				l.lost = l.lost || !is(row[k], kind) && (k == 0 || row[k].kind != 'n')
			}
		}
	}
	shown := l.take(c.find("text"), f.came("text"))
	if came == nil && len(shown) == 0 {
		return nil
	}
	out := object()
	for k, name := range names {
		side := list()
		for _, p := range shown {
			side.nodes = append(side.nodes, p.nodes[k])
		}
		if came == nil || came.get(name) != nil {
			out.set(name, side)
		}
	}
	n.set("logprobs", out)
	return nil
}

// harmlessNames removes the members of an object whose names do not pass.
func (f *chat) harmlessNames(ctx context.Context, n *node) (err error) {
	if n.kind != '{' {
		return nil
	}
	n.keep(func(name string, m *node) bool {
		ok, failed := f.a.harmless(ctx, name)
		if failed != nil {
			err = failed
		}
		return ok && !m.hasText()
	})
	return err
}
