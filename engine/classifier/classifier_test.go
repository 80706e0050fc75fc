package classifier_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// tally is a recurrent model that one can compute in the head: its state counts
// runes and the letter z, and its score is the share of z so far.
type tally struct {
	info   classifier.Info
	before func(ctx context.Context, batch []classifier.Step) error // may be nil
	steps  atomic.Int64
	items  atomic.Int64
	widest atomic.Int64
}

func newTally(stride int) *tally {
	return &tally{info: classifier.Info{
		Name: "tally", Version: "1", Labels: []policy.Category{policy.Violence}, StrideRunes: stride, StateLen: 2,
	}}
}

func (m *tally) Info() classifier.Info { return m.info }

func (m *tally) Step(ctx context.Context, batch []classifier.Step) error {
	m.steps.Add(1)
	m.items.Add(int64(len(batch)))
	for {
		w := m.widest.Load()
		if int64(len(batch)) <= w || m.widest.CompareAndSwap(w, int64(len(batch))) {
			break
		}
	}
	if m.before != nil {
		if err := m.before(ctx, batch); err != nil {
			return err
		}
	}
	for i := range batch {
		s := &batch[i]
		if m.info.WindowRunes > 0 {
			s.Scores[0] = float32(strings.Count(string(s.Runes), "z")) / float32(len(s.Runes))
			continue
		}
		for _, r := range s.Runes {
			s.State[0]++
			if r == 'z' {
				s.State[1]++
			}
		}
		s.Scores[0] = s.State[1] / s.State[0]
	}
	return nil
}

