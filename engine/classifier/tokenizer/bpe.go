package tokenizer

import (
	"slices"
	"unicode/utf8"
)

// bpe joins the runes of a word, pair by pair, into the tokens of its vocabulary:
// always the pair that was learnt first, of equal ones the leftmost.
//
// Looking for that pair anew after every merge is quadratic in the word, and a word
// can be a whole text. So the symbols are a linked list, and the merges that are
// possible wait in a heap, each at the place of its left symbol. A merge brings at
// most two new ones; those that it made impossible are recognised when their turn
// comes. That is n log n.
type bpe struct {
	merges       mergeTable
	single       [4]singles // the tokens of single runes by their place in the word
	whole        *trie      // the vocabulary, if a word that it has needs no merges
	unknown      int32      // or none: then unknown runes vanish
	fuseUnknown  bool
	bytes        *[256]int32 // the tokens of single bytes that stand for what is unknown, or nil
	prefix       string      // of a rune's token unless it is the word's first
	suffix       string      // of a rune's token if it is the word's last
	placesMatter bool        // there is a prefix or a suffix
}

// The places of a rune in its word are the indices of bpe.single.
const (
	inner   = 0
	isFirst = 1
	isLast  = 2
)

type symbol struct{ id, prev, next int32 }

// gone is the id of a symbol that was merged into the one before.
const gone = -2

func (m *bpe) append(dst []int32, text []byte, s *scratch) []int32 {
	if m.whole != nil {
		if id := m.whole.exact(text); id != none {
			return append(dst, id)
		}
	}
	s.symbols = m.split(s.symbols[:0], text)
	m.join(s)
	for _, y := range s.symbols {
		if y.id != gone {
			dst = append(dst, y.id)
		}
	}
	return dst
}

// split returns the symbols that a word begins with.
func (m *bpe) split(out []symbol, text []byte) []symbol {
	add := func(id int32) {
		out = append(out, symbol{id, int32(len(out)) - 1, int32(len(out)) + 1})
	}
	unknown := false // waits for the next known rune; the bytes of others overtake it, as with the original
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[i:])
		}
		place := inner
		if m.placesMatter {
			if i == 0 {
				place |= isFirst
			}
			if i+size == len(text) {
				place |= isLast
			}
		}
		id := m.single[place].of(r)
		switch {
		case id != none:
			if unknown {
				add(m.unknown)
				unknown = false
			}
			add(id)
		case m.bytes != nil && m.haveBytes(text[i:i+size], place):
			m.eachByte(text[i:i+size], place, add)
		case m.unknown != none:
			if unknown && !m.fuseUnknown {
				add(m.unknown)
			}
			unknown = true
		}
		i += size
	}
	if unknown {
		add(m.unknown)
	}
	if len(out) > 0 {
		out[len(out)-1].next = -1
	}
	return out
}

// haveBytes says whether all bytes of a rune's token have tokens of their own.
func (m *bpe) haveBytes(text []byte, place int) bool {
	all := true
	m.eachByte(text, place, func(id int32) { all = all && id != none })
	return all
}

func (m *bpe) eachByte(text []byte, place int, yield func(id int32)) {
	if m.placesMatter && place&isFirst == 0 {
		for i := range len(m.prefix) {
			yield(m.bytes[m.prefix[i]])
		}
	}
	for _, b := range text {
		yield(m.bytes[b])
	}
	if place&isLast != 0 {
		for i := range len(m.suffix) {
			yield(m.bytes[m.suffix[i]])
		}
	}
}

// merge is one that was possible when it was found.
type merge struct {
	rank uint32 // when it was learnt
	at   int32  // the left symbol
	id   int32  // what comes out
}

func (a merge) before(b merge) bool { return a.rank < b.rank || a.rank == b.rank && a.at < b.at }

