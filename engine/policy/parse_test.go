package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// TestParseErrors appends to a sound beginning, so that line 6 is the first of
// the case.
func TestParseErrors(t *testing.T) {
	const head = "version: 1\nname: a\nreplacement: {en: b}\nprofiles:\n  default: {}\n"
	for _, tc := range []struct {
		name, data string
		want       []string // without the file's name
	}{
		{"nothing", "", []string{"1:1: the document is empty"}},
		{"not YAML", "{", []string{"1:1: not YAML: did not find expected node content"}},
		{"not a mapping", "a", []string{"1:1: want a mapping of keys to values, not a value"}},
		{"nothing required", "packs: []", []string{
			"1:1: name: is missing",
			"1:1: profiles.default: is missing: it judges the streams that name no profile",
			"1:1: replacement.en: is missing: it is shown when there is no text in the reader's language",
			"1:1: version: want 1"}},
		{"another version", "version: 2\nname: a\nreplacement: {en: b}\nprofiles: {default: {}}", []string{"1:1: version: want 1"}},
		{"a version of another kind", "version: one\nname: a\nreplacement: {en: b}\nprofiles: {default: {}}", []string{
			`1:10: version: "one": want a whole number`}},
		{"no English text", "version: 1\nname: a\nreplacement: {fr: b, zh: ''}\nprofiles: {default: {}}", []string{
			"3:1: replacement.en: is missing: it is shown when there is no text in the reader's language",
			"3:22: replacement.zh: is empty: want what the reader sees after a halt"}},
		{"languages", "version: 1\nname: a\nreplacement: {en: b, EN: c, english language: d}\nprofiles: {default: {}}", []string{
			"3:22: replacement.EN: the key is there already, in another spelling",
			`3:29: replacement."english language": want a BCP 47 language such as en or zh-Hant`}},
		{"a bad name", "version: 1\nname: 'a\n\n  b'\nreplacement: {en: b}\nprofiles: {default: {}}", []string{
			`2:7: name: "a\nb": want up to 64 letters, digits, blanks, dots, hyphens and underscores`}},
		{"placeholders", head + "redaction: {pattern: '{rule}{category}{text}', lexicon: '{rule}', model: '{}'}", []string{
			`6:13: redaction.pattern: "{text}": want {rule} or {category}`,
			`6:48: redaction.lexicon: "{rule}": want {category}`,
			`6:67: redaction.model: "{}": want {category}`}},
		{"packs", head + "packs: [a, ~, a, '']", []string{
			"6:12: packs: want the name or the path of a pack",
			`6:15: packs: "a": is there already`,
			"6:18: packs: want the name or the path of a pack"}},
		{"an unknown base", head + "  x: {extends: y}", []string{
			`6:7: profiles.x.extends: unknown profile "y": want one of default, x`}},
		{"an unknown base and more", head + "  x: {extends: y, prompt_profile: z, categories: {ip: {severity: {flag: high, halt: low}}}}", []string{
			`6:7: profiles.x.extends: unknown profile "y": want one of default, x`,
			`6:19: profiles.x.prompt_profile: unknown profile "z": want one of default, x`,
			`6:79: profiles.x.categories.ip.severity.halt: halt at low is below flag at high (a.yaml:6): want flag ≤ redact ≤ halt`}},
		{"a profile that extends itself", head + "  x: {extends: x}", []string{"6:7: profiles.x.extends: a circle: x → x"}},
		{"a circle", head + "  a: {extends: z}\n  x: {extends: y}\n  y: {extends: z}\n  z: {extends: x}", []string{
			"8:7: profiles.y.extends: a circle: z → x → y → z"}},
		{"a bad profile name", head + "  x y: {}", []string{
			`6:3: profiles."x y": "x y": want up to 64 letters a to z, digits, dots, hyphens and underscores`}},
		{"numbers", head + "  x: {holdback_runes: 4097, categories: {ip: {score: {flag: -0.1, redact: nan, halt: high, sustain_runes: 1.5}}}}", []string{
			`6:23: profiles.x.holdback_runes: "4097": want a whole number of runes in [0, 4096]`,
			"6:61: profiles.x.categories.ip.score.flag: -0.1: out of range [0, 1]",
			"6:75: profiles.x.categories.ip.score.redact: nan: out of range [0, 1]",
			`6:86: profiles.x.categories.ip.score.halt: "high": want a number in [0, 1]`,
			`6:107: profiles.x.categories.ip.score.sustain_runes: "1.5": want a whole number of runes in [0, 4096]`}},
		{"names", head + "  x: {release: late, fail: shut, patterns: {email: none}, categories: {ip: {severity: {flag: none}}}}", []string{
			`6:16: profiles.x.release: unknown release mode "late": want one of strict, async, observe`,
			`6:28: profiles.x.fail: unknown fail mode "shut": want one of closed, degraded, open`,
			`6:52: profiles.x.patterns.email: unknown action "none": want one of allow, flag, redact, halt, off`,
			`6:94: profiles.x.categories.ip.severity.flag: unknown severity "none": want one of low, medium, high, critical`}},
		{"empty sections", head + "  x: {patterns: , categories: {ip: , violence: {score: , severity: ~}}}\n  y:\n  z: {categories: }", []string{
			"6:7: profiles.x.patterns: is empty: leave the key out, or write {}",
			"6:32: profiles.x.categories.ip: is empty: leave the key out, or write {}",
			"6:49: profiles.x.categories.violence.score: is empty: leave the key out, or write {}",
			"6:58: profiles.x.categories.violence.severity: is empty: leave the key out, or write {}",
			"7:3: profiles.y: is empty: leave the key out, or write {}",
			"8:7: profiles.z.categories: is empty: leave the key out, or write {}"}},
		{"order after inheritance, in the heir", head +
			"  x: {categories: {ip: {score: {redact: 0.7}}}}\n  y: {extends: x, categories: {ip: {score: {halt: 0.6}}}}\n  z: {extends: y}", []string{
			"7:46: profiles.y.categories.ip.score.halt: halt at 0.6 is below redact at 0.7 (a.yaml:6): want flag ≤ redact ≤ halt"}},
		{"order after inheritance, of the milder", head +
			"  x: {categories: {ip: {score: {halt: 0.7}}}}\n  y: {extends: x, categories: {ip: {score: {flag: 0.8}}}}", []string{
			"7:46: profiles.y.categories.ip.score.flag: flag at 0.8 is above halt at 0.7 (a.yaml:6): want flag ≤ redact ≤ halt"}},
		{"order of all grounds, once", head + "  x: {categories: {discrimination: {severity: {flag: high, redact: medium, halt: low}}}}", []string{
			"6:61: profiles.x.categories.discrimination.severity.redact: redact at medium is below flag at high (a.yaml:6): want flag ≤ redact ≤ halt",
			"6:77: profiles.x.categories.discrimination.severity.halt: halt at low is below redact at medium (a.yaml:6): want flag ≤ redact ≤ halt"}},
		{"no order with what is wrong already", head + "  x: {categories: {ip: {score: {flag: 0.5, halt: 1.7}, severity: {flag: high, halt: deep}}}}", []string{
			"6:51: profiles.x.categories.ip.score.halt: 1.7: out of range [0, 1]",
			`6:86: profiles.x.categories.ip.severity.halt: unknown severity "deep": want one of low, medium, high, critical`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := policy.Parse("a.yaml", []byte(tc.data))
			if p != nil || err == nil {
				t.Fatalf("got %v, %v; want an error alone", p, err)
			}
			got := strings.Split(err.Error(), "\n")
			for i := range got {
				got[i] = strings.TrimPrefix(got[i], "a.yaml:")
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// FuzzParse wants an error or a policy that Show prints so that it resolves to
// the same.
func FuzzParse(f *testing.F) {
	f.Add(read(f, "five.yaml"))
	f.Add(read(f, "family.yaml"))
	f.Add([]byte(`{version: 1, name: a, replacement: {en: "\x7f\u2028 {"}, profiles: {default: {packs: ["\e#", ": "]}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := policy.Parse("a.yaml", data)
		if (p == nil) == (err == nil) {
			t.Fatalf("got %v, %v", p, err)
		}
		if err == nil {
			roundTrip(t, p)
		}
	})
}
