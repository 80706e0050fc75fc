package strictyaml_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/internal/strictyaml"
)

// settings has a field of every kind that can be read.
type settings struct {
	Pos      strictyaml.Pos                        `yaml:"-"`
	Name     string                                `yaml:"name"`
	On       bool                                  `yaml:"on"`
	Small    int8                                  `yaml:"small"`
	Size     uint16                                `yaml:"size"`
	Ratio    float32                               `yaml:"ratio"`
	Wait     time.Duration                         `yaml:"wait"`
	Level    level                                 `yaml:"level"`
	Maybe    *int                                  `yaml:"maybe"`
	Limit    strictyaml.Optional[int]              `yaml:"limit"`
	List     []string                              `yaml:"list"`
	Tags     strictyaml.OneOrMany[string]          `yaml:"tags"`
	Texts    map[string]string                     `yaml:"texts"`
	Levels   map[level]strictyaml.Optional[nested] `yaml:"levels"`
	Inner    nested                                `yaml:"inner"`
	Children []settings                            `yaml:"children"`
	Internal string
}

type nested struct {
	Pos strictyaml.Pos `yaml:"-"`
	N   int            `yaml:"n"`
}

func TestUnmarshal(t *testing.T) {
	const data = `# every kind
name: off
on: true
small: -7
size: 1_000
ratio: .25
wait: 1m30s
level: high
maybe: 5
limit: 9
list: [a, "2", 3.0]
tags: one
texts: {zh: 值, en: ~}
levels:
  low:
    n: 1
  high: ~
inner: {n: 4}
children:
  - tags: [x, y]
`
	five := 5
	want := settings{
		Pos: strictyaml.Pos{Line: 2, Column: 1}, Name: "off", On: true, Small: -7, Size: 1000, Ratio: 0.25,
		Wait: 90 * time.Second, Level: high, Maybe: &five,
		Limit: strictyaml.Optional[int]{Set: true, Value: 9, Pos: strictyaml.Pos{Line: 10, Column: 1}},
		List:  []string{"a", "2", "3.0"}, Tags: []string{"one"},
		Texts: map[string]string{"zh": "值", "en": ""},
		Levels: map[level]strictyaml.Optional[nested]{
			1:    {Set: true, Pos: strictyaml.Pos{Line: 15, Column: 3}, Value: nested{Pos: strictyaml.Pos{Line: 16, Column: 5}, N: 1}},
			high: {Set: true, Null: true, Pos: strictyaml.Pos{Line: 17, Column: 3}},
		},
		Inner:    nested{Pos: strictyaml.Pos{Line: 18, Column: 8}, N: 4},
		Children: []settings{{Pos: strictyaml.Pos{Line: 20, Column: 5}, Tags: []string{"x", "y"}}},
	}
	var got settings
	if err := strictyaml.Unmarshal("f.yaml", []byte(data), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDefaultsStay(t *testing.T) {
	got := settings{Name: "before", Size: 3, Texts: map[string]string{"en": "before"}}
	if err := strictyaml.Unmarshal("f.yaml", []byte("name: ~\ntexts: {ja: after}\n"), &got); err != nil {
		t.Fatal(err)
	}
	want := settings{Pos: strictyaml.Pos{Line: 1, Column: 1}, Name: "before", Size: 3, Texts: map[string]string{"en": "before", "ja": "after"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestErrors(t *testing.T) {
	long := strings.Repeat("長", 100)
	cut := strings.Repeat("長", 20) + "…"
	for _, test := range []struct{ name, data, want string }{
		{"empty", "", "f.yaml:1:1: the document is empty"},
		{"only a comment", "# nothing\n", "f.yaml:1:1: the document is empty"},
		{"null", "~", "f.yaml:1:1: the document is empty"},
		{"two documents", "name: a\n---\nname: b\n", "f.yaml:2:1: a second document begins here: want one document"},
		{"second document unreadable", "name: a\n---\nname: [\n", "f.yaml:3:1: not YAML: did not find expected node content"},
		{"syntax", "name: a\n on: b\n", "f.yaml:2:1: not YAML: mapping values are not allowed in this context"},
		{"not UTF-8", "name: a\nlist: [\xff]\n", "f.yaml:2:8: not YAML: invalid leading UTF-8 octet"},
		{"control character", "name: a\x01", "f.yaml:1:8: not YAML: control characters are not allowed"},
		{"unknown anchor", "name: *a", "f.yaml:1:1: not YAML: unknown anchor 'a' referenced"},
		{"not a mapping", "- a\n", "f.yaml:1:1: want a mapping of keys to values, not a list"},
		{"unknown key, near", "inner:\n  m: 4\nrattio: 1\n",
			"f.yaml:2:3: inner.m: unknown key: want one of n\nf.yaml:3:1: rattio: unknown key: did you mean ratio?"},
		{"unknown key of no tag", "Internal: x", "f.yaml:1:1: Internal: unknown key: want one of name, on, small, size, ratio, wait, level, maybe, limit, list, tags, texts, levels, inner, children"},
		{"strange key", "inner: {\"a\\nb\": 1}", `f.yaml:1:9: inner."a\nb": unknown key: want one of n`},
		{"long key", "inner: {" + long + ": 1}", `f.yaml:1:9: inner."` + cut + `": unknown key: want one of n`},
		{"duplicate key", "name: a\non: true\nname: b\n", "f.yaml:3:1: name: the key is there already, in line 1"},
		{"duplicate key of a map", "texts: {en: a, 'en': b}", "f.yaml:1:16: texts.en: the key is there already, in line 1"},
		{"same key, other spelling", "levels: {high: ~, HIGH: ~}", "f.yaml:1:19: levels.HIGH: the key is there already, in another spelling"},
		{"bad key", "levels: {mild: ~}", `f.yaml:1:10: levels.mild: unknown level "mild": want low or high`},
		{"key is a list", "texts: {[a]: b}", `f.yaml:1:9: texts."": want a plain key, not a list`},
		{"string", "name: [a]", "f.yaml:1:7: name: want a text, not a list"},
		{"bool", "on: yes", `f.yaml:1:5: on: "yes": want a boolean, true or false`},
		{"quoted bool", "on: 'true'", `f.yaml:1:5: on: "true": want a boolean, true or false`},
		{"int", "small: 1.5", `f.yaml:1:8: small: "1.5": want a whole number`},
		{"int too large", "small: 128", `f.yaml:1:8: small: "128": want a whole number`},
		{"octal or not", "small: 010", `f.yaml:1:8: small: "010": want a whole number`},
		{"uint", "size: -1", `f.yaml:1:7: size: "-1": want a whole number, 0 or more`},
		{"float", "ratio: half", `f.yaml:1:8: ratio: "half": want a number`},
		{"float, not finite", "ratio: .nan", `f.yaml:1:8: ratio: ".nan": want a number`},
		{"float, infinite", "ratio: inf", `f.yaml:1:8: ratio: "inf": want a number`},
		{"duration", "wait: 5", `f.yaml:1:7: wait: "5": want a duration such as 1.5s or 2m`},
		{"text", "level: {}", "f.yaml:1:8: level: want a single value, not a mapping"},
		{"text, bad", "level: mild", `f.yaml:1:8: level: unknown level "mild": want low or high`},
		{"text, long", "level: " + long, `f.yaml:1:8: level: unknown level "` + cut + `": want low or high`},
		{"list", "list: a", "f.yaml:1:7: list: want a list, not a value"},
		{"element", "children:\n  - on: true\n  - on: 1\n", `f.yaml:3:9: children[1].on: "1": want a boolean, true or false`},
		{"empty element", "list: [a, ~]\n", "f.yaml:1:11: list[1]: the element is empty"},
		{"one of many", "tags: {}", "f.yaml:1:7: tags: want a text, not a mapping"},
		{"map", "texts: a", "f.yaml:1:8: texts: want a mapping of keys to values, not a value"},
		{"optional", "limit: many", `f.yaml:1:8: limit: "many": want a whole number`},
		{"long value", "small: " + long, `f.yaml:1:8: small: "` + cut + `": want a whole number`},
		{"anchor", "name: &a b", "f.yaml:1:7: name: anchors and aliases are not read: write the value out"},
		{"alias", "list: [&a b, *a]",
			"f.yaml:1:8: list[0]: anchors and aliases are not read: write the value out\n" +
				"f.yaml:1:14: list[1]: anchors and aliases are not read: write the value out"},
		{"anchored null", "limit: &a ~", "f.yaml:1:8: limit: anchors and aliases are not read: write the value out"},
		{"anchored key", "&a name: b", "f.yaml:1:1: name: anchors and aliases are not read: write the value out"},
		{"merge key", "inner: {<<: {n: 1}}", `f.yaml:1:9: inner."<<": merge keys are not read: write the keys out`},
		{"tag", "name: !!binary aGk=", `f.yaml:1:7: name: tags such as "!!binary" are not read: write the value alone`},
		{"sorted by place, column in runes", "texts: {長: [], ja: []}\nsize: x\nname: []\n",
			"f.yaml:1:12: texts.長: want a text, not a list\nf.yaml:1:20: texts.ja: want a text, not a list\n" +
				"f.yaml:2:7: size: \"x\": want a whole number, 0 or more\nf.yaml:3:7: name: want a text, not a list"},
		{"too deep", strings.Repeat("children: [{", 17) + strings.Repeat("}]", 17),
			"f.yaml:1:203: " + strings.Repeat("children[0].", 16) + "children: nested more than 32 levels deep"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := strictyaml.Unmarshal("f.yaml", []byte(test.data), new(settings))
			if err == nil {
				t.Fatalf("no error, want %s", test.want)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Error(diff)
			}
			if all := (strictyaml.Errors)(nil); !errors.As(err, &all) {
				t.Errorf("%T is no strictyaml.Errors", err)
			}
		})
	}
}

// A file of aliases to aliases costs what it takes to read it, not what it
// stands for, which would never end.
func TestBillionLaughs(t *testing.T) {
	var b strings.Builder
	b.WriteString("list: &a0 [x]\n")
	for i := range 60 {
		fmt.Fprintf(&b, "list: &a%d [*a%d, *a%d, *a%d]\n", i+1, i, i, i)
	}
	if err := strictyaml.Unmarshal("f.yaml", []byte(b.String()), new(settings)); err == nil {
		t.Error("aliases were read")
	}
}

// TestAddKey: a problem is where the value is, or the last mapping on the way to it.
func TestAddKey(t *testing.T) {
	var into struct {
		A struct {
			B int `yaml:"b"`
		} `yaml:"a"`
	}
	p := strictyaml.Problems{File: "f.yaml"}
	p.AddKey("a.b", "before")
	if !p.Unmarshal([]byte("a:\n  b: 1\n"), &into) {
		t.Fatal(p.Err())
	}
	for _, path := range []string{"a.b", "a.c", "a.b.c", "d"} {
		p.AddKey(path, "bad")
	}
	const want = "f.yaml: a.b: before\nf.yaml:1:1: d: bad\nf.yaml:2:3: a.c: bad\nf.yaml:2:6: a.b: bad\nf.yaml:2:6: a.b.c: bad"
	if got := p.Err().Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestProblems(t *testing.T) {
	cause := errors.New("does not fit")
	p := strictyaml.Problems{File: "f.yaml"}
	var s settings
	if p.Unmarshal([]byte("name: a\nsize: b\nlimit: 3\n"), &s) {
		t.Error("Unmarshal reports no problem")
	}
	p.Add(s.Limit.Pos, "limit", "%d: %w", s.Limit.Value, cause)
	p.Add(strictyaml.Pos{}, "", "in no place")
	want := "f.yaml: in no place\nf.yaml:2:7: size: \"b\": want a whole number, 0 or more\nf.yaml:3:1: limit: 3: does not fit"
	err := p.Err()
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Error(diff)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if err := new(strictyaml.Problems).Err(); err != nil {
		t.Errorf("no problems, but %v", err)
	}
}

func TestOptionalBad(t *testing.T) {
	var s settings
	_ = strictyaml.Unmarshal("f.yaml", []byte("limit: x\nlevels: {low: {n: 1}, high: {n: 2, m: 3}}\n"), &s)
	if !s.Limit.Set || !s.Limit.Bad {
		t.Errorf("limit: %+v, want it set and bad", s.Limit)
	}
	if l := s.Levels[1]; l.Bad || l.Value.N != 1 {
		t.Errorf("levels.low: %+v, want it good", l)
	}
	if h := s.Levels[high]; !h.Bad || h.Value.N != 2 {
		t.Errorf("levels.high: %+v, want it bad, with what could be read", h)
	}
}

func TestErrorsAreCapped(t *testing.T) {
	data := "children:\n" + strings.Repeat("  - x: 1\n", 150)
	err := strictyaml.Unmarshal("f.yaml", []byte(data), new(settings))
	var all strictyaml.Errors
	if !errors.As(err, &all) || len(all) != 150 {
		t.Fatalf("%d errors, want 150", len(all))
	}
	lines := strings.Split(err.Error(), "\n")
	if n := len(lines); n != 101 || lines[100] != "f.yaml: and 50 more" {
		t.Errorf("%d lines, the last one %q", n, lines[n-1])
	}
}