// join merges s.symbols as far as it goes.
func (m *bpe) join(s *scratch) {
	symbols, queue := s.symbols, slices.Grow(s.queue[:0], len(s.symbols))
	for i := 1; i < len(symbols); i++ {
		if rank, id, ok := m.merges.find(symbols[i-1].id, symbols[i].id); ok {
			queue = push(queue, merge{rank, int32(i - 1), id})
		}
	}
	for len(queue) > 0 {
		top := queue[0]
		queue = pop(queue)
		left := &symbols[top.at]
		if left.id == gone || left.next < 0 {
			continue
		}
		right := &symbols[left.next]
		if _, id, ok := m.merges.find(left.id, right.id); !ok || id != top.id {
			continue // one of them has become another since
		}
		left.id, left.next, right.id = top.id, right.next, gone
		if left.prev >= 0 {
			if rank, id, ok := m.merges.find(symbols[left.prev].id, left.id); ok {
				queue = push(queue, merge{rank, left.prev, id})
			}
		}
		if left.next >= 0 {
			symbols[left.next].prev = top.at
			if rank, id, ok := m.merges.find(left.id, symbols[left.next].id); ok {
				queue = push(queue, merge{rank, top.at, id})
			}
		}
	}
	s.queue = queue
}

func push(heap []merge, m merge) []merge {
	heap = append(heap, m)
	i := len(heap) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !m.before(heap[up]) {
			break
		}
		heap[i] = heap[up]
		i = up
	}
	heap[i] = m
	return heap
}

func pop(heap []merge) []merge {
	last := heap[len(heap)-1]
	heap = heap[:len(heap)-1]
	if len(heap) == 0 {
		return heap
	}
	i := 0
	for {
		down := 2*i + 1
		if down >= len(heap) {
			break
		}
		if down+1 < len(heap) && heap[down+1].before(heap[down]) {
			down++
		}
		if !heap[down].before(last) {
			break
		}
		heap[i] = heap[down]
		i = down
	}
	heap[i] = last
	return heap
}

// mergeTable finds what a pair of tokens becomes. It is a hash table with open
// addressing, at most half full: the pairs are looked up several times per rune,
// and a map took three times as long.
type mergeTable struct {
	slots []mergeSlot
	shift uint
}

type mergeSlot struct {
	pair uint64 // left token, right token; or noPair
	rank uint32
	id   int32
}

const noPair = ^uint64(0)

func newMergeTable(n int) mergeTable {
	size, shift := 2, uint(63)
	for size < 2*n {
		size, shift = 2*size, shift-1
	}
	t := mergeTable{make([]mergeSlot, size), shift}
	for i := range t.slots {
		t.slots[i].pair = noPair
	}
	return t
}

// slot returns where a pair is or would be. The multiplier is 2^64 over the golden
// ratio, which spreads neighbours.
func (t *mergeTable) slot(pair uint64) *mergeSlot {
	i := pair * 0x9E3779B97F4A7C15 >> t.shift
	for {
		s := &t.slots[i]
		if s.pair == pair || s.pair == noPair {
			return s
		}
		if i++; i == uint64(len(t.slots)) {
			i = 0
		}
	}
}

func (t *mergeTable) put(left, right int32, rank uint32, id int32) {
	pair := uint64(uint32(left))<<32 | uint64(uint32(right))
	*t.slot(pair) = mergeSlot{pair, rank, id}
}

func (t *mergeTable) find(left, right int32) (rank uint32, id int32, ok bool) {
	s := t.slot(uint64(uint32(left))<<32 | uint64(uint32(right)))
	return s.rank, s.id, s.pair != noPair
}

// singles has the tokens of single runes.
type singles struct {
	low  [0x200]int32 // the byte-level alphabet among them
	high map[rune]int32
}

func newSingles() singles {
	s := singles{high: map[rune]int32{}}
	for i := range s.low {
		s.low[i] = none
	}
	return s
}

func (s *singles) put(r rune, id int32) {
	if r < rune(len(s.low)) {
		s.low[r] = id
	} else {
		s.high[r] = id
	}
}

func (s *singles) of(r rune) int32 {
	if r < rune(len(s.low)) {
		return s.low[r]
	}
	if id, ok := s.high[r]; ok {
		return id
	}
	return none
}
