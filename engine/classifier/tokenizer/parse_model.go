package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// maxID is the first id that is too high: the memory for the scores and the like
// goes by the highest one.
const maxID = 1 << 24

func (p *parser) parseModel(path string, data json.RawMessage) error {
	p.vocab = map[string]int32{}
	if absent(data) {
		return fmt.Errorf("%s: is missing: want WordPiece, BPE or Unigram", path)
	}
	kind, err := kindOf(path, data)
	if err != nil {
		return err
	}
	if kind == "" {
		kind = olderKind(data)
	}
	switch kind {
	case "WordPiece":
		return p.parseWordPiece(path, data)
	case "BPE":
		return p.parseBPE(path, data)
	case "Unigram":
		return p.parseUnigram(path, data)
	}
	return unsupported(path, kind, "WordPiece", "BPE", "Unigram")
}

// olderKind tells the model of a file from before there was a type, by the keys
// that one kind alone has.
func olderKind(data json.RawMessage) string {
	var keys map[string]json.RawMessage
	if json.Unmarshal(data, &keys) != nil {
		return ""
	}
	for _, k := range [...]struct{ key, kind string }{
		{"type", ""}, {"merges", "BPE"}, {"max_input_chars_per_word", "WordPiece"}, {"unk_id", "Unigram"},
	} {
		if _, ok := keys[k.key]; ok {
			return k.kind
		}
	}
	return ""
}

// takeVocab checks the ids of a vocabulary and makes it the parser's.
func (p *parser) takeVocab(path string, vocab map[string]int32) error {
	if len(vocab) == 0 {
		return fmt.Errorf("%s.vocab: is empty", path)
	}
	for token, id := range vocab {
		if id < 0 || id >= maxID {
			return fmt.Errorf("%s.vocab: id %d of %.40q: out of range [0, %d)", path, id, token, maxID)
		}
		p.size = max(p.size, int(id)+1)
	}
	p.vocab = vocab
	return nil
}

// unknownID finds the token for what is unknown.
func (p *parser) unknownID(path, token string) (int32, error) {
	id, ok := p.vocab[token]
	if !ok {
		return none, fmt.Errorf("%s.unk_token: %.40q is not in %s.vocab", path, token, path)
	}
	return id, nil
}

func (p *parser) parseWordPiece(path string, data json.RawMessage) error {
	var m struct {
		onlyType
		Unknown  *string          `json:"unk_token"`
		Prefix   *string          `json:"continuing_subword_prefix"`
		MaxRunes *int             `json:"max_input_chars_per_word"`
		Vocab    map[string]int32 `json:"vocab"`
	}
	if err := strict(path, data, &m); err != nil {
		return err
	}
	if err := p.takeVocab(path, m.Vocab); err != nil {
		return err
	}
	unknown, err := p.unknownID(path, *m.Unknown)
	switch {
	case err != nil:
		return err
	case *m.MaxRunes < 1 || *m.MaxRunes > 10_000:
		return fmt.Errorf("%s.max_input_chars_per_word: %d: out of range [1, 10000]", path, *m.MaxRunes)
	case *m.Prefix == "":
		return fmt.Errorf("%s.continuing_subword_prefix: is empty, which is not supported", path)
	}
	rest := map[string]int32{}
	for token, id := range m.Vocab {
		if r, ok := strings.CutPrefix(token, *m.Prefix); ok {
			rest[r] = id
		}
	}
	p.model = &wordPiece{first: newTrie(m.Vocab), rest: newTrie(rest), unknown: unknown, maxRunes: *m.MaxRunes}
	return nil
}

// byteTokens finds the tokens of single bytes, such as <0x0A>.
func (p *parser) byteTokens() *[256]int32 {
	var ids [256]int32
	for b := range ids {
		id, ok := p.vocab[fmt.Sprintf("<0x%02X>", b)]
		if !ok {
			id = none
		}
		ids[b] = id
	}
	return &ids
}

func (p *parser) parseUnigram(path string, data json.RawMessage) error {
	var m struct {
		onlyType
		Unknown      *int          `json:"unk_id"`
		Vocab        []scoredToken `json:"vocab"`
		ByteFallback bool          `json:"byte_fallback"`
	}
	if err := strict(path, data, &m); err != nil {
		return err
	}
	switch {
	case len(m.Vocab) == 0 || len(m.Vocab) > maxID:
		return fmt.Errorf("%s.vocab: has %d tokens: want 1 to %d", path, len(m.Vocab), maxID)
	case *m.Unknown < 0 || *m.Unknown >= len(m.Vocab):
		return fmt.Errorf("%s.unk_id: %d is not in %s.vocab", path, *m.Unknown, path)
	}
	u := &unigram{scores: make([]float64, len(m.Vocab)), unknown: int32(*m.Unknown)}
	lowest := math.Inf(1)
	for id, t := range m.Vocab {
		p.vocab[t.token] = int32(id) // of equal ones the last counts
		u.scores[id] = t.score
		lowest = min(lowest, t.score)
	}
	p.size = len(m.Vocab)
	u.tokens, u.unknownScore = newTrie(p.vocab), lowest-unknownPenalty
	if m.ByteFallback {
		u.bytes = p.byteTokens()
	}
	// The original counts on from the number of different tokens for ids of added
	// ones, and so does parseAdded; were there equal ones, the two would differ.
	if len(p.vocab) != len(m.Vocab) {
		return fmt.Errorf("%s.vocab: has a token twice", path)
	}
	p.model = u
	return nil
}

