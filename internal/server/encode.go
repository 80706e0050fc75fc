package server

import (
	"google.golang.org/protobuf/proto"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// encoding is what a verdict is put into words with.
type encoding struct {
	snapshot *engine.Snapshot
	profile  *policy.Profile
	language string // of the replacement text
	findings int    // most findings in one verdict
}

// verdict writes v into out, which it overwrites. Edits are never cut: the
// reader must not see what they hide.
func (e *encoding) verdict(out *weirv1.Verdict, v *policy.Verdict, final bool) {
	out.Action = weirv1.Action_ACTION_ALLOW + weirv1.Action(v.Action)
	out.ReleasedOffset, out.ScannedOffset, out.ReceivedOffset = int64(v.Released), int64(v.Scanned), int64(v.Received)
	out.HoldbackBytes = int64(v.Received - v.Released)
	out.HaltOffset, out.RetractFromOffset = offset(v.HaltOffset), offset(v.RetractFrom)
	out.Degraded, out.Final = v.Degraded, final
	out.Findings, out.Edits, out.Replacement, out.SnapshotVersion = nil, nil, "", ""
	for i := range v.Findings[:min(len(v.Findings), e.findings)] {
		out.Findings = append(out.Findings, e.finding(&v.Findings[i]))
	}
	for _, edit := range v.Edits {
		out.Edits = append(out.Edits, &weirv1.Edit{
			StartOffset: int64(edit.Span.Start), EndOffset: int64(edit.Span.End), Replacement: edit.Replacement,
		})
	}
	if v.Action == policy.Halt {
		out.Replacement = e.profile.Replacement(e.language)
	}
	if final || len(v.Findings) > 0 {
		out.SnapshotVersion = e.snapshot.Version()
	}
}

func (e *encoding) finding(f *policy.Finding) *weirv1.Finding {
	return &weirv1.Finding{
		Category:    f.Category.String(),
		Severity:    weirv1.Severity(f.Severity),
		Action:      weirv1.Action_ACTION_ALLOW + weirv1.Action(f.Action),
		Score:       f.Score,
		Threshold:   f.Threshold,
		StartOffset: int64(f.Span.Start),
		EndOffset:   int64(f.Span.End),
		Source:      f.Source.String(),
		Explanation: policy.Explain(*f, e.profile, e.snapshot.Version()),
	}
}

func offset(o policy.Offset) *int64 {
	if o == policy.NoOffset {
		return nil
	}
	return proto.Int64(int64(o))
}
