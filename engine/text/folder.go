package text

import "unicode/utf8"

// MaxExpansion is the most runes that one byte can make Folder.Append append: one
// rune's expansion, behind a U+FFFD for each byte of a rune that it cuts off.
const MaxExpansion = longestFold + utf8.UTFMax - 1

// Folder decodes a UTF-8 stream that comes in chunks and folds it into the
// plain view. Its zero value is at the start of a stream. It is a plain value
// without pointers, 16 bytes: an assignment is a checkpoint. It belongs to one
// goroutine.
//
// The runes of a stream depend on its bytes alone, never on how they were cut
// into chunks.
type Folder struct {
	received int64
	partial  [utf8.UTFMax - 1]byte // first bytes of a rune whose rest has not come
	held     uint8                 // bytes in partial
	blank    bool                  // the last rune appended was a blank
}

// Received returns the offset after the last byte consumed.
func (f *Folder) Received() int64 { return f.received }

// Scanned returns the offset of the first byte that is consumed but not yet
// folded: the start of a rune that is split over chunks. If there is none,
// it is equal to Received. It is at most three less.
func (f *Folder) Scanned() int64 { return f.received - int64(f.held) }

// Append appends the folded runes of chunk to dst and returns the extended
// slice and the number of bytes of chunk it consumed. It never grows dst beyond
// its capacity: it stops before a rune whose expansion may not fit, so n may be
// less than len(chunk), and the caller goes on with chunk[n:]. If chunk is not
// empty, MaxExpansion free places in dst guarantee that n > 0.
//
// Each byte that is not part of a valid encoding becomes one U+FFFD, and the
// bytes after it are read as if it were not there. Offsets count from the
// first byte that was ever appended. Append keeps neither slice, and does not
// allocate.
func (f *Folder) Append(dst []Rune, chunk []byte) (runes []Rune, n int) {
	out, k := dst[:cap(dst)], len(dst)
	i := 0
	for f.held > 0 && i < len(chunk) {
		m, size := f.appendPartial(out, k, chunk[i:])
		if size < 0 {
			return out[:k], i
		}
		k, i = m, i+size
	}
	if f.held > 0 {
		return out[:k], i
	}

	base, first, blank := f.received-int64(i), i, f.blank
loop:
	for i < len(chunk) && k < len(out) {
		c := chunk[i]
		if c < utf8.RuneSelf {
			v := foldASCII[c]
			if v <= ' ' {
				if v == 0 || blank {
					i++
					continue
				}
				blank = true
			} else {
				blank = false
			}
			out[k] = Rune{Start: base + int64(i), R: rune(v & 0xff), Len: 1, Class: Class(v >> 8)}
			k++
			i++
			continue
		}
		var r rune
		size := 3
		if tail := chunk[i:]; c&0xf0 == 0xe0 && len(tail) >= 3 && tail[1]&0xc0 == 0x80 && tail[2]&0xc0 == 0x80 {
			r = rune(c&0x0f)<<12 | rune(tail[1]&0x3f)<<6 | rune(tail[2]&0x3f)
			if r < 0x800 || 0xd800 <= r && r <= 0xdfff {
				r, size = utf8.RuneError, 1
			}
		} else if r, size = utf8.DecodeRune(tail); r == utf8.RuneError && size == 1 && !utf8.FullRune(tail) {
			f.held = uint8(copy(f.partial[:], tail))
			i = len(chunk)
			break loop
		}
		e := entryOf(r)
		if e < entryDrop {
			out[k] = Rune{Start: base + int64(i), R: r, Len: uint8(size), Class: Class(e)}
			k++
			blank = false
		} else {
			var fits bool
			if k, blank, fits = appendEntry(out, k, e, base+int64(i), uint8(size), blank); !fits {
				break loop
			}
		}
		i += size
	}
	f.received += int64(i - first)
	f.blank = blank
	return out[:k], i
}

// appendEntry writes what an entry from entryDrop on stands for to out[k:],
// and reports whether it fits. If it does not, nothing has changed.
func appendEntry(out []Rune, k int, e uint16, start int64, size uint8, blank bool) (int, bool, bool) {
	if e < entryValues {
		if e == entryBlank && !blank {
			if k == len(out) {
				return k, blank, false
			}
			out[k] = Rune{Start: start, R: ' ', Len: size}
			return k + 1, true, true
		}
		return k, blank, true
	}
	v := foldValues[e-entryValues]
	if v&sequenceBit == 0 {
		if k == len(out) {
			return k, blank, false
		}
		out[k] = Rune{Start: start, R: rune(v & runeMask), Len: size, Class: Class(v >> classShift)}
		return k + 1, false, true
	}
	n := int(v&^sequenceBit) >> classShift
	if k+n > len(out) {
		return k, blank, false
	}
	at := int(v & sequenceMask)
	for _, v := range foldSequences[at : at+n] {
		r := rune(v & runeMask)
		if r == ' ' && blank {
			continue
		}
		blank = r == ' '
		out[k] = Rune{Start: start, R: r, Len: size, Class: Class(v >> classShift)}
		k++
	}
	return k, blank, true
}

// appendPartial goes on with a rune that is split over chunks: it writes the
// first rune of partial and chunk to out[k:] and returns the new k and how many
// bytes of chunk it took. That may be none: after an invalid byte, what follows
// it in partial is read again. If out is full, size is -1 and nothing has changed.
func (f *Folder) appendPartial(out []Rune, k int, chunk []byte) (newK, size int) {
	var buf [utf8.UTFMax]byte
	held := int(f.held)
	n := held + copy(buf[copy(buf[:], f.partial[:held]):], chunk)
	if !utf8.FullRune(buf[:n]) {
		f.held = uint8(copy(f.partial[:], buf[:n]))
		f.received += int64(n - held)
		return k, n - held
	}
	r, width := utf8.DecodeRune(buf[:n])
	start := f.Scanned()
	e := entryOf(r)
	blank := f.blank
	if e < entryDrop {
		if k == len(out) {
			return k, -1
		}
		out[k] = Rune{Start: start, R: r, Len: uint8(width), Class: Class(e)}
		k++
		blank = false
	} else {
		var fits bool
		if k, blank, fits = appendEntry(out, k, e, start, uint8(width), blank); !fits {
			return k, -1
		}
	}
	f.blank = blank
	if width < held {
		f.held = uint8(copy(f.partial[:], buf[width:held]))
		return k, 0
	}
	f.held = 0
	f.received += int64(width - held)
	return k, width - held
}

// Close ends the stream: it appends one U+FFFD for each byte of a rune that was
// never completed, at most three, and returns the extended slice, grown if need
// be. Then Scanned is equal to Received.
func (f *Folder) Close(dst []Rune) []Rune {
	for ; f.held > 0; f.held-- {
		dst = append(dst, Rune{Start: f.Scanned(), R: utf8.RuneError, Len: 1})
		f.blank = false
	}
	return dst
}
