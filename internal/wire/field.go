package wire

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// A tag is a field's number and wire type; below field 16 it is one byte.
const (
	varint = byte(protowire.VarintType)
	bytes  = byte(protowire.BytesType)
)

// reader reads the fields of one message. After something unusual, broken or not,
// bad is set, and what was read means nothing.
type reader struct {
	b   []byte
	bad bool
}

// tag returns the next field's tag, or 0 at the end. Tags of more than one byte
// are unusual.
func (r *reader) tag() byte {
	if len(r.b) == 0 || r.bad {
		return 0
	}
	t := r.b[0]
	r.b = r.b[1:]
	if t < 8 || t >= 0x80 { // field 0, or more to come
		r.bad = true
		return 0
	}
	return t
}

func (r *reader) varint() uint64 {
	if len(r.b) > 0 && r.b[0] < 0x80 {
		v := uint64(r.b[0])
		r.b = r.b[1:]
		return v
	}
	v, n := protowire.ConsumeVarint(r.b)
	if n < 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) bool() bool { return r.varint() != 0 }

// bytes returns a part of the message.
func (r *reader) bytes() []byte {
	n := r.varint()
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// appendVarint is a field that is left out at 0.
func appendVarint(b []byte, field byte, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(append(b, field<<3|varint), v)
}

func appendBool(b []byte, field byte, v bool) []byte {
	if !v {
		return b
	}
	return append(b, field<<3|varint, 1)
}

// appendBytes is a field that is left out when empty.
func appendBytes[T string | []byte](b []byte, field byte, v T) []byte {
	if len(v) == 0 {
		return b
	}
	b = protowire.AppendVarint(append(b, field<<3|bytes), uint64(len(v)))
	return append(b, v...)
}

// appendOptional is a field that is left out when nil.
func appendOptional(b []byte, field byte, v *int64) []byte {
	if v == nil {
		return b
	}
	return protowire.AppendVarint(append(b, field<<3|varint), uint64(*v))
}

// closeLength writes the length of what was appended since from, where a byte was left
// for it, moving it if the length takes more.
func closeLength(b []byte, from int) []byte {
	n := len(b) - from - 1
	if n < 0x80 {
		b[from] = byte(n)
		return b
	}
	size := protowire.SizeVarint(uint64(n))
	for range size - 1 {
		b = append(b, 0)
	}
	copy(b[from+size:], b[from+1:from+1+n])
	protowire.AppendVarint(b[from:from], uint64(n))
	return b
}

// appendMessage is a message that is left to the library.
func appendMessage(b []byte, field byte, m proto.Message) ([]byte, error) {
	b = append(b, field<<3|bytes, 0)
	from := len(b) - 1
	b, err := proto.MarshalOptions{}.MarshalAppend(b, m)
	if err != nil {
		return b, err
	}
	return closeLength(b, from), nil
}

// valid reports whether strings may stand in a message.
func valid(all ...string) bool {
	for _, s := range all {
		if !utf8.ValidString(s) {
			return false
		}
	}
	return true
}
