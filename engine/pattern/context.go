package pattern

import "github.com/seed-4f09bd3a/weir/engine/text"

// context is a subject that a word shortly before a number names.
type context uint8

const (
	noContext context = iota
	aboutPassport
	aboutMyNumber
	aboutSSN
	aboutVersion // of software: what looks like an IPv4 address is a version
	numContexts  = iota
)

// contextReachBytes is how many bytes of the original may lie between the end of
// a context word and the start of what it speaks of. 64 bytes are 21 Han
// characters or about ten English words.
var contextReachBytes = [numContexts]int64{
	aboutPassport: 64, aboutMyNumber: 64, aboutSSN: 64, aboutVersion: 24,
}

// latinWords are looked for at the end of each run of ASCII letters; a capital
// letter ends a run too, so that passportNo counts. A blank stands for any run
// of other runes or the start of the stream. At most 12 characters.
var latinWords = [...]struct {
	word    string
	context context
}{
	{"passport", aboutPassport},
	{" my number", aboutMyNumber},
	{" mynumber", aboutMyNumber},
	{" ssn", aboutSSN},
	{"ial security", aboutSSN}, // social security
	{"version", aboutVersion},
	{"release", aboutVersion},
	{"firmware", aboutVersion},
}

// wideWords are looked for at every rune beyond ASCII. At most wideRunes runes:
// where a word is longer, its end is given.
var wideWords = [...]struct {
	word    string
	context context
}{
	{"护照", aboutPassport},
	{"護照", aboutPassport},
	{"旅券", aboutPassport},
	{"スポート", aboutPassport}, // パスポート
	{"个人番号", aboutMyNumber},
	{"個人番号", aboutMyNumber},
	{"イナンバー", aboutMyNumber}, // マイナンバー
	{"社会安全号", aboutSSN},      // 社会安全号码
	{"社会保障番", aboutSSN},      // 社会保障番号
	{"版本", aboutVersion},
	{"バージョン", aboutVersion},
}

const wideRunes = 5

// wordState remembers the latest letters and the latest context words.
type wordState struct {
	ends  [numContexts - 1]int64 // End of the latest word of each context; 0 without one
	ascii uint64                 // latest ASCII letters, 5 bits each: a is 1, a run of others is 0
	wide  uint64                 // latest four runes beyond ASCII, 16 bits each, without voice marks
	older uint16                 // the one before those
}

// letter takes a folded ASCII letter.
func (w *wordState) letter(r rune) { w.ascii = w.ascii<<5 | uint64(r)&31 }

// separator takes any rune that is no ASCII letter.
func (w *wordState) separator() {
	if w.ascii&31 != 0 {
		w.ascii <<= 5
	}
}

// near reports whether a word of context c ended shortly before start.
func (w *wordState) near(c context, start int64) bool {
	end := w.ends[c-1]
	return end != 0 && start-end <= contextReachBytes[c]
}

// packWord packs ASCII letters and blanks as wordState.ascii holds them.
func packWord(word string) (packed, mask uint64) {
	for i := range len(word) {
		packed = packed<<5 | uint64(word[i])&31 // a blank gives 0
		mask = mask<<5 | 31
	}
	return packed, mask
}

// contextWords are the words in packed form.
type contextWords struct {
	ascii [len(latinWords)]struct {
		packed, mask uint64
		context      context
	}
	wide [len(wideWords)]struct {
		packed, mask uint64
		older        uint16 // 0 unless the word has five runes
		context      context
	}
	asciiEnds [1 << 10 / 64]uint64 // a bit for every last two letters of ascii
	wideEnds  uint64               // bit r&63 for every last rune r of wide
}

func compileContext() (c contextWords) {
	for i, w := range latinWords {
		c.ascii[i].packed, c.ascii[i].mask = packWord(w.word)
		c.ascii[i].context = w.context
		last := c.ascii[i].packed & 1023
		c.asciiEnds[last>>6] |= 1 << (last & 63)
	}
	for i, w := range wideWords {
		entry := &c.wide[i]
		entry.context = w.context
		runes := []rune(w.word)
		for j, r := range runes {
			r = plainKana(r)
			if len(runes)-j == wideRunes {
				entry.older = uint16(r)
				continue
			}
			entry.packed = entry.packed<<16 | uint64(r)
			entry.mask = entry.mask<<16 | 0xFFFF
		}
		c.wideEnds |= 1 << (plainKana(runes[len(runes)-1]) & 63)
	}
	return c
}

// step notes the context word that ended before r, or with it, and takes r.
func (c *contextWords) step(st *State, r *text.Rune, k kind) {
	w := &st.words
	if st.prev&kLetter != 0 && (k&kLetter == 0 || r.Class&text.Upper != 0) {
		if last := w.ascii & 1023; c.asciiEnds[last>>6]>>(last&63)&1 != 0 {
			c.endWord(st)
		}
	}
	if k&kLetter != 0 {
		w.letter(r.R)
		return
	}
	w.separator()
	if k&kWide == 0 || r.Class&text.VoiceMark != 0 {
		return
	}
	plain := plainKana(r.R)
	w.older = uint16(w.wide >> 48)
	w.wide = w.wide<<16 | uint64(uint16(plain))
	if c.wideEnds>>(plain&63)&1 == 0 {
		return
	}
	for i := range c.wide {
		word := &c.wide[i]
		if w.wide&word.mask == word.packed && (word.older == 0 || word.older == w.older) {
			w.ends[word.context-1] = r.End()
		}
	}
}

// endWord notes the context word that the latest letters are, if any.
func (c *contextWords) endWord(st *State) {
	for i := range c.ascii {
		if word := &c.ascii[i]; st.words.ascii&word.mask == word.packed {
			st.words.ends[word.context-1] = st.end
		}
	}
}

// plainKana maps hiragana to katakana and drops voice marks, so that words are
// found whether or not folding splits marks off.
func plainKana(r rune) rune {
	if 0x3041 <= r && r <= 0x3096 {
		r += 0x60
	}
	switch {
	case r < 0x30AB || r > 0x30DD:
	case r <= 0x30C2: // カ to ヂ: plain, voiced
		r -= (r - 0x30AB) & 1
	case 0x30C4 <= r && r <= 0x30C9: // ツ to ド
		r -= (r - 0x30C4) & 1
	case 0x30CF <= r: // ハ to ポ: plain, voiced, semi-voiced
		r -= (r - 0x30CF) % 3
	}
	return r
}
