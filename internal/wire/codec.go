package wire

import (
	"fmt"
	"slices"
	"sync"

	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec for everything else
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// Codec is gRPC's codec "proto", faster for four messages.
type Codec struct {
	all     encoding.CodecV2
	buffers *buffers
}

// NewCodec returns a codec.
func NewCodec() Codec { return Codec{encoding.GetCodecV2("proto"), &buffers{}} }

// Name implements encoding.CodecV2.
func (Codec) Name() string { return "proto" }

// Marshal implements encoding.CodecV2.
func (c Codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(proto.Message)
	if !ok || !Fast(m) {
		return c.all.Marshal(v)
	}
	buffer := c.buffers.Get(0)
	b, err := Append((*buffer)[:0], m)
	*buffer = b
	switch {
	case err != nil:
		c.buffers.Put(buffer)
		return nil, fmt.Errorf("wire: %w", err)
	case mem.IsBelowBufferPoolingThreshold(len(b)):
		exact := append([]byte(nil), b...)
		c.buffers.Put(buffer)
		return mem.BufferSlice{mem.SliceBuffer(exact)}, nil
	}
	return mem.BufferSlice{mem.NewBuffer(buffer, c.buffers)}, nil
}

// buffers are what messages are written into; how long one gets is known only when
// it is written. It implements mem.BufferPool.
type buffers struct{ pool sync.Pool }

const keptBuffer = 256 << 10 // 256 KiB; larger ones are left to the collector

// Get implements mem.BufferPool.
func (p *buffers) Get(length int) *[]byte {
	b, ok := p.pool.Get().(*[]byte)
	if !ok {
		b = new(make([]byte, 0, 4<<10)) // 4 KiB
	}
	*b = slices.Grow((*b)[:0], length)[:length]
	return b
}

// Put implements mem.BufferPool. What a buffer holds goes out of reach: Get's are
// written from their start.
func (p *buffers) Put(b *[]byte) {
	if cap(*b) <= keptBuffer {
		p.pool.Put(b)
	}
}

// Append appends the encoding of a message.
func Append(b []byte, m proto.Message) ([]byte, error) {
	switch m := m.(type) {
	case *weirv1.ModerateBatchRequest:
		return appendBatchRequest(b, m)
	case *weirv1.ModerateBatchResponse:
		return appendBatchResponse(b, m)
	case *weirv1.ModerateRequest:
		return appendRequest(b, m)
	case *weirv1.ModerateResponse:
		return appendResponse(b, m)
	}
	return proto.MarshalOptions{}.MarshalAppend(b, m)
}

// Unmarshal implements encoding.CodecV2.
func (c Codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(proto.Message)
	if !ok || !Fast(m) {
		return c.all.Unmarshal(data, v)
	}
	if len(data) == 1 { // nearly always
		return Decode(data[0].ReadOnlyData(), m)
	}
	buf := data.MaterializeToBuffer(mem.DefaultBufferPool())
	defer buf.Free()
	return Decode(buf.ReadOnlyData(), m)
}

// Fast reports whether a message has an encoding of its own here.
func Fast(m proto.Message) bool {
	switch m.(type) {
	case *weirv1.ModerateBatchRequest, *weirv1.ModerateBatchResponse, *weirv1.ModerateRequest, *weirv1.ModerateResponse:
		return true
	}
	return false
}

// Decode reads a message into m, which it overwrites. b is not kept.
func Decode(b []byte, m proto.Message) error {
	usual := false
	switch m := m.(type) {
	case *weirv1.ModerateBatchRequest:
		usual = decodeBatchRequest(b, m)
	case *weirv1.ModerateBatchResponse:
		usual = decodeBatchResponse(b, m)
	case *weirv1.ModerateRequest:
		usual = decodeRequest(b, m)
	case *weirv1.ModerateResponse:
		usual = decodeResponse(b, m)
	}
	if usual {
		return nil
	}
	if err := unmarshal(b, m); err != nil {
		return fmt.Errorf("wire: %w", err)
	}
	return nil
}

// unmarshal is the library's. Unknown fields are dropped: nobody sends on what came
// in, and entries are used again.
func unmarshal(b []byte, m proto.Message) error {
	return proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(b, m)
}
