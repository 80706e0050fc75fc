package gateway

import "strconv"

// step is one step of the way to a value: a member of an object, or an element
// of a list.
type step struct {
	name    string // "" for an element
	index   int
	indexed bool // the element says its index itself
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
	seen   bool                   // an opaque string that is not empty was met
	steps  []step
	path   []byte
}

func (v *visitor) visit(n *node, f func(leaf) error) error {
	switch n.kind {
	case '"':
		return f(leaf{v.steps, v.path, n})
	case '{':
		for i, m := range n.nodes {
			name := n.names[i]
			if v.opaque(name) {
				v.seen = v.seen || m.kind == '"' && len(m.text) > 0
				continue
			}
			steps, path := len(v.steps), len(v.path)
			if path > 0 {
				v.path = append(v.path, '.')
			}
			v.steps, v.path = append(v.steps, step{name: name}), append(v.path, name...)
			err := v.visit(m, f)
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
			err := v.visit(m, f)
			v.steps, v.path = v.steps[:steps], v.path[:path]
			if err != nil {
				return err
			}
		}
	}
	return nil
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
