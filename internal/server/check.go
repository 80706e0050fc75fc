package server

import (
	"context"

	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// Check implements ModerationService.
func (s *Server) Check(ctx context.Context, r *weirv1.CheckRequest) (*weirv1.CheckResponse, error) {
	if limit := s.limits.TextBytes; limit > 0 && int64(len(r.Text)) > limit {
		return nil, errText(limit)
	}
	x, err := s.openSession(ctx, &weirv1.OpenStream{Profile: r.Profile, Prompt: r.Prompt, Language: r.Language}, nil)
	if err != nil {
		return nil, err
	}
	defer x.end()
	out := &weirv1.CheckResponse{PromptVerdict: x.prompt}
	if !x.counted {
		return out, nil // the prompt halted
	}
	out.Verdict = &weirv1.Verdict{}
	_, _, err = x.pass(ctx, out.Verdict, r.Text, true, true)
	return out, err
}
