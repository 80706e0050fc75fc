package gateway

import (
	"context"
	"slices"
	"strings"
)

func (f *chat) whole(ctx context.Context, body *node) error {
	body.keep(chatTop)
	if err := f.a.complaint(ctx, body.get("error")); err != nil {
		return err
	}
	choices := body.get("choices")
	if choices.null() {
		return nil
	}
	if choices.kind != '[' {
		return errChoices
	}
	for _, n := range choices.nodes {
		c, err := f.choice(n)
		if err != nil {
			return err
		}
		if err := f.wholeChoice(ctx, c, n); err != nil {
			return err
		}
	}
	return nil
}

func (f *chat) wholeChoice(ctx context.Context, c *choice, n *node) error {
	if err := f.collect(ctx, c, n, "message"); err != nil {
		return err
	}
	// Reasoning comes first when it is streamed: its halt ends the answer too.
	slices.SortStableFunc(f.leaves, func(a, b chatLeaf) int { return thought(a.channel) - thought(b.channel) })
	for _, l := range f.leaves {
		text := l.node.text
		l.node.text = nil
		if c.halted != nil {
			continue
		}
		out, err := f.a.text(ctx, l.channel, text)
		if err != nil {
			return err
		}
		l.node.text = out
		if l.channel.halted {
			c.halted = l.channel
		}
	}
	if err := f.guardLogprobs(ctx, c, n); err != nil {
		return err
	}
	if c.halted == nil {
		if f.a.foundIn(c) {
			n.set("content_filter_results", f.a.results(c))
		}
		return nil
	}
	f.verdict(c, n)
	x := f.a.exchange
	replacement := ""
	if x.guard.Options.Replacement {
		replacement = x.profile.Replacement(x.guard.Options.Language)
	}
	place, name := n, "text"
	if message := n.get("message"); message != nil && message.kind == '{' {
		place, name = message, "content"
		message.remove("tool_calls") // a call that is not whole must not be made
		message.remove("function_call")
	}
	place.set(name, value(place.get(name).string()+replacement))
	return nil
}

// thought returns 0 for reasoning and 1 for everything else.
func thought(c *channel) int {
	if strings.HasPrefix(c.name, "reasoning") || strings.HasPrefix(c.name, "thinking") {
		return 0
	}
	return 1
}
