// Package client streams text to a Weir server and gives back what may be
// shown. It is for a model server's token loop: one goroutine sends tokens and
// stops generating when Send fails, another receives updates:
//
//	u, err := stream.Recv() // io.EOF after the last one
//	if u.Retract {
//		shown = shown[:u.KeepBytes]
//	}
//	shown = append(shown, u.Text...)
//	if u.Halted {
//		stopGeneration()
//		show(u.Replacement)
//	}
//
// The example has the whole loop. All offsets and lengths are bytes.
package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"google.golang.org/grpc"

	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

var (
	// ErrEnded is returned by Send when the stream is over: it halted, or failed.
	// Recv tells which.
	ErrEnded = errors.New("client: the stream has ended")
	// ErrServer is wrapped by Recv when a verdict contradicts what was sent or
	// said before, so that it can't be told what may be shown.
	ErrServer = errors.New("client: the server broke the protocol")
)

// Options say how a text is judged. The zero value is the default profile.
type Options struct {
	Profile  string // "" for default
	Language string // of the replacement text, BCP 47; "" for English
	Prompt   []byte // judged first if not nil
}

// Stream is one text. One goroutine may call Send and CloseSend while another
// calls Recv. It keeps the bytes that are not released, and of those that are
// only where edits changed their length. It ends when Recv returns an error,
// io.EOF included; to give it up before, cancel the context of Open.
type Stream struct {
	stream grpc.BidiStreamingClient[weirv1.ModerateRequest, weirv1.ModerateResponse]
	cancel context.CancelFunc
	open   *weirv1.OpenStream // until the first message; owned by the sender

	// Owned by the receiver.
	edits []edit // ordered, disjoint
	text  []byte // of the last update
	shown int64  // bytes the reader sees

	mu       sync.Mutex // guards the following
	held     []byte     // sent and not released
	released int64      // offset of held[0]
	final    bool       // nothing will be released any more
}

// edit is a place where the shown text and the original differ. What a
// retraction withdrew is one that shows nothing.
type edit struct {
	start, end int64 // original
	grown      int64 // bytes shown less bytes replaced
}

// Update is what a verdict means for the reader.
type Update struct {
	Text        []byte            // to append to what is shown, with edits applied; valid until the next Recv
	Halted      bool              // nothing more will be shown: stop the generation
	Replacement string            // after a halt: what to show in place of the rest
	Retract     bool              // text already shown must be withdrawn; Text is then empty
	KeepBytes   int64             // with Retract: how many of the bytes shown may stay, counted from the first
	Findings    []*weirv1.Finding // new findings, for logs
	Prompt      bool              // the update is about the prompt
	Verdict     *weirv1.Verdict   // everything else
}

// Open begins a stream. It does not wait for the server: errors such as an
// unknown profile come from Recv, as gRPC statuses.
func Open(ctx context.Context, conn grpc.ClientConnInterface, o Options) (*Stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := weirv1.NewModerationServiceClient(conn).Moderate(ctx)
	if err != nil {
		cancel()
		return nil, err
	}
	s := &Stream{stream: stream, cancel: cancel, open: &weirv1.OpenStream{Profile: o.Profile, Language: o.Language, Prompt: o.Prompt}}
	if o.Prompt != nil { // otherwise open goes with the first chunk
		if err := s.send(&weirv1.ModerateRequest{}); err != nil && !errors.Is(err, ErrEnded) { // Recv tells why it ended
			cancel()
			return nil, err
		}
	}
	return s, nil
}

// Send sends the next bytes, cut anywhere. It does not wait for the verdict, but
// for the server to keep up. chunk may be used again when it returns. After an
// error the stream is over.
func (s *Stream) Send(chunk []byte) error {
	s.mu.Lock()
	if s.final {
		s.mu.Unlock()
		return ErrEnded
	}
	s.held = append(s.held, chunk...) // first, because the verdict may overtake the return of send
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
	err := s.stream.Send(r)
	if errors.Is(err, io.EOF) {
		return ErrEnded
	}
	return err
}

