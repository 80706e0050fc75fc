package policy

import (
	"fmt"
	"slices"
	"strings"
)

// Release is when text is shown, relative to the models' judgement.
type Release uint8

// The release modes. Lexicon and patterns hold text back in Strict and Async.
const (
	Strict  Release = iota // nothing is released that a model has not scored
	Async                  // models run behind and may retract
	Observe                // nothing is held, nothing halts: findings are only reported
)

var releaseNames = []string{"strict", "async", "observe"}

// String returns the mode's name in policies.
func (r Release) String() string { return nameOf(releaseNames, int(r)) }

// ParseRelease returns the mode named strict, async or observe.
func ParseRelease(name string) (Release, error) {
	i, err := indexOf("release mode", releaseNames, name)
	return Release(i), err
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *Release) UnmarshalText(b []byte) (err error) {
	*r, err = ParseRelease(string(b))
	return err
}

// FailMode is what becomes of a stream when a detector fails.
type FailMode uint8

// The fail modes.
const (
	Closed   FailMode = iota // the stream halts
	Degraded                 // it goes on, judged by the other detectors
	Open                     // it goes on, not judged at all
)

var failNames = []string{"closed", "degraded", "open"}

// String returns the mode's name in policies.
func (f FailMode) String() string { return nameOf(failNames, int(f)) }

// ParseFailMode returns the mode named closed, degraded or open.
func ParseFailMode(name string) (FailMode, error) {
	i, err := indexOf("fail mode", failNames, name)
	return FailMode(i), err
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *FailMode) UnmarshalText(b []byte) (err error) {
	*f, err = ParseFailMode(string(b))
	return err
}

func nameOf(names []string, i int) string {
	if i < len(names) {
		return names[i]
	}
	return fmt.Sprintf("(%d)", i)
}

func indexOf(what string, names []string, name string) (int, error) {
	i := slices.Index(names, name)
	if i < 0 {
		return 0, fmt.Errorf("unknown %s %.60q: want one of %s", what, name, strings.Join(names, ", "))
	}
	return i, nil
}
