package wire

import weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"

// usual reports whether a verdict is written by appendUsual.
func usual(v *weirv1.Verdict) bool {
	return len(v.Findings)+len(v.Edits) == 0 && valid(v.Replacement, v.SnapshotVersion)
}

func appendUsual(b []byte, v *weirv1.Verdict) []byte {
	b = appendVarint(b, 1, uint64(v.Action))
	b = appendVarint(b, 2, uint64(v.ReleasedOffset))
	b = appendVarint(b, 3, uint64(v.ScannedOffset))
	b = appendVarint(b, 4, uint64(v.ReceivedOffset))
	b = appendVarint(b, 5, uint64(v.HoldbackBytes))
	b = appendOptional(b, 6, v.HaltOffset)
	b = appendOptional(b, 7, v.RetractFromOffset)
	b = appendBool(b, 10, v.Degraded)
	b = appendBool(b, 11, v.Final)
	b = appendBytes(b, 12, v.Replacement)
	return appendBytes(b, 13, v.SnapshotVersion)
}

func appendVerdict(b []byte, field byte, v *weirv1.Verdict) ([]byte, error) {
	if v == nil {
		return b, nil
	}
	if !usual(v) {
		return appendMessage(b, field, v)
	}
	b = append(b, field<<3|bytes, 0)
	from := len(b) - 1
	return closeLength(appendUsual(b, v), from), nil
}

// decodeVerdict reads a verdict into v, which it overwrites.
func decodeVerdict(b []byte, v *weirv1.Verdict) bool {
	v.Action, v.ReleasedOffset, v.ScannedOffset, v.ReceivedOffset, v.HoldbackBytes = 0, 0, 0, 0, 0
	v.HaltOffset, v.RetractFromOffset, v.Findings, v.Edits = nil, nil, nil, nil
	v.Degraded, v.Final, v.Replacement, v.SnapshotVersion = false, false, "", ""
	for r := (reader{b: b}); ; {
		switch r.tag() {
		case 0:
			return !r.bad && valid(v.Replacement, v.SnapshotVersion)
		case 1<<3 | varint:
			v.Action = weirv1.Action(int32(r.varint()))
		case 2<<3 | varint:
			v.ReleasedOffset = int64(r.varint())
		case 3<<3 | varint:
			v.ScannedOffset = int64(r.varint())
		case 4<<3 | varint:
			v.ReceivedOffset = int64(r.varint())
		case 5<<3 | varint:
			v.HoldbackBytes = int64(r.varint())
		case 6<<3 | varint:
			v.HaltOffset = new(int64(r.varint()))
		case 7<<3 | varint:
			v.RetractFromOffset = new(int64(r.varint()))
		case 10<<3 | varint:
			v.Degraded = r.bool()
		case 11<<3 | varint:
			v.Final = r.bool()
		case 12<<3 | bytes:
			v.Replacement = string(r.bytes())
		case 13<<3 | bytes:
			v.SnapshotVersion = string(r.bytes())
		default: // findings and edits too
			return unmarshal(b, v) == nil
		}
	}
}

// verdict reads a verdict into one that was there before, or a new one. A second
// one in a message would have to be merged with the first: nil, as for one that is
// broken.
func verdict(b []byte, spare **weirv1.Verdict, twice bool) *weirv1.Verdict {
	v := *spare
	if *spare = nil; v == nil {
		v = &weirv1.Verdict{}
	}
	if twice || !decodeVerdict(b, v) {
		return nil
	}
	return v
}

func appendResponse(b []byte, m *weirv1.ModerateResponse) (_ []byte, err error) {
	if b, err = appendVerdict(b, 1, m.Verdict); err != nil {
		return b, err
	}
	return appendBool(b, 2, m.Prompt), nil
}

func decodeResponse(b []byte, m *weirv1.ModerateResponse) bool {
	spare := m.Verdict
	m.Verdict, m.Prompt = nil, false
	for r := (reader{b: b}); ; {
		switch r.tag() {
		case 0:
			return !r.bad
		case 1<<3 | bytes:
			if m.Verdict = verdict(r.bytes(), &spare, m.Verdict != nil); m.Verdict == nil {
				return false
			}
		case 2<<3 | varint:
			m.Prompt = r.bool()
		default:
			return false
		}
	}
}

func appendBatchResponse(b []byte, m *weirv1.ModerateBatchResponse) (_ []byte, err error) {
	for _, e := range m.Entries {
		b = append(b, 1<<3|bytes, 0)
		from := len(b) - 1
		if e != nil {
			b = appendVarint(b, 1, e.StreamId)
			if b, err = appendVerdict(b, 2, e.Verdict); err != nil {
				return b, err
			}
			if b, err = appendVerdict(b, 3, e.PromptVerdict); err != nil {
				return b, err
			}
			if e.Error != nil {
				if b, err = appendMessage(b, 4, e.Error); err != nil {
					return b, err
				}
			}
		}
		b = closeLength(b, from)
	}
	return appendBool(b, 2, m.Late), nil
}

func decodeBatchResponse(b []byte, m *weirv1.ModerateBatchResponse) bool {
	m.Entries, m.Late = spare(m.Entries), false
	for r := (reader{b: b}); ; {
		switch r.tag() {
		case 0:
			return !r.bad
		case 1<<3 | bytes:
			m.Entries = grow(m.Entries)
			if !decodeAnswer(r.bytes(), m.Entries[len(m.Entries)-1]) {
				return false
			}
		case 2<<3 | varint:
			m.Late = r.bool()
		default:
			return false
		}
	}
}

func decodeAnswer(b []byte, e *weirv1.ModerateBatchResponseEntry) bool {
	spare := e.Verdict
	e.StreamId, e.Verdict, e.PromptVerdict, e.Error = 0, nil, nil, nil
	for r := (reader{b: b}); ; {
		switch r.tag() {
		case 0:
			return !r.bad
		case 1<<3 | varint:
			e.StreamId = r.varint()
		case 2<<3 | bytes:
			if e.Verdict = verdict(r.bytes(), &spare, e.Verdict != nil); e.Verdict == nil {
				return false
			}
		case 3<<3 | bytes:
			var none *weirv1.Verdict
			if e.PromptVerdict = verdict(r.bytes(), &none, e.PromptVerdict != nil); e.PromptVerdict == nil {
				return false
			}
		default: // errors too
			return false
		}
	}
}
