package gateway

import (
	"context"
	"fmt"
	"strings"
)

// responses guards /v1/responses.
//
// Its stream says everything several times: in delta events, in a done event with
// the whole text, in the part, in the item, and in the response at the end.
// Deltas are channels. What is said again is looked up: a string that equals the
// whole text of a channel becomes what was shown of that channel; any other is
// judged by itself, as a server that sends no deltas needs.
type responses struct {
	a        *Answer
	channels []*channel
	said     map[string][]byte // whole texts, and what was shown of them
	items    []*responseItem
	response *node // as the upstream last described it, without output
	turn     int
	sequence int
	visitor  visitor
	halted   *channel // while visiting
	text     *channel // the last text, of textItem, which the next one follows
	textItem int
	judged   int // the item that is being judged
}

// responseItem is one element of output.
type responseItem struct {
	index int
	node  *node // as it was added, or done
	done  bool
	parts []responsePart
}

// responsePart is a part of an item whose text is a channel.
type responsePart struct {
	content, summary int // index, or -1
	channel          *channel
}

func newResponses(a *Answer) *responses {
	f := &responses{a: a, said: map[string][]byte{}, visitor: visitor{opaque: responsesOpaque}}
	f.visitor.name = f.name
	return f
}

// name judges the name of a member.
func (f *responses) name(ctx context.Context, name string) (bool, error) {
	keep, halted, err := f.a.name(ctx, nil, name)
	if f.halted == nil {
		f.halted = halted
	}
	return keep, err
}

// responsesOpaque names what carries no text of a model, or none that anybody can
// read, in events, items and parts.
func responsesOpaque(name string) bool {
	switch name {
	case "type", "id", "item_id", "call_id", "response_id", "object", "status", "role", "event_id", "encrypted_content",
		"approval_request_id", "server_label", "phase", "container_id", "file_id", "environment":
		return true
	}
	return false
}

// responsesTop names the members of a response that the request has set, or that
// are numbers and states.
func responsesTop(name string, member *node) bool {
	switch name {
	case "id", "object", "created_at", "completed_at", "status", "background", "error", "incomplete_details", "instructions",
		"max_output_tokens", "max_tool_calls", "model", "parallel_tool_calls", "previous_response_id", "conversation", "prompt",
		"prompt_cache_key", "prompt_cache_retention", "reasoning", "safety_identifier", "service_tier", "store", "temperature", "text",
		"tool_choice", "tools", "top_p", "top_logprobs", "truncation", "usage", "user", "metadata", "billing", "frequency_penalty",
		"presence_penalty", "output":
		return true
	}
	return !member.hasText()
}

func (f *responses) event(ctx context.Context, e *event) error {
	if string(e.data) == "[DONE]" {
		if err := f.flush(ctx); err != nil || f.a.over {
			return err
		}
		f.a.out = append(f.a.out, "data: [DONE]\n\n"...)
		f.a.over = true
		return nil
	}
	n, err := f.a.parse(e.data)
	if err != nil || n.kind != '{' {
		return errNotJSON
	}
	f.turn++
	f.judged = n.get("output_index").integer(0)
	kind := n.get("type").string()
	n.remove("obfuscation") // its length was made for another text
	switch {
	case kind == "response.created" || kind == "response.in_progress" || kind == "response.queued":
		if err := f.described(ctx, n); err != nil || f.a.over {
			return err
		}
		f.response = n.get("response").detach()
	case kind == "response.completed" || kind == "response.incomplete" || kind == "response.failed" || kind == "response.cancelled":
		return f.last(ctx, e, n)
	case strings.HasSuffix(kind, "audio.delta") || strings.Contains(kind, "partial_image"):
		return nil // sound and pictures cannot be judged
	case strings.HasSuffix(kind, ".delta") && is(n.get("delta"), '"'):
		return f.delta(ctx, e, n, kind)
	default:
		return f.other(ctx, e, n, kind)
	}
	f.send(e, n)
	return nil
}

// described guards an event that describes the response.
func (f *responses) described(ctx context.Context, n *node) error {
	for i, name := range n.names {
		if name != "response" && !responsesOpaque(name) {
			if err := f.again(ctx, name, n.nodes[i]); err != nil || f.a.over {
				return err
			}
		}
	}
	r := n.get("response")
	if !is(r, '{') {
		return errNotJSON
	}
	r.keep(responsesTop)
	if err := f.a.complaint(ctx, r.get("error")); err != nil {
		return err
	}
	return f.again(ctx, "", r.get("output"))
}

