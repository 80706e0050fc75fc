package tokenizer

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// precompiled is the normalizer of SentencePiece: a map from strings to what
// replaces them, made beforehand.
//
// The file has it as a double-array trie. A node is a number of 32 bits: its label
// is the byte that leads to it, and its offset, xor its own index, xor a byte, the
// index of the child for that byte, if the label there is that byte. Where a bit
// says that a string ends at a node, the child for byte 0 has the place of the
// replacement in a text in which each is closed by a zero.
//
// The original looks up every grapheme cluster of less than six bytes, and takes
// the shortest string of the map that it begins with for the whole of it, even if
// the cluster goes on. It goes through other clusters rune by rune.
type precompiled struct {
	clusters     *classTable
	trie         []uint32
	replacements []byte
}

// maxCluster is the most bytes of a cluster that is looked up as a whole.
const maxCluster = 5

func (n *precompiled) normalise(dst, text []byte, _ *scratch) ([]byte, bool) {
	changed := false
	for len(text) > 0 {
		size := n.cluster(text)
		if size <= maxCluster {
			if to, ok := n.find(text[:size]); ok {
				dst, changed = append(dst, to...), true
				text = text[size:]
				continue
			}
		}
		for cluster := text[:size]; len(cluster) > 0; {
			_, rune := decode(cluster)
			if to, ok := n.find(cluster[:rune]); ok {
				dst, changed = append(dst, to...), true
			} else {
				dst = append(dst, cluster[:rune]...)
			}
			cluster = cluster[rune:]
		}
		text = text[size:]
	}
	return dst, changed
}

const (
	isValue  = 1 << 31 // a number that is no node
	hasValue = 1 << 8
)

func offset(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }

// find returns what replaces the shortest string of the map that text begins with.
func (n *precompiled) find(text []byte) ([]byte, bool) {
	at := offset(n.trie[0])
	for _, b := range text {
		at ^= uint32(b)
		if b == 0 || at >= uint32(len(n.trie)) {
			break
		}
		unit := n.trie[at]
		if unit&(isValue|0xFF) != uint32(b) {
			break
		}
		at ^= offset(unit)
		if unit&hasValue != 0 {
			if at >= uint32(len(n.trie)) {
				break
			}
			to := n.replacements[n.trie[at]&^isValue:]
			if end := bytes.IndexByte(to, 0); end >= 0 {
				to = to[:end]
			}
			return to, true
		}
	}
	return nil, false
}

func (p *parser) parsePrecompiled(path string, data json.RawMessage) error {
	var s struct {
		onlyType
		Map *string `json:"precompiled_charsmap"`
	}
	if err := strict(path, data, &s); err != nil {
		return err
	}
	path += ".precompiled_charsmap"
	blob, err := base64.StdEncoding.DecodeString(*s.Map)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(blob) < 4 {
		return fmt.Errorf("%s: is too short for a character map", path)
	}
	size := binary.LittleEndian.Uint32(blob) / 4
	if blob = blob[4:]; size == 0 || uint64(len(blob)) < 4*uint64(size) {
		return fmt.Errorf("%s: has no trie of the size that it says", path)
	}
	n := &precompiled{clusters: tableOf(graphemeRuns), trie: make([]uint32, size), replacements: blob[4*size:]}
	for i := range n.trie {
		n.trie[i] = binary.LittleEndian.Uint32(blob[4*i:])
	}
	if err := n.check(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	p.addNormalizer(n)
	return nil
}

// check finds values that are no place in the replacements.
func (n *precompiled) check() error {
	if !utf8.Valid(n.replacements) {
		return fmt.Errorf("the replacements are no UTF-8")
	}
	for at, unit := range n.trie {
		if unit&isValue != 0 || unit&hasValue == 0 {
			continue
		}
		value := uint32(at) ^ offset(unit)
		if value >= uint32(len(n.trie)) {
			continue
		}
		to := n.trie[value] &^ isValue
		if to > uint32(len(n.replacements)) || to < uint32(len(n.replacements)) && !utf8.RuneStart(n.replacements[to]) {
			return fmt.Errorf("a replacement is not where the trie says")
		}
	}
	return nil
}
