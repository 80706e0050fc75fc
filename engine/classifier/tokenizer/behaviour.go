package tokenizer

// behaviour is what becomes of the matches at which text is cut.
type behaviour uint8

const (
	isolated           behaviour = iota // pieces of their own
	removed                             // dropped
	contiguous                          // those in a row are one piece
	mergedWithPrevious                  // ends of the pieces before
	mergedWithNext                      // starts of the pieces behind
)

var behaviours = map[string]behaviour{
	"Isolated": isolated, "Removed": removed, "Contiguous": contiguous,
	"MergedWithPrevious": mergedWithPrevious, "MergedWithNext": mergedWithNext,
}

// pieces takes the matches of a text and what is between them, in order, and hands
// on the pieces that the behaviour makes of them.
type pieces struct {
	text       []byte
	first      bool
	behaviour  behaviour
	out        next
	start, end int  // a piece that may grow; none if they are equal
	match      bool // what add took last
}

func (p *pieces) add(start, end int, match bool) {
	grows := false
	switch p.behaviour {
	case isolated:
	case removed:
		if match {
			return
		}
	case contiguous:
		grows = match == p.match
	case mergedWithPrevious:
		grows = match && !p.match
	case mergedWithNext:
		grows = !match && p.match
	}
	p.match = match
	if grows && p.start < p.end {
		p.end = end
		return
	}
	p.flush()
	p.start, p.end = start, end
}

// flush hands on the last piece.
func (p *pieces) flush() {
	if p.start < p.end {
		p.out.piece(p.text[p.start:p.end], p.first && p.start == 0)
	}
	p.start, p.end = 0, 0
}
