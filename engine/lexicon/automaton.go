package lexicon

import "github.com/seed-4f09bd3a/weir/engine/text"

// state is where the automaton stands: the index of a cell or, with denseBit,
// of a dense row, and what is asked of it at every token, so that nothing needs
// to be looked up for that.
type state uint32

const (
	root = 0 // cell of the start state

	denseBit    state = 1 << 31 // the index is one of automaton.dense
	outsBit     state = 1 << 30 // a term ends here
	wordOnlyBit state = 1 << 29 // every term that the held prefix may become must begin at a word boundary
	holdShift         = 21      // eight bits: runes of the longest suffix that a term that holds could still extend
	indexBits   state = 1<<holdShift - 1
)

// hold returns the runes of the longest suffix that must be held back.
func (s state) hold() uint64 { return uint64(s>>holdShift) & 0xff }

// maxCells is how many cells a state can name.
const maxCells = int(indexBits)

// cell is a state in the double array: 12 bytes, so that five share a cache line.
type cell struct {
	base uint32 // children of this state are at base+code
	fail state  // the longest proper suffix that is a prefix of a term
	code uint16 // code by which the parent reaches this cell; 0 = free
	kind uint16 // the state's bits above the index
}

// detail is what is asked only when something ends or text is held.
type detail struct {
	out      uint32 // first of outputs, noOutput if none
	depth    uint8  // runes from the root
	live     uint8  // runes of the longest suffix that a term could still extend
	hold     uint8  // the same, of terms that hold text back
	wordOnly bool   // every term that holds below the state of that suffix must begin at a word boundary
}

const noOutput = ^uint32(0)

// output is one term that ends in a state; next leads to the shorter ones.
type output struct {
	refs, refsEnd uint32 // range of view.refs
	next          uint32 // noOutput ends the chain
}

// automaton is an Aho–Corasick automaton over rune codes: a double array with
// fail links, its first states as dense rows. Immutable. doc.go says why it
// looks like this.
type automaton struct {
	codes   codeTable
	first   []state // by code: the state after reading it from the root
	cells   []cell
	dense   []state // rows: the state's cell, then the next state for codes 1..wide with fail links resolved
	wide    uint32  // number of codes that dense rows cover
	start   state   // the root
	details []detail
	outputs []output
}

// next returns the state after reading code c in state from.
func (a *automaton) next(from state, c uint32) state {
	if from&denseBit != 0 && c-1 < a.wide {
		return a.dense[uint32(from&indexBits)+c]
	}
	return a.nextSparse(from, c)
}

// nextSparse is next where no dense row answers.
func (a *automaton) nextSparse(from state, c uint32) state {
	for c != 0 && from != a.start {
		at := a.cellOf(from)
		t := a.cells[at].base + c
		if next := &a.cells[t]; next.code == uint16(c) {
			return state(next.kind)<<holdShift | state(t) // only dense states have dense children
		}
		from = a.cells[at].fail
		if from&denseBit != 0 && c <= a.wide {
			return a.dense[uint32(from&indexBits)+c]
		}
	}
	return a.first[c]
}

// cellOf returns the index of the state's cell.
func (a *automaton) cellOf(s state) uint32 {
	i := uint32(s & indexBits)
	if s&denseBit != 0 {
		return uint32(a.dense[i])
	}
	return i
}

// detailOf returns what else is known of a state.
func (a *automaton) detailOf(s state) *detail { return &a.details[a.cellOf(s)] }

// failOf returns the state of the longest proper suffix.
func (a *automaton) failOf(s state) state { return a.cells[a.cellOf(s)].fail }

// codeTable maps runes to codes: the runes of the terms get 1, 2, 3, …, all
// others 0. Two stages: most pages of 256 runes are the shared empty one.
type codeTable struct {
	pages []uint16 // index of the page's first code in codes, over 256
	codes []uint16
}

func (t *codeTable) of(r rune) uint32 {
	p := uint32(r) >> 8
	if p >= uint32(len(t.pages)) {
		return 0
	}
	return uint32(t.codes[uint32(t.pages[p])<<8|uint32(r)&0xff])
}

// newCodeTable numbers the runes in the given order.
func newCodeTable(runes []rune) codeTable {
	last := rune(0)
	for _, r := range runes {
		last = max(last, r)
	}
	t := codeTable{pages: make([]uint16, last>>8+1), codes: make([]uint16, 256)}
	for i, r := range runes {
		p := r >> 8
		if t.pages[p] == 0 {
			t.pages[p] = uint16(len(t.codes) >> 8)
			t.codes = append(t.codes, make([]uint16, 256)...)
		}
		t.codes[int(t.pages[p])<<8|int(r&0xff)] = uint16(i + 1)
	}
	return t
}

// position is what advance finds, for the caller to take or leave.
type position struct {
	node  state
	prev  text.Class
	count uint64
}

// advance moves over runes of the plain view while no term ends, and reports
// whether it came to the end. Nothing but ring entries of runes not yet counted has
// changed, and if the position is not taken, those are written again by step.
//
// This is the hot loop: per rune one code and, mostly, one entry of a dense
// row; no allocation, nothing else.
func (v *view) advance(s *viewState, runes []text.Rune) (p position, ok bool) {
	if len(s.pending) != 0 {
		return p, false
	}
	a, node, count, prev := &v.automaton, s.node, s.count, s.prev
	dense, wide, ring := a.dense, a.wide, s.ring
	mask := uint64(len(ring) - 1)
	for i := range runes {
		r := &runes[i]
		ring[count&mask] = uint64(r.Start)<<classBits | uint64(prev)
		count++
		prev = r.Class
		c := a.codes.of(r.R)
		if node&denseBit != 0 && c-1 < wide {
			node = dense[uint32(node&indexBits)+c]
		} else {
			node = a.nextSparse(node, c)
		}
		if node&outsBit != 0 {
			return p, false
		}
	}
	return position{node, prev, count}, true
}

// advanceSkeleton is advance for the skeleton view, which has gaps.
func (v *view) advanceSkeleton(s *viewState, runes []text.Rune) (p position, ok bool) {
	if len(s.pending) != 0 {
		return p, false
	}
	a, node, count, prev := &v.automaton, s.node, s.count, s.prev
	mask := uint64(len(s.ring) - 1)
	for i := range runes {
		r := &runes[i]
		if r.Class&text.Gap != 0 {
			if r.Class&text.Repeat != 0 {
				v.repeat(s, count, r.Start)
			}
			if r.Class&text.Break != 0 {
				node = a.start
			}
			prev = r.Class & text.Word
			continue
		}
		s.ring[count&mask] = uint64(r.Start)<<classBits | uint64(prev)
		count++
		prev = r.Class
		node = a.next(node, a.codes.of(r.R))
		if node&outsBit != 0 {
			return p, false
		}
	}
	return position{node, prev, count}, true
}

// sizeBytes returns the memory that the automaton's tables take.
func (a *automaton) sizeBytes() int {
	return len(a.cells)*12 + (len(a.dense)+len(a.first))*4 + len(a.details)*8 + len(a.outputs)*12 +
		len(a.codes.pages)*2 + len(a.codes.codes)*2
}
