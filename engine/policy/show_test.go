package policy_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

var comments = regexp.MustCompile(`(?m)  # .*$`)

func show(t testing.TB, p *policy.Policy, profile string) string {
	t.Helper()
	var b bytes.Buffer
	if err := p.Show(&b, profile); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// roundTrip wants what Show prints to be a policy with the same values.
func roundTrip(t testing.TB, p *policy.Policy) {
	t.Helper()
	first := show(t, p, "")
	again, err := policy.Parse("shown.yaml", []byte(first))
	if err != nil {
		t.Fatalf("what Show printed is no policy: %v\n%s", err, first)
	}
	// Everything that is shown is resolved, so two policies that show the same are the same.
	second := show(t, again, "")
	if a, b := comments.ReplaceAllString(first, ""), comments.ReplaceAllString(second, ""); a != b {
		t.Fatalf("shown once\n%s\nshown twice\n%s", a, b)
	}
	for _, name := range p.ProfileNames() {
		a, b := profile(t, p, name), profile(t, again, name)
		for c := range policy.Category(policy.NumCategories) {
			if a.Score(c) != b.Score(c) {
				t.Errorf("%s, %s: scores %v became %v", name, c, a.Score(c), b.Score(c))
			}
			for s := range policy.Severity(policy.NumSeverities) {
				if a.SeverityAction(c, s) != b.SeverityAction(c, s) {
					t.Errorf("%s, %s, %s: action %s became %s", name, c, s, a.SeverityAction(c, s), b.SeverityAction(c, s))
				}
			}
		}
	}
}

func TestShow(t *testing.T) {
	p := family(t)
	golden(t, "family.golden", show(t, p, ""))
	roundTrip(t, p)
}

func TestShowOneProfile(t *testing.T) {
	p := family(t)
	all, one := show(t, p, ""), show(t, p, "child")
	_, child, _ := strings.Cut(one, "profiles:\n")
	if !strings.HasPrefix(child, `  "child":`) || !strings.Contains(all, child) || strings.Contains(one, `"teen":`) {
		t.Errorf("got\n%s", one)
	}
	if err := p.Show(&bytes.Buffer{}, "nobody"); err == nil || err.Error() != `policy: unknown profile "nobody": want one of ask, child, default, teen` {
		t.Errorf("got %v", err)
	}
}

// TestShowOddFileName prints a name that must not break out of its comment.
func TestShowOddFileName(t *testing.T) {
	p, err := policy.Parse("a\nprofiles: {}\r#.yaml", read(t, "family.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	roundTrip(t, p)
}
