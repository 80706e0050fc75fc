package classifier_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// scripted is a model whose step is a function.
type scripted struct {
	info classifier.Info
	step func(*classifier.Step) error
}

func (s scripted) Info() classifier.Info { return s.info }

func (s scripted) Step(_ context.Context, batch []classifier.Step) error { return s.step(&batch[0]) }

func info() classifier.Info {
	return classifier.Info{Name: "m", Version: "1", Labels: []policy.Category{policy.Violence}, StrideRunes: 3, StateLen: 1}
}

// TestSession: strides are full or the last, and the state is carried.
func TestSession(t *testing.T) {
	s, err := classifier.NewSession(scripted{info(), func(s *classifier.Step) error {
		s.State[0] += float32(len(s.Runes))
		s.Scores[0] = s.State[0] / 100
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{false, false, true} {
		if got := s.Add('x'); got != want {
			t.Errorf("Add %d: full %t, want %t", i, got, want)
		}
	}
	if scores, err := s.Score(context.Background(), false); err != nil || scores[0] != 0.03 || s.Pending() != 0 {
		t.Errorf("got %v, %v, %d pending", scores, err, s.Pending())
	}
	s.Add('y')
	if scores, err := s.Score(context.Background(), true); err != nil || scores[0] != 0.04 {
		t.Errorf("got %v, %v, want the state carried on", scores, err)
	}
}

func TestBrokenModels(t *testing.T) {
	for name, step := range map[string]func(*classifier.Step) error{
		"out of order":    func(*classifier.Step) error { return errors.New("out of order") },
		"panic in step":   func(*classifier.Step) error { panic("text of a user") },
		"out of range":    func(s *classifier.Step) error { s.Scores[0] = 1.5; return nil },
		"NaN: out of ran": func(s *classifier.Step) error { s.Scores[0] = float32(math.NaN()); return nil },
	} {
		s, err := classifier.NewSession(scripted{info(), step})
		if err != nil {
			t.Fatal(err)
		}
		s.Add('x')
		_, err = s.Score(context.Background(), true)
		if !errors.Is(err, classifier.ErrModel) || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "user") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestUnusableInfo(t *testing.T) {
	for _, change := range []func(*classifier.Info){
		func(i *classifier.Info) { i.StrideRunes = 0 },
		func(i *classifier.Info) { i.StateLen = -1 },
		func(i *classifier.Info) { i.Labels = nil },
	} {
		i := info()
		change(&i)
		if _, err := classifier.NewSession(scripted{info: i}); err == nil {
			t.Errorf("%+v was taken", i)
		}
	}
}
