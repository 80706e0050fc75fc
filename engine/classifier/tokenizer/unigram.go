package tokenizer

import (
	"slices"
	"unicode/utf8"
)

// unigram cuts text into the tokens whose scores add up to the most: a token's
// score is the logarithm of how frequent it is, so the sum is how likely the cut.
//
// There are exponentially many cuts, but the best one up to a byte consists of a
// best one up to an earlier byte and a token (Viterbi). So one pass over the text
// suffices: at every rune, each token that begins there offers its end a sum.
type unigram struct {
	tokens       *trie
	scores       []float64 // by id
	unknown      int32
	unknownScore float64
	bytes        *[256]int32 // the tokens of single bytes that stand for what is unknown, or nil
}

// unknownPenalty is how much worse an unknown rune is than the worst token.
const unknownPenalty = 10.0

// arrival is the best known way to a byte of the text.
type arrival struct {
	score float64
	id    int32 // the last token
	start int32 // where it begins, or -1
}

func (m *unigram) append(dst []int32, text []byte, s *scratch) []int32 {
	best := slices.Grow(s.best[:0], len(text)+1)[:len(text)+1]
	s.best = best
	for i := range best {
		best[i] = arrival{start: -1}
	}
	for i := 0; i < len(text); {
		size := 1
		if text[i] >= utf8.RuneSelf {
			_, size = utf8.DecodeRune(text[i:])
		}
		single, score := false, best[i].score
		node := uint32(0)
		for k := i; k < len(text); k++ {
			if node = m.tokens.step(node, text[k]); node == 0 {
				break
			}
			id := m.tokens.ids[node]
			if id == none {
				continue
			}
			single = single || k+1 == i+size
			best[k+1].offer(score+m.scores[id], id, i)
		}
		if !single {
			best[i+size].offer(score+m.unknownScore, m.unknown, i)
		}
		i += size
	}
	return m.trace(dst, text, best)
}

func (a *arrival) offer(score float64, id int32, start int) {
	if a.start < 0 || score > a.score {
		*a = arrival{score, id, int32(start)}
	}
}

// trace goes back from the text's end along the best way, and turns the ids round.
// Unknown runes in a row are one token.
func (m *unigram) trace(dst []int32, text []byte, best []arrival) []int32 {
	n := len(dst)
	for end := len(text); end > 0; {
		a := best[end]
		if a.id != m.unknown {
			dst = append(dst, a.id)
			end = int(a.start)
			continue
		}
		start := int(a.start)
		for start > 0 && best[start].id == m.unknown {
			start = int(best[start].start)
		}
		dst = m.appendUnknown(dst, text[start:end])
		end = start
	}
	slices.Reverse(dst[n:])
	return dst
}

// appendUnknown appends what stands for runes that are unknown one by one, back to
// front. Together they can be a token all the same, one with a very low score.
func (m *unigram) appendUnknown(dst []int32, text []byte) []int32 {
	if id := m.tokens.exact(text); id != none {
		return append(dst, id)
	}
	if m.bytes == nil {
		return append(dst, m.unknown)
	}
	n := len(dst)
	for _, b := range slices.Backward(text) {
		id := m.bytes[b]
		if id == none {
			return append(dst[:n], m.unknown)
		}
		dst = append(dst, id)
	}
	return dst
}