// send numbers and sends an event.
func (f *responses) send(e *event, n *node) {
	if n.get("sequence_number") != nil {
		n.set("sequence_number", value(f.sequence))
	}
	f.sequence++
	f.a.send(e, n)
}

// sendNew sends an event of ours.
func (f *responses) sendNew(n *node) {
	f.send(&event{name: []byte(n.get("type").string())}, n.set("sequence_number", value(0)))
}

// delta guards a piece of text.
func (f *responses) delta(ctx context.Context, e *event, n *node, kind string) error {
	c := f.channel(n, strings.TrimSuffix(kind, ".delta"))
	delta := n.get("delta")
	c.turn = f.turn
	if len(delta.text) > 0 {
		if err := f.closeOthers(ctx); err != nil || f.a.over {
			return err
		}
	}
	text := delta.text
	out, err := f.a.shown(ctx, c, text)
	if err != nil {
		return err
	}
	delta.text = out
	if lp := n.get("logprobs"); lp != nil {
		if err := f.logprobs(ctx, c, n, lp, text); err != nil {
			return err
		}
	}
	for i, name := range n.names {
		if name != "delta" && name != "logprobs" && !responsesOpaque(name) {
			if err := f.again(ctx, name, n.nodes[i]); err != nil || f.a.over {
				return err
			}
		}
	}
	if len(out) > 0 || len(text) == 0 {
		f.send(e, n)
	}
	if c.halted {
		return f.halt(ctx, c)
	}
	return nil
}

// logprobs guards the tokens of a delta.
func (f *responses) logprobs(ctx context.Context, c *channel, n, entries *node, text []byte) error {
	t := &c.tokens
	shown := list()
	if is(entries, '[') {
		for _, e := range entries.nodes {
			token, ok, err := f.a.guardLogprob(ctx, e)
			if err != nil {
				return err
			}
			t.add(token, e)
			t.lost = t.lost || !ok
		}
	}
	for _, p := range t.take(c, text) {
		shown.nodes = append(shown.nodes, p.nodes[0])
	}
	n.set("logprobs", shown)
	return nil
}

// channel returns the channel of a delta or done event, which kind, item and
// index name.
func (f *responses) channel(n *node, kind string) *channel {
	name := channelName(n, kind)
	if c := f.find(name); c != nil {
		return c
	}
	output, content, summary := n.get("output_index").integer(0), n.get("content_index").integer(-1), n.get("summary_index").integer(-1)
	item := f.item(output)
	c := f.a.newChannel(name, item)
	c.json = strings.HasSuffix(kind, "_arguments")
	if strings.HasSuffix(kind, "output_text") {
		f.follow(c, output)
	}
	c.model = object("type", kind+".delta", "sequence_number", 0)
	for _, name := range [...]string{"item_id", "output_index", "content_index", "summary_index"} {
		if m := n.get(name); m != nil {
			c.model.set(name, m.detach())
		}
	}
	f.channels = append(f.channels, c)
	item.parts = append(item.parts, responsePart{content, summary, c})
	return c
}

// follow has a text of an item follow the one before.
func (f *responses) follow(c *channel, item int) {
	if f.text != nil && f.textItem == item {
		c.after = f.text
	}
	f.text, f.textItem = c, item
}

func channelName(n *node, kind string) string {
	output, kind := n.get("output_index").integer(0), strings.TrimPrefix(kind, "response.")
	if index := max(n.get("content_index").integer(-1), n.get("summary_index").integer(-1)); index >= 0 {
		return fmt.Sprintf("output[%d][%d].%s", output, index, kind)
	}
	return fmt.Sprintf("output[%d].%s", output, kind)
}

func (f *responses) find(name string) *channel {
	for _, c := range f.channels {
		if c.name == name {
			return c
		}
	}
	return nil
}

func (f *responses) item(index int) *responseItem {
	for _, i := range f.items {
		if i.index == index {
			return i
		}
	}
	i := &responseItem{index: index}
	f.items = append(f.items, i)
	return i
}

// closeOthers ends the channels that the event is not about and sends what they
// held.
func (f *responses) closeOthers(ctx context.Context) error {
	for _, c := range f.channels {
		if c.turn == f.turn {
			continue
		}
		if err := f.close(ctx, c); err != nil || f.a.over {
			return err
		}
	}
	return nil
}