func batcher(t testing.TB, m classifier.Model, o classifier.BatcherOptions) *classifier.Batcher {
	t.Helper()
	b, err := classifier.NewBatcher(m, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// feed gives text to every member, in order, and returns all results.
func feed(t testing.TB, members []classifier.Member, text string) []classifier.Result {
	t.Helper()
	s := classifier.NewSession(members, nil)
	defer s.Stop()
	filled := make([]int, len(members))
	runes := []rune(text)
	for i, r := range runes {
		for m := range members {
			s.Add(m, r)
			if filled[m]++; filled[m] == members[m].Batcher.Info().StrideRunes || i == len(runes)-1 {
				s.Submit(m, i == len(runes)-1)
				filled[m] = 0
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Wait(ctx, 0); err != nil {
		t.Fatal(err)
	}
	out := s.Take(nil)
	for i := range out {
		out[i].Scores = slices.Clone(out[i].Scores)
	}
	return out
}

func scores(results []classifier.Result) []float32 {
	var out []float32
	for _, r := range results {
		if r.Err != nil || r.Skipped {
			out = append(out, -1)
			continue
		}
		out = append(out, r.Scores[0])
	}
	return out
}

func TestSession(t *testing.T) {
	m := newTally(4)
	got := feed(t, []classifier.Member{{Batcher: batcher(t, m, classifier.BatcherOptions{})}}, "zabczzzzz")
	if diff := cmp.Diff([]float32{0.25, 5.0 / 8, 6.0 / 9}, scores(got)); diff != "" {
		t.Errorf("scores (-want +got):\n%s", diff)
	}
	if got[0].Runes != 4 || got[2].Runes != 1 {
		t.Errorf("strides of %d and %d runes, want 4 and 1", got[0].Runes, got[2].Runes)
	}
}

// TestWindow: a window model sees the last runes, across strides.
func TestWindow(t *testing.T) {
	m := newTally(2)
	m.info.StateLen, m.info.WindowRunes = 0, 4
	got := feed(t, []classifier.Member{{Batcher: batcher(t, m, classifier.BatcherOptions{})}}, "zzaaaaz")
	// zz, zzaa, aaaa, aaaz
	if diff := cmp.Diff([]float32{1, 0.5, 0, 0.25}, scores(got)); diff != "" {
		t.Errorf("scores (-want +got):\n%s", diff)
	}
	long := feed(t, []classifier.Member{{Batcher: batcher(t, m, classifier.BatcherOptions{})}}, strings.Repeat("z", 999)+"aaa")
	if s := scores(long); len(s) != 501 || s[499] != 0.75 || s[500] != 0.25 {
		t.Errorf("at the end of a long text: %v", s[len(s)-2:])
	}
}

// TestGate: the gated model judges only what the gate suspects.
func TestGate(t *testing.T) {
	cheap, dear := newTally(2), newTally(4)
	dear.info.StateLen, dear.info.WindowRunes = 0, 4
	members := []classifier.Member{
		{Batcher: batcher(t, cheap, classifier.BatcherOptions{})},
		{Batcher: batcher(t, dear, classifier.BatcherOptions{}), Gate: &classifier.Gate{Member: 0, AtLeast: 0.3}},
	}
	var judged []float32
	for _, r := range feed(t, members, "aaaa"+"zzzz"+"aaaa"+"aaaaaaaaaaaa") {
		if r.Member == 1 {
			judged = append(judged, scores([]classifier.Result{r})[0])
		}
	}
	// The cheap model's scores at every second rune: 0 0 | 1/3 1/2 | 2/5 1/3 | 2/7 …
	if diff := cmp.Diff([]float32{-1, 1, 0, -1, -1, -1}, judged); diff != "" {
		t.Errorf("gated scores, -1 where shut (-want +got):\n%s", diff)
	}
	if n := dear.items.Load(); n != 2 {
		t.Errorf("the gated model judged %d strides, want 2", n)
	}
}

// TestGateOfBrokenModelIsOpen: when the gate's model fails, what it gates judges all.
func TestGateOfBrokenModelIsOpen(t *testing.T) {
	cheap, dear := newTally(4), newTally(4)
	cheap.before = func(context.Context, []classifier.Step) error { return errors.New("out of order") }
	dear.info.StateLen, dear.info.WindowRunes = 0, 4
	got := feed(t, []classifier.Member{
		{Batcher: batcher(t, cheap, classifier.BatcherOptions{})},
		{Batcher: batcher(t, dear, classifier.BatcherOptions{}), Gate: &classifier.Gate{Member: 0, AtLeast: 0.3}},
	}, "aaaazzzz")
	var n int
	for _, r := range got {
		if r.Member == 1 && r.Scores != nil {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d strides judged behind a broken gate, want 2", n)
	}
}

func TestBrokenModels(t *testing.T) {
	for name, step := range map[string]func(*classifier.Step) error{
		"out of order":    func(*classifier.Step) error { return errors.New("out of order") },
		"panic in step":   func(*classifier.Step) error { panic("text of a user") },
		"out of range":    func(s *classifier.Step) error { s.Runes[0] = 'Z'; s.State[1] = 100; return nil },
		"NaN: out of ran": func(s *classifier.Step) error { s.State[1] = float32(math.NaN()); return nil },
	} {
		m := newTally(1)
		m.before = func(_ context.Context, batch []classifier.Step) error { return step(&batch[0]) }
		got := feed(t, []classifier.Member{{Batcher: batcher(t, m, classifier.BatcherOptions{})}}, "xyz")
		if len(got) != 1 {
			t.Errorf("%s: %d results, want one: a model that failed judges no further stride", name, len(got))
		}
		if err := got[0].Err; !errors.Is(err, classifier.ErrModel) || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "user") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestOneBreaksNoOther: of the streams in one step, only the one that breaks the
// model fails, and the others' states are as if it had not been there.
func TestOneBreaksNoOther(t *testing.T) {
	m := newTally(2)
	gate := make(chan struct{})
	m.before = func(_ context.Context, batch []classifier.Step) error {
		<-gate // the first stream holds the only worker here until the others wait
		for i := range batch {
			batch[i].State[0] += 7 // a step that fails halfway leaves the items undefined
			if slices.Contains(batch[i].Runes, '!') {
				panic("!")
			}
			batch[i].State[0] -= 7
		}
		return nil
	}
	b := batcher(t, m, classifier.BatcherOptions{Workers: 1})
	members := []classifier.Member{{Batcher: b}}
	texts := []string{"zaza", "zz!!", "aaaz", "azaz"}
	all := make([][]classifier.Result, len(texts))
	var wg sync.WaitGroup
	wg.Go(func() { feed(t, members, "aa") })
	for m.steps.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	for i, text := range texts {
		wg.Go(func() { all[i] = feed(t, members, text) })
	}
	for b.Queued() < len(texts) {
		time.Sleep(time.Millisecond)
	}
	close(gate)
	wg.Wait()
	for i, want := range [][]float32{{0.5, 0.5}, {1, -1}, {0, 0.25}, {0.5, 0.5}} {
		if diff := cmp.Diff(want, scores(all[i])); diff != "" {
			t.Errorf("stream %d (-want +got):\n%s", i, diff)
		}
	}
	if int(m.widest.Load()) != len(texts) {
		t.Errorf("at most %d streams shared a step, want %d", m.widest.Load(), len(texts))
	}
}

// TestHungStep: streams of a step that never ends are told in time, and others
// are judged all the same.
func TestHungStep(t *testing.T) {
	m := newTally(2)
	release := make(chan struct{})
	defer close(release)
	m.before = func(_ context.Context, batch []classifier.Step) error {
		if batch[0].Runes[0] == 'h' {
			<-release // deaf to its context
		}
		return nil
	}
	stuck := make(chan struct{}, 9)
	b := batcher(t, m, classifier.BatcherOptions{Workers: 1, Timeout: 400 * time.Millisecond, Trace: &classifier.BatcherTrace{
		Stuck: func() { stuck <- struct{}{} },
	}})
	members := []classifier.Member{{Batcher: b}}
	got := feed(t, members, "hang")
	if len(got) != 1 || !errors.Is(got[0].Err, classifier.ErrTimeout) {
		t.Errorf("got %+v, want a timeout", got)
	}
	<-stuck
	if diff := cmp.Diff([]float32{0.5}, scores(feed(t, members, "za"))); diff != "" {
		t.Errorf("after a hung step (-want +got):\n%s", diff)
	}
}

// TestShedding: a stream that finds the queue full is turned away at once.
func TestShedding(t *testing.T) {
	m := newTally(2)
	release := make(chan struct{})
	m.before = func(context.Context, []classifier.Step) error { <-release; return nil }
	var shed atomic.Int64
	b := batcher(t, m, classifier.BatcherOptions{Workers: 1, MaxQueue: 2, Timeout: -1, Trace: &classifier.BatcherTrace{
		Shed: func() { shed.Add(1) },
	}})
	sessions := make([]*classifier.Session, 4)
	for i := range sessions {
		s := classifier.NewSession([]classifier.Member{{Batcher: b}}, nil)
		defer s.Stop()
		for range 2 { // a second stride must not be turned away once the first is in
			s.Add(0, 'z')
			s.Add(0, 'a')
			s.Submit(0, false)
		}
		sessions[i] = s
		for i == 0 && m.steps.Load() == 0 {
			time.Sleep(time.Millisecond) // until the first one runs
		}
	}
	if r := sessions[3].Take(nil); len(r) != 1 || !errors.Is(r[0].Err, classifier.ErrOverloaded) || shed.Load() != 1 {
		t.Errorf("the fourth stream got %+v, %d shed", r, shed.Load())
	}
	close(release)
	for i, s := range sessions[:3] {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		if err := s.Wait(ctx, 0); err != nil {
			t.Fatal(err)
		}
		cancel()
		if diff := cmp.Diff([]float32{0.5, 0.5}, scores(s.Take(nil))); diff != "" {
			t.Errorf("stream %d (-want +got):\n%s", i, diff)
		}
	}
}

// TestStop: a stream that ends while it waits is not judged.
func TestStop(t *testing.T) {
	m := newTally(2)
	release := make(chan struct{})
	m.before = func(context.Context, []classifier.Step) error { <-release; return nil }
	b := batcher(t, m, classifier.BatcherOptions{Workers: 1})
	members := []classifier.Member{{Batcher: b}}
	sessions := make([]*classifier.Session, 10)
	for i := range sessions {
		s := classifier.NewSession(members, nil)
		sessions[i] = s
		s.Add(0, 'z')
		s.Add(0, 'z')
		s.Submit(0, false)
		for i == 0 && m.steps.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	for _, s := range sessions {
		s.Stop()
	}
	close(release)
	if diff := cmp.Diff([]float32{0.5}, scores(feed(t, members, "za"))); diff != "" {
		t.Error(diff)
	}
	if n := m.items.Load(); n != 2 {
		t.Errorf("%d strides judged, want 2: the one that ran and the one after", n)
	}
	for i, s := range sessions {
		if r := s.Take(nil); len(r) != 0 {
			t.Errorf("stream %d got %+v after Stop", i, r)
		}
	}
}

func TestClosedBatcher(t *testing.T) {
	b, err := classifier.NewBatcher(newTally(2), classifier.BatcherOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	if got := feed(t, []classifier.Member{{Batcher: b}}, "zz"); len(got) != 1 || !errors.Is(got[0].Err, classifier.ErrClosed) {
		t.Errorf("got %+v", got)
	}
}

func TestUnusableInfo(t *testing.T) {
	for _, change := range []func(*classifier.Info){
		func(i *classifier.Info) { i.StrideRunes = 0 },
		func(i *classifier.Info) { i.StateLen = -1 },
		func(i *classifier.Info) { i.Labels = nil },
		func(i *classifier.Info) { i.WindowRunes = 8 }, // with a state
		func(i *classifier.Info) { i.StateLen, i.WindowRunes = 0, 2 },
	} {
		m := newTally(3)
		change(&m.info)
		if b, err := classifier.NewBatcher(m, classifier.BatcherOptions{}); err == nil {
			b.Close()
			t.Errorf("%+v was taken", m.info)
		}
	}
}

// TestManyStreams: whatever shares steps with what, every stream gets its own scores.
func TestManyStreams(t *testing.T) {
	m := newTally(4)
	members := []classifier.Member{{Batcher: batcher(t, m, classifier.BatcherOptions{Workers: 4, MaxBatch: 8})}}
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			text := strings.Repeat("z", i) + strings.Repeat("a", 200-i)
			got := scores(feed(t, members, text))
			for k, p := range got {
				read := (k + 1) * 4
				if want := float32(min(i, read)) / float32(read); p != want {
					t.Errorf("stream %d: stride %d scored %v, want %v", i, k, p, want)
					return
				}
			}
			if len(got) != 50 {
				t.Errorf("stream %d: %d strides", i, len(got))
			}
		})
	}
	wg.Wait()
}

func TestCacheCostsNoInference(t *testing.T) {
	c := cache(t)
	m := newTally(4)
	members := []classifier.Member{{Batcher: batcher(t, m, classifier.BatcherOptions{Cache: c})}}
	const text = "zaazaaaazzzzab"
	first := scores(feed(t, members, text))
	c.Settle()
	again := scores(feed(t, members, text))
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("again (-first +again):\n%s", diff)
	}
	if n := m.items.Load(); n != 4 {
		t.Errorf("%d strides judged for one text given twice, want 4", n)
	}
	// The same up to a point, then another text.
	scores(feed(t, members, "zaazaaaaXzzzab"))
	if n := m.items.Load(); n != 6 {
		t.Errorf("%d strides judged after a text that differs from its third stride on, want 6", n)
	}
	if s := c.Stats(); s.Hits != 6 || s.Misses != 6 || s.Bytes <= 0 {
		t.Errorf("stats %+v, want 6 hits and 6 misses", s)
	}
}

func cache(t testing.TB) *classifier.Cache {
	t.Helper()
	c, err := classifier.NewCache(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// FuzzCache: a hit equals computing again. Texts of two letters meet often in
// one cache that two models, one of each kind, share.
func FuzzCache(f *testing.F) {
	f.Add("zazaazzz", "zazaazza", uint8(3))
	f.Add("zzzzzzzz", "zzzz", uint8(4))
	f.Add("", "z", uint8(1))
	f.Fuzz(func(t *testing.T, a, b string, stride uint8) {
		if len(a) > 100 || len(b) > 100 {
			return
		}
		recurrent, window := newTally(int(stride%5)+1), newTally(int(stride%5)+1)
		window.info.Name, window.info.StateLen, window.info.WindowRunes = "window", 0, int(stride%5)+4
		c := cache(t)
		with := []classifier.Member{
			{Batcher: batcher(t, recurrent, classifier.BatcherOptions{Workers: 1, Cache: c})},
			{Batcher: batcher(t, window, classifier.BatcherOptions{Workers: 1, Cache: c})},
		}
		without := []classifier.Member{
			{Batcher: batcher(t, recurrent, classifier.BatcherOptions{Workers: 1})},
			{Batcher: batcher(t, window, classifier.BatcherOptions{Workers: 1})},
		}
		for _, text := range []string{a, b, a + b, a, b, b + a, a + b} {
			want := scores(feed(t, without, text))
			if diff := cmp.Diff(want, scores(feed(t, with, text))); diff != "" {
				t.Fatalf("%q (-computed +cached):\n%s", text, diff)
			}
			c.Settle()
		}
	})
}

// BenchmarkBatcher measures what the batcher adds to a model that does nothing.
func BenchmarkBatcher(b *testing.B) {
	for name, streams := range map[string]int{"streams=1": 1, "streams=1000": 1000} {
		b.Run(name, func(b *testing.B) {
			m := newTally(16)
			members := []classifier.Member{{Batcher: batcher(b, m, classifier.BatcherOptions{})}}
			all := make([]*classifier.Session, streams)
			ready := make(chan struct{}, 1)
			for i := range all {
				all[i] = classifier.NewSession(members, ready)
			}
			var results []classifier.Result
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				for _, s := range all {
					for range 16 {
						s.Add(0, 'z')
					}
					s.Submit(0, false)
				}
				for _, s := range all {
					if err := s.Wait(context.Background(), 0); err != nil {
						b.Fatal(err)
					}
					results = s.Take(results[:0])
					n += len(results)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/stride")
			if n != int(m.items.Load()) {
				b.Fatalf("%d results of %d strides", n, m.items.Load())
			}
		})
	}
}
