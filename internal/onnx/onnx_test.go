package onnx_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/classifier/feature"
	"github.com/seed-4f09bd3a/weir/engine/classifier/tokenizer"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/internal/onnx"
)

func load(t testing.TB, folder string) *onnx.Model {
	t.Helper()
	m, err := library(t).Load(os.DirFS("testdata/"+folder), onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// counts says what the model in testdata/recurrent scores after runes: it counts
// even and odd first ids.
func counts(runes []rune) (scores []float32) {
	ids := feature.Append(nil, make([]float32, feature.StateLen), runes)
	var n [2]float32
	for i := 0; i < len(ids); i += feature.PerRune {
		n[ids[i]%2]++
	}
	for _, v := range n {
		scores = append(scores, v/(1+v))
	}
	return scores
}

func step(m *onnx.Model, state []float32, runes string, last bool) classifier.Step {
	return classifier.Step{Runes: []rune(runes), State: state, Scores: make([]float32, len(m.Info().Labels)), Last: last}
}

// TestRecurrent: the state is carried, of the graph and of the features, and a
// short last stride is scored at its last rune.
func TestRecurrent(t *testing.T) {
	m := load(t, "recurrent")
	if got := m.Info(); got.StateLen != 2+feature.StateLen || got.StrideRunes != 4 || got.Provider != "cpu" || m.Provider() != "cpu" {
		t.Errorf("info %+v", got)
	}
	const text = "the text of a test"
	state := make([]float32, m.Info().StateLen)
	for at := 0; at < len(text); at += 4 {
		end := min(at+4, len(text))
		s := []classifier.Step{step(m, state, text[at:end], end == len(text))}
		if err := m.Step(context.Background(), s); err != nil {
			t.Fatal(err)
		}
		if want := counts([]rune(text[:end])); !slices.Equal(s[0].Scores, want) {
			t.Errorf("after %q: got %v, want %v", text[:end], s[0].Scores, want)
		}
	}
}

// TestBatchRows: what a stream gets does not depend on what shares its step,
// with the default model as with the small one.
func TestBatchRows(t *testing.T) {
	for name, m := range map[string]*onnx.Model{"small": load(t, "recurrent"), "default": defaultModel(t)} {
		text := strings.Repeat("all kinds of text, 各种各样的文字。いろいろな文章。", 40)
		stride := m.Info().StrideRunes
		runes := []rune(text)
		const streams = 33
		alone, together := make([]classifier.Step, streams), make([]classifier.Step, streams)
		for i := range alone {
			n := stride - i%2*(i%stride) // some are short
			piece := string(runes[i : i+n])
			alone[i], together[i] = step(m, make([]float32, m.Info().StateLen), piece, n < stride), step(m, make([]float32, m.Info().StateLen), piece, n < stride)
		}
		var worst float64
		for range 3 {
			for i := range alone {
				if err := m.Step(context.Background(), alone[i:i+1]); err != nil {
					t.Fatal(err)
				}
			}
			if err := m.Step(context.Background(), together); err != nil {
				t.Fatal(err)
			}
			for i := range alone {
				for l, p := range alone[i].Scores {
					worst = max(worst, math.Abs(float64(p-together[i].Scores[l])))
				}
				if len(alone[i].Runes) == stride {
					for k, v := range alone[i].State {
						worst = max(worst, math.Abs(float64(v-together[i].State[k])))
					}
				}
			}
		}
		if worst > 1e-6 {
			t.Errorf("%s: scores and states of streams differ by up to %g from those of each alone", name, worst)
		}
		t.Logf("%s: largest difference %g", name, worst)
	}
}

// TestWindow: a window model sees the last tokens between the special ones,
// short rows are filled up and masked, and steps of more rows than one run takes
// are cut.
func TestWindow(t *testing.T) {
	m := load(t, "window")
	if got := m.Info(); got.StateLen != 0 || got.WindowRunes != 64 || got.Labels[1] != policy.NoCategory {
		t.Errorf("info %+v", got)
	}
	data, err := os.ReadFile("testdata/window/tokenizer.json")
	if err != nil {
		t.Fatal(err)
	}
	k, err := tokenizer.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{"", "a", "the fox", "今天天气很好", "a much longer text that has more tokens than the window takes, by far", "x y z", "dog dog dog dog dog"}
	var batch []classifier.Step
	for _, text := range texts {
		batch = append(batch, step(m, nil, text, true))
	}
	if err := m.Step(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
	for i, text := range texts {
		ids := k.AppendIDs(nil, text)
		ids = ids[max(len(ids)-14, 0):]
		ids = slices.Concat(k.Before(), ids, k.After())
		even := 0.0
		for _, id := range ids {
			even += float64(1 - id%2)
		}
		want := 1 / (1 + math.Exp(even-float64(len(ids))))
		if got := float64(batch[i].Scores[0]); math.Abs(got-want) > 1e-6 {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
}

func TestConcurrentSteps(t *testing.T) {
	m := load(t, "recurrent")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				text := []rune(fmt.Sprintf("%04d", i*37))
				s := []classifier.Step{step(m, make([]float32, m.Info().StateLen), string(text), false)}
				if err := m.Step(context.Background(), s); err != nil || !slices.Equal(s[0].Scores, counts(text)) {
					t.Errorf("%q: %v, %v", string(text), s[0].Scores, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestCancelled: a step whose context has ended returns its error, and the model
// goes on.
func TestCancelled(t *testing.T) {
	m := load(t, "recurrent")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := []classifier.Step{step(m, make([]float32, m.Info().StateLen), "text", false)}
	if err := m.Step(ctx, s); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	ctx, cancel = context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := m.Step(ctx, s); err != nil {
		t.Error(err)
	}
}

func TestClosed(t *testing.T) {
	m := load(t, "recurrent")
	for range 2 {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := m.Step(context.Background(), []classifier.Step{step(m, make([]float32, m.Info().StateLen), "text", false)}); err == nil {
		t.Error("a closed model took a step")
	}
}

// bundle reads a folder, with changes.
func bundle(t *testing.T, folder string, change func(files fstest.MapFS, manifest map[string]any)) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	entries, err := os.ReadDir(filepath.Join("testdata", folder))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join("testdata", folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = &fstest.MapFile{Data: data}
	}
	manifest := map[string]any{}
	if err := json.Unmarshal(files["manifest.json"].Data, &manifest); err != nil {
		t.Fatal(err)
	}
	change(files, manifest)
	if files["manifest.json"] != nil {
		if files["manifest.json"].Data, err = json.Marshal(manifest); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func resum(files fstest.MapFS, manifest map[string]any) {
	sums := map[string]any{}
	for name, f := range files {
		if name != "manifest.json" {
			sums[name] = fmt.Sprintf("%x", sha256.Sum256(f.Data))
		}
	}
	manifest["files"] = sums
}

// TestRefused: whatever is wrong with a model is found when it is loaded, and
// the error says what.
func TestRefused(t *testing.T) {
	type M = map[string]any
	for _, c := range []struct {
		name, folder string
		change       func(files fstest.MapFS, m M)
		want         []string
	}{
		{"no manifest", "recurrent", func(f fstest.MapFS, _ M) { delete(f, "manifest.json") }, []string{"manifest.json", "a model is a folder with"}},
		{"no graph", "recurrent", func(f fstest.MapFS, _ M) { delete(f, "model.onnx") }, []string{"model.onnx"}},
		{"truncated", "recurrent", func(f fstest.MapFS, _ M) { f["model.onnx"].Data = f["model.onnx"].Data[:200] }, []string{"another SHA-256", "200 bytes", "truncated"}},
		{"truncated, with its sum", "recurrent", func(f fstest.MapFS, m M) { f["model.onnx"].Data = f["model.onnx"].Data[:200]; resum(f, m) }, []string{"cannot read it"}},
		{"unknown key", "recurrent", func(_ fstest.MapFS, m M) { m["strid"] = 4 }, []string{`unknown field "strid"`}},
		{"all at once", "recurrent", func(_ fstest.MapFS, m M) {
			m["format"], m["labels"], m["features"], m["stride_runes"] = 2, []string{"shoes", "hatred", "hatred"}, "other", 0
		}, []string{"format: 2: want 1", "shoes", "hatred is there twice", `want "ngram4-1"`, "stride_runes: 0: out of range"}},
		{"kind", "recurrent", func(_ fstest.MapFS, m M) { m["kind"] = "magic" }, []string{`kind: "magic": want recurrent or window`}},
		{"stride of another model", "recurrent", func(_ fstest.MapFS, m M) { m["stride_runes"] = 16 }, []string{"input ids has the shape [-1 4 4]: want [-1 16 4]", "output scores"}},
		{"labels of another model", "recurrent", func(_ fstest.MapFS, m M) { m["labels"] = []string{"hatred"} }, []string{"output scores has the shape [-1 4 2]: want [-1 4 1]"}},
		{"wrong name", "wrong-name", func(fstest.MapFS, M) {}, []string{`no input "ids", only tokens, state: rename it`, `wants an input "tokens"`}},
		{"wrong shape", "wrong-shape", func(fstest.MapFS, M) {}, []string{"input ids has the shape [-1 8 4]"}},
		{"window without tokenizer", "window", func(f fstest.MapFS, _ M) { delete(f, "tokenizer.json") }, []string{"tokenizer.json"}},
		{"window of unknown text", "window", func(_ fstest.MapFS, m M) { delete(m, "text") }, []string{`text: "": want original`, "or folded"}},
		{"text of a recurrent model", "recurrent", func(_ fstest.MapFS, m M) { m["text"] = "folded" }, []string{"text are for kind window"}},
		{"window, unknown activation", "window", func(_ fstest.MapFS, m M) { m["activation"] = "tanh" }, []string{`activation: "tanh": want sigmoid, softmax or none`}},
		{"window of another tokenizer", "window", func(f fstest.MapFS, m M) {
			f["tokenizer.json"].Data = bytes.Replace(f["tokenizer.json"].Data, []byte(`"WordPiece","unk`), []byte(`"WordLevel","unk`), 1)
			resum(f, m)
		}, []string{`model.type: "WordLevel" is not supported: want WordPiece`}},
		{"window with a state", "window", func(_ fstest.MapFS, m M) { m["state_len"] = 4 }, []string{"state_len and features are for kind recurrent"}},
		{"window, wrong output", "window-wrong-name", func(fstest.MapFS, M) {}, []string{`no output "logits", only output`}},
		{"logits for scores", "window", func(_ fstest.MapFS, m M) { m["activation"] = "none" }, []string{"want probabilities in [0, 1]"}},
		{"scores over 1", "not-probabilities", func(fstest.MapFS, M) {}, []string{"its first step", "want probabilities in [0, 1]"}},
		{"scores that are none", "not-a-number", func(fstest.MapFS, M) {}, []string{"its first step", "want probabilities in [0, 1]"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := library(t).Load(bundle(t, c.folder, c.change), onnx.Options{})
			if err == nil {
				_ = m.Close()
				t.Fatal("it was loaded")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not say %q:\n%v", want, err)
				}
			}
		})
	}
}

// TestProviders: a provider that fails is logged with its reason, and the next
// one is tried; if all fail, the error has all reasons.
func TestProviders(t *testing.T) {
	l := library(t)
	var log bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	m, err := l.Load(os.DirFS("testdata/recurrent"), onnx.Options{Providers: []string{"cuda", "tensorrt", "openvino", "cpu"}, Log: logger})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close() //nolint:errcheck // a test
	if m.Provider() == "cpu" {
		for _, p := range []string{"cuda", "tensorrt", "openvino"} {
			if !strings.Contains(log.String(), "provider="+p) {
				t.Errorf("the log says nothing of %s:\n%s", p, log.String())
			}
		}
	}
	if _, err := l.Load(os.DirFS("testdata/recurrent"), onnx.Options{Providers: []string{"directml", "coreml"}, Log: logger}); err == nil ||
		!strings.Contains(err.Error(), "provider directml: ") || !strings.Contains(err.Error(), "provider coreml: ") {
		t.Errorf("got %v, want both reasons", err)
	}
	for _, names := range [][]string{{"gpu"}, {"cpu", "cpu"}} {
		if _, err := l.Load(os.DirFS("testdata/recurrent"), onnx.Options{Providers: names}); err == nil || !strings.Contains(err.Error(), names[0]) {
			t.Errorf("%v: got %v", names, err)
		}
	}
}

func TestFind(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lib.so")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(onnx.Variable, file)
	for configured, want := range map[string]string{"": file, file + "x": "", filepath.Dir(file): ""} {
		got, err := onnx.Find(configured)
		if got != want || (err == nil) != (want != "") || err != nil && !errors.Is(err, onnx.ErrNoLibrary) {
			t.Errorf("Find(%q) = %q, %v, want %q", configured, got, err, want)
		}
	}
	t.Setenv(onnx.Variable, "")
	t.Chdir(t.TempDir())
	if got, err := onnx.Find(""); err == nil {
		t.Errorf("found %s where there is none", got)
	} else if !strings.Contains(err.Error(), "scripts/onnxruntime.sh") || !strings.Contains(err.Error(), onnx.Variable) {
		t.Errorf("the error does not say what to do: %v", err)
	}
}

// TestOpenErrors: what is no library, or a second one, is refused.
func TestOpenErrors(t *testing.T) {
	library(t)
	if _, err := onnx.Open(filepath.Join(t.TempDir(), "other.so")); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second library: %v", err)
	}
}

// TestStepAllocations reports and bounds what a step leaves to the collector.
func TestStepAllocations(t *testing.T) {
	m := load(t, "recurrent")
	batch := make([]classifier.Step, 16)
	for i := range batch {
		batch[i] = step(m, make([]float32, m.Info().StateLen), "text", false)
	}
	n := testing.AllocsPerRun(100, func() {
		if err := m.Step(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("a step of 16 streams allocates %v times", n)
	if n > 60 {
		t.Errorf("a step allocates %v times: want at most 60, however many streams it has", n)
	}
}
