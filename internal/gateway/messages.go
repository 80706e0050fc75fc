package gateway

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// messages guards /v1/messages. Its blocks come one after the other, each a
// channel with a beginning and an end.
type messages struct {
	a        *Answer
	channels []*channel
	open     map[int]bool // blocks that have begun and not ended
	tokens   int          // deltas so far, for an estimate of the usage
	usage    *node
	visitor  visitor
	template template // of deltas
	halted   *channel // while visiting
	text     *channel // the last text of the answer, which the next one follows
}

func newMessages(a *Answer) *messages {
	f := &messages{a: a, open: map[int]bool{}, visitor: visitor{opaque: messagesOpaque}}
	f.visitor.name = f.name
	return f
}

// name judges the name of a member.
func (f *messages) name(ctx context.Context, name string) (bool, error) {
	keep, halted, err := f.a.name(ctx, nil, name)
	if f.halted == nil {
		f.halted = halted
	}
	return keep, err
}

// messagesOpaque names what carries no text of a model, or none that anybody can
// read: signatures, encrypted reasoning.
func messagesOpaque(name string) bool {
	switch name {
	case "type", "id", "role", "model", "tool_use_id", "signature", "data", "encrypted_content", "encrypted_index", "encrypted_stdout",
		"stop_reason", "stop_sequence", "usage", "file_id":
		return true
	}
	return false
}

// messagesTop names the members of an answer that are known to carry no text of a
// model, or are judged. Others stay if they have no words in them.
func messagesTop(name string, member *node) bool {
	switch name {
	case "id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage", "container", "context_management", "error", "request_id":
		return true
	}
	return !member.hasText()
}

func (f *messages) event(ctx context.Context, e *event) error {
	if string(e.data) == "[DONE]" { // some servers end every stream so
		if err := f.flush(ctx); err != nil || f.a.over {
			return err
		}
		f.a.out = append(f.a.out, "data: [DONE]\n\n"...)
		f.a.over = true
		return nil
	}
	if text, ok := f.template.fit(e); ok {
		return f.next(ctx, text)
	}
	n, err := f.a.parse(e.data)
	if err != nil || n.kind != '{' {
		return errNotJSON
	}
	index, ok := n.index()
	if !ok {
		return errIndex
	}
	kind := n.get("type").string()
	if kind == "content_block_delta" {
		return f.delta(ctx, e, n, index)
	}
	began, err := f.begin(ctx, n.get("content_block"), index)
	if err != nil || f.a.over {
		return err
	}
	if err := f.texts(ctx, n); err != nil || f.a.over {
		return err
	}
	if began != nil {
		n.get("content_block").set(began.name, began.node)
	}
	switch kind {
	case "message_start":
		if usage := n.get("message").get("usage"); is(usage, '{') {
			f.usage = usage.detach()
		}
	case "content_block_start":
		f.open[index] = true
	case "content_block_stop":
		if err := f.close(ctx, index); err != nil || f.a.over {
			return err
		}
		delete(f.open, index)
	case "message_delta":
		if err := f.flush(ctx); err != nil || f.a.over {
			return err
		}
		if len(f.a.findings) > 0 {
			n.set("content_filter_results", f.a.results(nil))
		}
	case "message_stop":
		if err := f.flush(ctx); err != nil || f.a.over {
			return err
		}
	}
	f.a.send(e, n)
	return nil
}

// began is what may be shown of the text that a block begins with.
type began struct {
	name string
	node *node
}

// begin guards the text that a block begins with, as the first of its deltas, and
// takes it out of the block: clients join them.
func (f *messages) begin(ctx context.Context, block *node, index int) (*began, error) {
	for _, name := range [...]string{"text", "thinking"} {
		m := block.get(name)
		if !is(m, '"') || len(m.text) == 0 {
			continue
		}
		c := f.channel(index, name, name+"_delta")
		out, err := f.a.shown(ctx, c, m.text)
		if err != nil {
			return nil, err
		}
		if c.halted {
			if len(out) > 0 {
				f.a.send(&event{name: []byte("content_block_start")}, object("type", "content_block_start", "index", index, "content_block", object("type", name, name, out)))
				f.open[index] = true
			}
			return nil, f.halt(ctx, c)
		}
		b := &began{name, value(out)}
		block.set(name, value(""))
		return b, nil
	}
	return nil, nil
}