// scoredToken is [token, score].
type scoredToken struct {
	token string
	score float64
}

func (t *scoredToken) UnmarshalJSON(data []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(data, &pair); err != nil || len(pair) != 2 {
		return fmt.Errorf("want [token, score], got %.60q", data)
	}
	if err := json.Unmarshal(pair[0], &t.token); err != nil {
		return err
	}
	var number json.Number
	if err := json.Unmarshal(pair[1], &number); err != nil || pair[1][0] == '"' {
		return fmt.Errorf("want [token, score], got %.60q", data)
	}
	score, ok := parseScore(string(number))
	if !ok {
		return fmt.Errorf("score %.40q: out of range", number)
	}
	t.score = score
	return nil
}

func (p *parser) parseBPE(path string, data json.RawMessage) error {
	var m struct {
		onlyType
		Dropout      *float64         `json:"dropout" optional:"yes"`
		Unknown      *string          `json:"unk_token" optional:"yes"`
		Prefix       *string          `json:"continuing_subword_prefix" optional:"yes"`
		Suffix       *string          `json:"end_of_word_suffix" optional:"yes"`
		FuseUnknown  bool             `json:"fuse_unk"`
		ByteFallback bool             `json:"byte_fallback"`
		IgnoreMerges bool             `json:"ignore_merges"`
		Vocab        map[string]int32 `json:"vocab"`
		Merges       []mergePair      `json:"merges"`
	}
	if err := strict(path, data, &m); err != nil {
		return err
	}
	if m.Dropout != nil && *m.Dropout != 0 {
		return fmt.Errorf("%s.dropout: %v is not supported: want null or 0", path, *m.Dropout)
	}
	if err := p.takeVocab(path, m.Vocab); err != nil {
		return err
	}
	b := &bpe{unknown: none, fuseUnknown: m.FuseUnknown}
	if m.Unknown != nil {
		var err error
		if b.unknown, err = p.unknownID(path, *m.Unknown); err != nil {
			return err
		}
	}
	if m.Prefix != nil {
		b.prefix = *m.Prefix
	}
	if m.Suffix != nil {
		b.suffix = *m.Suffix
	}
	b.placesMatter = b.prefix != "" || b.suffix != ""
	if m.ByteFallback {
		b.bytes = p.byteTokens()
	}
	if m.IgnoreMerges {
		b.whole = newTrie(m.Vocab)
	}
	b.takeSingles(m.Vocab)
	p.model = b
	return b.takeMerges(path, m.Vocab, m.Merges)
}

// takeSingles finds the tokens of single runes at each place of a word.
func (m *bpe) takeSingles(vocab map[string]int32) {
	for place := range m.single {
		m.single[place] = newSingles()
		for token, id := range vocab {
			ok := true
			if m.placesMatter && place&isFirst == 0 {
				token, ok = strings.CutPrefix(token, m.prefix)
			}
			if ok && place&isLast != 0 {
				token, ok = strings.CutSuffix(token, m.suffix)
			}
			r, size := utf8.DecodeRuneInString(token)
			if ok && size > 0 && size == len(token) {
				m.single[place].put(r, id)
			}
		}
		if !m.placesMatter {
			return // all places are inner
		}
	}
}

func (m *bpe) takeMerges(path string, vocab map[string]int32, merges []mergePair) error {
	m.merges = newMergeTable(len(merges))
	rank := uint32(0)
	for i, pair := range merges {
		if pair.comment {
			continue
		}
		// Without the prefix of the right one, however it begins: so the original.
		if len(pair.right) < len(m.prefix) {
			return fmt.Errorf("%s.merges[%d]: %.40q is shorter than continuing_subword_prefix", path, i, pair.right)
		}
		left, ok := vocab[pair.left]
		right, ok2 := vocab[pair.right]
		whole, ok3 := vocab[pair.left+pair.right[len(m.prefix):]]
		if !ok || !ok2 || !ok3 {
			return fmt.Errorf("%s.merges[%d]: %.40q and %.40q: one of them or both together are not in %s.vocab", path, i, pair.left, pair.right, path)
		}
		m.merges.put(left, right, rank, whole)
		rank++
	}
	return nil
}

// mergePair is "left right" or, in newer files, [left, right].
type mergePair struct {
	left, right string
	comment     bool // the first line of an older file
}

func (m *mergePair) UnmarshalJSON(data []byte) error {
	var parts []string
	if data[0] == '[' {
		if err := json.Unmarshal(data, &parts); err != nil {
			return err
		}
	} else {
		var line string
		if err := json.Unmarshal(data, &line); err != nil {
			return err
		}
		if strings.HasPrefix(line, "#version") {
			m.comment = true
			return nil
		}
		parts = strings.Split(line, " ")
	}
	if len(parts) != 2 {
		return errors.New("want merges of two tokens each")
	}
	m.left, m.right = parts[0], parts[1]
	return nil
}