// close ends one channel.
func (f *responses) close(ctx context.Context, c *channel) error {
	if c.halted {
		return nil
	}
	out, err := c.close(ctx, nil)
	if err != nil {
		return err
	}
	if len(out) > 0 {
		n := c.model.clone().set("delta", value(out))
		if c.tokens.at > 0 || strings.HasSuffix(c.name, ".output_text") {
			if err := f.logprobs(ctx, c, n, nil, nil); err != nil {
				return err
			}
		}
		f.sendNew(n)
	}
	if c.halted {
		return f.halt(ctx, c)
	}
	f.said[string(c.original)] = c.shown
	return nil
}

// other guards events that say again what deltas have said, and all that are not
// known.
func (f *responses) other(ctx context.Context, e *event, n *node, kind string) error {
	if err := f.closeOthers(ctx); err != nil || f.a.over {
		return err
	}
	if kind, done := strings.CutSuffix(kind, ".done"); done {
		if c := f.find(channelName(n, kind)); c != nil {
			c.ended = true
		}
	}
	if n.get("logprobs") != nil {
		n.set("logprobs", list()) // the deltas had them
	}
	item := f.item(n.get("output_index").integer(0))
	for i, name := range n.names {
		if !responsesOpaque(name) {
			if err := f.again(ctx, name, n.nodes[i]); err != nil || f.a.over {
				return err
			}
		}
	}
	if whole := n.get("item"); is(whole, '{') {
		item.node = whole.detach()
		item.done = kind == "response.output_item.done"
	}
	f.send(e, n)
	return nil
}

// again guards every string below n, which may repeat the text of a channel. A
// halt ends the answer.
func (f *responses) again(ctx context.Context, name string, n *node) error {
	if n == nil {
		return nil
	}
	removeMedia(n)
	f.visitor.steps, f.visitor.path = f.visitor.steps[:0], f.visitor.path[:0]
	if name != "" { // the member of an event
		f.visitor.steps = append(f.visitor.steps, step{name: name})
	}
	f.halted = nil
	err := f.visitor.visit(ctx, n, func(l leaf) error {
		text := l.node.text
		if f.halted != nil {
			l.node.text = nil
			return nil
		}
		if len(text) == 0 {
			return nil
		}
		if shown, ok := f.said[string(text)]; ok {
			l.node.text = shown
			return nil
		}
		c := f.a.newChannel("output."+string(l.path), nil)
		c.json = isJSON(lastName(l.steps))
		if lastName(l.steps) == "text" {
			f.follow(c, f.judged)
		}
		out, err := f.a.text(ctx, c, text)
		if err != nil {
			return err
		}
		l.node.text = out
		if c.halted {
			f.halted = c
			return nil
		}
		f.said[string(text)] = out
		return nil
	})
	if err == nil && f.halted != nil && f.a.sse {
		err = f.halt(ctx, f.halted)
	}
	return err
}

// removeMedia removes sound and pictures, and empties the logprobs of texts.
func removeMedia(n *node) {
	if n.kind == '{' {
		n.keep(func(name string, m *node) bool {
			switch name {
			case "data", "result", "partial_image_b64":
				return m.kind != '"' // base64
			case "logprobs":
				m.nodes = nil // the deltas had them
				return m.kind == '[' || m.kind == 'n'
			}
			return true
		})
	}
	for _, m := range n.nodes {
		removeMedia(m)
	}
}

func (f *responses) whole(ctx context.Context, body *node) error {
	body.keep(responsesTop)
	if err := f.a.complaint(ctx, body.get("error")); err != nil {
		return err
	}
	output := body.get("output")
	if output.null() {
		return nil
	}
	if !is(output, '[') {
		return upstreamError("the upstream's answer cannot be judged: its output is no list")
	}
	for i, item := range output.nodes {
		f.judged = i
		before := f.a.halted
		if err := f.again(ctx, "", item); err != nil {
			return err
		}
		if f.a.halted == before {
			continue
		}
		output.nodes = output.nodes[:i+1]
		if kind := item.get("type").string(); strings.HasSuffix(kind, "_call") {
			output.nodes = output.nodes[:i] // a call that is not whole must not be made
		} else if is(item, '{') {
			item.set("status", value("incomplete"))
		}
		body.set("status", value("incomplete")).set("incomplete_details", object("reason", "content_filter"))
		break
	}
	if len(f.a.findings) > 0 {
		body.set("content_filter_results", f.a.results(nil))
	}
	return nil
}
