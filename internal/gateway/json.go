package gateway

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// node is a JSON value. What is not looked at keeps its spelling and order, so
// that fields nobody here has heard of pass through. Objects with the same name
// twice are refused, because readers disagree about which one counts, and the
// guard must see what the reader sees.
type node struct {
	kind  jsontext.Kind // '{', '[', '"', '0', 't', 'f' or 'n'
	raw   []byte        // of numbers and literals
	text  []byte        // of strings: bytes as they came, halves of surrogate pairs in three bytes each
	at    int           // of strings that came without escapes: where the text stands in what was read
	names []string      // of an object's members
	nodes []*node       // members or elements
}

// unquote appends the bytes of a valid JSON string. Unlike the libraries it
// leaves runes alone that are cut: the other half may come with the next event.
func unquote(out, raw []byte) []byte {
	raw = raw[1 : len(raw)-1]
	begin := len(out)
	for len(raw) > 0 {
		at := bytes.IndexByte(raw, '\\')
		if at < 0 {
			return append(out, raw...)
		}
		out = append(out, raw[:at]...)
		escape := raw[at+1]
		raw = raw[at+2:]
		switch escape {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			unit, _ := strconv.ParseUint(string(raw[:4]), 16, 16)
			raw = raw[4:]
			out = append(out[:begin], appendUnit(out[begin:], uint16(unit))...) // not with what was there before
		default:
			out = append(out, escape)
		}
	}
	return out
}

// appendUnit appends a UTF-16 code unit. A surrogate takes three bytes, as in
// WTF-8, until its other half follows.
func appendUnit(dst []byte, unit uint16) []byte {
	if unit < 0xd800 || unit > 0xdfff {
		return utf8.AppendRune(dst, rune(unit))
	}
	if high := highSurrogate(dst); unit >= 0xdc00 && high != 0 {
		return utf8.AppendRune(dst[:len(dst)-3], (rune(high)-0xd800)<<10+(rune(unit)-0xdc00)+0x10000)
	}
	return append(dst, 0xe0|byte(unit>>12), 0x80|byte(unit>>6)&0x3f, 0x80|byte(unit)&0x3f)
}

// highSurrogate returns the first half of a pair that b ends with, or 0.
func highSurrogate(b []byte) uint16 {
	if n := len(b); n >= 3 && b[n-3] == 0xed && b[n-2] >= 0xa0 && b[n-2] <= 0xaf && b[n-1]&0xc0 == 0x80 {
		return 0xd000 | uint16(b[n-2]&0x3f)<<6 | uint16(b[n-1]&0x3f)
	}
	return 0
}

// lowSurrogate returns the second half of a pair that b begins with, or 0.
func lowSurrogate(b []byte) uint16 {
	if len(b) >= 3 && b[0] == 0xed && b[1] >= 0xb0 && b[1] <= 0xbf && b[2]&0xc0 == 0x80 {
		return 0xd000 | uint16(b[1]&0x3f)<<6 | uint16(b[2]&0x3f)
	}
	return 0
}

// append writes the value.
func (n *node) append(dst []byte) []byte {
	switch n.kind {
	case '{':
		dst = append(dst, '{')
		for i, m := range n.nodes {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(quote(dst, n.names[i]), ':')
			dst = m.append(dst)
		}
		return append(dst, '}')
	case '[':
		dst = append(dst, '[')
		for i, m := range n.nodes {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = m.append(dst)
		}
		return append(dst, ']')
	case '"':
		return quote(dst, n.text)
	}
	return append(dst, n.raw...)
}

// quote appends a JSON string; what is no valid UTF-8 becomes U+FFFD.
func quote[T string | []byte](dst []byte, s T) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}

// get returns a member of an object, or nil.
func (n *node) get(name string) *node {
	if n == nil || n.kind != '{' {
		return nil
	}
	for i, m := range n.names {
		if m == name {
			return n.nodes[i]
		}
	}
	return nil
}

// set puts a member into an object, in place of one of that name, and returns
// the object.
func (n *node) set(name string, v *node) *node {
	for i, m := range n.names {
		if m == name {
			n.nodes[i] = v
			return n
		}
	}
	n.names, n.nodes = append(n.names, name), append(n.nodes, v)
	return n
}

