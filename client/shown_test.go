package client

import (
	"testing"

	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// TestShownAt: a retraction is told in original bytes, a reader has shown ones.
func TestShownAt(t *testing.T) {
	s := &Stream{held: []byte("0123456789abcdefghij")}
	text := s.release(&weirv1.Verdict{ReleasedOffset: 20, Edits: []*weirv1.Edit{
		{StartOffset: 2, EndOffset: 6, Replacement: "*"}, {StartOffset: 10, EndOffset: 11, Replacement: "long"},
	}})
	if string(text) != "01*6789longbcdefghij" || len(s.held) != 0 {
		t.Fatalf("released %q, held %q", text, s.held)
	}
	for offset, want := range map[int64]int64{0: 0, 2: 2, 4: 2, 6: 3, 10: 7, 11: 11, 20: 20} {
		if got := s.shownAt(offset); got != want {
			t.Errorf("shownAt(%d) = %d, want %d", offset, got, want)
		}
	}
}
