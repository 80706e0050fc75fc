package lexicon

import (
	"cmp"
	"fmt"
	"slices"
)

// denseBytes is how much memory the dense rows of one automaton may take: at
// 10,000 terms it covers the first two to three letters of every Latin term,
// where nearly all transitions of ordinary text happen; a lexicon of some
// hundred Latin terms becomes one dense automaton.
const denseBytes = 1 << 19 // 512 KiB

// maxWide bounds the codes of a dense row: letters, digits and blanks of one
// alphabet. Han never gets rows; its states have one child each.
const maxWide = 64

// term is one folded spelling with everything that refers to it.
type term struct {
	runes []rune
	codes []uint16
	refs  []ref
}

// trieNode is a state while the automaton is built; children are contiguous.
type trieNode struct {
	first, last int32 // children, half-open
	fail        int32
	term        int32 // -1 if none ends here
	cell        uint32
	base        uint32
	row         uint32 // index in dense of dense states
	dense       bool
	code        uint16
	depth       uint8
	holds       bool // a holding term ends strictly below
	anyStart    bool // one of those need not begin at a word boundary
}

// build makes the automaton of the given terms, which are distinct and not
// empty. refs are flattened into the second result, which outputs index. It
// fails if there are too many states to name.
func build(terms []term) (automaton, []ref, error) {
	var a automaton
	a.codes, a.wide = encode(terms)
	slices.SortFunc(terms, func(x, y term) int { return slices.Compare(x.codes, y.codes) })
	nodes := buildTrie(terms)
	linkFails(nodes)
	markHolds(nodes, terms)
	a.place(nodes)
	if len(a.cells) > maxCells {
		return a, nil, fmt.Errorf("%d states are needed and %d can be named: split the packs", len(a.cells), maxCells)
	}
	refs := a.fill(nodes, terms)
	a.densify(nodes)
	a.link(nodes)
	return a, refs, nil
}

