package strictyaml

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// maxDepth bounds nesting, so that a file cannot exhaust the stack.
const maxDepth = 32

// Unmarshal decodes one YAML document into the value that into points to. The
// error, if any, is Errors with everything that was wrong; what could be
// decoded has been.
func Unmarshal(file string, data []byte, into any) error {
	p := Problems{File: file}
	var doc yaml.Node
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	if err := dec.Decode(&doc); err != nil {
		p.syntax(err)
		return p.Err()
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		p.Add(Pos{second.Line, second.Column}, "", "a second document begins here: want one document")
	}
	d := decoder{problems: &p, plans: map[reflect.Type]*structPlan{}}
	if len(doc.Content) != 1 || isNull(doc.Content[0]) {
		p.Add(Pos{1, 1}, "", "the document is empty")
		return p.Err()
	}
	d.decode(doc.Content[0], reflect.ValueOf(into).Elem(), 0)
	return p.Err()
}

// syntax notes an error of the YAML parser, whose text begins "yaml: line N: ".
func (p *Problems) syntax(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if text == "EOF" {
		p.Add(Pos{1, 1}, "", "the document is empty")
		return
	}
	at := Pos{1, 1}
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		if number, message, ok := strings.Cut(rest, ": "); ok {
			if n, err := strconv.Atoi(number); err == nil {
				at, text = Pos{n, 1}, message
			}
		}
	}
	p.Add(at, "", "not YAML: %s", text)
}

// decoder walks the nodes; path is the way to the current one.
type decoder struct {
	problems *Problems
	path     []string
	plans    map[reflect.Type]*structPlan
}

// structPlan is what is known of a struct type: fields by key, and its Pos.
type structPlan struct {
	fields map[string]int
	keys   []string
	pos    int // -1 if there is none
}

var (
	posType      = reflect.TypeFor[Pos]()
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// optional is implemented by Optional, manyType by OneOrMany.
type optional interface{ isOptional() }

func (Optional[T]) isOptional() {}

type oneOrMany interface{ isOneOrMany() }

func (OneOrMany[T]) isOneOrMany() {}

var (
	optionalType  = reflect.TypeFor[optional]()
	oneOrManyType = reflect.TypeFor[oneOrMany]()
)

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

func posOf(n *yaml.Node) Pos { return Pos{n.Line, n.Column} }

func (d *decoder) add(n *yaml.Node, format string, args ...any) {
	path := strings.ReplaceAll(strings.Join(d.path, "."), ".[", "[")
	d.problems.Add(posOf(n), path, format, args...)
}

func (d *decoder) decode(n *yaml.Node, v reflect.Value, depth int) {
	switch {
	case depth > maxDepth:
		d.add(n, "nested more than %d levels deep", maxDepth)
		return
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.add(n, "anchors and aliases are not read: write the value out")
		return
	}
	t := v.Type()
	if t.Implements(optionalType) {
		v.FieldByName("Set").SetBool(true)
		v.FieldByName("Null").SetBool(isNull(n))
		if v.FieldByName("Pos").IsZero() {
			v.FieldByName("Pos").Set(reflect.ValueOf(posOf(n)))
		}
		if !isNull(n) {
			d.decode(n, v.FieldByName("Value"), depth)
		}
		return
	}
	if isNull(n) {
		return
	}
	if t.Kind() != reflect.Pointer && v.CanAddr() && reflect.PointerTo(t).Implements(textType) {
		d.text(n, v)
		return
	}
	if t.Implements(oneOrManyType) && n.Kind != yaml.SequenceNode {
		one := reflect.MakeSlice(t, 1, 1)
		d.decode(n, one.Index(0), depth)
		v.Set(one)
		return
	}
	switch t.Kind() {
	case reflect.Pointer:
		p := reflect.New(t.Elem())
		d.decode(n, p.Elem(), depth)
		v.Set(p)
	case reflect.Struct:
		d.structure(n, v, depth)
	case reflect.Map:
		d.mapping(n, v, depth)
	case reflect.Slice:
		d.sequence(n, v, depth)
	default:
		d.scalar(n, v)
	}
}

// text decodes a scalar by the target's own rules.
func (d *decoder) text(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		d.add(n, "want a single value, not a %s", kindName(n))
		return
	}
	if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.Value)); err != nil {
		d.add(n, "%w", err)
	}
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "mapping"
	case yaml.SequenceNode:
		return "list"
	}
	return "value"
}

