package wire_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/seed-4f09bd3a/weir/internal/wire"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// examples has what is read fast, and what is left to the library.
func examples() map[string]proto.Message {
	allow := &weirv1.Verdict{Action: weirv1.Action_ACTION_ALLOW, ReleasedOffset: 3, ScannedOffset: 300, ReceivedOffset: 70_000, HoldbackBytes: 69_997}
	halt := &weirv1.Verdict{
		Action: weirv1.Action_ACTION_HALT, HaltOffset: new(int64(0)), RetractFromOffset: new(int64(1 << 40)), Degraded: true, Final: true,
		Replacement: strings.Repeat("no. ", 60), SnapshotVersion: "1a2b",
		Findings: []*weirv1.Finding{{Category: "illicit", Severity: weirv1.Severity_SEVERITY_HIGH, Score: 0.5, EndOffset: 9, Source: "lexicon:x:1"}},
		Edits:    []*weirv1.Edit{{StartOffset: 1, EndOffset: 2, Replacement: "[x]"}},
	}
	final := &weirv1.Verdict{Action: weirv1.Action_ACTION_HALT, HaltOffset: new(int64(-1)), Final: true, Replacement: strings.Repeat("天气", 100), SnapshotVersion: "v"}
	open := &weirv1.OpenStream{Profile: "minor", Prompt: []byte{}, Language: "ja"}
	entries := func(n int) (out []*weirv1.ModerateBatchRequestEntry) {
		for i := range n {
			out = append(out, &weirv1.ModerateBatchRequestEntry{StreamId: uint64(i) << 20, Chunk: []byte("abcd")[:i%5]})
		}
		return out
	}
	answers := func(n int) (out []*weirv1.ModerateBatchResponseEntry) {
		for i := range n {
			out = append(out, &weirv1.ModerateBatchResponseEntry{StreamId: uint64(i), Verdict: allow})
		}
		return out
	}
	return map[string]proto.Message{
		"request":             &weirv1.ModerateRequest{Open: open, Chunk: []byte("abc"), Finish: true, Ask: true},
		"request, empty":      &weirv1.ModerateRequest{},
		"response":            &weirv1.ModerateResponse{Verdict: allow},
		"response, halt":      &weirv1.ModerateResponse{Verdict: halt, Prompt: true},
		"response, final":     &weirv1.ModerateResponse{Verdict: final},
		"response, empty":     &weirv1.ModerateResponse{Verdict: &weirv1.Verdict{}},
		"batch, empty":        &weirv1.ModerateBatchRequest{},
		"batch":               &weirv1.ModerateBatchRequest{Entries: entries(300)},
		"batch, all fields":   &weirv1.ModerateBatchRequest{Entries: []*weirv1.ModerateBatchRequestEntry{{StreamId: 1 << 63, Open: open, Chunk: bytes.Repeat([]byte("x"), 20_000), Finish: true, Abort: true, Ask: true}, {}, nil}},
		"answers":             &weirv1.ModerateBatchResponse{Entries: answers(300), Late: true},
		"answers, all fields": &weirv1.ModerateBatchResponse{Entries: []*weirv1.ModerateBatchResponseEntry{{StreamId: 9, Verdict: halt, PromptVerdict: final}, {StreamId: 2, Error: &weirv1.StreamError{Code: 8, Message: "later"}}, {StreamId: 3, Verdict: final}, {}}},
		"another":             &weirv1.CheckRequest{Text: []byte("abc")},
	}
}

// TestCodec: what is encoded is the library's encoding, and what is decoded is what
// was encoded, into a new message and into one that held another.
func TestCodec(t *testing.T) {
	codec := wire.NewCodec()
	for name, m := range examples() {
		t.Run(name, func(t *testing.T) {
			want, err := proto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 { // with buffers that were used before
				data, err := codec.Marshal(m)
				if err != nil {
					t.Fatal(err)
				}
				got := make([]byte, data.Len())
				if data.CopyTo(got); !bytes.Equal(got, want) {
					t.Fatalf("(-want +got):\n%s", cmp.Diff(want, got))
				}
				data.Free()
			}
			for other, used := range examples() {
				if used.ProtoReflect().Descriptor() != m.ProtoReflect().Descriptor() {
					continue
				}
				used = proto.Clone(used)
				for _, parts := range []mem.BufferSlice{{mem.SliceBuffer(want)}, split(want)} {
					if err := codec.Unmarshal(parts, used); err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(proto.Clone(m), used, protocmp.Transform(), protocmp.IgnoreEmptyMessages()); diff != "" {
						t.Errorf("into what was %s (-want +got):\n%s", other, diff)
					}
				}
			}
		})
	}
}

func split(b []byte) (out mem.BufferSlice) {
	for len(b) > 0 {
		n := min(len(b), 7)
		out = append(out, mem.SliceBuffer(b[:n]))
		b = b[n:]
	}
	return out
}