// Recv waits for the next update. Updates come in the order of the text. After
// the last one it returns io.EOF; any other error means that the text could not
// be judged to its end, and what was not released must not be shown.
func (s *Stream) Recv() (Update, error) {
	r, err := s.stream.Recv()
	s.mu.Lock()
	defer s.mu.Unlock()
	if errors.Is(err, io.EOF) && !s.final {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		s.end()
		return Update{}, err
	}
	v := r.GetVerdict()
	u := Update{
		Halted: v.GetAction() == weirv1.Action_ACTION_HALT, Replacement: v.GetReplacement(),
		Findings: v.GetFindings(), Prompt: r.Prompt, Verdict: v,
	}
	if !r.Prompt {
		if err := s.check(v); err != nil {
			s.end()
			return Update{}, err
		}
		s.release(v, &u)
	}
	if u.Halted || !r.Prompt && v.Final {
		s.final, s.held = true, nil
	}
	return u, nil
}

// end frees the call and what will never be released.
func (s *Stream) end() {
	s.cancel()
	s.final, s.held = true, nil
}

// check reports whether v's offsets lie where they must: in what is held.
func (s *Stream) check(v *weirv1.Verdict) error {
	if v == nil {
		return fmt.Errorf("%w: no verdict", ErrServer)
	}
	if sent := s.released + int64(len(s.held)); s.final || v.ReleasedOffset < s.released || v.ReleasedOffset > sent {
		return fmt.Errorf("%w: released_offset=%d: want one in [%d, %d]", ErrServer, v.ReleasedOffset, s.released, sent)
	}
	if v.RetractFromOffset != nil && *v.RetractFromOffset < 0 {
		return fmt.Errorf("%w: retract_from_offset=%d is negative", ErrServer, *v.RetractFromOffset)
	}
	at := s.released
	for _, e := range v.Edits {
		if e.StartOffset < at || e.EndOffset < e.StartOffset || e.EndOffset > v.ReleasedOffset {
			return fmt.Errorf("%w: edit of [%d, %d): want it in [%d, %d)", ErrServer, e.StartOffset, e.EndOffset, at, v.ReleasedOffset)
		}
		at = e.EndOffset
	}
	return nil
}

// release takes the bytes that v releases out of held, applies the edits, and
// fills in what u shows. What v both releases and withdraws is never shown.
func (s *Stream) release(v *weirv1.Verdict, u *Update) {
	s.text = s.text[:0]
	from, end := s.released, v.ReleasedOffset
	if v.RetractFromOffset != nil {
		end = min(end, *v.RetractFromOffset)
	}
	copyTo := func(to int64) {
		if to > from {
			s.text = append(s.text, s.held[from-s.released:to-s.released]...)
			from = to
		}
	}
	for _, e := range v.Edits {
		if e.EndOffset > end { // withdrawn, as a whole
			end = min(end, e.StartOffset)
			break
		}
		copyTo(e.StartOffset)
		s.text = append(s.text, e.Replacement...)
		s.edits = append(s.edits, edit{e.StartOffset, e.EndOffset, int64(len(e.Replacement)) - (e.EndOffset - e.StartOffset)})
		from = e.EndOffset
	}
	copyTo(end)
	u.Text = s.text
	kept := s.held[v.ReleasedOffset-s.released:]
	s.held, s.released = append(s.held[:0], kept...), v.ReleasedOffset
	if shown := s.shown + int64(len(s.text)); v.RetractFromOffset == nil {
		s.shown = shown
	} else {
		s.shown = s.withdraw(end)
		u.Retract, u.KeepBytes = s.shown < shown, s.shown
	}
}

// withdraw forgets what was shown of the text from an offset on, and returns how
// many shown bytes stay. An edit that spans the offset goes as a whole.
func (s *Stream) withdraw(offset int64) (keep int64) {
	stay := 0
	for _, e := range s.edits {
		if e.end > offset {
			offset = min(offset, e.start)
			break
		}
		keep += e.grown
		stay++
	}
	s.edits = append(s.edits[:stay], edit{offset, s.released, offset - s.released})
	return keep + offset
}
