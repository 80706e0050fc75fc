package gateway

import (
	"context"
	"slices"
	"strings"
)

// last guards the event that ends the stream.
func (f *responses) last(ctx context.Context, e *event, n *node) error {
	if err := f.closeOthers(ctx); err != nil || f.a.over {
		return err
	}
	if err := f.described(ctx, n); err != nil || f.a.over {
		return err
	}
	if len(f.a.findings) > 0 {
		n.get("response").set("content_filter_results", f.a.results(nil))
	}
	f.send(e, n)
	f.response = nil
	return nil
}

func (f *responses) flush(ctx context.Context) error {
	f.turn++
	return f.closeOthers(ctx)
}

// halt ends the stream: what is open is done, as far as it was shown, and the
// response is incomplete.
func (f *responses) halt(_ context.Context, c *channel) error {
	a := f.a
	for len(a.open) > 0 {
		a.open[len(a.open)-1].end()
	}
	output := list()
	slices.SortFunc(f.items, func(a, b *responseItem) int { return a.index - b.index })
	for _, i := range f.items {
		if i.node == nil {
			continue
		}
		if !i.done {
			f.finish(i)
		}
		output.nodes = append(output.nodes, i.node)
	}
	r := f.response
	if r == nil {
		r = object("object", "response", "output", nil)
	}
	r.set("status", value("incomplete")).set("incomplete_details", object("reason", "content_filter")).set("output", output)
	r.set("content_filter_results", a.results(nil))
	if x := a.exchange; x.guard.Options.Replacement {
		r.get("incomplete_details").set("message", value(x.profile.Replacement(x.guard.Options.Language)))
	}
	if c.retract >= 0 {
		r.set("content_filter_offsets", object("check_offset", c.retract, "start_offset", c.retract, "end_offset", c.received))
	}
	f.sendNew(object("type", "response.incomplete", "response", r))
	a.stop()
	return nil
}

// finish ends an item with what was shown of it.
func (f *responses) finish(i *responseItem) {
	n := i.node
	at := func(name string, content int, part *node) {
		l := n.get(name)
		if !is(l, '[') {
			l = list()
			n.set(name, l)
		}
		for len(l.nodes) <= min(content, 1000) {
			l.nodes = append(l.nodes, part)
		}
		if content < len(l.nodes) {
			l.nodes[content] = part
		}
	}
	for _, p := range i.parts {
		c := p.channel
		ids := c.model.clone()
		ids.remove("type")
		ids.remove("sequence_number")
		kind := strings.TrimSuffix(c.model.get("type").string(), ".delta")
		done := func(name string) {
			if !c.ended {
				f.sendNew(object("type", kind+".done").merge(ids).set(name, value(c.shown)))
			}
		}
		partDone := func(kind string, part *node) {
			if !c.ended {
				f.sendNew(object("type", kind).merge(ids).set("part", part))
			}
		}
		switch kind {
		case "response.output_text":
			part := object("type", "output_text", "text", c.shown, "annotations", list(), "logprobs", list())
			at("content", p.content, part)
			ids.set("logprobs", list())
			done("text")
			ids.remove("logprobs")
			partDone("response.content_part.done", part)
		case "response.refusal":
			part := object("type", "refusal", "refusal", c.shown)
			at("content", p.content, part)
			done("refusal")
			partDone("response.content_part.done", part)
		case "response.reasoning_text":
			at("content", p.content, object("type", "reasoning_text", "text", c.shown))
			done("text")
		case "response.reasoning_summary_text":
			part := object("type", "summary_text", "text", c.shown)
			at("summary", p.summary, part)
			done("text")
			partDone("response.reasoning_summary_part.done", part)
		case "response.function_call_arguments", "response.mcp_call_arguments":
			n.set("arguments", value(c.shown))
		case "response.custom_tool_call_input":
			n.set("input", value(c.shown))
		}
	}
	n.set("status", value("incomplete"))
	f.sendNew(object("type", "response.output_item.done", "output_index", i.index, "item", n))
}

func (f *responses) failure(dst []byte, message string) []byte {
	if !f.a.sse {
		return object("error", object("message", "weir: "+message, "type", "server_error", "param", nil, "code", "guard_failed")).append(dst)
	}
	n := object("type", "error", "code", "guard_failed", "message", "weir: "+message, "param", nil, "sequence_number", f.sequence)
	return appendEvent(dst, &event{name: []byte("error")}, n.append)
}
