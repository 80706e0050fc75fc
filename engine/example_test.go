package engine_test

import (
	"context"
	"fmt"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/lexicon"
	"github.com/seed-4f09bd3a/weir/engine/policy"
)

const examplePolicy = `
version: 1
name: example
packs: [example]
replacement: {en: This answer was stopped.}
profiles:
  default:
    categories:
      violence: {severity: {halt: high}}
      privacy: {severity: {redact: medium}}
`

const examplePack = `
version: 1
name: example
entries:
  - term: zzbomb
    category: violence
    severity: high
`

// newExampleEngine compiles a policy and a pack as a program would that embeds
// the engine.
func newExampleEngine() *engine.Engine {
	p, err := policy.Parse("policy.yaml", []byte(examplePolicy))
	if err != nil {
		panic(err)
	}
	pack, err := lexicon.ParsePack("pack.yaml", []byte(examplePack))
	if err != nil {
		panic(err)
	}
	snap, err := engine.NewSnapshot(engine.SnapshotConfig{
		Policy: p, Packs: map[string]*lexicon.Pack{"example": pack},
	})
	if err != nil {
		panic(err)
	}
	return engine.New(snap, engine.Options{})
}

// A generation is judged token by token; what may be shown is shown at once.
func Example() {
	e := newExampleEngine()
	stream, err := e.Open(engine.StreamOptions{})
	if err != nil {
		panic(err)
	}
	defer stream.Abort()
	ctx := context.Background()
	var text []byte
	var shown policy.Offset
	for _, token := range []string{"Take", " the", " zz", "bo", "mb", " to"} {
		text = append(text, token...)
		v, err := stream.Write(ctx, []byte(token))
		if err != nil {
			panic(err)
		}
		fmt.Printf("%-6q shows %q\n", token, text[shown:v.Released])
		shown = v.Released
		if v.Action == policy.Halt {
			fmt.Println(stream.Profile().Replacement("en"))
			break
		}
	}
	// Output:
	// "Take" shows "Take"
	// " the" shows " the"
	// " zz"  shows " "
	// "bo"   shows ""
	// "mb"   shows ""
	// " to"  shows ""
	// This answer was stopped.
}

// A whole text is judged in one call, with the same outcome.
func ExampleEngine_Check() {
	e := newExampleEngine()
	text := []byte("Call 13812345678 about the zzbomb.")
	v, err := e.Check(context.Background(), engine.StreamOptions{}, text)
	if err != nil {
		panic(err)
	}
	for _, f := range v.Findings {
		fmt.Printf("%s: %s %s at [%d, %d) by %s\n", f.Action, f.Category, f.Severity, f.Span.Start, f.Span.End, f.Source)
	}
	fmt.Printf("%d bytes may be shown, %v\n", v.Released, v.Edits)
	// Output:
	// redact: privacy medium at [5, 16) by pattern:cn_mobile
	// halt: violence high at [27, 33) by lexicon:example:5
	// 27 bytes may be shown, [{{5 16} [cn_mobile]}]
}

// The rules are swapped while streams are open: each keeps those it began with.
func ExampleEngine_Swap() {
	e := newExampleEngine()
	before := e.Snapshot().Version()
	p, err := policy.Parse("policy.yaml", []byte(`
version: 1
name: quiet
replacement: {en: stopped}
profiles: {default: {}}
`))
	if err != nil {
		panic(err)
	}
	next, err := engine.NewSnapshot(engine.SnapshotConfig{Policy: p})
	if err != nil {
		panic(err)
	}
	old := e.Swap(next)
	fmt.Println(old.Version() == before, e.Snapshot().Version() == before)
	// Output: true false
}
