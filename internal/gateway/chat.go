package gateway

import (
	"context"
	"slices"
	"strings"
)

// chat guards /v1/chat/completions and /v1/completions.
//
// Every string of a choice is a channel, named by its way from the delta (or the
// message). When text comes for one channel, those of the same choice that the
// event has nothing for are closed: what they hold comes out before it, as a
// reader would expect of reasoning that is over.
type chat struct {
	a        *Answer
	choices  []*choice
	envelope *node // of chunks: id, model and so on
	usage    *node // the last that the upstream has sent
	chunks   int   // with text
	visitor  visitor
	leaves   []chatLeaf // of the choice being guarded

	collected *choice // to which they belong
	unnamed   bool    // it had a member whose name was not shown
}

type choice struct {
	index    int
	channels []*channel
	turn     int
	sent     bool // some chunk of it is out
	finished bool // its last chunk is out
	halted   *channel
	logprobs []*logprobs
	template template
	opaque   bool // the template has something beside the text that is worth sending
}

type chatLeaf struct {
	node    *node
	channel *channel
	came    []byte // the text
}

func newChat(a *Answer) *chat {
	f := &chat{a: a, visitor: visitor{opaque: chatOpaque}}
	f.visitor.name = f.name
	return f
}

// name judges the name of a member of the choice that is being collected.
func (f *chat) name(ctx context.Context, name string) (bool, error) {
	keep, halted, err := f.a.name(ctx, f.collected, name)
	if halted != nil {
		f.collected.halted = halted
	}
	f.unnamed = f.unnamed || !keep
	return keep, err
}

// chatOpaque names what carries no text of a model in a choice. logprobs are
// looked at elsewhere.
func chatOpaque(name string) bool {
	switch name {
	case "role", "id", "type", "finish_reason", "logprobs", "content_filter_results", "content_filter_result", "content_filter_offsets":
		return true
	}
	return false
}

// chatHidden names what carries text that cannot be read: token ids and sound,
// and the prompt's alternatives, which nobody asks a guarded server for.
func chatHidden(name string) bool {
	switch name {
	case "token_ids", "prompt_token_ids", "prompt_logprobs", "routed_experts", "hidden_states":
		return true
	}
	return false
}

// chatTop names the members of chunks and bodies that are known to carry no text
// of a model. Others stay if they have no words in them.
func chatTop(name string, member *node) bool {
	switch name {
	case "id", "object", "created", "model", "system_fingerprint", "service_tier", "usage", "choices", "timings", "prompt_progress", "error", "provider",
		"prompt_filter_results", "x_groq":
		return true
	}
	return !chatHidden(name) && !member.hasText()
}

func (f *chat) completions() bool { return f.a.exchange.route == Completions }

// choice returns the choice of a node.
func (f *chat) choice(n *node) (*choice, error) {
	index, ok := n.index()
	if n.kind != '{' || !ok {
		return nil, errChoices
	}
	for _, c := range f.choices {
		if c.index == index {
			return c, nil
		}
	}
	c := &choice{index: index}
	f.choices = append(f.choices, c)
	return c, nil
}

func (f *chat) event(ctx context.Context, e *event) error {
	if string(e.data) == "[DONE]" {
		if err := f.flush(ctx); err != nil || f.a.over {
			return err
		}
		f.done()
		return nil
	}
	for _, c := range f.choices {
		if text, ok := c.template.fit(e); ok && !c.finished && len(c.logprobs) == 0 {
			return f.next(ctx, c, text)
		}
	}
	n, err := f.a.parse(e.data)
	if err != nil || n.kind != '{' {
		return errNotJSON
	}
	n.keep(chatTop)
	if err := f.a.complaint(ctx, n.get("error")); err != nil {
		return err
	}
	choices := n.get("choices")
	if choices.null() {
		f.a.send(e, n) // an error, or nothing of interest
		return nil
	}
	if choices.kind != '[' {
		return errChoices
	}
	f.remember(n)
	usage := n.get("usage")
	if !usage.null() {
		f.usage = usage.detach()
	}
	came := len(choices.nodes)
	kept := choices.nodes[:0]
	var halted []*choice
	for _, m := range choices.nodes {
		c, err := f.choice(m)
		if err != nil {
			return err
		}
		if c.finished {
			continue
		}
		keep, err := f.guard(ctx, c, m)
		if err != nil {
			return err
		}
		if keep {
			kept, c.sent = append(kept, m), true
		}
		if c.halted != nil {
			halted = append(halted, c)
		}
	}
	choices.nodes = kept
	if len(kept) > 0 || came == 0 || !usage.null() {
		f.a.send(e, n)
	}
	for _, c := range halted {
		f.stop(c)
	}
	f.settle()
	if came == 1 && len(kept) == 1 && usage.null() {
		f.learn(e, n)
	}
	return nil
}