// delta guards a piece of a block.
func (f *messages) delta(ctx context.Context, e *event, n *node, index int) error {
	delta := n.get("delta")
	if !is(delta, '{') {
		return errNotJSON
	}
	f.tokens++
	had, has, opaque := false, false, false
	var text *node
	var from *channel
	size, texts := 0, 0
	for i, name := range delta.names {
		m := delta.nodes[i]
		if messagesOpaque(name) {
			opaque = opaque || name != "type"
			continue
		}
		if m.kind != '"' {
			if err := f.texts(ctx, m); err != nil || f.a.over { // a citation
				return err
			}
			opaque = true
			continue
		}
		c := f.channel(index, name, delta.get("type").string())
		had = had || len(m.text) > 0
		texts++
		text, from, size = m, c, len(m.text)
		out, err := f.a.shown(ctx, c, m.text)
		if err != nil {
			return err
		}
		m.text = out
		has = has || len(out) > 0
		if c.halted {
			if has {
				f.a.send(e, n)
			}
			return f.halt(ctx, c)
		}
	}
	if opaque && !had { // a signature comes behind what it signs
		if err := f.close(ctx, index); err != nil || f.a.over {
			return err
		}
	}
	if has || !had || opaque {
		f.a.send(e, n)
	}
	if has && !opaque && texts == 1 && !f.a.plain {
		f.template.learn(e, n, text, size, from)
	}
	return nil
}

// next guards an event that is like the template, as event would.
func (f *messages) next(ctx context.Context, text []byte) error {
	c := f.template.channel
	f.a.tree.reset()
	f.tokens++
	out, err := f.a.shown(ctx, c, text)
	if err != nil {
		return err
	}
	if len(out) > 0 {
		f.a.out = f.template.append(f.a.out, out)
	}
	if c.halted {
		return f.halt(ctx, c)
	}
	return nil
}

func (f *messages) channel(index int, name, kind string) *channel {
	path := fmt.Sprintf("content[%d].%s", index, name)
	for _, c := range f.channels {
		if c.name == path {
			return c
		}
	}
	c := f.a.newChannel(path, index)
	c.model = object("type", "content_block_delta", "index", index, "delta", object("type", kind, name, ""))
	c.json = isJSON(name)
	f.follow(c, name)
	f.channels = append(f.channels, c)
	return c
}

// follow has a text of the answer follow the one before.
func (f *messages) follow(c *channel, name string) {
	if name == "text" {
		c.after, f.text = f.text, c
	}
}

// close ends the channels of a block, of all blocks if index is -1, and sends
// what they held.
func (f *messages) close(ctx context.Context, index int) error {
	for _, c := range f.channels {
		if c.scope != index && index >= 0 || c.halted {
			continue
		}
		out, err := c.close(ctx, nil)
		if err != nil {
			return err
		}
		if len(out) > 0 {
			delta := c.model.get("delta").clone()
			delta.nodes[1] = value(out)
			f.a.send(&event{name: []byte("content_block_delta")}, c.model.clone().set("delta", delta))
		}
		if c.halted {
			return f.halt(ctx, c)
		}
	}
	return nil
}

func (f *messages) flush(ctx context.Context) error { return f.close(ctx, -1) }

// texts judges every string below n by itself. A halt ends the answer.
func (f *messages) texts(ctx context.Context, n *node) error {
	if n == nil {
		return nil
	}
	c, err := f.each(ctx, n)
	if err == nil && c != nil {
		err = f.halt(ctx, c)
	}
	return err
}

// each is texts without the end; it returns the channel that halted.
func (f *messages) each(ctx context.Context, n *node) (halted *channel, err error) {
	f.visitor.steps, f.visitor.path = f.visitor.steps[:0], f.visitor.path[:0]
	f.halted = nil
	err = f.visitor.visit(ctx, n, func(l leaf) error {
		text := l.node.text
		l.node.text = nil
		if f.halted != nil || len(text) == 0 {
			return nil
		}
		c := f.a.newChannel("content."+string(l.path), nil)
		c.json = isJSON(lastName(l.steps))
		if len(l.steps) == 1 {
			f.follow(c, l.steps[0].name)
		}
		out, err := f.a.text(ctx, c, text)
		if l.node.text = out; c.halted {
			f.halted = c
		}
		return err
	})
	return f.halted, err
}

