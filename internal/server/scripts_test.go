package server_test

import (
	"errors"
	"io"
	"testing"

	"google.golang.org/grpc"

	"github.com/seed-4f09bd3a/weir/engine/enginetest"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

const scripts = "../../engine/testdata"

// servers starts one server per policy of the scripts.
func servers(t *testing.T) func(file string) *harness {
	running := map[string]*harness{}
	return func(file string) *harness {
		if running[file] == nil {
			running[file] = start(t, file, nil)
		}
		return running[file]
	}
}

func TestScriptsModerate(t *testing.T) {
	server := servers(t)
	enginetest.Run(t, scripts, func(t *testing.T, file, profile string) enginetest.Session {
		stream, err := server(file).client.Moderate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return &moderateSession{t: t, stream: stream, open: &weirv1.OpenStream{Profile: profile}}
	}, enginetest.Options{})
}

type moderateSession struct {
	t      *testing.T
	stream grpc.BidiStreamingClient[weirv1.ModerateRequest, weirv1.ModerateResponse]
	open   *weirv1.OpenStream
}

func (m *moderateSession) Write(chunk []byte) (policy.Verdict, error) {
	return m.send(&weirv1.ModerateRequest{Chunk: chunk})
}

func (m *moderateSession) Close() (policy.Verdict, error) {
	return m.send(&weirv1.ModerateRequest{Finish: true})
}

func (m *moderateSession) send(r *weirv1.ModerateRequest) (policy.Verdict, error) {
	r.Open, r.Ask, m.open = m.open, true, nil
	if err := m.stream.Send(r); err != nil {
		return policy.Verdict{}, err
	}
	a, err := m.stream.Recv()
	if err != nil {
		return policy.Verdict{}, err
	}
	v := fromWire(m.t, a.Verdict)
	if final := r.Finish || v.Action == policy.Halt; a.Verdict.Final != final {
		m.t.Errorf("final is %t, want %t", a.Verdict.Final, final)
	} else if final {
		if _, err := m.stream.Recv(); !errors.Is(err, io.EOF) {
			m.t.Errorf("after the final verdict: %v, want the end of the call", err)
		}
	}
	return v, nil
}

func TestScriptsModerateBatch(t *testing.T) {
	server := servers(t)
	id := uint64(0)
	enginetest.Run(t, scripts, func(t *testing.T, file, profile string) enginetest.Session {
		stream, err := server(file).client.ModerateBatch(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		id++
		return &batchSession{t: t, stream: stream, id: id, open: &weirv1.OpenStream{Profile: profile}}
	}, enginetest.Options{})
}

type batchSession struct {
	t      *testing.T
	stream grpc.BidiStreamingClient[weirv1.ModerateBatchRequest, weirv1.ModerateBatchResponse]
	id     uint64
	open   *weirv1.OpenStream
}

func (b *batchSession) Write(chunk []byte) (policy.Verdict, error) {
	return b.send(&weirv1.ModerateBatchRequestEntry{Chunk: chunk})
}

func (b *batchSession) Close() (policy.Verdict, error) {
	return b.send(&weirv1.ModerateBatchRequestEntry{Finish: true})
}

func (b *batchSession) send(e *weirv1.ModerateBatchRequestEntry) (policy.Verdict, error) {
	e.StreamId, e.Open, e.Ask, b.open = b.id, b.open, true, nil
	if err := b.stream.Send(&weirv1.ModerateBatchRequest{Entries: []*weirv1.ModerateBatchRequestEntry{e}}); err != nil {
		return policy.Verdict{}, err
	}
	a, err := b.stream.Recv()
	if err != nil {
		return policy.Verdict{}, err
	}
	if len(a.Entries) != 1 || a.Entries[0].StreamId != b.id || a.Entries[0].Error != nil {
		b.t.Fatalf("got %v, want one verdict", a)
	}
	return fromWire(b.t, a.Entries[0].Verdict), nil
}

func TestScriptsCheck(t *testing.T) {
	server := servers(t)
	enginetest.Run(t, scripts, func(t *testing.T, file, profile string) enginetest.Session {
		return &checkSession{t: t, client: server(file).client, profile: profile}
	}, enginetest.Options{Whole: true})
}

// checkSession judges the whole text at the last step.
type checkSession struct {
	t       *testing.T
	client  weirv1.ModerationServiceClient
	profile string
	text    []byte
}

func (c *checkSession) Write(chunk []byte) (policy.Verdict, error) {
	c.text = append(c.text, chunk...)
	return policy.Verdict{HaltOffset: policy.NoOffset, RetractFrom: policy.NoOffset}, nil
}

func (c *checkSession) Close() (policy.Verdict, error) {
	r, err := c.client.Check(c.t.Context(), &weirv1.CheckRequest{Text: c.text, Profile: c.profile})
	if err != nil {
		return policy.Verdict{}, err
	}
	return fromWire(c.t, r.Verdict), nil
}
