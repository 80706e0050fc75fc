// Package strictyaml reads YAML files that people write into plain structs, and
// tells them everything that is wrong at once: unknown keys, duplicate keys,
// wrong types and values out of range are errors with file, line, column and
// key path. It reads a subset of YAML: one document, no anchors, aliases, merge
// keys or tags.
//
// Decoding goes by the type of the target:
//
//	struct                    a mapping; keys by the yaml tag, `yaml:"-"` is skipped
//	Pos field of a struct     where the mapping is
//	map                       a mapping; the key is a string or a TextUnmarshaler
//	slice                     a sequence
//	pointer                   nil if the key is missing
//	Optional                  missing, null, or a value with its position
//	OneOrMany                 a sequence, or a single element in place of it
//	encoding.TextUnmarshaler  a scalar, as written
//	string, bool, int…, float…, time.Duration
//
// A scalar is read as its target wants it: where a string is wanted, off and 1.0
// are the strings "off" and "1.0". A null or a missing key leaves the target as
// it is, so defaults go in before; in a list a null is an error.
package strictyaml

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Pos is a place in a file: line and rune in it, counted from 1; the zero value
// is no place.
type Pos struct {
	Line, Column int
}

// Error is one problem of a file.
type Error struct {
	File string
	Pos  Pos
	Path string // keys from the root, dots between, [i] for elements
	Err  error
}

// Error returns "FILE:LINE:COLUMN: PATH: PROBLEM".
func (e Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Pos != (Pos{}) {
		fmt.Fprintf(&b, ":%d:%d", e.Pos.Line, e.Pos.Column)
	}
	if e.Path != "" {
		b.WriteString(": " + e.Path)
	}
	return b.String() + ": " + e.Err.Error()
}

// Unwrap returns the problem itself.
func (e Error) Unwrap() error { return e.Err }

// Errors are all problems of a file.
type Errors []Error

// maxLines bounds the text of Errors: who broke every entry of a large file
// learns no more from the rest.
const maxLines = 100

// Error returns one problem per line, the first hundred of them.
func (e Errors) Error() string {
	lines := make([]string, 0, min(len(e), maxLines+1))
	for i := range e {
		if i == maxLines {
			lines = append(lines, fmt.Sprintf("%s: and %d more", e[i].File, len(e)-i))
			break
		}
		lines = append(lines, e[i].Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i := range e {
		out[i] = e[i]
	}
	return out
}

// Problems collects what is wrong with one file: first what Unmarshal finds,
// then what the caller does.
type Problems struct {
	File   string
	errors Errors
	root   *yaml.Node // what Unmarshal read last
}

// Add notes a problem.
func (p *Problems) Add(at Pos, path, format string, args ...any) {
	p.errors = append(p.errors, Error{File: p.File, Pos: at, Path: path, Err: fmt.Errorf(format, args...)})
}

// Err returns the problems by their places, as Errors, or nil if there are none.
func (p *Problems) Err() error {
	if len(p.errors) == 0 {
		return nil
	}
	slices.SortStableFunc(p.errors, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column), strings.Compare(a.Path, b.Path))
	})
	return p.errors
}

// Optional is a value that may be missing or null, and where it is.
type Optional[T any] struct {
	Set   bool // the key is there
	Null  bool // and its value is null
	Bad   bool // and there are problems in it; Value is what could be read
	Value T
	Pos   Pos // of the key
}

// OneOrMany is a sequence of which a single element may stand alone.
type OneOrMany[T any] []T

// maxQuoted bounds what an error shows of one value of the file.
const maxQuoted = 60 // bytes

// Quote quotes a value of the file for an error, cut to a bearable length.
func Quote(s string) string { return strconv.Quote(clip(s)) }

// clip cuts a string to maxQuoted, between runes.
func clip(s string) string {
	if len(s) <= maxQuoted {
		return s
	}
	n := maxQuoted
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
