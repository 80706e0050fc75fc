// Package client streams text to a Weir server and gives back what may be
// shown. It is for a model server's token loop: one goroutine sends tokens, one
// receives updates.
//
//	stream, err := client.Open(ctx, conn, client.Options{Profile: "default"})
//	go func() {
//		for token := range tokens {
//			if stream.Send(token) != nil {
//				break // the stream has ended: stop generating
//			}
//		}
//		stream.CloseSend()
//	}()
//	for {
//		u, err := stream.Recv()
//		if err == io.EOF {
//			break
//		}
//		show(u.Text)
//		if u.Halted {
//			cancelGeneration()
//			show(u.Replacement)
//		}
//	}
package client

import (
	"context"
	"errors"
	"io"
	"sync"

	"google.golang.org/grpc"

	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// ErrEnded is returned by Send when the stream is over: it halted, or failed.
// Recv tells which.
var ErrEnded = errors.New("client: the stream has ended")

// Options say how a text is judged. The zero value is the default profile.
type Options struct {
	Profile  string // "" for default
	Language string // of the replacement text, BCP 47; "" for English
	Prompt   []byte // judged first if not nil
}

// Stream is one text. One goroutine may call Send and CloseSend while another
// calls Recv. It keeps the bytes that are not released, and of those that are
// only where edits changed their length. Cancelling the context of Open ends it.
type Stream struct {
	stream grpc.BidiStreamingClient[weirv1.ModerateRequest, weirv1.ModerateResponse]
	open   *weirv1.OpenStream // until the first message; owned by the sender

	// Owned by the receiver.
	edits []edit
	text  []byte // of the last update
	final bool

	mu       sync.Mutex // guards the following
	held     []byte     // sent and not released
	released int64      // offset of held[0]
}

// edit is a place where the shown text and the original differ.
type edit struct {
	start, end int64 // original
	grown      int64 // bytes shown less bytes replaced
}

// Update is what a verdict means for the reader.
type Update struct {
	Text        []byte            // to append to what is shown, with edits applied; valid until the next Recv
	Halted      bool              // nothing more will be shown: stop the generation
	Replacement string            // after a halt: what to show in place of the rest
	Retract     bool              // text already shown must be withdrawn
	KeepBytes   int64             // with Retract: how many of the bytes shown may stay
	Findings    []*weirv1.Finding // new findings, for logs
	Prompt      bool              // the update is about the prompt
	Verdict     *weirv1.Verdict   // everything else
}

// Open begins a stream. It does not wait for the server: errors such as an
// unknown profile come from Recv, as gRPC statuses.
func Open(ctx context.Context, conn grpc.ClientConnInterface, o Options) (*Stream, error) {
	stream, err := weirv1.NewModerationServiceClient(conn).Moderate(ctx)
	if err != nil {
		return nil, err
	}
	s := &Stream{stream: stream, open: &weirv1.OpenStream{Profile: o.Profile, Language: o.Language, Prompt: o.Prompt}}
	if o.Prompt == nil {
		return s, nil // open goes with the first chunk
	}
	return s, s.send(&weirv1.ModerateRequest{})
}

// Send sends the next bytes, cut anywhere. It does not wait for the verdict, but
// for the server to keep up. chunk may be used again when it returns.
func (s *Stream) Send(chunk []byte) error {
	s.mu.Lock()
	s.held = append(s.held, chunk...)
	s.mu.Unlock()
	return s.send(&weirv1.ModerateRequest{Chunk: chunk})
}

// CloseSend ends the text. Updates go on until Recv returns io.EOF.
func (s *Stream) CloseSend() error {
	if err := s.send(&weirv1.ModerateRequest{Finish: true}); err != nil {
		return err
	}
	return s.stream.CloseSend()
}

func (s *Stream) send(r *weirv1.ModerateRequest) error {
	r.Open, s.open = s.open, nil
	if err := s.stream.Send(r); errors.Is(err, io.EOF) {
		return ErrEnded
	} else if err != nil {
		return err
	}
	return nil
}

// Recv waits for the next update. Updates come in the order of the text. After
// the last one it returns io.EOF; any other error means that the text could not
// be judged to its end, and what was not released must not be shown.
func (s *Stream) Recv() (Update, error) {
	r, err := s.stream.Recv()
	if errors.Is(err, io.EOF) && !s.final {
		return Update{}, io.ErrUnexpectedEOF
	}
	if err != nil {
		return Update{}, err
	}
	v := r.Verdict
	u := Update{
		Halted: v.Action == weirv1.Action_ACTION_HALT, Replacement: v.Replacement,
		Findings: v.Findings, Prompt: r.Prompt, Verdict: v,
	}
	if r.Prompt {
		s.final = u.Halted
		return u, nil
	}
	s.final = v.Final
	if v.RetractFromOffset != nil {
		u.Retract, u.KeepBytes = true, s.shownAt(*v.RetractFromOffset)
	}
	u.Text = s.release(v)
	return u, nil
}

// release takes the bytes that v releases out of held and applies the edits.
func (s *Stream) release(v *weirv1.Verdict) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text = s.text[:0]
	from := s.released
	copyTo := func(to int64) {
		s.text = append(s.text, s.held[from-s.released:to-s.released]...)
		from = to
	}
	for _, e := range v.Edits {
		copyTo(e.StartOffset)
		s.text = append(s.text, e.Replacement...)
		s.edits = append(s.edits, edit{e.StartOffset, e.EndOffset, int64(len(e.Replacement)) - (e.EndOffset - e.StartOffset)})
		from = e.EndOffset
	}
	copyTo(v.ReleasedOffset)
	s.held = append(s.held[:0], s.held[v.ReleasedOffset-s.released:]...)
	s.released = v.ReleasedOffset
	return s.text
}

// shownAt returns how many bytes were shown of the text before an offset. An
// edit that spans it is withdrawn as a whole.
func (s *Stream) shownAt(offset int64) int64 {
	shown := offset
	for _, e := range s.edits {
		if e.end <= offset {
			shown += e.grown
		} else if e.start < offset {
			shown -= offset - e.start
		}
	}
	return shown
}