// TestInvalid: strings that are no UTF-8 are refused as the library refuses them.
func TestInvalid(t *testing.T) {
	codec := wire.NewCodec()
	for name, m := range map[string]proto.Message{
		"response": &weirv1.ModerateResponse{Verdict: &weirv1.Verdict{Replacement: "\xff"}},
		"batch":    &weirv1.ModerateBatchRequest{Entries: []*weirv1.ModerateBatchRequestEntry{{Open: &weirv1.OpenStream{Profile: "\xff"}}}},
		"answers":  &weirv1.ModerateBatchResponse{Entries: []*weirv1.ModerateBatchResponseEntry{{PromptVerdict: &weirv1.Verdict{SnapshotVersion: "\xff"}}}},
	} {
		if _, err := codec.Marshal(m); err == nil {
			t.Errorf("%s was encoded", name)
		}
	}
	for _, b := range []string{"\x0a\x03\x0a\x01\xff", "\x0a\xff", "\x08", "\x07"} {
		if err := wire.Decode([]byte(b), &weirv1.ModerateRequest{}); err == nil {
			t.Errorf("%q was decoded", b)
		}
	}
}

// TestAllocations: a step into memory that is there costs none, but for the buffer
// that gRPC frees.
func TestAllocations(t *testing.T) {
	codec, all := wire.NewCodec(), examples()
	for name, into := range map[string]proto.Message{"batch": &weirv1.ModerateBatchRequest{}, "answers": &weirv1.ModerateBatchResponse{}} {
		b, err := proto.Marshal(all[name])
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() {
			if err := wire.Decode(b, into); err != nil {
				t.Error(err)
			}
		}); n > 0 {
			t.Errorf("decoding %s: %g allocations", name, n)
		}
		if n := testing.AllocsPerRun(100, func() {
			data, err := codec.Marshal(all[name])
			if err != nil {
				t.Error(err)
			}
			data.Free()
		}); n > 4 {
			t.Errorf("encoding %s: %g allocations", name, n)
		}
	}
}

// TestBounds: a message that was large once does not keep its memory.
func TestBounds(t *testing.T) {
	large := &weirv1.ModerateBatchRequest{Entries: make([]*weirv1.ModerateBatchRequestEntry, 20_000)}
	large.Entries[0] = &weirv1.ModerateBatchRequestEntry{Chunk: make([]byte, 1<<20)}
	b, err := proto.Marshal(large)
	if err != nil {
		t.Fatal(err)
	}
	m := &weirv1.ModerateBatchRequest{}
	for _, b := range [][]byte{b, {1<<3 | 2, 0}} {
		if err := wire.Decode(b, m); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.Entries) != 1 || cap(m.Entries) > 100 || cap(m.Entries[0].Chunk) > 0 {
		t.Errorf("%d entries kept, a chunk of %d bytes", cap(m.Entries), cap(m.Entries[0].Chunk))
	}
}

func kinds() []proto.Message {
	return []proto.Message{&weirv1.ModerateRequest{}, &weirv1.ModerateResponse{}, &weirv1.ModerateBatchRequest{}, &weirv1.ModerateBatchResponse{}}
}

func seeds(f *testing.F) {
	for _, m := range examples() {
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	for _, s := range []string{
		"\x0a\x00\x0a\x00",                 // twice
		"\x12\x01a\x12\x02bc",              // a scalar twice: the last counts
		"\x7a\x01a",                        // unknown
		"\x80\x01\x01",                     // a tag of two bytes
		"\x10\x80\x80\x80\x80\x80\x80\x80", // cut
		"\x0a\x05\x08\x80\x80\x80\x00",     // longer than it need be
		"\x18\x02\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", // bools beyond 1
		"\x0b\x0c", // a group
	} {
		f.Add([]byte(s))
	}
}

// FuzzDecode: any bytes are read as the library reads them, unknown fields aside.
func FuzzDecode(f *testing.F) {
	seeds(f)
	used := kinds()
	f.Fuzz(func(t *testing.T, b []byte) {
		for i, want := range kinds() {
			wantErr := proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(b, want)
			for _, got := range []proto.Message{kinds()[i], used[i]} {
				err := wire.Decode(b, got)
				if (err != nil) != (wantErr != nil) {
					t.Fatalf("%T: %v, want %v", want, err, wantErr)
				}
				if err == nil && !proto.Equal(want, got) {
					t.Fatalf("(-want +got):\n%s", cmp.Diff(want, got, protocmp.Transform()))
				}
			}
		}
	})
}

// FuzzEncode: whatever a message holds is written as the library writes it.
func FuzzEncode(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, m := range kinds() {
			if (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(b, m) != nil {
				continue
			}
			want, err := proto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := wire.Append([]byte("before"), m); err != nil || !bytes.Equal(got[6:], want) {
				t.Fatalf("%T: %v, (-want +got):\n%s", m, err, cmp.Diff(want, got[6:]))
			}
		}
	})
}

func BenchmarkCodec(b *testing.B) {
	all := examples()
	for _, name := range []string{"batch", "answers", "response"} {
		m := all[name]
		data, err := proto.Marshal(m)
		if err != nil {
			b.Fatal(err)
		}
		into := m.ProtoReflect().New().Interface()
		for how, f := range map[string]func() error{
			"op=encode/by=library": func() error { _, err := proto.Marshal(m); return err },
			"op=decode/by=library": func() error { return proto.Unmarshal(data, into) },
			"op=encode/by=wire":    func() (err error) { data, err = wire.Append(data[:0], m); return err },
			"op=decode/by=wire":    func() error { return wire.Decode(data, into) },
		} {
			b.Run("of="+name+"/"+how, func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				b.ReportAllocs()
				for b.Loop() {
					if err := f(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
