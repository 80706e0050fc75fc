package bench_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/pprof/profile"

	"github.com/seed-4f09bd3a/weir/bench"
)

// TestShares: a sample counts for the innermost package that has a name.
func TestShares(t *testing.T) {
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}}}
	add := func(cpu int64, stack ...string) {
		s := &profile.Sample{Value: []int64{1, cpu}}
		for _, name := range stack {
			f := &profile.Function{ID: uint64(len(p.Function) + 1), Name: name}
			l := &profile.Location{ID: f.ID, Line: []profile.Line{{Function: f}}}
			p.Function, p.Location = append(p.Function, f), append(p.Location, l)
			s.Location = append(s.Location, l)
		}
		p.Sample = append(p.Sample, s)
	}
	const weir = "github.com/seed-4f09bd3a/weir/"
	add(40, "runtime.cgocall", "github.com/yalue/onnxruntime_go.Run", weir+"internal/onnx.(*Model).run")
	add(20, "runtime.memmove", weir+"engine.(*Stream).Write", weir+"internal/server.(*session).write", "google.golang.org/grpc.(*Server).handleStream")
	add(10, "runtime.mallocgc", "google.golang.org/grpc/mem.NewBuffer", weir+"internal/server.(*session).write")
	add(10, "internal/runtime/syscall/linux.Syscall6", "syscall.write", "google.golang.org/grpc/internal/transport.(*bufWriter).Flush")
	add(5, "runtime.findRunnable", "runtime.schedule", "runtime.mcall")
	add(5, "runtime.scanobject", "runtime.gcDrain", "runtime.gcBgMarkWorker")
	add(10, "main.main")
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := bench.Shares(&b)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"onnxruntime": .4, "engine": .2, "grpc": .1, "system calls": .1, "scheduler": .05, "collector": .05, "other": .1}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := bench.Shares(bytes.NewReader([]byte("no profile"))); err == nil {
		t.Error("what is no profile was read")
	}
}

// TestLeaked counts runes from the violation's first to the last released.
func TestLeaked(t *testing.T) {
	text := &bench.Text{Tokens: [][]byte{[]byte("ab天"), []byte("气é"), []byte("z")}, Violation: 2}
	for released, want := range map[int64]int64{0: 0, 2: 0, 3: 1, 5: 1, 6: 2, 8: 2, 9: 3, 11: 4, 50: 4} {
		if got := text.Leaked(released); got != want {
			t.Errorf("%d bytes released: %d runes leaked, want %d", released, got, want)
		}
	}
}
