package gateway

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	maxDepth = 64       // of nesting; no API comes near
	maxNodes = 1 << 10  // that a tree keeps for the next value
	maxText  = 64 << 10 // bytes of text that it keeps room for; 64 KiB
	maxNames = 256      // that it knows again
	nodeStep = 16       // nodes made at once,
	few      = 3        // with room for so many members each
)

var (
	errDepth = fmt.Errorf("the JSON is nested deeper than %d", maxDepth)
	errTwice = errors.New("the JSON has a name twice in one object")
	errMore  = errors.New("there is more than one JSON value")
)

// tree reads values one after the other into the same memory: a value, and all
// that is below it, is valid until the next one is read, or the bytes change that
// it was read from. What is kept longer must be detached. The events of a stream
// are much alike, so that soon nothing is allocated for one.
type tree struct {
	decoder *jsontext.Decoder
	in      bytes.Buffer
	nodes   []*node // made so far, with room for their members
	used    int     // of nodes
	text    []byte  // of strings with escapes, and what is shown in place of texts
	names   map[string]string
}

// parse reads one value and nothing behind it. The error has no text of the value.
func parse(data []byte) (*node, error) { return new(tree).parse(data) }

// parse is parse, into the tree.
func (t *tree) parse(data []byte) (*node, error) {
	t.reset()
	t.in = *bytes.NewBuffer(data)
	if t.decoder == nil {
		t.decoder = jsontext.NewDecoder(&t.in, jsontext.AllowInvalidUTF8(true))
	} else {
		t.decoder.Reset(&t.in, jsontext.AllowInvalidUTF8(true))
	}
	d := t.decoder
	n, err := t.read(d, 0)
	switch {
	case err == nil:
		if d.PeekKind() != 0 || len(bytes.TrimSpace(data[d.InputOffset():])) > 0 {
			return nil, errMore
		}
		return n, nil
	case errors.Is(err, errDepth):
		return nil, err
	case errors.Is(err, jsontext.ErrDuplicateName):
		return nil, errTwice
	}
	// jsontext quotes names in its errors, which may be text of users.
	return nil, fmt.Errorf("there is no valid JSON at byte %d", d.InputOffset())
}

// free lets go of the bytes that the last value was read from.
func (t *tree) free() {
	for _, n := range t.nodes[:t.used] {
		clear(n.names)
		clear(n.nodes)
		*n = node{names: n.names[:0], nodes: n.nodes[:0]}
	}
	t.in = bytes.Buffer{}
	t.reset()
}

// reset forgets the last value, and gives back what only a long one needs.
func (t *tree) reset() {
	if len(t.nodes) > maxNodes {
		t.nodes = nil
	}
	if cap(t.text) > maxText {
		t.text = nil
	}
	t.used, t.text = 0, t.text[:0]
}

// new returns an empty node.
func (t *tree) new(kind jsontext.Kind) *node {
	if t.used == len(t.nodes) {
		block := new(struct {
			nodes   [nodeStep]node
			names   [nodeStep][few]string
			members [nodeStep][few]*node
		})
		for i := range block.nodes {
			n := &block.nodes[i]
			n.names, n.nodes = block.names[i][:0], block.members[i][:0]
			t.nodes = append(t.nodes, n)
		}
	}
	n := t.nodes[t.used]
	t.used++
	*n = node{kind: kind, names: n.names[:0], nodes: n.nodes[:0]}
	return n
}

// name returns a name without a copy if it came before.
func (t *tree) name(raw []byte) string {
	plain := raw[1 : len(raw)-1]
	for _, c := range plain {
		if c == '\\' || c >= 0x80 {
			name, _ := jsontext.AppendUnquote(nil, raw) // what is no valid UTF-8 becomes U+FFFD
			return string(name)
		}
	}
	name, known := t.names[string(plain)]
	if !known {
		name = string(plain)
		if t.names == nil {
			t.names = map[string]string{}
		}
		if len(t.names) < maxNames && len(name) <= 64 {
			t.names[name] = name
		}
	}
	return name
}

func (t *tree) read(d *jsontext.Decoder, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	n := t.new(d.PeekKind())
	switch n.kind {
	case '{', '[':
		if _, err := d.ReadToken(); err != nil {
			return nil, err
		}
		for {
			switch d.PeekKind() {
			case '}', ']':
				_, err := d.ReadToken()
				return n, err
			}
			if n.kind == '{' {
				name, err := d.ReadValue()
				if err != nil {
					return nil, err
				}
				n.names = append(n.names, t.name(name))
			}
			member, err := t.read(d, depth+1)
			if err != nil {
				return nil, err
			}
			n.nodes = append(n.nodes, member)
		}
	}
	raw, err := d.ReadValue()
	if err != nil {
		return n, err
	}
	switch begin := len(t.text); {
	case n.kind != '"':
		n.raw = raw
	case bytes.IndexByte(raw, '\\') < 0:
		n.text = raw[1 : len(raw)-1 : len(raw)-1]
		n.at = int(d.InputOffset()) - len(n.text) - 1
	default:
		t.text = unquote(t.text, raw)
		n.text = t.text[begin:len(t.text):len(t.text)]
	}
	return n, nil
}
