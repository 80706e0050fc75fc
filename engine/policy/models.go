package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-4f09bd3a/weir/internal/strictyaml"
)

// ModelUse is one classifier that judges the streams of every profile with
// score thresholds.
type ModelUse struct {
	Use    string     // name of an embedded model, or path of a model's folder
	Judges []Category // the only categories that its scores count for; nil for all it has
	Gate   *ModelGate // nil: it judges everything
	Origin Origin
}

// ModelGate lets a model judge only what another one finds suspicious.
type ModelGate struct {
	Model      int        // index of the other one in Models, before this one
	Categories []Category // of the other one's; nil for all
	AtLeast    float32    // its score that opens the gate
}

// Models returns the classifiers in the order of the file. The slice must not
// be changed.
func (p *Policy) Models() []ModelUse { return p.models }

// ClassifierOptional reports whether Weir may go on without classifiers where
// they cannot run, with lexicon and patterns alone.
func (p *Policy) ClassifierOptional() bool { return p.optional }

type modelFile struct {
	Pos    strictyaml.Pos                     `yaml:"-"`
	Use    optional                           `yaml:"use"`
	Judges strictyaml.Optional[[]judged]      `yaml:"judges"`
	Gate   strictyaml.Optional[modelGateFile] `yaml:"gate"`
}

type judged = strictyaml.Optional[categoryKey]

type modelGateFile struct {
	Pos        strictyaml.Pos                   `yaml:"-"`
	Model      optional                         `yaml:"model"`
	Categories strictyaml.Optional[[]judged]    `yaml:"categories"`
	AtLeast    strictyaml.Optional[probability] `yaml:"at_least"`
}

// classifierNeed is required or optional.
type classifierNeed bool

func (n *classifierNeed) UnmarshalText(b []byte) error {
	switch string(b) {
	case "required":
		*n = false
	case "optional":
		*n = true
	default:
		return fmt.Errorf("%s: want required or optional", strictyaml.Quote(string(b)))
	}
	return nil
}

func (r *resolver) models() {
	f := &r.file
	r.notNull(f.Models.Null, f.Models.Pos, "models", "[]")
	r.policy.optional = bool(f.Classifier.Value)
	if f.Classifier.Set {
		r.policy.origins["classifier"] = r.origin("", f.Classifier.Pos)
	}
	var names []string
	for i, m := range f.Models.Value {
		path := fmt.Sprintf("models[%d]", i)
		use := ModelUse{Use: m.Use.Value, Origin: r.origin("", m.Pos)}
		if !m.Use.Bad && use.Use == "" {
			r.Add(either(m.Use.Pos, m.Pos), path+".use", "is missing: want the name of an embedded model or the path of a model's folder")
		} else if slices.Contains(names, use.Use) {
			r.Add(m.Use.Pos, path+".use", "%s: is there already", strictyaml.Quote(use.Use))
		}
		r.notNull(m.Judges.Null, m.Judges.Pos, path+".judges", "a list of categories")
		use.Judges = flatten(m.Judges.Value)
		if m.Gate.Set {
			r.notNull(m.Gate.Null, m.Gate.Pos, path+".gate", "a mapping")
			use.Gate = r.gate(&m.Gate.Value, names, path+".gate")
		}
		names = append(names, use.Use)
		r.policy.models = append(r.policy.models, use)
	}
}

func (r *resolver) gate(f *modelGateFile, before []string, path string) *ModelGate {
	g := &ModelGate{Model: slices.Index(before, f.Model.Value), Categories: flatten(f.Categories.Value), AtLeast: float32(f.AtLeast.Value)}
	if g.Model < 0 && !f.Model.Bad {
		want := "a model listed before this one"
		if len(before) > 0 {
			want += ": " + strings.Join(before, ", ")
		}
		r.Add(either(f.Model.Pos, f.Pos), path+".model", "%s: want %s", strictyaml.Quote(f.Model.Value), want)
	}
	if !f.AtLeast.Set || f.AtLeast.Null {
		r.Add(either(f.AtLeast.Pos, f.Pos), path+".at_least", "is missing: want the score in [0, 1] that opens the gate")
	}
	return g
}

// flatten returns the categories that keys stand for, each once; nil for none.
func flatten(keys []judged) []Category {
	var out []Category
	for _, k := range keys {
		for _, c := range k.Value.categories() {
			if !k.Bad && !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

// showModels prints the classifiers as the file has them.
func (s *shower) showModels(p *Policy) {
	need := "required"
	if p.optional {
		need = "optional"
	}
	s.value(0, "classifier", need, p.origins["classifier"])
	if len(p.models) == 0 {
		s.line(0, "models: []")
		return
	}
	s.line(0, "models:")
	for _, m := range p.models {
		s.value(1, "- use", strconv.Quote(m.Use), m.Origin)
		if m.Judges != nil {
			s.line(2, "judges: "+categoryList(m.Judges))
		}
		if g := m.Gate; g != nil {
			s.line(2, "gate:")
			s.line(3, "model: "+strconv.Quote(p.models[g.Model].Use))
			if g.Categories != nil {
				s.line(3, "categories: "+categoryList(g.Categories))
			}
			s.line(3, fmt.Sprintf("at_least: %v", g.AtLeast))
		}
	}
}

func categoryList(categories []Category) string {
	var names []string
	for _, c := range categories {
		names = append(names, c.String())
	}
	return "[" + strings.Join(names, ", ") + "]"
}
