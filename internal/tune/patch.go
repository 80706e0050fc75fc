package tune

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// Patch returns the recommendation as YAML in the shape of a policy file, with
// nothing but the keys that change: profiles.<name>.categories.<category>.score.
// Merged over a policy it keeps flag ≤ redact ≤ halt in this profile; profiles
// that extend it and have thresholds of their own may need them moved, which
// policy.Parse then says. Without changes it is an empty mapping.
func (r *Report) Patch() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Thresholds chosen from %s labelled texts under %s, at %s confidence.\n", thousands(r.Texts), r.Limits, percent(r.Confidence))
	b.WriteString("# The figures are those of the half of the texts that did not choose them.\n")
	changes := 0
	for i := range r.Categories {
		c := &r.Categories[i]
		if c.Change == nil {
			continue
		}
		if changes++; changes == 1 {
			fmt.Fprintf(&b, "profiles:\n  %s:\n    categories:\n", yamlKey(r.Profile))
		}
		fmt.Fprintf(&b, "      %s:\n", c.Name)
		for _, line := range c.figures() {
			fmt.Fprintf(&b, "        # %s\n", line)
		}
		fmt.Fprintf(&b, "        score: {%s}\n", c.Change)
	}
	if changes == 0 {
		b.WriteString("# Nothing to change.\n{}\n")
	}
	return b.Bytes()
}

// figures says what the changed thresholds were verified to do.
func (c *Category) figures() []string {
	var lines []string
	for _, x := range []struct {
		name    string
		changed *float64
		r       *Recommendation
	}{{"flag", c.Change.Flag, &c.Flag}, {"halt", c.Change.Halt, &c.Halt}} {
		if x.changed == nil || x.r.Verified == nil {
			continue
		}
		lines = append(lines, fmt.Sprintf("%s: finds %s, false alarms %s", x.name, x.r.Verified.Recall.interval(), x.r.Verified.FPR.interval()))
	}
	return lines
}

// String returns the change as the inside of a YAML mapping.
func (x *Change) String() string {
	var keys []string
	if x.Flag != nil {
		keys = append(keys, "flag: "+number(*x.Flag))
	}
	if x.Halt != nil {
		keys = append(keys, "halt: "+number(*x.Halt))
	}
	if x.SustainRunes != nil {
		keys = append(keys, fmt.Sprintf("sustain_runes: %d", *x.SustainRunes))
	}
	return strings.Join(keys, ", ")
}

var (
	plainKey  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]*$`)
	yamlWords = regexp.MustCompile(`(?i)^(y|n|yes|no|on|off|true|false|null)$`) // of YAML 1.1 too
)

// yamlKey quotes names that YAML would take for something else than a string.
func yamlKey(name string) string {
	if plainKey.MatchString(name) && !yamlWords.MatchString(name) {
		return name
	}
	return `"` + name + `"` // nothing in it needs escaping, see profileNames
}
