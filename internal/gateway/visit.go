package gateway

import (
	"context"
	"strconv"
)

// step is one step of the way to a value: a member of an object, or an element
// of a list.
type step struct {
	name    string // "" for an element
	index   int
	indexed bool // the element says its index itself
}

// lastName returns the name of the member that the way ends at, or "".
func lastName(steps []step) string {
	if len(steps) == 0 {
		return ""
	}
	return steps[len(steps)-1].name
}

// leaf is a string that may carry text of the model.
type leaf struct {
	steps []step // valid during the visit
	path  []byte // the same, for people; valid during the visit
	node  *node
}

// visitor finds the strings in a value that may carry text of the model: all but
// those that are named as something else. A field that nobody has heard of is
// taken for text, so that no server's extension goes around the guard.
type visitor struct {
	opaque func(name string) bool // names of members that carry none
	// name says whether a member with a name that no API has may stay: the name may
	// be the model's, as in arguments of tools that are objects. nil lets all stay.
	name  func(ctx context.Context, name string) (keep bool, err error)
	seen  bool // an opaque string that is not empty was met
	steps []step
	path  []byte
}

func (v *visitor) visit(ctx context.Context, n *node, f func(leaf) error) error {
	switch n.kind {
	case '"':
		return f(leaf{v.steps, v.path, n})
	case '{':
		for i := 0; i < len(n.nodes); i++ {
			name, m := n.names[i], n.nodes[i]
			// What is named as no text is some in the arguments of a tool, whose names are
			// the tool's, and in a document of plain text.
			opaque := v.opaque(name) && !inArguments(v.steps) && (name != "data" || n.get("type").string() != "text")
			if v.name != nil && !knownName(name) && m.numbers() && !inArguments(v.steps) {
				n.remove(name) // token ids
				i--
				continue
			}
			if v.name != nil && !knownName(name) && !opaque {
				keep, err := v.name(ctx, name)
				if err != nil {
					return err
				}
				if !keep {
					n.remove(name)
					i--
					continue
				}
			}
			if opaque {
				v.seen = v.seen || m.kind == '"' && len(m.text) > 0
				continue
			}
			steps, path := len(v.steps), len(v.path)
			if path > 0 {
				v.path = append(v.path, '.')
			}
			v.steps, v.path = append(v.steps, step{name: name}), append(v.path, name...)
			err := v.visit(ctx, m, f)
			v.steps, v.path = v.steps[:steps], v.path[:path]
			if err != nil {
				return err
			}
		}
	case '[':
		for i, m := range n.nodes {
			index := m.get("index").integer(-1)
			at := step{index: index, indexed: index >= 0}
			if !at.indexed {
				at.index = i
			}
			steps, path := len(v.steps), len(v.path)
			v.steps = append(v.steps, at)
			v.path = append(strconv.AppendInt(append(v.path, '['), int64(at.index), 10), ']')
			err := v.visit(ctx, m, f)
			v.steps, v.path = v.steps[:steps], v.path[:path]
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// inArguments reports whether the way leads into the arguments of a tool that are
// objects.
func inArguments(steps []step) bool {
	for _, s := range steps {
		if s.name == "arguments" || s.name == "input" {
			return true
		}
	}
	return false
}

// knownName reports whether a name is one of the APIs' own and of the servers that
// speak them, so that it need not be judged.
func knownName(name string) bool {
	switch name {
	case "role", "content", "delta", "message", "index", "finish_reason", "stop_reason", "logprobs", "text", "refusal", "reasoning",
		"reasoning_content", "thinking", "tool_calls", "function", "function_call", "name", "arguments", "input", "partial_json", "type", "id",
		"call_id", "status", "summary", "output", "annotations", "annotation", "title", "url", "start_index", "end_index", "audio", "transcript",
		"expires_at", "item", "part", "token", "logprob", "bytes", "top_logprobs", "citation", "citations", "cited_text", "document_index",
		"document_title", "start_char_index", "end_char_index", "matched_stop", "content_filter_results", "signature", "caller", "content_block",
		"usage", "error", "code", "param", "sequence_number", "output_index", "content_index", "summary_index":
		return true
	}
	return false
}

// nested returns the value that has text at the end of the way.
func nested(steps []step, text []byte) *node {
	n := value(text)
	for i := len(steps) - 1; i >= 0; i-- {
		switch s := steps[i]; {
		case s.name != "":
			n = object(s.name, n)
		case s.indexed && n.kind == '{':
			n = list(object("index", s.index).merge(n))
		default:
			n = list(n)
		}
	}
	return n
}
