package policy_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

func TestScoreAction(t *testing.T) {
	p := family(t)
	for _, tc := range []struct {
		profile   string
		score     float32
		action    policy.Action
		threshold float32
	}{
		{"default", 0, policy.Allow, 0},
		{"default", 0.49999, policy.Allow, 0},
		{"default", 0.5, policy.Flag, 0.5},
		{"default", 0.7, policy.Redact, 0.7},
		{"default", 0.89999, policy.Redact, 0.7},
		{"default", 0.9, policy.Halt, 0.9},
		{"default", 1, policy.Halt, 0.9},
		{"default", float32(math.NaN()), policy.Allow, 0},
		{"child", 0.59, policy.Flag, 0.5}, // redact is cleared
		{"child", 0.6, policy.Halt, 0.6},
		{"ask", 1, policy.Flag, 0.4}, // nothing harsher
	} {
		action, threshold := profile(t, p, tc.profile).ScoreAction(policy.Violence, tc.score)
		if action != tc.action || threshold != tc.threshold {
			t.Errorf("%s, %v: got %s at %v, want %s at %v", tc.profile, tc.score, action, threshold, tc.action, tc.threshold)
		}
	}
	if action, threshold := profile(t, p, "default").ScoreAction(policy.Sexual, 1); action != policy.Allow || threshold != 0 {
		t.Errorf("without thresholds: got %s at %v", action, threshold)
	}
}

// A threshold of 0 is one: everything reaches it.
func TestThresholdZero(t *testing.T) {
	p := parse(t, "p.yaml", []byte(head+"profiles: {default: {categories: {ip: {score: {flag: 0, halt: 1}}}}}"))
	q := profile(t, p, "default")
	if action, threshold := q.ScoreAction(policy.IP, 0); action != policy.Flag || threshold != 0 {
		t.Errorf("0: got %s at %v, want flag at 0", action, threshold)
	}
	if action, threshold := q.ScoreAction(policy.IP, 1); action != policy.Halt || threshold != 1 {
		t.Errorf("1: got %s at %v, want halt at 1", action, threshold)
	}
	if !q.UsesScores() {
		t.Error("a threshold of 0 uses scores")
	}
}

// Language tags come from clients; a long one costs no more than a short one.
func TestReplacementOfALongLanguage(t *testing.T) {
	q := profile(t, family(t), "default")
	began := time.Now()
	if got := q.Replacement("zh" + strings.Repeat("-x", 1<<20)); got != "闸门已关。" {
		t.Errorf("got %q", got)
	}
	if took := time.Since(began); took > 20*time.Second { // milliseconds; one look for every part of it takes minutes
		t.Errorf("took %s", took)
	}
}

func TestCategories(t *testing.T) {
	var all policy.CategorySet
	for c := range policy.Category(policy.NumCategories) {
		got, err := policy.ParseCategory(c.String())
		if err != nil || got != c {
			t.Errorf("%s: got %s, %v", c, got, err)
		}
		if want := c >= policy.NationalSecurity; c.IsOperatorSlot() != want {
			t.Errorf("%s: operator slot is %v", c, !want)
		}
		if all.Has(c) {
			t.Errorf("%s is in before it was added", c)
		}
		all = all.Set(c)
	}
	if n := all.Len(); n != policy.NumCategories || len(all.Categories()) != n || all.Categories()[n-1] != policy.Other {
		t.Errorf("all %d: %v", n, all.Categories())
	}
	for _, id := range []string{"", "none", "discrimination", "Violence", "category(3)"} {
		if c, err := policy.ParseCategory(id); err == nil {
			t.Errorf("%q is %s", id, c)
		}
	}
	if policy.NoCategory.String() != "none" || policy.NoCategory.IsOperatorSlot() {
		t.Errorf("%s is an operator slot: %v", policy.NoCategory, policy.NoCategory.IsOperatorSlot())
	}
}
