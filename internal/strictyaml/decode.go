package strictyaml

import (
	"bytes"
	"encoding"
	"io"
	"reflect"
	"regexp"
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
	p.Unmarshal(data, into)
	return p.Err()
}

// Unmarshal decodes data into a pointer and notes all problems. It decodes what
// it can even if there are some. It reports whether there were none.
func (p *Problems) Unmarshal(data []byte, into any) bool {
	before := len(p.errors)
	var doc, second yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	switch err := dec.Decode(&doc); {
	case err == io.EOF, err == nil && (len(doc.Content) == 0 || isNull(doc.Content[0])):
		p.Add(Pos{1, 1}, "", "the document is empty")
		return false
	case err != nil:
		p.syntax(data, err)
		return false
	}
	if err := dec.Decode(&second); err == nil {
		p.Add(posOf(&second), "", "a second document begins here: want one document")
	} else if err != io.EOF {
		p.syntax(data, err)
	}
	p.root = doc.Content[0]
	d := decoder{problems: p, plans: map[reflect.Type]*structPlan{}}
	d.decode(p.root, reflect.ValueOf(into).Elem(), 0)
	return len(p.errors) == before
}

// AddKey notes a problem of the value at a path of keys, dots between. Its place
// is that of the value in what Unmarshal read, or of the mapping that lacks the key.
func (p *Problems) AddKey(path, format string, args ...any) {
	at, n := Pos{}, p.root
	for key := range strings.SplitSeq(path, ".") {
		if n == nil {
			break
		}
		at = posOf(n)
		n = child(n, key)
	}
	if n != nil {
		at = posOf(n)
	}
	p.Add(at, path, format, args...)
}

// child returns the value of a mapping's key, or nil.
func child(n *yaml.Node, key string) *yaml.Node {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// decoder walks the nodes; path is the way to the current one.
type decoder struct {
	problems *Problems
	path     []step
	plans    map[reflect.Type]*structPlan
}

// step leads to the value of a key, or with index ≥ 0 to an element of a list.
type step struct {
	key   string
	index int
}

// plainKey is what a path shows as it is.
var plainKey = regexp.MustCompile(`^[\pL\pN._/-]+$`)

func (s step) String() string {
	switch {
	case s.index >= 0:
		return "[" + strconv.Itoa(s.index) + "]"
	case len(s.key) <= maxQuoted && plainKey.MatchString(s.key):
		return s.key
	}
	return Quote(s.key)
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

// optional is implemented by Optional, oneOrMany by OneOrMany.
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
	var path strings.Builder
	for _, step := range d.path {
		if path.Len() > 0 && step.index < 0 {
			path.WriteByte('.')
		}
		path.WriteString(step.String())
	}
	d.problems.Add(posOf(n), path.String(), format, args...)
}

// refuse notes the parts of YAML that are not read, and reports whether there
// are any.
func (d *decoder) refuse(n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		d.add(n, "anchors and aliases are not read: write the value out")
	case n.Style&yaml.TaggedStyle != 0:
		d.add(n, "tags such as %s are not read: write the value alone", Quote(n.Tag))
	default:
		return false
	}
	return true
}

func (d *decoder) decode(n *yaml.Node, v reflect.Value, depth int) {
	if depth > maxDepth {
		d.add(n, "nested more than %d levels deep", maxDepth)
		return
	}
	t := v.Type()
	if t.Implements(optionalType) {
		before := len(d.problems.errors)
		v.FieldByName("Set").SetBool(true)
		if v.FieldByName("Pos").IsZero() {
			v.FieldByName("Pos").Set(reflect.ValueOf(posOf(n)))
		}
		v.FieldByName("Null").SetBool(isNull(n))
		d.decode(n, v.FieldByName("Value"), depth)
		v.FieldByName("Bad").SetBool(len(d.problems.errors) > before)
		return
	}
	if d.refuse(n) {
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
		d.path = append(d.path, step{key: key.Value, index: -1})
		switch line, dup := seen[key.Value]; {
		case d.refuse(key):
		case key.Tag == "!!merge":
			d.add(key, "merge keys are not read: write the keys out")
		case key.Kind != yaml.ScalarNode:
			d.add(key, "want a plain key, not a %s", kindName(key))
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
	if plan.pos >= 0 && n.Kind == yaml.MappingNode {
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
			if !d.text(key, k) {
				return
			}
		} else {
			k.SetString(key.Value)
		}
		if v.MapIndex(k).IsValid() {
			d.add(key, "the key is there already, in another spelling")
			return
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
		d.path = append(d.path, step{index: i})
		e := out.Index(i)
		if isNull(c) && e.Kind() != reflect.Pointer && !e.Type().Implements(optionalType) {
			d.add(c, "the element is empty")
		}
		d.decode(c, e, depth+1)
		d.path = d.path[:len(d.path)-1]
	}
	v.Set(out)
}