// remove takes a member out of an object.
func (n *node) remove(name string) {
	for i, m := range n.names {
		if m == name {
			n.names, n.nodes = slices.Delete(n.names, i, i+1), slices.Delete(n.nodes, i, i+1)
			return
		}
	}
}

// keep removes the members of an object that f refuses.
func (n *node) keep(f func(name string, member *node) bool) {
	names, nodes := n.names[:0], n.nodes[:0]
	for i, m := range n.nodes {
		if f(n.names[i], m) {
			names, nodes = append(names, n.names[i]), append(nodes, m)
		}
	}
	n.names, n.nodes = names, nodes
}

// detach copies the value and all below it, to outlive the event that it came with.
func (n *node) detach() *node {
	if n == nil {
		return nil
	}
	c := &node{kind: n.kind, raw: bytes.Clone(n.raw), text: bytes.Clone(n.text), names: slices.Clone(n.names)}
	for _, m := range n.nodes {
		c.nodes = append(c.nodes, m.detach())
	}
	return c
}

// clone copies the object itself; members are shared.
func (n *node) clone() *node {
	c := *n
	c.names, c.nodes = append([]string(nil), n.names...), append([]*node(nil), n.nodes...)
	return &c
}

// hasText reports whether n can tell a reader anything in words: a string that
// is not empty, the name of a member, or a list of numbers, which may be token ids.
func (n *node) hasText() bool {
	switch {
	case n.kind == '"':
		return len(n.text) > 0
	case n.kind == '{' && len(n.names) > 0, n.numbers():
		return true
	}
	for _, m := range n.nodes {
		if m.hasText() {
			return true
		}
	}
	return false
}

// numbers reports whether n is a list of numbers.
func (n *node) numbers() bool {
	return n.kind == '[' && len(n.nodes) > 0 && n.nodes[0].kind == '0'
}

// string returns the text of a string, or "".
func (n *node) string() string {
	if n == nil || n.kind != '"' {
		return ""
	}
	return string(n.text)
}

// integer returns a number without fraction, or fallback.
func (n *node) integer(fallback int) int {
	if n != nil && n.kind == '0' {
		if i, err := strconv.Atoi(string(n.raw)); err == nil {
			return i
		}
	}
	return fallback
}

// index returns a value's member index, 0 if it has none. ok is false if that is no
// plain number: readers disagree about which one 1.0 is.
func (n *node) index() (index int, ok bool) {
	m := n.get("index")
	if m.null() {
		return 0, true
	}
	index = m.integer(-1)
	return index, index >= 0
}

// null reports whether n is missing or null.
func (n *node) null() bool { return n == nil || n.kind == 'n' }

// object makes an object of names and nodes in turn.
func object(members ...any) *node {
	n := &node{kind: '{'}
	for i := 0; i < len(members); i += 2 {
		n.names, n.nodes = append(n.names, members[i].(string)), append(n.nodes, value(members[i+1]))
	}
	return n
}

func list(nodes ...*node) *node { return &node{kind: '[', nodes: nodes} }

// value makes a node of a Go value.
func value(v any) *node {
	switch v := v.(type) {
	case *node:
		return v
	case string:
		return &node{kind: '"', text: []byte(v)}
	case []byte:
		return &node{kind: '"', text: v}
	case int:
		return &node{kind: '0', raw: strconv.AppendInt(nil, int64(v), 10)}
	case int64:
		return &node{kind: '0', raw: strconv.AppendInt(nil, v, 10)}
	case float32:
		return &node{kind: '0', raw: strconv.AppendFloat(nil, float64(v), 'g', -1, 32)}
	case bool:
		if v {
			return &node{kind: 't', raw: []byte("true")}
		}
		return &node{kind: 'f', raw: []byte("false")}
	case nil:
		return &node{kind: 'n', raw: []byte("null")}
	}
	panic(fmt.Sprintf("gateway: no JSON for a %T", v))
}

// merge sets the members of another object and returns n.
func (n *node) merge(other *node) *node {
	for i, m := range other.nodes {
		n.set(other.names[i], m)
	}
	return n
}
