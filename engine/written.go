package engine

// written holds the bytes of the text that models have not been given yet, for
// those that read them as they were written. Between writes that is the
// beginning of one rune at most.
type written struct {
	bytes []byte  // from offset at; the caller's chunk itself where nothing was left over
	at    int64   // offset of the first of bytes
	rest  [3]byte // what bytes holds between writes
}

func (w *written) add(chunk []byte) {
	if len(w.bytes) == 0 {
		w.bytes = chunk
		return
	}
	w.bytes = append(append(make([]byte, 0, len(w.bytes)+len(chunk)), w.bytes...), chunk...)
}

// upTo returns the bytes that end at an offset. A rune that folds to several
// belongs to the first of them, so there may be none.
func (w *written) upTo(end int64) []byte { return w.bytes[:max(end-w.at, 0)] }

func (w *written) taken(end int64) {
	if n := end - w.at; n > 0 {
		w.bytes, w.at = w.bytes[n:], end
	}
}

// keep lets go of the caller's chunk.
func (w *written) keep() { w.bytes = w.rest[:copy(w.rest[:], w.bytes)] }

// readUnseen gives models that read the text as it was written what it holds
// behind the last folded rune: runes that fold to nothing. It ends a write.
func (s *Stream) readUnseen() {
	w := s.judges.written
	if w == nil {
		return
	}
	end := s.folder.Scanned()
	if rest := w.upTo(end); len(rest) > 0 {
		for i := range s.judges.each {
			if j := &s.judges.each[i]; j.reads == original && !j.off {
				s.judges.session.AddOriginal(i, rest, 0)
			}
		}
	}
	w.taken(end)
	w.keep()
}
