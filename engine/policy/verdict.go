package policy

import "fmt"

// Offset is a position in the original UTF-8 stream, in bytes from its start.
type Offset int64

// NoOffset stands where a verdict has no such offset.
const NoOffset Offset = -1

// Span is the half-open range [Start, End) of bytes of the original stream.
type Span struct {
	Start, End Offset
}

// Severity says how bad a match is. It is ordered.
type Severity uint8

// The severities, mildest first. SeverityNone is the zero value: a finding
// that comes from a score alone has none.
const (
	SeverityNone Severity = iota
	Low
	Medium
	High
	Critical
	NumSeverities = iota
)

var severityNames = [NumSeverities]string{"none", "low", "medium", "high", "critical"}

// String returns the severity as policies and packs spell it.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return fmt.Sprintf("severity(%d)", uint8(s))
}

// ParseSeverity returns the severity named low, medium, high or critical.
func ParseSeverity(name string) (Severity, error) {
	for s := Low; s < NumSeverities; s++ {
		if severityNames[s] == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("unknown severity %.60q: want one of low, medium, high, critical", name)
}

// Action is what a verdict asks of the caller. It is ordered: the action of a
// verdict is the highest of its findings' actions.
type Action uint8

// The actions, mildest first.
const (
	Allow      Action = iota // show the text
	Flag                     // show it, and report the finding
	Redact                   // show it with the finding's span replaced
	Halt                     // show nothing from the finding's start on; the stream ends
	NumActions = iota
)

var actionNames = [NumActions]string{"allow", "flag", "redact", "halt"}

// String returns the action as policies and the command line spell it.
func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return fmt.Sprintf("action(%d)", uint8(a))
}

// ParseAction returns the action named allow, flag, redact or halt.
func ParseAction(name string) (Action, error) {
	for i, n := range actionNames {
		if n == name {
			return Action(i), nil
		}
	}
	return 0, fmt.Errorf("unknown action %.60q: want one of allow, flag, redact, halt", name)
}

// SourceKind is the kind of detector that made a finding.
type SourceKind uint8

// The detectors. SourceEngine marks findings of the engine itself: a detector
// that failed under the fail mode closed.
const (
	SourceLexicon SourceKind = iota
	SourcePattern
	SourceModel
	SourceEngine
	numSourceKinds = iota
)

var sourceKindNames = [numSourceKinds]string{"lexicon", "pattern", "model", "engine"}

// String returns the kind's name.
func (k SourceKind) String() string {
	if int(k) < len(sourceKindNames) {
		return sourceKindNames[k]
	}
	return fmt.Sprintf("source(%d)", uint8(k))
}

// Source names the rule that made a finding without quoting any text: the pack
// and the entry's line in it, the pattern's rule, or the model and its version.
type Source struct {
	Kind SourceKind
	Name string // pack, pattern rule, model, or the engine's reason
	Line int32  // lexicon: line of the entry in its pack file; otherwise 0
}

// String returns "lexicon:PACK:LINE", "pattern:RULE", "model:NAME" or "engine:REASON".
func (s Source) String() string {
	if s.Kind == SourceLexicon {
		return fmt.Sprintf("%s:%s:%d", s.Kind, s.Name, s.Line)
	}
	return s.Kind.String() + ":" + s.Name
}

// Finding is one decided detection, after policy. It is a plain value.
type Finding struct {
	Category  Category
	Severity  Severity // SeverityNone for findings of models
	Action    Action   // what the profile makes of it
	Score     float32  // probability in [0, 1]; 1 for lexicon and patterns
	Threshold float32  // the score threshold that was reached; 0 for lexicon and patterns
	Span      Span     // where, in bytes of the original stream
	Source    Source
}

// Edit asks the caller to show Replacement in place of the bytes of Span.
type Edit struct {
	Span        Span
	Replacement string
}

// Verdict is the answer to one write. Released, Scanned and Received are the
// stream's watermarks, which only grow, with Released ≤ Scanned ≤ Received.
type Verdict struct {
	Action      Action    // highest action of the stream so far
	Released    Offset    // bytes before it may be shown, with Edits applied
	Scanned     Offset    // bytes before it have passed the decoder
	Received    Offset    // bytes written
	HaltOffset  Offset    // start of the first finding that halts, or NoOffset
	RetractFrom Offset    // bytes from it on must be withdrawn although released, or NoOffset
	Findings    []Finding // new in this verdict; valid until the next call on the stream
	Edits       []Edit    // new in this verdict, all within the newly released bytes, ordered, disjoint; valid as Findings
	Degraded    bool      // a detector is out of order and the fail mode let the stream go on without it
}
