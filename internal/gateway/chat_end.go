package gateway

import "context"

// stop ends a choice after a halt.
func (f *chat) stop(c *choice) {
	for _, ch := range c.channels {
		ch.end()
	}
	x := f.a.exchange
	if r := x.profile.Replacement(x.guard.Options.Language); x.guard.Options.Replacement && r != "" {
		if f.completions() {
			f.sendChoice(c, object("text", r, "logprobs", nil, "finish_reason", nil))
		} else {
			f.sendChoice(c, object("delta", object("content", r), "logprobs", nil, "finish_reason", nil))
		}
	}
	n := object("delta", object(), "logprobs", nil)
	switch {
	case f.completions():
		n = object("text", "", "logprobs", nil)
	case !c.sent:
		n.set("delta", object("role", "assistant", "content", ""))
	}
	f.sendChoice(c, f.verdict(c, n))
	c.finished = true
}

// verdict writes a halt into a choice.
func (f *chat) verdict(c *choice, n *node) *node {
	n.set("finish_reason", value("content_filter")).set("content_filter_results", f.a.results(c))
	if from := c.halted.retract; from >= 0 {
		n.set("content_filter_offsets", object("check_offset", from, "start_offset", from, "end_offset", c.halted.received))
	}
	return n
}

// settle ends the answer if some choice has halted and none goes on.
func (f *chat) settle() {
	halted, finished := false, 0
	for _, c := range f.choices {
		halted = halted || c.halted != nil
		if c.finished {
			finished++
		}
	}
	if !halted || finished < max(f.a.exchange.choices, len(f.choices)) {
		return
	}
	if f.a.exchange.usage {
		if f.usage == nil {
			f.usage = f.estimate()
		}
		f.sendChunk(list(), f.usage)
	}
	f.done()
	f.a.stop()
}

// estimate makes a usage for an upstream that was stopped before it told.
func (f *chat) estimate() *node {
	prompt := (f.a.exchange.prompt + 3) / 4
	return object("prompt_tokens", prompt, "completion_tokens", f.chunks, "total_tokens", prompt+f.chunks, "estimated", true)
}

func (f *chat) done() {
	f.a.out = append(f.a.out, "data: [DONE]\n\n"...)
	f.a.over = true
}

func (f *chat) flush(ctx context.Context) error {
	for _, c := range f.choices {
		if c.finished {
			continue
		}
		c.turn++
		if err := f.closeOthers(ctx, c); err != nil {
			return err
		}
		if c.halted != nil {
			f.stop(c)
		}
	}
	f.settle()
	return nil
}

func (f *chat) halt(_ context.Context, ch *channel) error {
	c := ch.scope.(*choice)
	c.halted = ch
	f.stop(c)
	f.settle()
	return nil
}

func (f *chat) failure(dst []byte, message string) []byte {
	n := object("error", object("message", "weir: "+message, "type", "server_error", "param", nil, "code", "guard_failed"))
	if f.a.sse {
		return appendEvent(dst, nil, n.append)
	}
	return n.append(dst)
}
