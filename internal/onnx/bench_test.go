package onnx_test

import (
	"context"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/classifier/tokenizer"
	"github.com/seed-4f09bd3a/weir/engine/enginetest"
	"github.com/seed-4f09bd3a/weir/internal/onnx"
	"github.com/seed-4f09bd3a/weir/models"
)

func defaultModel(t testing.TB) *onnx.Model {
	t.Helper()
	bundle, ok := models.Model("weir-harm")
	if !ok {
		t.Fatal("no embedded model")
	}
	m, err := library(t).Load(bundle, onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// raw runs steps of 32 streams, one after the other in each of as many
// goroutines as there are workers, for d, and returns runes per second: what the
// runtime can do if nobody has to be waited for.
func raw(b *testing.B, m *onnx.Model, runes []rune, d time.Duration) float64 {
	var total atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range max(1, runtime.GOMAXPROCS(0)-1) {
		wg.Go(func() {
			info := m.Info()
			batch := make([]classifier.Step, 32)
			for i := range batch {
				at := rand.IntN(len(runes) - info.StrideRunes)
				batch[i] = classifier.Step{
					Runes: runes[at : at+info.StrideRunes], State: make([]float32, info.StateLen), Scores: make([]float32, len(info.Labels)),
				}
			}
			for time.Since(began) < d {
				if err := m.Step(context.Background(), batch); err != nil {
					b.Error(err)
					return
				}
				total.Add(int64(len(batch) * info.StrideRunes))
			}
		})
	}
	wg.Wait()
	return float64(total.Load()) / time.Since(began).Seconds()
}

// saturate has 1,000 streams wait for one stride after the other, for d.
func saturate(b *testing.B, m *onnx.Model, runes []rune, d time.Duration) float64 {
	bat, err := classifier.NewBatcher(m, classifier.BatcherOptions{Workers: max(1, runtime.NumCPU()-1)})
	if err != nil {
		b.Fatal(err)
	}
	defer bat.Close()
	members := []classifier.Member{{Batcher: bat}}
	var total atomic.Int64
	var wg sync.WaitGroup
	began := time.Now()
	for range 1000 {
		wg.Go(func() {
			s := stream{session: classifier.NewSession(members, nil), runes: runes, at: rand.IntN(len(runes)), stride: m.Info().StrideRunes}
			defer s.session.Stop()
			for time.Since(began) < d {
				if err := s.judge(); err != nil {
					b.Error(err)
					return
				}
				total.Add(int64(s.stride))
			}
		})
	}
	wg.Wait()
	return float64(total.Load()) / time.Since(began).Seconds()
}

type stream struct {
	session *classifier.Session
	runes   []rune
	at      int
	stride  int
	results []classifier.Result
}

func (s *stream) judge() error {
	for range s.stride {
		s.session.Add(0, s.runes[s.at%len(s.runes)])
		s.at++
	}
	s.session.Submit(0, false)
	if err := s.session.Wait(context.Background(), 0); err != nil {
		return err
	}
	s.results = s.session.Take(s.results[:0])
	return s.results[0].Err
}

// BenchmarkThroughput compares, in one run and in turns, what 1,000 streams get
// through the batcher with what the runtime does by itself.
func BenchmarkThroughput(b *testing.B) {
	m, runes := defaultModel(b), []rune(enginetest.Prose(1, 1<<20))
	var through, alone float64
	for b.Loop() {
		alone += raw(b, m, runes, time.Second)
		through += saturate(b, m, runes, time.Second)
	}
	b.ReportMetric(alone/float64(b.N), "raw-runes/s")
	b.ReportMetric(through/float64(b.N), "batcher-runes/s")
	b.ReportMetric(100*through/alone, "%of-raw")
}

// BenchmarkLatency has 1,000 streams bring strides at random times, at 70 % of
// what the machine just did, and measures from the time a stride was due to its
// scores: the waiting that a generator's own delay hides counts. Each round's
// percentiles are its own; the median round is what counts, since the machine
// may be doing something else in one of them.
func BenchmarkLatency(b *testing.B) {
	m, runes := defaultModel(b), []rune(enginetest.Prose(1, 1<<20))
	const streams, share = 1000, 0.7
	cores := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(cores)
	runtime.GOMAXPROCS(cores + max(1, cores-1)) // as weir serve does, see cmd/weir/models.go
	stride := m.Info().StrideRunes
	var p50, p99 []float64 // ms, of every round
	for b.Loop() {
		var all []time.Duration
		load := share * saturate(b, m, runes, time.Second)
		every := time.Duration(float64(streams*stride) / load * float64(time.Second))
		bat, err := classifier.NewBatcher(m, classifier.BatcherOptions{Workers: max(1, runtime.NumCPU()-1)})
		if err != nil {
			b.Fatal(err)
		}
		members := []classifier.Member{{Batcher: bat}}
		var mu sync.Mutex
		var wg sync.WaitGroup
		end := time.Now().Add(3 * time.Second)
		for range streams {
			wg.Go(func() {
				s := stream{session: classifier.NewSession(members, nil), runes: runes, at: rand.IntN(len(runes)), stride: stride}
				defer s.session.Stop()
				var own []time.Duration
				due := time.Now().Add(time.Duration(rand.ExpFloat64() * float64(every)))
				for due.Before(end) {
					time.Sleep(time.Until(due))
					if err := s.judge(); err != nil {
						b.Error(err)
						return
					}
					own = append(own, time.Since(due))
					due = due.Add(time.Duration(rand.ExpFloat64() * float64(every)))
				}
				mu.Lock()
				defer mu.Unlock()
				all = append(all, own...)
			})
		}
		wg.Wait()
		bat.Close()
		slices.Sort(all)
		p50 = append(p50, float64(all[len(all)/2])/1e6)
		p99 = append(p99, float64(all[len(all)*99/100])/1e6)
	}
	slices.Sort(p50)
	slices.Sort(p99)
	b.ReportMetric(p50[len(p50)/2], "p50-ms")
	b.ReportMetric(p99[len(p99)/2], "p99-ms")
	b.ReportMetric(p99[len(p99)-1], "worst-p99-ms")
}

// BenchmarkAgainstWindow compares, in one run and in turns, how many runes a
// second one core judges with the default model, and with a window model that
// reads its last 128 tokens again every 16 tokens. Name its folder in
// WEIR_WINDOW_MODEL; examples/own-model makes one of MiniLM.
func BenchmarkAgainstWindow(b *testing.B) {
	folder := os.Getenv("WEIR_WINDOW_MODEL")
	if folder == "" {
		b.Skip("WEIR_WINDOW_MODEL names no window model")
	}
	m := defaultModel(b)
	w, err := library(b).Load(os.DirFS(folder), onnx.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close() //nolint:errcheck // a benchmark
	data, err := os.ReadFile(folder + "/tokenizer.json")
	if err != nil {
		b.Fatal(err)
	}
	k, err := tokenizer.Parse(data)
	if err != nil {
		b.Fatal(err)
	}
	text := strings.Repeat("The train to the north leaves at nine, and whoever wants to see the mountains in the evening should take it. ", 40)
	runes := []rune(text)
	perToken := float64(len(runes)) / float64(len(k.AppendIDs(nil, text)))
	stride, window := m.Info().StrideRunes, w.Info().WindowRunes
	batch := make([]classifier.Step, 32)
	for i := range batch {
		batch[i] = classifier.Step{Runes: runes[i : i+stride], State: make([]float32, m.Info().StateLen), Scores: make([]float32, len(m.Info().Labels))}
	}
	one := []classifier.Step{{Runes: runes[:window], Scores: make([]float32, len(w.Info().Labels))}}
	rate := func(model *onnx.Model, steps []classifier.Step, runes float64) float64 {
		n, began := 0, time.Now()
		for ; time.Since(began) < 500*time.Millisecond; n++ {
			if err := model.Step(context.Background(), steps); err != nil {
				b.Fatal(err)
			}
		}
		return float64(n) * runes / time.Since(began).Seconds()
	}
	var own, other float64
	for b.Loop() {
		own += rate(m, batch, float64(len(batch)*stride))
		other += rate(w, one, 16*perToken)
	}
	b.ReportMetric(own/float64(b.N), "runes/s")
	b.ReportMetric(other/float64(b.N), "window-runes/s")
	b.ReportMetric(own/other, "times")
}
