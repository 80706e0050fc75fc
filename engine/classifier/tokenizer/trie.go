package tokenizer

import (
	"bytes"
	"slices"
)

// trie finds the tokens that begin at a place of a text, byte by byte.
//
// Nodes are numbered breadth first, so the children of a node are neighbours and
// one number per node says where they are. That is 9 bytes a node, where maps of
// children would take some 200: a vocabulary of 250,000 tokens has 800,000 nodes.
type trie struct {
	children []uint32    // of node i are children[i] to children[i+1]
	labels   []byte      // the byte that leads to a node
	ids      []int32     // the token that ends at a node, or none
	root     [256]uint32 // the root's children by label; 0, which is no child, where there is none
}

const none = -1

func newTrie(tokens map[string]int32) *trie {
	type part struct{ lo, hi, depth int }
	keys := make([]string, 0, len(tokens))
	for k := range tokens {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	t := &trie{labels: []byte{0}}
	queue := []part{{0, len(keys), 0}}
	for i := 0; i < len(queue); i++ {
		p := queue[i]
		id := int32(none)
		if p.lo < p.hi && len(keys[p.lo]) == p.depth {
			id = tokens[keys[p.lo]]
			p.lo++
		}
		t.ids = append(t.ids, id)
		t.children = append(t.children, uint32(len(queue)))
		for lo := p.lo; lo < p.hi; {
			label, hi := keys[lo][p.depth], lo+1
			for hi < p.hi && keys[hi][p.depth] == label {
				hi++
			}
			if i == 0 {
				t.root[label] = uint32(len(queue))
			}
			t.labels = append(t.labels, label)
			queue = append(queue, part{lo, hi, p.depth + 1})
			lo = hi
		}
	}
	t.children = append(t.children, uint32(len(queue)))
	return t
}

// step returns the child of node that b leads to, or 0. Node 0 is the root.
func (t *trie) step(node uint32, b byte) uint32 {
	if node == 0 {
		return t.root[b]
	}
	lo, hi := t.children[node], t.children[node+1]
	if k := bytes.IndexByte(t.labels[lo:hi], b); k >= 0 {
		return lo + uint32(k)
	}
	return 0
}

// longest returns the longest token that text begins with, and its bytes; none
// and 0 if there is none. The empty token does not count.
func (t *trie) longest(text []byte) (id int32, size int) {
	id = none
	node := uint32(0)
	for i, b := range text {
		if node = t.step(node, b); node == 0 {
			break
		}
		if t.ids[node] != none {
			id, size = t.ids[node], i+1
		}
	}
	return id, size
}

// exact returns the token that text is, or none.
func (t *trie) exact(text []byte) int32 {
	node := uint32(0)
	for _, b := range text {
		if node = t.step(node, b); node == 0 {
			return none
		}
	}
	if node == 0 {
		return none
	}
	return t.ids[node]
}
