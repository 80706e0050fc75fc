package policy_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

func parse(t testing.TB, file string, data []byte) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(file, data)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const head = "version: 1\nname: p\nreplacement: {en: Stopped.}\n"

func TestParseErrors(t *testing.T) {
	for _, test := range []struct{ name, data, want string }{
		{"empty", "", "p.yaml:1:1: the document is empty"},
		{"not YAML", "profiles: {default: {}", "p.yaml:1:1: not YAML: did not find expected ',' or '}'"},
		{"a list", "- 1", "p.yaml:1:1: want a mapping of keys to values, not a list"},
		{"nothing that is required", "packs: []",
			"p.yaml:1:1: name: is missing\n" +
				"p.yaml:1:1: profiles.default: is missing: it judges the streams that name no profile\n" +
				"p.yaml:1:1: replacement.en: is missing: it is shown when there is no text in the reader's language\n" +
				"p.yaml:1:1: version: want 1"},
		{"version", "version: 2\nname: p\nreplacement: {en: x}\nprofiles: {default: {}}", "p.yaml:1:1: version: want 1"},
		{"version, no number", "version: one\nname: p\nreplacement: {en: x}\nprofiles: {default: {}}", `p.yaml:1:10: version: "one": want a whole number`},
		{"name", "version: 1\nname: ' '\nreplacement: {en: x}\nprofiles: {default: {}}",
			`p.yaml:2:7: name: " ": want up to 64 letters, digits, blanks, dots, hyphens and underscores`},
		{"replacement without en", "version: 1\nname: p\nreplacement: {zh: x}\nprofiles: {default: {}}",
			"p.yaml:3:1: replacement.en: is missing: it is shown when there is no text in the reader's language"},
		{"replacement empty", "version: 1\nname: p\nreplacement: {en: x, ja: ~}\nprofiles: {default: {}}",
			"p.yaml:3:22: replacement.ja: is empty: want what the reader sees after a halt"},
		{"replacement null", "version: 1\nname: p\nreplacement: ~\nprofiles: {default: {}}",
			"p.yaml:3:1: replacement.en: is missing: it is shown when there is no text in the reader's language"},
		{"language", "version: 1\nname: p\nreplacement: {en: x, zh_CN: x}\nprofiles: {default: {}}",
			"p.yaml:3:22: replacement.zh_CN: want a BCP 47 language such as en or zh-Hant"},
		{"language twice", "version: 1\nname: p\nreplacement: {en: x, EN: y}\nprofiles: {default: {}}",
			"p.yaml:3:22: replacement.EN: the key is there already, in another spelling"},
		{"placeholder", head + "redaction: {pattern: '[{rul}]', lexicon: '{rule}'}\nprofiles: {default: {}}",
			"p.yaml:4:13: redaction.pattern: \"{rul}\": want {rule} or {category}\np.yaml:4:33: redaction.lexicon: \"{rule}\": want {category}"},
		{"packs", head + "packs: [a, '', a]\nprofiles: {default: {}}",
			"p.yaml:4:12: packs: want the name or the path of a pack\np.yaml:4:16: packs: \"a\": is there already"},
		{"packs of a profile", head + "profiles: {default: {packs: [a, a]}, x: {extends: default}}",
			"p.yaml:4:33: profiles.default.packs: \"a\": is there already"},
		{"packs null", head + "packs:\nprofiles: {default: {packs: ~}}",
			"p.yaml:4:1: packs: is empty: leave the key out, or write []\np.yaml:5:22: profiles.default.packs: is empty: leave the key out, or write []"},
		{"profile without values", head + "profiles:\n  default:\n", "p.yaml:5:3: profiles.default: is empty: leave the key out, or write {}"},
		{"profile name", head + "profiles: {default: {}, 'a b': {}}",
			`p.yaml:4:25: profiles."a b": "a b": want up to 64 letters a to z, digits, dots, hyphens and underscores`},
		{"sections without values", head + "profiles: {default: {patterns: ~, categories: {ip: ~, violence: {score: ~, severity: ~}}}}",
			"p.yaml:4:22: profiles.default.patterns: is empty: leave the key out, or write {}\n" +
				"p.yaml:4:48: profiles.default.categories.ip: is empty: leave the key out, or write {}\n" +
				"p.yaml:4:66: profiles.default.categories.violence.score: is empty: leave the key out, or write {}\n" +
				"p.yaml:4:76: profiles.default.categories.violence.severity: is empty: leave the key out, or write {}"},
		{"release", head + "profiles: {default: {release: later}}",
			`p.yaml:4:31: profiles.default.release: unknown release mode "later": want one of strict, async, observe`},
		{"fail", head + "profiles: {default: {fail: shut}}",
			`p.yaml:4:28: profiles.default.fail: unknown fail mode "shut": want one of closed, degraded, open`},
		{"holdback", head + "profiles: {default: {holdback_runes: 4097}}",
			`p.yaml:4:38: profiles.default.holdback_runes: "4097": want a whole number of runes in [0, 4096]`},
		{"pattern action", head + "profiles: {default: {patterns: {email: on}}}",
			`p.yaml:4:40: profiles.default.patterns.email: unknown action "on": want one of allow, flag, redact, halt, off`},
		{"severity", head + "profiles: {default: {categories: {ip: {severity: {halt: dire}}}}}",
			`p.yaml:4:57: profiles.default.categories.ip.severity.halt: unknown severity "dire": want one of low, medium, high, critical`},
		{"severity none", head + "profiles: {default: {categories: {ip: {severity: {halt: none}}}}}",
			`p.yaml:4:57: profiles.default.categories.ip.severity.halt: unknown severity "none": want one of low, medium, high, critical`},
		{"score below 0", head + "profiles: {default: {categories: {ip: {score: {halt: -0.1}}}}}",
			"p.yaml:4:54: profiles.default.categories.ip.score.halt: -0.1: out of range [0, 1]"},
		{"score no number", head + "profiles: {default: {categories: {ip: {score: {halt: nan, flag: x}}}}}",
			"p.yaml:4:54: profiles.default.categories.ip.score.halt: nan: out of range [0, 1]\n" +
				`p.yaml:4:65: profiles.default.categories.ip.score.flag: "x": want a number in [0, 1]`},
		{"sustain", head + "profiles: {default: {categories: {ip: {score: {sustain_runes: 1.5}}}}}",
			`p.yaml:4:63: profiles.default.categories.ip.score.sustain_runes: "1.5": want a whole number of runes in [0, 4096]`},
		{"order", head + "profiles: {default: {categories: {ip: {score: {flag: 0.9, redact: 0.5, halt: 0.7}}}}}",
			"p.yaml:4:59: profiles.default.categories.ip.score.redact: redact at 0.5 is below flag at 0.9 (p.yaml:4): want flag ≤ redact ≤ halt"},
		{"order, all grounds once", head + "profiles: {default: {categories: {discrimination: {severity: {flag: high, halt: low}}}}}",
			"p.yaml:4:75: profiles.default.categories.discrimination.severity.halt: halt at low is below flag at high (p.yaml:4): want flag ≤ redact ≤ halt"},
		{"order after inheritance", head + "profiles:\n  default: {categories: {ip: {score: {flag: 0.5, halt: 0.7}}}}\n" +
			"  a: {extends: default, categories: {ip: {score: {flag: 0.8}}}}\n  b: {extends: a}\n",
			"p.yaml:6:51: profiles.a.categories.ip.score.flag: flag at 0.8 is above halt at 0.7 (p.yaml:5): want flag ≤ redact ≤ halt"},
		{"no default", head + "profiles: {strict: {}}", "p.yaml:1:1: profiles.default: is missing: it judges the streams that name no profile"},
		{"extends unknown", head + "profiles: {default: {}, a: {extends: defalt}}",
			`p.yaml:4:29: profiles.a.extends: unknown profile "defalt": want one of a, default`},
		{"extends itself", head + "profiles: {default: {extends: default}}", "p.yaml:4:22: profiles.default.extends: a circle: default → default"},
		{"extends in a circle", head + "profiles: {default: {}, a: {extends: b}, b: {extends: c}, c: {extends: a}, d: {extends: b}}",
			"p.yaml:4:63: profiles.c.extends: a circle: a → b → c → a"},
		{"what is wrong beside a circle", head + "profiles: {default: {}, a: {extends: b}, b: {extends: b, prompt_profile: x}}",
			"p.yaml:4:46: profiles.b.extends: a circle: b → b\n" +
				`p.yaml:4:58: profiles.b.prompt_profile: unknown profile "x": want one of a, b, default`},
		{"prompt profile", head + "profiles: {default: {prompt_profile: prompt}}",
			`p.yaml:4:22: profiles.default.prompt_profile: unknown profile "prompt": want one of default`},
		{"long values are cut", head + "profiles: {default: {release: " + strings.Repeat("x", 1000) + "}}",
			`p.yaml:4:31: profiles.default.release: unknown release mode "` + strings.Repeat("x", 60) + `": want one of strict, async, observe`},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := policy.Parse("p.yaml", []byte(test.data))
			if err == nil || p != nil {
				t.Fatalf("Parse returns %v, %v", p, err)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The example in the package's documentation is a policy.
func TestDocumentedPolicy(t *testing.T) {
	data, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, line := range strings.Split(string(data), "\n") {
		if y, ok := strings.CutPrefix(line, "//\t"); ok {
			b.WriteString(y + "\n")
		}
	}
	p := parse(t, "doc.yaml", []byte(b.String()))
	// What it says of defaults is what holds in a file that is silent.
	silent := parse(t, "silent.yaml", []byte("version: 1\nname: p\nreplacement: {en: x}\nprofiles: {default: {}}"))
	d, s := profile(t, p, "default"), profile(t, silent, "default")
	if d.Release != s.Release || d.Fail != s.Fail || d.HoldbackRunes != s.HoldbackRunes || d.PromptProfile != s.PromptProfile ||
		d.Score(policy.Violence).SustainRunes != s.Score(policy.Violence).SustainRunes {
		t.Errorf("documented %+v, silent %+v", d, s)
	}
	for _, src := range []policy.Source{{Kind: policy.SourcePattern, Name: "r"}, {Kind: policy.SourceLexicon}, {Kind: policy.SourceModel}} {
		if d, s := d.Redaction(src, policy.IP), s.Redaction(src, policy.IP); d != s {
			t.Errorf("redaction of %s: documented %q, silent %q", src.Kind, d, s)
		}
	}
}
