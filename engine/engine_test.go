package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/enginetest"
	"github.com/seed-4f09bd3a/weir/engine/lexicon"
	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// load compiles a policy of testdata with the packs beside it.
func load(t testing.TB, file string, models ...classifier.Model) *engine.Snapshot {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return compile(t, file, data, models...)
}

// compile compiles a policy whose packs lie in the directory of file.
func compile(t testing.TB, file string, data []byte, models ...classifier.Model) *engine.Snapshot {
	t.Helper()
	p, err := policy.Parse(file, data)
	if err != nil {
		t.Fatal(err)
	}
	packs := map[string]*lexicon.Pack{}
	for _, name := range p.ProfileNames() {
		profile, _ := p.Profile(name)
		for _, ref := range profile.Packs {
			path := filepath.Join(filepath.Dir(file), ref)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if packs[ref], err = lexicon.ParsePack(path, data); err != nil {
				t.Fatal(err)
			}
		}
	}
	var members []classifier.Member
	for _, m := range models {
		b, err := classifier.NewBatcher(m, classifier.BatcherOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		members = append(members, classifier.Member{Batcher: b})
	}
	snap, err := engine.NewSnapshot(engine.SnapshotConfig{Policy: p, Packs: packs, Models: members})
	if err != nil {
		t.Fatal(err)
	}
	return snap
}

// session adapts a stream to the scripts.
type session struct{ *engine.Stream }

func (s session) Write(chunk []byte) (policy.Verdict, error) {
	return s.Stream.Write(context.Background(), chunk)
}

func (s session) Close() (policy.Verdict, error) { return s.Stream.Close(context.Background()) }

func TestScripts(t *testing.T) {
	snaps := map[string]*engine.Snapshot{}
	enginetest.Run(t, "testdata", func(t *testing.T, file, profile string) enginetest.Session {
		if snaps[file] == nil {
			snaps[file] = load(t, file)
		}
		s, err := engine.New(snaps[file], engine.Options{}).Open(engine.StreamOptions{Profile: profile})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Abort)
		return session{s}
	}, enginetest.Options{})
}

func TestOpenUnknownProfile(t *testing.T) {
	e := engine.New(load(t, "testdata/base.yaml"), engine.Options{})
	_, err := e.Open(engine.StreamOptions{Profile: "nobody"})
	if err == nil || !strings.Contains(err.Error(), `unknown profile "nobody"`) || !strings.Contains(err.Error(), "lenient") {
		t.Errorf("got %v, want an error that names the profile and those that exist", err)
	}
}

func TestAfterTheEnd(t *testing.T) {
	ctx := context.Background()
	e := engine.New(load(t, "testdata/base.yaml"), engine.Options{})
	open := func() *engine.Stream {
		s, err := e.Open(engine.StreamOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	halted := open()
	if v, err := halted.Write(ctx, []byte("zzbomb ")); err != nil || v.Action != policy.Halt {
		t.Fatalf("got %v, %v, want a halt", v.Action, err)
	}
	for name, call := range map[string]func() error{
		"Write": func() error { _, err := halted.Write(ctx, []byte("x")); return err },
		"Close": func() error { _, err := halted.Close(ctx); return err },
		"Poll":  func() error { _, err := halted.Poll(); return err },
	} {
		if err := call(); err != engine.ErrHalted {
			t.Errorf("%s after a halt: %v, want ErrHalted", name, err)
		}
	}
	halted.Abort()

	closed := open()
	if _, err := closed.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := closed.Write(ctx, []byte("x")); err != engine.ErrClosed {
		t.Errorf("Write after Close: %v, want ErrClosed", err)
	}
	closed.Abort()
	closed.Abort()
}

func TestSnapshotErrors(t *testing.T) {
	p, err := policy.Parse("p.yaml", []byte(`
version: 1
name: broken
packs: [gone.yaml]
replacement: {en: stopped}
profiles:
  default:
    patterns: {shoe_size: redact}
`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = engine.NewSnapshot(engine.SnapshotConfig{Policy: p})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`pack "gone.yaml" was not loaded`, "p.yaml:8", "shoe_size"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
}

// TestVersion: the version is a function of the content.
func TestVersion(t *testing.T) {
	a, b := load(t, "testdata/base.yaml"), load(t, "testdata/base.yaml")
	if a.Version() != b.Version() || len(a.Version()) != 12 {
		t.Errorf("versions %q and %q of the same content", a.Version(), b.Version())
	}
	data, err := os.ReadFile("testdata/base.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if c := compile(t, "testdata/base.yaml", append(data, "# changed\n"...)); c.Version() == a.Version() {
		t.Errorf("version %q did not change with the policy", c.Version())
	}
}

// TestSwap: open streams keep their snapshot, new ones get the new one.
func TestSwap(t *testing.T) {
	old := load(t, "testdata/base.yaml")
	e := engine.New(old, engine.Options{})
	before, err := e.Open(engine.StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer before.Abort()
	next := load(t, "testdata/base.yaml")
	if got := e.Swap(next); got != old {
		t.Error("Swap did not return the old snapshot")
	}
	after, err := e.Open(engine.StreamOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer after.Abort()
	if before.Snapshot() != old || after.Snapshot() != next {
		t.Error("a stream does not have the snapshot it was opened with")
	}
}

func TestCheck(t *testing.T) {
	e := engine.New(load(t, "testdata/base.yaml"), engine.Options{})
	v, err := e.Check(context.Background(), engine.StreamOptions{}, []byte("a zz mild one, and 13812345678, and zzbomb"))
	if err != nil {
		t.Fatal(err)
	}
	if v.Action != policy.Halt || v.HaltOffset != 36 || v.Released != 36 || len(v.Findings) != 3 || len(v.Edits) != 1 {
		t.Errorf("got %+v", v)
	}
	if got := string(enginetest.Apply([]byte("a zz mild one, and 13812345678, and zzbomb"), v.Released, v.Edits)); got != "a zz mild one, and [cn_mobile], and " {
		t.Errorf("a reader sees %q", got)
	}
}

// TestWrote: every byte is reported once, however a stream ends.
func TestWrote(t *testing.T) {
	var bytes, timed int
	e := engine.New(load(t, "testdata/base.yaml"), engine.Options{Trace: &engine.Trace{
		Wrote: func(_ string, n int, d time.Duration, _ policy.Verdict) {
			if bytes += n; d > 0 {
				timed++
			}
		},
	}})
	for name, end := range map[string]func(s *engine.Stream){
		"closed":  func(s *engine.Stream) { _, _ = s.Close(context.Background()) },
		"aborted": (*engine.Stream).Abort,
	} {
		bytes, timed = 0, 0
		s, err := e.Open(engine.StreamOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			if _, err := s.Write(context.Background(), []byte("abc ")); err != nil {
				t.Fatal(err)
			}
		}
		end(s)
		if bytes != 160 || timed != 3 {
			t.Errorf("%s: %d bytes reported, %d writes timed", name, bytes, timed)
		}
	}
}
