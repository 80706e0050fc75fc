package wire

import (
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

func appendRequest(b []byte, m *weirv1.ModerateRequest) (_ []byte, err error) {
	if b, err = appendOpen(b, 1, m.Open); err != nil {
		return b, err
	}
	b = appendBytes(b, 2, m.Chunk)
	b = appendBool(b, 3, m.Finish)
	b = appendBool(b, 4, m.Ask)
	return b, nil
}

// appendOpen leaves the message itself to the library: a stream has one.
func appendOpen(b []byte, field byte, m *weirv1.OpenStream) ([]byte, error) {
	if m == nil {
		return b, nil
	}
	return appendMessage(b, field, m)
}

func decodeRequest(b []byte, m *weirv1.ModerateRequest) bool {
	m.Open, m.Chunk, m.Finish, m.Ask = nil, room(m.Chunk), false, false
	for r := (reader{b: b}); ; {
		switch r.tag() {
		case 0:
			return !r.bad
		case 1<<3 | bytes:
			if m.Open = open(r.bytes(), m.Open); m.Open == nil {
				return false
			}
		case 2<<3 | bytes:
			m.Chunk = append(m.Chunk[:0], r.bytes()...)
		case 3<<3 | varint:
			m.Finish = r.bool()
		case 4<<3 | varint:
			m.Ask = r.bool()
		default:
			return false
		}
	}
}

// open reads the message that begins a stream. A second one would have to be merged
// with the first: nil, as for one that is broken.
func open(b []byte, before *weirv1.OpenStream) *weirv1.OpenStream {
	m := &weirv1.OpenStream{}
	if before != nil || unmarshal(b, m) != nil {
		return nil
	}
	return m
}

func appendBatchRequest(b []byte, m *weirv1.ModerateBatchRequest) (_ []byte, err error) {
	for _, e := range m.Entries {
		b = append(b, 1<<3|bytes, 0)
		from := len(b) - 1
		if e != nil {
			b = appendVarint(b, 1, e.StreamId)
			if b, err = appendOpen(b, 2, e.Open); err != nil {
				return b, err
			}
			b = appendBytes(b, 3, e.Chunk)
			b = appendBool(b, 4, e.Finish)
			b = appendBool(b, 5, e.Abort)
			b = appendBool(b, 6, e.Ask)
		}
		b = closeLength(b, from)
	}
	return b, nil
}

func decodeBatchRequest(b []byte, m *weirv1.ModerateBatchRequest) bool {
	m.Entries = spare(m.Entries)
	for r := (reader{b: b}); ; {
		switch r.tag() {
		case 0:
			return !r.bad
		case 1<<3 | bytes:
			m.Entries = grow(m.Entries)
			if !decodeEntry(r.bytes(), m.Entries[len(m.Entries)-1]) {
				return false
			}
		default:
			return false
		}
	}
}

func decodeEntry(b []byte, e *weirv1.ModerateBatchRequestEntry) bool {
	e.StreamId, e.Open, e.Chunk, e.Finish, e.Abort, e.Ask = 0, nil, room(e.Chunk), false, false, false
	for r := (reader{b: b}); ; {
		switch r.tag() {
		case 0:
			return !r.bad
		case 1<<3 | varint:
			e.StreamId = r.varint()
		case 2<<3 | bytes:
			if e.Open = open(r.bytes(), e.Open); e.Open == nil {
				return false
			}
		case 3<<3 | bytes:
			e.Chunk = append(e.Chunk[:0], r.bytes()...)
		case 4<<3 | varint:
			e.Finish = r.bool()
		case 5<<3 | varint:
			e.Abort = r.bool()
		case 6<<3 | varint:
			e.Ask = r.bool()
		default:
			return false
		}
	}
}

// grow makes a slice of pointers longer by one, which points to what it did when
// the slice was longer before. New ones are made side by side.
func grow[T any](s []*T) []*T {
	if n := len(s); n < cap(s) {
		if s = s[:n+1]; s[n] != nil {
			return s
		}
		s[n] = new(T)
		return s
	}
	const together = 32
	more := make([]T, together)
	n := len(s)
	for i := range more {
		s = append(s, &more[i])
	}
	return s[:n+1]
}

// What a message keeps for the next is bounded, so that one that was large once
// does not hold its memory for good.
const (
	keptEntries = 8 << 10
	keptChunk   = 4 << 10 // 4 KiB
)

func spare[T any](s []*T) []*T {
	if cap(s) > keptEntries {
		return nil
	}
	return s[:0]
}

func room(b []byte) []byte {
	if cap(b) > keptChunk {
		return nil
	}
	return b[:0]
}
