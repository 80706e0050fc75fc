package onnx

import (
	"fmt"
	"io/fs"
	"math"
	"slices"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/classifier/tokenizer"
)

// rowsPerRun is the most windows in one run: on a CPU a transformer is bound by
// arithmetic at one already, and larger batches run slower.
const rowsPerRun = 4

// window runs sequence classifiers over the last tokens of a text.
type window struct {
	tokenizer  *tokenizer.Tokenizer
	tokens     int
	labels     int
	activation string
	typed      bool // the graph wants token_type_ids
}

func windowParts(model *Model, m *Manifest, bundle fs.FS) (inputs, outputs []tensor, open func([]string) error) {
	w := &window{tokens: m.WindowTokens, labels: len(m.Labels), activation: m.Activation}
	model.runner = w
	model.info.WindowRunes = m.WindowRunes
	model.info.Original = m.Text == "original"
	for _, name := range []string{"input_ids", "attention_mask", "token_type_ids"} {
		inputs = append(inputs, tensor{
			name: name, kind: ort.TensorElementDataTypeInt64, shape: []int64{-1, -1}, optional: name == "token_type_ids",
		})
	}
	outputs = []tensor{{name: "logits", kind: ort.TensorElementDataTypeFloat, shape: []int64{-1, int64(w.labels)}}}
	return inputs, outputs, func(names []string) error {
		w.typed = slices.Contains(names, "token_type_ids")
		data, err := fs.ReadFile(bundle, TokenizerFile)
		if err != nil {
			return err
		}
		if w.tokenizer, err = tokenizer.Parse(data); err != nil {
			return fmt.Errorf("%s: %w", TokenizerFile, err)
		}
		if special := len(w.tokenizer.Before()) + len(w.tokenizer.After()); special >= w.tokens {
			return fmt.Errorf("%s: window_tokens: %d: the tokenizer's special tokens alone are %d", ManifestFile, w.tokens, special)
		}
		return nil
	}
}

func (w *window) buffers() buffers { return &windowBuffers{window: w} }

type windowBuffers struct {
	*window
	tokenIDs []int32
	rows     [rowsPerRun][]int64
	ids      []int64
	mask     []int64
	types    []int64
	logits   []float32
}

func (b *windowBuffers) step(run func(in, out []ort.Value) error, batch []classifier.Step) error {
	for part := range slices.Chunk(batch, rowsPerRun) {
		if err := b.part(run, part); err != nil {
			return err
		}
	}
	return nil
}

func (b *windowBuffers) part(run func(in, out []ort.Value) error, batch []classifier.Step) error {
	longest := 0
	for i := range batch {
		before, after := b.tokenizer.Before(), b.tokenizer.After()
		b.tokenIDs = b.tokenizer.AppendIDs(b.tokenIDs[:0], string(batch[i].Runes))
		room := b.tokens - len(before) - len(after)
		last := b.tokenIDs[max(len(b.tokenIDs)-room, 0):]
		row := b.rows[i][:0]
		for _, part := range [][]int32{before, last, after} {
			for _, id := range part {
				row = append(row, int64(id))
			}
		}
		b.rows[i] = row
		longest = max(longest, len(row))
	}
	longest = max(longest, 1)
	b.ids, b.mask, b.types = b.ids[:0], b.mask[:0], b.types[:0]
	for i := range batch {
		for k := range longest {
			id, mask := int64(b.tokenizer.Pad()), int64(0)
			if k < len(b.rows[i]) {
				id, mask = b.rows[i][k], 1
			}
			b.ids, b.mask, b.types = append(b.ids, id), append(b.mask, mask), append(b.types, 0)
		}
	}
	if cap(b.logits) < len(batch)*b.labels {
		b.logits = make([]float32, rowsPerRun*b.labels)
	}
	shape := ort.NewShape(int64(len(batch)), int64(longest))
	var in []ort.Value
	data := [][]int64{b.ids, b.mask}
	if b.typed {
		data = append(data, b.types)
	}
	for _, d := range data {
		t, err := ort.NewTensor(shape, d)
		if err != nil {
			return err
		}
		defer t.Destroy() //nolint:errcheck // its data is ours
		in = append(in, t)
	}
	logits, err := ort.NewTensor(ort.NewShape(int64(len(batch)), int64(b.labels)), b.logits[:len(batch)*b.labels])
	if err != nil {
		return err
	}
	defer logits.Destroy() //nolint:errcheck // its data is ours
	if err := run(in, []ort.Value{logits}); err != nil {
		return err
	}
	for i := range batch {
		activate(b.activation, batch[i].Scores, b.logits[i*b.labels:][:b.labels])
	}
	return nil
}

// activate makes probabilities of logits.
func activate(how string, scores, logits []float32) {
	switch how {
	case "none":
		copy(scores, logits)
	case "sigmoid":
		for i, v := range logits {
			scores[i] = float32(1 / (1 + math.Exp(-float64(v))))
		}
	case "softmax":
		top, sum := slices.Max(logits), 0.0
		for _, v := range logits {
			sum += math.Exp(float64(v - top))
		}
		for i, v := range logits {
			scores[i] = float32(math.Exp(float64(v-top)) / sum)
		}
	}
}
