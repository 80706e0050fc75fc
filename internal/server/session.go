package server

import (
	"context"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// session is one stream of a client, counted by the server. It belongs to the
// call's goroutine and must be ended.
type session struct {
	encoding
	server   *Server
	stream   *engine.Stream // nil if the prompt halted
	prompt   *weirv1.Verdict
	received int64
	seen     policy.Offset // released offset of the last verdict that was sent
	degraded bool          // the last verdict that was sent said so
	counted  bool
}

// openSession admits a stream, judges its prompt, and opens it. late is where
// asynchronous detectors report.
func (s *Server) openSession(ctx context.Context, open *weirv1.OpenStream, late chan struct{}) (*session, error) {
	x, err := s.admitSession(open, late)
	if err != nil {
		return nil, err
	}
	return x, x.begin(ctx, open)
}

// admitSession is openSession without the prompt: it does not wait for models.
func (s *Server) admitSession(open *weirv1.OpenStream, late chan struct{}) (*session, error) {
	if err := s.admit(); err != nil {
		return nil, err
	}
	x := &session{server: s, counted: true}
	stream, err := s.engine.Open(engine.StreamOptions{Profile: open.GetProfile(), Late: late})
	if err != nil {
		x.end()
		return nil, s.toStatus(err)
	}
	x.stream = stream
	x.encoding = encoding{
		snapshot: stream.Snapshot(), profile: stream.Profile(), language: open.GetLanguage(), findings: s.limits.Findings,
	}
	return x, nil
}

// begin judges the prompt, if there is one. On an error, or if the prompt
// halts, the session has ended.
func (x *session) begin(ctx context.Context, open *weirv1.OpenStream) error {
	if open.Prompt == nil {
		return nil
	}
	var err error
	if x.prompt, err = x.server.judgePrompt(ctx, &x.encoding, open.Prompt); err != nil {
		x.end()
		return err
	}
	if x.prompt.Action == weirv1.Action_ACTION_HALT {
		x.end()
	}
	return nil
}

// judgePrompt judges a prompt by the profile that the answer's profile names,
// under the same snapshot.
func (s *Server) judgePrompt(ctx context.Context, answer *encoding, prompt []byte) (*weirv1.Verdict, error) {
	if limit := s.limits.TextBytes; limit > 0 && int64(len(prompt)) > limit {
		return nil, errText(limit)
	}
	name := answer.profile.PromptProfile
	if name == "" {
		name = answer.profile.Name
	}
	profile, _ := answer.snapshot.Policy().Profile(name) // Parse has checked that it exists
	v, err := s.engine.Check(ctx, engine.StreamOptions{Profile: name, Snapshot: answer.snapshot}, prompt)
	if err != nil {
		return nil, s.toStatus(err)
	}
	e := *answer
	e.profile = profile
	out := &weirv1.Verdict{}
	e.verdict(out, &v, true)
	return out, nil
}

// end frees the stream and counts it out. It may be called more than once.
func (x *session) end() {
	if x.stream != nil {
		x.stream.Abort()
	}
	if x.counted {
		x.counted = false
		x.server.leave()
	}
}

// write passes a chunk on, ends the text if finish is set, and puts the verdict
// into out if there is something to say. final reports that the stream is over.
func (x *session) write(ctx context.Context, out *weirv1.Verdict, chunk []byte, finish, ask bool) (changed, final bool, err error) {
	limits := &x.server.limits
	if len(chunk) > limits.ChunkBytes {
		return false, true, errChunk(len(chunk), limits.ChunkBytes)
	}
	if x.received += int64(len(chunk)); limits.TextBytes > 0 && x.received > limits.TextBytes {
		return false, true, errText(limits.TextBytes)
	}
	return x.pass(ctx, out, chunk, finish, ask)
}

// pass is write without the limits.
func (x *session) pass(ctx context.Context, out *weirv1.Verdict, chunk []byte, finish, ask bool) (changed, final bool, err error) {
	v, err := x.stream.Write(ctx, chunk)
	if err != nil {
		return false, true, x.server.toStatus(err)
	}
	if finish && v.Action != policy.Halt {
		// The last chunk's verdict and that of the end are one to the client.
		findings, edits, retract := v.Findings, v.Edits, v.RetractFrom
		if len(findings)+len(edits) > 0 {
			findings, edits = append([]policy.Finding(nil), findings...), append([]policy.Edit(nil), edits...)
		}
		if v, err = x.stream.Close(ctx); err != nil {
			return false, true, x.server.toStatus(err)
		}
		if len(findings)+len(edits) > 0 {
			v.Findings, v.Edits = append(findings, v.Findings...), append(edits, v.Edits...)
		}
		if retract != policy.NoOffset && (v.RetractFrom == policy.NoOffset || retract < v.RetractFrom) {
			v.RetractFrom = retract
		}
	}
	final = finish || v.Action == policy.Halt
	return x.answer(out, &v, final, ask), final, nil
}

// poll puts what asynchronous detectors have found into out, if anything.
func (x *session) poll(out *weirv1.Verdict) (changed, final bool, err error) {
	v, err := x.stream.Poll()
	if err != nil {
		return false, true, x.server.toStatus(err)
	}
	final = v.Action == policy.Halt
	return x.answer(out, &v, final, false), final, nil
}

// answer encodes v if it is final, asked for, or says something new.
func (x *session) answer(out *weirv1.Verdict, v *policy.Verdict, final, ask bool) bool {
	changed := final || ask || v.Released != x.seen || len(v.Findings) > 0 || len(v.Edits) > 0 ||
		v.RetractFrom != policy.NoOffset || v.Degraded != x.degraded
	if !changed {
		return false
	}
	x.seen, x.degraded = v.Released, v.Degraded
	x.verdict(out, v, final)
	return true
}