// each calls f for the entries of a mapping, and notes what no mapping may have.
func (d *decoder) each(n *yaml.Node, f func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		d.add(n, "want a mapping of keys to values, not a %s", kindName(n))
		return
	}
	seen := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		d.path = append(d.path, key.Value)
		switch line, dup := seen[key.Value]; {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
			d.add(key, "want a plain key")
		case dup:
			d.add(key, "the key is there already, in line %d", line)
		default:
			seen[key.Value] = key.Line
			f(key, value)
		}
		d.path = d.path[:len(d.path)-1]
	}
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value, depth int) {
	plan := d.plan(v.Type())
	if plan.pos >= 0 {
		v.Field(plan.pos).Set(reflect.ValueOf(posOf(n)))
	}
	d.each(n, func(key, value *yaml.Node) {
		i, ok := plan.fields[key.Value]
		if !ok {
			d.add(key, "unknown key%s", suggest(key.Value, plan.keys))
			return
		}
		field := v.Field(i)
		if field.Type().Implements(optionalType) {
			field.FieldByName("Pos").Set(reflect.ValueOf(posOf(key)))
		}
		d.decode(value, field, depth+1)
	})
}

func (d *decoder) plan(t reflect.Type) *structPlan {
	if p := d.plans[t]; p != nil {
		return p
	}
	p := &structPlan{fields: map[string]int{}, pos: -1}
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type == posType {
			p.pos = i
			continue
		}
		key := f.Tag.Get("yaml")
		if key == "" || key == "-" || !f.IsExported() {
			continue
		}
		p.fields[key] = i
		p.keys = append(p.keys, key)
	}
	d.plans[t] = p
	return p
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value, depth int) {
	t := v.Type()
	if v.IsNil() {
		v.Set(reflect.MakeMap(t))
	}
	d.each(n, func(key, value *yaml.Node) {
		k := reflect.New(t.Key()).Elem()
		if reflect.PointerTo(t.Key()).Implements(textType) {
			if err := k.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(key.Value)); err != nil {
				d.add(key, "%w", err)
				return
			}
		} else {
			k.SetString(key.Value)
		}
		e := reflect.New(t.Elem()).Elem()
		if t.Elem().Implements(optionalType) {
			e.FieldByName("Pos").Set(reflect.ValueOf(posOf(key)))
		}
		d.decode(value, e, depth+1)
		v.SetMapIndex(k, e)
	})
}

func (d *decoder) sequence(n *yaml.Node, v reflect.Value, depth int) {
	if n.Kind != yaml.SequenceNode {
		d.add(n, "want a list, not a %s", kindName(n))
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		d.path = append(d.path, "["+strconv.Itoa(i)+"]")
		d.decode(c, out.Index(i), depth+1)
		d.path = d.path[:len(d.path)-1]
	}
	v.Set(out)
}

// scalar decodes the plain kinds. What YAML takes for a boolean or a number is
// still a string where a string is wanted: `off` and `01` are as written.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		d.add(n, "want a %s, not a %s", scalarName(v), kindName(n))
		return
	}
	s, quoted := n.Value, n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0
	wrong := func() { d.add(n, "%s: want a %s", Quote(s), scalarName(v)) }
	switch {
	case v.Type() == durationType:
		t, err := time.ParseDuration(s)
		if err != nil {
			wrong()
			return
		}
		v.SetInt(int64(t))
	case v.Kind() == reflect.String:
		v.SetString(s)
	case quoted:
		wrong()
	case v.Kind() == reflect.Bool:
		if s != "true" && s != "false" {
			wrong()
			return
		}
		v.SetBool(s == "true")
	case v.CanInt():
		i, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, v.Type().Bits())
		if err != nil {
			wrong()
			return
		}
		v.SetInt(i)
	case v.CanUint():
		i, err := strconv.ParseUint(strings.ReplaceAll(s, "_", ""), 10, v.Type().Bits())
		if err != nil {
			wrong()
			return
		}
		v.SetUint(i)
	case v.CanFloat():
		f, err := strconv.ParseFloat(s, v.Type().Bits())
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			wrong()
			return
		}
		v.SetFloat(f)
	default:
		panic(fmt.Sprintf("strictyaml: cannot decode into %s", v.Type()))
	}
}

func scalarName(v reflect.Value) string {
	switch {
	case v.Type() == durationType:
		return "duration such as 1.5s or 2m"
	case v.Kind() == reflect.String:
		return "text"
	case v.Kind() == reflect.Bool:
		return "boolean, true or false"
	case v.CanFloat():
		return "number"
	case v.CanUint():
		return "whole number, 0 or more"
	}
	return "whole number"
}

// suggest names the known key nearest to an unknown one, or lists the keys.
func suggest(key string, known []string) string {
	best, least := "", len(key)/2+1
	for _, k := range known {
		if n := distance(key, k); n < least {
			best, least = k, n
		}
	}
	if best != "" {
		return fmt.Sprintf(": did you mean %s?", best)
	}
	return ": want one of " + strings.Join(known, ", ")
}

// distance is the Levenshtein distance of two short strings, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
