package onnx

import (
	"fmt"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/classifier/feature"
)

// recurrent runs graphs that carry a state from stride to stride. What Weir
// carries is the graph's state and, behind it, that of the features.
type recurrent struct {
	stride, state, labels int
}

func recurrentParts(model *Model, m *Manifest) (inputs, outputs []tensor, open func([]string) error) {
	r := &recurrent{stride: m.StrideRunes, state: m.StateLen, labels: len(m.Labels)}
	model.runner = r
	model.info.StateLen = m.StateLen + feature.StateLen
	stride, state, labels := int64(r.stride), int64(r.state), int64(r.labels)
	inputs = []tensor{
		{name: "ids", kind: ort.TensorElementDataTypeInt32, shape: []int64{-1, stride, feature.PerRune}},
		{name: "state", kind: ort.TensorElementDataTypeFloat, shape: []int64{-1, state}},
	}
	outputs = []tensor{
		{name: "scores", kind: ort.TensorElementDataTypeFloat, shape: []int64{-1, stride, labels}},
		{name: "next_state", kind: ort.TensorElementDataTypeFloat, shape: []int64{-1, state}},
	}
	return inputs, outputs, func([]string) error { return nil }
}

func (r *recurrent) buffers() buffers { return &recurrentBuffers{recurrent: r} }

type recurrentBuffers struct {
	*recurrent
	ids                  []int32
	before, after, score []float32
}

func (b *recurrentBuffers) step(run func(in, out []ort.Value) error, batch []classifier.Step) error {
	n := len(batch)
	if cap(b.before) < n*b.state {
		b.ids = make([]int32, 0, n*b.stride*feature.PerRune)
		b.before = make([]float32, n*b.state)
		b.after = make([]float32, n*b.state)
		b.score = make([]float32, n*b.stride*b.labels)
	}
	b.ids = b.ids[:0]
	for i := range batch {
		s := &batch[i]
		if len(s.Runes) == 0 || len(s.Runes) > b.stride {
			return fmt.Errorf("onnx: a stride of %d runes: want 1 to %d", len(s.Runes), b.stride)
		}
		copy(b.before[i*b.state:][:b.state], s.State)
		b.ids = feature.Append(b.ids, s.State[b.state:], s.Runes)
		for len(b.ids) < (i+1)*b.stride*feature.PerRune {
			b.ids = append(b.ids, 0)
		}
	}
	rows := int64(n)
	ids, err := ort.NewTensor(ort.NewShape(rows, int64(b.stride), feature.PerRune), b.ids)
	if err != nil {
		return err
	}
	defer ids.Destroy() //nolint:errcheck // its data is ours
	floats := func(data []float32, shape ...int64) *ort.Tensor[float32] {
		if err != nil {
			return nil
		}
		var t *ort.Tensor[float32]
		size := int64(1)
		for _, d := range shape {
			size *= d
		}
		t, err = ort.NewTensor(ort.NewShape(shape...), data[:size])
		return t
	}
	before := floats(b.before, rows, int64(b.state))
	after := floats(b.after, rows, int64(b.state))
	score := floats(b.score, rows, int64(b.stride), int64(b.labels))
	for _, t := range []*ort.Tensor[float32]{before, after, score} {
		if t != nil {
			defer t.Destroy() //nolint:errcheck // its data is ours
		}
	}
	if err != nil {
		return err
	}
	if err := run([]ort.Value{ids, before}, []ort.Value{score, after}); err != nil {
		return err
	}
	for i := range batch {
		s := &batch[i]
		last := i*b.stride + len(s.Runes) - 1
		copy(s.Scores, b.score[last*b.labels:][:b.labels])
		copy(s.State[:b.state], b.after[i*b.state:])
	}
	return nil
}