// encode numbers the runes of all terms, the ASCII ones first, then by
// frequency, so that small codes are the common ones and cells lie close.
func encode(terms []term) (codeTable, uint32) {
	freq := map[rune]int{}
	for _, t := range terms {
		for _, r := range t.runes {
			freq[r]++
		}
	}
	runes := make([]rune, 0, len(freq))
	for r := range freq {
		runes = append(runes, r)
	}
	slices.SortFunc(runes, func(x, y rune) int {
		if (x < 128) != (y < 128) {
			if x < 128 {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(freq[y], freq[x]), cmp.Compare(x, y))
	})
	wide := 0
	for wide < len(runes) && wide < maxWide && runes[wide] < 128 {
		wide++
	}
	table := newCodeTable(runes)
	for i := range terms {
		terms[i].codes = make([]uint16, len(terms[i].runes))
		for k, r := range terms[i].runes {
			terms[i].codes[k] = uint16(table.of(r))
		}
	}
	return table, uint32(wide)
}

// buildTrie returns the trie of the sorted terms, breadth first.
func buildTrie(terms []term) []trieNode {
	type interval struct{ lo, hi int32 } // the terms below a node
	nodes := []trieNode{{term: -1}}
	spans := []interval{{0, int32(len(terms))}}
	for n := 0; n < len(nodes); n++ {
		lo, hi, depth := spans[n].lo, spans[n].hi, int(nodes[n].depth)
		if lo < hi && len(terms[lo].codes) == depth {
			nodes[n].term = lo
			lo++
		}
		nodes[n].first = int32(len(nodes))
		for lo < hi {
			c := terms[lo].codes[depth]
			end := lo + 1
			for end < hi && terms[end].codes[depth] == c {
				end++
			}
			nodes = append(nodes, trieNode{code: c, depth: uint8(depth + 1), term: -1})
			spans = append(spans, interval{lo, end})
			lo = end
		}
		nodes[n].last = int32(len(nodes))
	}
	return nodes
}

// child returns n's child by code c, or -1.
func child(nodes []trieNode, n int32, c uint16) int32 {
	kids := nodes[nodes[n].first:nodes[n].last]
	i, ok := slices.BinarySearchFunc(kids, c, func(k trieNode, c uint16) int { return cmp.Compare(k.code, c) })
	if !ok {
		return -1
	}
	return nodes[n].first + int32(i)
}

// linkFails sets every node's fail link, breadth first.
func linkFails(nodes []trieNode) {
	for n := range nodes {
		for k := nodes[n].first; k < nodes[n].last; k++ {
			if n == root {
				continue // children of the root fail to it
			}
			f := nodes[n].fail
			for {
				if t := child(nodes, f, nodes[k].code); t >= 0 {
					nodes[k].fail = t
					break
				}
				if f == root {
					break
				}
				f = nodes[f].fail
			}
		}
	}
}

// markHolds propagates from the leaves up which states lie before the end of a
// holding term. Children come after their parents, so one pass backwards does.
func markHolds(nodes []trieNode, terms []term) {
	for n := len(nodes) - 1; n >= 0; n-- {
		for k := nodes[n].first; k < nodes[n].last; k++ {
			nodes[n].holds = nodes[n].holds || nodes[k].holds
			nodes[n].anyStart = nodes[n].anyStart || nodes[k].anyStart
			if nodes[k].term < 0 {
				continue
			}
			for _, r := range terms[nodes[k].term].refs {
				if r.hold {
					nodes[n].holds = true
					nodes[n].anyStart = nodes[n].anyStart || !r.wordLeft
				}
			}
		}
	}
}

// place gives every node its cell. A state is checked by its code alone, which
// is safe because no two states share a base; base 0 belongs to the leaves.
func (a *automaton) place(nodes []trieNode) {
	order := make([]int32, 0, len(nodes))
	for n := range nodes {
		if nodes[n].first < nodes[n].last {
			order = append(order, int32(n))
		}
	}
	// The widest first: they are the hard ones to fit.
	slices.SortStableFunc(order, func(x, y int32) int {
		return cmp.Compare(nodes[y].last-nodes[y].first, nodes[x].last-nodes[x].first)
	})
	var (
		free = newFreeList(len(nodes) + 1<<10)
		used []bool // bases taken
		kids []uint16
	)
	free.take(root)
	for _, n := range order {
		kids = kids[:0]
		for k := nodes[n].first; k < nodes[n].last; k++ {
			kids = append(kids, nodes[k].code)
		}
		base := free.fit(kids, used)
		for int(base) >= len(used) {
			used = append(used, make([]bool, len(used)+1<<10)...)
		}
		used[base] = true
		nodes[n].base = base
		for k := nodes[n].first; k < nodes[n].last; k++ {
			nodes[k].cell = base + uint32(nodes[k].code)
			free.take(nodes[k].cell)
		}
	}
	// Every base plus every code must be a cell, so that next needs no bounds of its own.
	top, maxCode := uint32(0), uint32(0)
	for n := range nodes {
		top = max(top, nodes[n].base)
		maxCode = max(maxCode, uint32(nodes[n].code))
	}
	size := top + maxCode + 1
	a.cells = make([]cell, size)
	a.details = make([]detail, size)
}

// fill writes cells, details and outputs, and returns the refs they index.
func (a *automaton) fill(nodes []trieNode, terms []term) []ref {
	var refs []ref
	outs := make([]uint32, len(nodes))
	for n := range nodes {
		t := &nodes[n]
		f := t.fail
		outs[n] = noOutput
		if n != root {
			outs[n] = outs[f]
		}
		if t.term >= 0 {
			o := output{refs: uint32(len(refs)), next: outs[n]}
			refs = append(refs, terms[t.term].refs...)
			o.refsEnd = uint32(len(refs))
			outs[n] = uint32(len(a.outputs))
			a.outputs = append(a.outputs, o)
		}
		d := &a.details[t.cell]
		d.depth, d.out = t.depth, outs[n]
		suffix := a.details[nodes[f].cell]
		d.live, d.hold, d.wordOnly = suffix.live, suffix.hold, suffix.wordOnly
		if t.first < t.last {
			d.live = t.depth
		}
		if t.holds {
			d.hold, d.wordOnly = t.depth, !t.anyStart
		}
		a.cells[t.cell] = cell{base: t.base, code: t.code}
	}
	return refs
}

// densify chooses the states that get a dense row: the root, and breadth first
// the inner states that a dense state reaches by a wide code, until denseBytes
// are used. So only dense states have dense children.
func (a *automaton) densify(nodes []trieNode) {
	if a.wide == 0 {
		return
	}
	width := uint32(a.wide) + 1
	rows := uint32(0)
	nodes[0].dense = true
	for n := range nodes {
		t := &nodes[n]
		if !t.dense {
			continue
		}
		if (rows+1)*width*4 > denseBytes {
			t.dense = false
			continue
		}
		t.row = rows * width
		rows++
		for k := t.first; k < t.last; k++ {
			nodes[k].dense = uint32(nodes[k].code) <= a.wide && nodes[k].first < nodes[k].last
		}
	}
	a.dense = make([]state, rows*width)
}

// link writes what refers to states: fail links, the root's table, and dense
// rows. A fail link is shallower than its state, so its own row is there.
func (a *automaton) link(nodes []trieNode) {
	maxCode := uint32(0)
	for n := range nodes {
		a.cells[nodes[n].cell].kind = uint16(a.stateOf(&nodes[n]) >> holdShift)
		a.cells[nodes[n].cell].fail = a.stateOf(&nodes[nodes[n].fail])
		maxCode = max(maxCode, uint32(nodes[n].code))
	}
	a.start = a.stateOf(&nodes[0])
	a.first = make([]state, maxCode+1)
	for c := range a.first {
		a.first[c] = a.start
	}
	for k := nodes[0].first; k < nodes[0].last; k++ {
		a.first[nodes[k].code] = a.stateOf(&nodes[k])
	}
	for n := range nodes {
		t := &nodes[n]
		if !t.dense {
			continue
		}
		row := a.dense[t.row : t.row+a.wide+1]
		row[0] = state(t.cell)
		for c := uint32(1); c <= a.wide; c++ {
			if n == 0 {
				row[c] = a.first[c]
			} else {
				row[c] = a.next(a.stateOf(&nodes[t.fail]), c)
			}
		}
		for k := t.first; k < t.last; k++ {
			if c := uint32(nodes[k].code); c <= a.wide {
				row[c] = a.stateOf(&nodes[k])
			}
		}
	}
}

// stateOf returns how a node is referred to.
func (a *automaton) stateOf(t *trieNode) state {
	s := state(t.cell)
	if t.dense {
		s = state(t.row) | denseBit
	}
	d := &a.details[t.cell]
	if d.out != noOutput {
		s |= outsBit
	}
	if d.wordOnly {
		s |= wordOnlyBit
	}
	return s | state(d.hold)<<holdShift
}

// freeList is a doubly linked list of the free cells, ascending.
type freeList struct {
	next, prev []uint32 // cell 0 is the head; taken cells have next == 0 and prev == taken
}

const taken = ^uint32(0)

func newFreeList(n int) *freeList {
	f := &freeList{next: []uint32{0}, prev: []uint32{0}}
	f.grow(uint32(n))
	return f
}

// grow makes cells up to n exist.
func (f *freeList) grow(n uint32) {
	for uint32(len(f.next)) <= n {
		i := uint32(len(f.next))
		last := f.prev[0]
		f.next = append(f.next, 0)
		f.prev = append(f.prev, last)
		f.next[last] = i
		f.prev[0] = i
	}
}

func (f *freeList) isFree(i uint32) bool {
	return i >= uint32(len(f.next)) || f.prev[i] != taken
}

func (f *freeList) take(i uint32) {
	if i == root {
		return // the head is never free
	}
	f.grow(i)
	f.next[f.prev[i]], f.prev[f.next[i]] = f.next[i], f.prev[i]
	f.next[i], f.prev[i] = 0, taken
}

// fit returns the first unused base at which all codes, ascending, are free.
func (f *freeList) fit(codes []uint16, used []bool) uint32 {
	first := uint32(codes[0])
	for at := f.next[0]; at != 0; at = f.next[at] {
		if at <= first {
			continue
		}
		base := at - first
		if int(base) < len(used) && used[base] {
			continue
		}
		ok := true
		for _, c := range codes[1:] {
			if !f.isFree(base + uint32(c)) {
				ok = false
				break
			}
		}
		if ok {
			return base
		}
	}
	base := max(uint32(len(f.next)), first+1) - first
	for int(base) < len(used) && used[base] {
		base++
	}
	return base
}
