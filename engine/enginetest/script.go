package enginetest

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// Script is one scenario.
type Script struct {
	Name     string // of the file, without .stream
	Policy   string
	Profile  string
	Steps    []Step
	Final    []Expectation
	Findings []policy.Finding // Action, Category, Severity, Span and Source
	Edits    []policy.Edit
}

// Step is one call and what its verdict must say.
type Step struct {
	Line    int
	Chunk   []byte
	Close   bool
	Expects []Expectation
}

// Expectation is one property of a verdict.
type Expectation struct {
	Line       int
	Key, Value string
}

// Text returns everything that the script writes.
func (s *Script) Text() []byte {
	var out []byte
	for _, st := range s.Steps {
		out = append(out, st.Chunk...)
	}
	return out
}

// Load reads all scripts of a directory.
func Load(dir string) ([]*Script, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.stream"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("enginetest: no *.stream files in %s", dir)
	}
	var out []*Script
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		s, err := parse(strings.TrimSuffix(filepath.Base(f), ".stream"), data)
		if err != nil {
			return nil, fmt.Errorf("%s:%w", f, err)
		}
		out = append(out, s)
	}
	return out, nil
}

func parse(name string, data []byte) (*Script, error) {
	s := &Script{Name: name, Profile: "default"}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimLeft(lines.Text(), " \t")
		if line == "" || line[0] == '#' {
			continue
		}
		if err := s.line(n, line); err != nil {
			return nil, fmt.Errorf("%d: %w", n, err)
		}
	}
	if s.Policy == "" || len(s.Steps) == 0 {
		return nil, fmt.Errorf("1: a script needs a policy and at least one write or close")
	}
	return s, lines.Err()
}

func (s *Script) line(n int, line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	fields := strings.Fields(rest)
	switch verb {
	case "policy":
		s.Policy = strings.TrimSpace(rest)
	case "profile":
		s.Profile = strings.TrimSpace(rest)
	case "write":
		chunk, err := unescape(rest)
		s.Steps = append(s.Steps, Step{Line: n, Chunk: chunk})
		return err
	case "close":
		s.Steps = append(s.Steps, Step{Line: n, Close: true})
	case "expect", "final":
		if len(fields) == 0 || len(fields)%2 != 0 {
			return fmt.Errorf("%s wants pairs of a key and a value", verb)
		}
		for pair := range slices.Chunk(fields, 2) {
			e := Expectation{Line: n, Key: pair[0], Value: pair[1]}
			if !slices.Contains([]string{"action", "released", "held", "scanned", "halt", "retract"}, e.Key) {
				return fmt.Errorf("unknown key %q", e.Key)
			}
			switch {
			case verb == "final":
				s.Final = append(s.Final, e)
			case len(s.Steps) == 0:
				return fmt.Errorf("expect before the first write")
			default:
				last := &s.Steps[len(s.Steps)-1]
				last.Expects = append(last.Expects, e)
			}
		}
	case "finding":
		return s.finding(fields)
	case "edit":
		if len(fields) < 2 {
			return fmt.Errorf("edit wants START END and the text in their place, if any")
		}
		span, err := parseSpan(fields[0], fields[1])
		s.Edits = append(s.Edits, policy.Edit{Span: span, Replacement: strings.Join(fields[2:], " ")})
		return err
	default:
		return fmt.Errorf("unknown verb %q", verb)
	}
	return nil
}

func (s *Script) finding(fields []string) error {
	if len(fields) != 6 {
		return fmt.Errorf("finding wants ACTION CATEGORY SEVERITY START END SOURCE")
	}
	var f policy.Finding
	var err error
	if f.Action, err = policy.ParseAction(fields[0]); err != nil {
		return err
	}
	if f.Category, err = policy.ParseCategory(fields[1]); err != nil {
		return err
	}
	if f.Severity, err = policy.ParseSeverity(fields[2]); err != nil {
		return err
	}
	if f.Span, err = parseSpan(fields[3], fields[4]); err != nil {
		return err
	}
	kind, name, _ := strings.Cut(fields[5], ":")
	f.Source.Name = name
	switch kind {
	case "pattern":
		f.Source.Kind = policy.SourcePattern
	case "lexicon":
		pack, line, ok := strings.Cut(name, ":")
		n, err := strconv.Atoi(line)
		if !ok || err != nil {
			return fmt.Errorf("source %q: want lexicon:PACK:LINE", fields[5])
		}
		f.Source.Name, f.Source.Line = pack, int32(n)
	default:
		return fmt.Errorf("source %q: want lexicon:PACK:LINE or pattern:RULE", fields[5])
	}
	s.Findings = append(s.Findings, f)
	return nil
}

func parseSpan(start, end string) (policy.Span, error) {
	a, err := strconv.ParseInt(start, 10, 64)
	if err != nil {
		return policy.Span{}, err
	}
	b, err := strconv.ParseInt(end, 10, 64)
	return policy.Span{Start: policy.Offset(a), End: policy.Offset(b)}, err
}

// unescape resolves the escapes of TEXT.
func unescape(s string) ([]byte, error) {
	var out []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		if i++; i == len(s) {
			return nil, fmt.Errorf("a backslash ends the line: write \\\\")
		}
		switch s[i] {
		case 'n':
			out = append(out, '\n')
		case 't':
			out = append(out, '\t')
		case 's':
			out = append(out, ' ')
		case '\\':
			out = append(out, '\\')
		case 'x':
			if i+2 >= len(s) {
				return nil, fmt.Errorf("\\x wants two hexadecimal digits")
			}
			b, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return nil, fmt.Errorf("\\x: %w", err)
			}
			out = append(out, byte(b))
			i += 2
		case 'u':
			end := strings.IndexByte(s[i:], '}')
			if end < 0 || i+1 >= len(s) || s[i+1] != '{' {
				return nil, fmt.Errorf("\\u wants {N}, N hexadecimal")
			}
			r, err := strconv.ParseUint(s[i+2:i+end], 16, 21)
			if err != nil {
				return nil, fmt.Errorf("\\u: %w", err)
			}
			out = append(out, string(rune(r))...)
			i += end
		default:
			return nil, fmt.Errorf("unknown escape \\%c", s[i])
		}
	}
	return out, nil
}