// learn makes a template of an event with one choice that has gone out. What
// becomes of an event depends on its values, its text and what next looks at.
func (f *chat) learn(e *event, n *node) {
	c := f.collected
	if c.halted != nil || c.finished || len(c.logprobs) > 0 || f.unnamed || f.a.plain {
		return
	}
	var one *chatLeaf
	for i := range f.leaves {
		l := &f.leaves[i]
		if isName(l.channel) || len(l.came) > 0 && one != nil {
			return
		}
		if len(l.came) > 0 {
			one = l
		}
	}
	if one != nil && c.template.learn(e, n, one.node, len(one.came), one.channel) {
		c.opaque = f.visitor.seen
	}
}

// next guards an event that is like the template of a choice, as event would.
func (f *chat) next(ctx context.Context, c *choice, text []byte) error {
	ch := c.template.channel
	f.a.tree.reset()
	c.turn++
	ch.turn = c.turn
	f.chunks++
	if err := f.closeOthers(ctx, c); err != nil {
		return err
	}
	if c.halted == nil {
		out, err := f.a.shown(ctx, ch, text)
		if err != nil {
			return err
		}
		if ch.halted {
			c.halted = ch
		}
		if len(out) > 0 || c.opaque && c.halted == nil {
			f.a.out = c.template.append(f.a.out, out)
			c.sent = true
		}
	}
	if c.halted != nil {
		f.stop(c)
	}
	f.settle()
	return nil
}

// remember keeps what chunks have in common, for those that we make.
func (f *chat) remember(n *node) {
	if f.envelope == nil {
		n = n.clone()
		n.keep(func(name string, _ *node) bool {
			switch name {
			case "id", "object", "created", "model", "system_fingerprint", "service_tier":
				return true
			}
			return false
		})
		f.envelope = n.detach()
	}
}

// guard puts in place of a choice's texts what may be shown of them. keep is
// false if nothing is left worth sending. Afterwards the choice may have halted.
func (f *chat) guard(ctx context.Context, c *choice, n *node) (keep bool, err error) {
	reason := n.get("finish_reason")
	finish := !reason.null() && (reason.kind != '"' || len(reason.text) > 0) // some servers send "" until the end
	if err := f.collect(ctx, c, n, "delta"); err != nil {
		return false, err
	}
	had := false
	c.turn++
	for _, l := range f.leaves {
		if len(l.node.text) > 0 {
			l.channel.turn = c.turn
			had = true
		}
	}
	if had {
		f.chunks++
	}
	if had || finish {
		if err := f.closeOthers(ctx, c); err != nil {
			return false, err
		}
	}
	has := false
	for _, l := range f.leaves {
		text := l.node.text
		l.node.text = nil
		if c.halted != nil {
			continue
		}
		ch := l.channel
		out, err := f.a.shown(ctx, ch, text)
		if err == nil && (finish || isName(ch)) {
			out, err = ch.close(ctx, out)
		}
		if err != nil {
			return false, err
		}
		l.node.text = out
		has = has || len(out) > 0
		if ch.halted {
			c.halted = ch
		}
	}
	if err := f.guardLogprobs(ctx, c, n); err != nil {
		return false, err
	}
	switch {
	case c.halted != nil:
		if finish {
			n.set("finish_reason", value(nil))
		}
		return has, nil
	case finish:
		c.finished = true
		if f.a.foundIn(c) {
			n.set("content_filter_results", f.a.results(c))
		}
		return true, nil
	}
	return has || !had || f.visitor.seen, nil
}

