package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// read takes from a request what the answer depends on, and returns the prompt
// to judge: all text but that of the system, the developer and the assistant
// itself.
func (x *Exchange) read(request *node) ([]byte, error) {
	if err := spelled(request, "messages", "prompt", "input", "suffix", "stream"); err != nil {
		return nil, err
	}
	x.usage = x.route <= Completions && is(request.get("stream_options").get("include_usage"), 't')
	x.choices = max(1, request.get("n").integer(1))
	var p prompt
	switch x.route {
	case Chat, Messages:
		messages := request.get("messages")
		if messages == nil || messages.kind != '[' {
			return nil, errors.New("messages is no list")
		}
		p.messages(messages, false)
	case Completions:
		if !request.get("prompt_embeds").null() {
			return nil, errors.New("prompt_embeds cannot be read by the guard: send text")
		}
		n, err := p.completion(request.get("prompt"))
		if err != nil {
			return nil, err
		}
		x.choices *= n
		p.text(request.get("suffix"))
	case Responses:
		switch input := request.get("input"); {
		case input.null(): // it goes on from a stored response or prompt
		case input.kind == '"':
			p.text(input)
		case input.kind == '[':
			p.messages(input, true)
		default:
			return nil, errors.New("input is neither a string nor a list")
		}
		p.texts(request.get("prompt").get("variables"))
	}
	return p.out, p.err
}

func is(n *node, kind byte) bool { return n != nil && byte(n.kind) == kind }

// prompt gathers texts, a line break between them.
type prompt struct {
	out []byte
	err error
}

func (p *prompt) text(n *node) {
	if is(n, '"') && len(n.text) > 0 {
		if len(p.out) > 0 {
			p.out = append(p.out, '\n')
		}
		p.out = append(p.out, n.text...)
	}
}

// spelled is an error if a member has one of the names but for the case of letters:
// some servers read it as that name, and others do not.
func spelled(n *node, names ...string) error {
	for _, member := range n.names {
		for _, name := range names {
			if member != name && strings.EqualFold(member, name) {
				return fmt.Errorf("a member is spelled like %s but for upper and lower case: write %s", name, name)
			}
		}
	}
	return nil
}

// messages takes messages, or the items of a responses request.
func (p *prompt) messages(list *node, items bool) {
	for _, m := range list.nodes {
		if err := spelled(m, "role", "type", "content", "output", "name"); err != nil {
			p.err = err
			return
		}
		switch m.get("role").string() {
		case "assistant", "system", "developer":
			continue
		}
		if items && said(m.get("type").string()) {
			continue
		}
		if m.kind != '{' {
			p.err = errors.New("a message is no object")
			return
		}
		for i, member := range m.nodes {
			switch m.names[i] {
			case "content", "output", "name":
				p.texts(member)
			}
		}
	}
}

// said reports whether an item of that type is what the model has said before.
func said(kind string) bool {
	switch kind {
	case "reasoning", "function_call", "custom_tool_call", "mcp_call", "item_reference", "image_generation_call", "code_interpreter_call":
		return true
	}
	return false
}

// texts takes every string in n that is no structure: parts of texts, results of
// tools, documents. Pictures and sound cannot be judged.
func (p *prompt) texts(n *node) {
	v := visitor{opaque: func(name string) bool {
		switch name {
		case "type", "id", "tool_use_id", "tool_call_id", "call_id", "file_id", "media_type", "cache_control", "detail", "format",
			"image_url", "input_audio", "file_data", "data", "url", "encrypted_content", "encrypted_index":
			return true
		}
		return false
	}}
	if n != nil {
		_ = v.visit(context.Background(), n, func(l leaf) error { p.text(l.node); return nil })
	}
}

// completion takes the prompts of a completion and returns how many there are.
func (p *prompt) completion(n *node) (int, error) {
	errTokens := errors.New("prompt has token ids, which the guard cannot read: send text")
	switch {
	case n.null():
		return 1, nil
	case n.kind == '"':
		p.text(n)
		return 1, nil
	case n.kind == '[':
		for _, m := range n.nodes {
			if m.kind != '"' {
				return 0, errTokens
			}
			p.text(m)
		}
		return max(1, len(n.nodes)), nil
	}
	return 0, errTokens
}

// refuse makes an answer that says what to change.
func (x *Exchange) refuse(status int, kind, code, message string) *Refusal {
	n := object("error", object("message", "weir: "+message, "type", kind, "param", nil, "code", code))
	if x.route == Messages {
		if status >= http.StatusInternalServerError {
			kind = "api_error"
		}
		n = object("type", "error", "error", object("type", kind, "message", "weir: "+message))
	}
	return &Refusal{Status: status, Body: n.append(nil)}
}

// block makes the answer to a prompt that the policy halts, as Azure makes it.
func (x *Exchange) block(v *policy.Verdict) *Refusal {
	message := "The prompt was stopped by the content policy."
	categories := list()
	for _, f := range v.Findings {
		if f.Action == policy.Halt {
			categories.nodes = append(categories.nodes, value(f.Category.String()))
		}
	}
	if n := len(categories.nodes); n > 0 {
		message = fmt.Sprintf("The prompt was stopped by the content policy: %s.", categories.nodes[0].string())
	}
	inner := object("code", "ResponsibleAIPolicyViolation", "content_filter_result", filterResults(v.Findings))
	e := object("message", message, "type", "invalid_request_error", "param", "prompt", "code", "content_filter", "status", http.StatusBadRequest, "innererror", inner)
	n := object("error", e)
	if x.route == Messages {
		n = object("type", "error", "error", object("type", "invalid_request_error", "message", message, "code", "content_filter"))
	}
	return &Refusal{Status: http.StatusBadRequest, Body: n.append(nil), Blocked: true}
}