func (f *messages) halt(_ context.Context, c *channel) error {
	a := f.a
	for len(a.open) > 0 {
		a.open[len(a.open)-1].end()
	}
	last := -1
	for _, index := range slices.Sorted(maps.Keys(f.open)) {
		last = index
		a.send(&event{name: []byte("content_block_stop")}, object("type", "content_block_stop", "index", index))
	}
	x := a.exchange
	if r := x.profile.Replacement(x.guard.Options.Language); x.guard.Options.Replacement && r != "" {
		a.send(&event{name: []byte("content_block_start")}, object("type", "content_block_start", "index", last+1, "content_block", object("type", "text", "text", "")))
		a.send(&event{name: []byte("content_block_delta")}, object("type", "content_block_delta", "index", last+1, "delta", object("type", "text_delta", "text", r)))
		a.send(&event{name: []byte("content_block_stop")}, object("type", "content_block_stop", "index", last+1))
	}
	n := object("type", "message_delta", "delta", object("stop_reason", "refusal", "stop_sequence", nil),
		"usage", object("output_tokens", f.tokens), "content_filter_results", a.results(nil))
	if c.retract >= 0 {
		n.set("content_filter_offsets", object("check_offset", c.retract, "start_offset", c.retract, "end_offset", c.received))
	}
	a.send(&event{name: []byte("message_delta")}, n)
	a.send(&event{name: []byte("message_stop")}, object("type", "message_stop"))
	a.stop()
	return nil
}

func (f *messages) whole(ctx context.Context, body *node) error {
	body.keep(messagesTop)
	if err := f.a.complaint(ctx, body.get("error")); err != nil {
		return err
	}
	content := body.get("content")
	if content.null() {
		content = list()
	}
	if !is(content, '[') {
		return upstreamError("the upstream's answer cannot be judged: its content is no list")
	}
	for i, block := range content.nodes {
		if !is(block, '{') {
			return upstreamError("the upstream's answer cannot be judged: a block is no object")
		}
		c, err := f.input(ctx, block)
		if err == nil && c == nil {
			c, err = f.each(ctx, block)
		}
		if err != nil {
			return err
		}
		if c == nil {
			continue
		}
		content.nodes = content.nodes[:i+1]
		if strings.HasSuffix(block.get("type").string(), "tool_use") {
			content.nodes = content.nodes[:i] // a call that is not whole must not be made
		}
		x := f.a.exchange
		if r := x.profile.Replacement(x.guard.Options.Language); x.guard.Options.Replacement && r != "" {
			content.nodes = append(content.nodes, object("type", "text", "text", r))
		}
		body.set("stop_reason", value("refusal")).set("stop_sequence", value(nil))
		break
	}
	if len(f.a.findings) > 0 {
		body.set("content_filter_results", f.a.results(nil))
	}
	return nil
}

// input guards the arguments of a tool, which are JSON here and a text when they
// are streamed: they are judged as that text, names and all.
func (f *messages) input(ctx context.Context, block *node) (halted *channel, err error) {
	input := block.get("input")
	if input.null() {
		return nil, nil
	}
	c := f.a.newChannel("content.input", nil)
	c.json = true
	out, err := f.a.text(ctx, c, input.append(nil))
	if err != nil || c.halted {
		return c, err
	}
	if len(c.edits) > 0 {
		if input, err = parse(out); err != nil {
			return nil, upstreamError("the upstream's answer cannot be shown: a redaction broke the JSON of a tool's input")
		}
	}
	block.set("input", &node{kind: 'n', raw: input.append(nil)}) // judged: not to be looked at again
	return nil, nil
}

func (f *messages) failure(dst []byte, message string) []byte {
	n := object("type", "error", "error", object("type", "api_error", "message", "weir: "+message))
	if f.a.sse {
		return appendEvent(dst, &event{name: []byte("error")}, n.append)
	}
	return n.append(dst)
}