// collect finds the texts of a choice, each with its channel.
func (f *chat) collect(ctx context.Context, c *choice, n *node, payload string) error {
	if f.completions() {
		payload = "" // the text stands in the choice itself
	}
	n.keep(func(name string, m *node) bool { return !chatHidden(name) && !m.numbers() })
	if delta := n.get(payload); is(delta, '{') {
		delta.remove("logprobs") // have their place beside it
	}
	if audio := n.get(payload).get("audio"); audio != nil && audio.kind == '{' {
		audio.remove("data")
	}
	f.leaves, f.collected, f.unnamed = f.leaves[:0], c, false
	f.visitor.seen = false
	add := func(l leaf) error {
		f.leaves = append(f.leaves, chatLeaf{l.node, f.channel(c, l), l.node.text})
		return nil
	}
	for i, m := range n.nodes {
		if name := n.names[i]; name == payload {
			f.visitor.steps, f.visitor.path = f.visitor.steps[:0], f.visitor.path[:0]
			if err := f.visitor.visit(ctx, m, add); err != nil {
				return err
			}
		} else if !chatOpaque(name) {
			f.visitor.steps, f.visitor.path = append(f.visitor.steps[:0], step{name: name}), f.visitor.path[:0]
			if payload != "" {
				f.visitor.path = append(f.visitor.path, '/') // beside the payload, whose members may have the same name
			}
			f.visitor.path = append(f.visitor.path, name...)
			if err := f.visitor.visit(ctx, m, add); err != nil {
				return err
			}
		}
	}
	return nil
}

// channel returns the channel of a text.
func (f *chat) channel(c *choice, l leaf) *channel {
	for _, ch := range c.channels {
		if ch.name == string(l.path) {
			return ch
		}
	}
	ch := f.a.newChannel(string(l.path), c)
	ch.steps = slices.Clone(l.steps)
	ch.json = isJSON(lastName(l.steps))
	if isPart(l.steps) {
		for _, before := range c.channels {
			if isPart(before.steps) {
				ch.after = before
			}
		}
	}
	c.channels = append(c.channels, ch)
	return ch
}

// isPart reports whether a text is a part of a content that is a list: clients join
// them.
func isPart(steps []step) bool {
	return len(steps) == 3 && steps[0].name == "content" && steps[2].name == "text"
}

// isName reports whether a channel is the name of a function: it is judged as it
// comes, since clients look it up at once.
func isName(c *channel) bool {
	return len(c.steps) > 1 && lastName(c.steps) == "name"
}

// closeOthers ends the channels of a choice that the event has no text for, and
// sends what they held.
func (f *chat) closeOthers(ctx context.Context, c *choice) error {
	for _, ch := range c.channels {
		if ch.turn == c.turn {
			continue
		}
		out, err := ch.close(ctx, nil)
		if err != nil {
			return err
		}
		if len(out) > 0 {
			f.sendText(ctx, c, ch, out)
		}
		if ch.halted {
			c.halted = ch
			return nil
		}
	}
	return nil
}

// sendText sends a chunk with text of a channel.
func (f *chat) sendText(_ context.Context, c *choice, ch *channel, text []byte) {
	n := nested(ch.steps, text)
	if !f.beside(ch) {
		n = object("delta", n)
	} else if !f.completions() {
		n.set("delta", object())
	}
	f.sendChoice(c, n.set("finish_reason", value(nil)))
}

// beside reports whether a channel stands in the choice itself, as completions'
// text does, and not in its delta.
func (f *chat) beside(ch *channel) bool { return f.completions() || strings.HasPrefix(ch.name, "/") }

// sendChoice sends a chunk with one choice.
func (f *chat) sendChoice(c *choice, n *node) {
	c.sent = true
	f.sendChunk(list(object("index", c.index).merge(n)), nil)
}

func (f *chat) sendChunk(choices, usage *node) {
	n := object()
	if f.envelope != nil {
		n = f.envelope.clone()
	}
	n.set("choices", choices)
	if usage != nil {
		n.set("usage", usage)
	}
	f.a.send(nil, n)
}
