package onnx

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/seed-4f09bd3a/weir/engine/classifier"
)

// Model is a classifier.Model in ONNX Runtime. It is safe for concurrent use;
// Close waits for steps that run.
type Model struct {
	// Immutable.
	manifest *Manifest
	info     classifier.Info
	session  *session
	runner   runner
	scratch  sync.Pool // of what runner makes

	mu     sync.RWMutex // a step reads, Close writes
	closed bool
}

// runner is a kind of model.
type runner interface {
	// buffers returns tensors for one step at a time.
	buffers() buffers
}

// buffers belong to one step.
type buffers interface {
	// step runs the graph over a batch and fills it.
	step(run func(in, out []ort.Value) error, batch []classifier.Step) error
}

// tensor describes an input or output that the graph must have. A dimension of
// -1 is any, or dynamic.
type tensor struct {
	name     string
	kind     ort.TensorElementDataType
	shape    []int64
	optional bool
}

// Load loads a model: manifest, sums, graph, names, types and shapes are
// checked, and a first step is run. See the package comment for what a bundle is.
func (l *Library) Load(bundle fs.FS, o Options) (*Model, error) {
	if err := o.defaults(); err != nil {
		return nil, err
	}
	m, err := ReadManifest(bundle)
	if err != nil {
		return nil, err
	}
	graph, err := fs.ReadFile(bundle, GraphFile)
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	model, err := newModel(m, graph, bundle, &o)
	if err != nil {
		return nil, fmt.Errorf("onnx: model %s: %w", m.Name, err)
	}
	if err := model.warm(); err != nil {
		_ = model.Close()
		return nil, fmt.Errorf("onnx: model %s: its first step: %w", m.Name, err)
	}
	return model, nil
}

func newModel(m *Manifest, graph []byte, bundle fs.FS, o *Options) (*Model, error) {
	model := &Model{manifest: m, info: classifier.Info{
		Name: m.Name, Version: m.Version, Labels: m.categories, StrideRunes: m.StrideRunes,
	}}
	has, makes, err := ort.GetInputOutputInfoWithONNXData(graph)
	if err != nil {
		return nil, fmt.Errorf("%s: this ONNX Runtime (%s) cannot read it: %w", GraphFile, ort.GetVersion(), err)
	}
	var inputs, outputs []tensor
	var open func(names []string) error
	switch m.Kind {
	case "recurrent":
		inputs, outputs, open = recurrentParts(model, m)
	case "window":
		inputs, outputs, open = windowParts(model, m, bundle)
	}
	inNames, inErr := match("input", has, inputs)
	outNames, outErr := match("output", makes, outputs)
	if err := errors.Join(inErr, outErr); err != nil {
		return nil, err
	}
	if err := open(inNames); err != nil {
		return nil, err
	}
	if model.session, err = newSession(graph, inNames, outNames, o); err != nil {
		return nil, err
	}
	model.info.Provider = model.session.provider
	model.scratch.New = func() any { return model.runner.buffers() }
	return model, nil
}

// match finds the tensors in what the graph has, and returns their names in
// order. A graph's other outputs are left alone; other inputs are errors.
func match(what string, has []ort.InputOutputInfo, want []tensor) ([]string, error) {
	var problems []error
	var names []string
	byName := map[string]*ort.InputOutputInfo{}
	var all []string
	for i := range has {
		byName[has[i].Name] = &has[i]
		all = append(all, has[i].Name)
	}
	for _, t := range want {
		info := byName[t.name]
		delete(byName, t.name)
		switch {
		case info == nil && t.optional:
			continue
		case info == nil:
			problems = append(problems, fmt.Errorf("%s: the graph has no %s %q, only %s: rename it when exporting", GraphFile, what, t.name, strings.Join(all, ", ")))
			continue
		case info.OrtValueType != ort.ONNXTypeTensor || info.DataType != t.kind:
			problems = append(problems, fmt.Errorf("%s: %s %s is %s: want a tensor of %s", GraphFile, what, t.name, info.DataType, t.kind))
		case !fits(info.Dimensions, t.shape):
			problems = append(problems, fmt.Errorf("%s: %s %s has the shape %v: want %v, -1 being dynamic: export it so, or correct the manifest", GraphFile, what, t.name, info.Dimensions, t.shape))
		}
		names = append(names, t.name)
	}
	if what == "input" {
		for name := range byName {
			problems = append(problems, fmt.Errorf("%s: the graph wants an input %q, which Weir does not have: export it without", GraphFile, name))
		}
	}
	return names, errors.Join(problems...)
}

func fits(has ort.Shape, want []int64) bool {
	if len(has) != len(want) {
		return false
	}
	for i, n := range want {
		if has[i] > 0 && (n < 0 || has[i] != n) {
			return false // fixed where it must be dynamic, or fixed to something else
		}
	}
	return true
}

// warm runs a step of two texts, which shows whether the graph can be run at
// all, and whether its scores are probabilities.
func (m *Model) warm() error {
	batch := make([]classifier.Step, 2)
	for i := range batch {
		batch[i] = classifier.Step{
			Runes: []rune("a warm-up")[:min(m.info.StrideRunes, 9)], Last: true,
			State: make([]float32, m.info.StateLen), Scores: make([]float32, len(m.info.Labels)),
		}
	}
	if err := m.Step(context.Background(), batch); err != nil {
		return err
	}
	for i := range batch {
		for l, p := range batch[i].Scores {
			if !(p >= 0 && p <= 1) {
				return fmt.Errorf("score %d is %v: want probabilities in [0, 1]; a window model's logits need activation sigmoid or softmax", l, p)
			}
		}
		for _, v := range batch[i].State {
			if v-v != 0 {
				return errors.New("the state is not finite")
			}
		}
	}
	return nil
}

// Info implements classifier.Model.
func (m *Model) Info() classifier.Info { return m.info }

// Provider returns the execution provider in use.
func (m *Model) Provider() string { return m.session.provider }

// Step implements classifier.Model. When ctx ends, the run is terminated and
// ctx's error returned.
func (m *Model) Step(ctx context.Context, batch []classifier.Step) error {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.closed {
		return errClosed
	}
	b := m.scratch.Get().(buffers)
	err := b.step(func(in, out []ort.Value) error { return m.run(ctx, in, out) }, batch)
	if err != nil {
		return err // and let go of the buffers: who knows what holds them
	}
	m.scratch.Put(b)
	return nil
}

func (m *Model) run(ctx context.Context, in, out []ort.Value) error {
	if ctx.Done() == nil {
		return m.session.Run(in, out)
	}
	o, err := ort.NewRunOptions()
	if err != nil {
		return err
	}
	defer o.Destroy() //nolint:errcheck // nothing is left to do
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = o.Terminate()
		close(ended)
	})
	err = m.session.RunWithOptions(in, out, o)
	if !stop() {
		<-ended // Terminate must not meet options that are gone
		return ctx.Err()
	}
	return err
}

// Close frees the model, after the steps that run.
func (m *Model) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil
	}
	m.closed = true
	if m.session == nil {
		return nil
	}
	return m.session.Destroy()
}
