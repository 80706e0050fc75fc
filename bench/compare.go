package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
)

// Compare writes what changed since an earlier report: medians of both, their
// ratio, and whether they are further apart than the rounds of either were.
func Compare(w io.Writer, before, now *Report) error {
	fmt.Fprintf(w, "Against %s of %s. A difference counts (*) when it is larger than the spread of the rounds of both.\n\n", before.Version, before.Time.Format("2006-01-02 15:04"))
	if before.CPU != now.CPU || before.Cores != now.Cores {
		fmt.Fprintf(w, "The machines differ (%s, %d cores, then): compare ratios only.\n\n", before.CPU, before.Cores)
	}
	fmt.Fprint(w, "| scenario | figure | then | now | ratio | |\n|---|---|--:|--:|--:|---|\n")
	rows := 0
	for i := range now.Results {
		x := &now.Results[i]
		old := before.find(x.Name)
		if old == nil {
			continue
		}
		for _, name := range sortedNames(x.Figures) {
			a, had := old.Figures[name]
			b := x.Figures[name]
			if !had {
				continue
			}
			rows++
			mark, quotient := "", ""
			if a != 0 {
				quotient = fmt.Sprintf("%.2f", b/a)
				if math.Abs(b/a-1) > old.Spread[name]+x.Spread[name] {
					mark = "*"
				}
			} else if b != 0 {
				mark = "*"
			}
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", x.Name, name, zero(a), zero(b), quotient, mark)
		}
	}
	if rows == 0 {
		return fmt.Errorf("bench: the reports have no scenario in common")
	}
	return nil
}

func zero(v float64) string {
	if v == 0 {
		return "0"
	}
	return number(v)
}

// Threshold is what a figure must not pass.
type Threshold struct {
	Scenario string   `json:"scenario"`
	Figure   string   `json:"figure"`
	Min      *float64 `json:"min,omitempty"`
	Max      *float64 `json:"max,omitempty"`
	// Noisy says that what else the machine does can break it, so that it is worth
	// measuring again before it counts.
	Noisy bool   `json:"noisy,omitempty"`
	Why   string `json:"why"`
}

// Scenarios returns the scenarios that its figure is made of.
func (t *Threshold) Scenarios() []string {
	if _, other, ok := strings.Cut(t.Figure, "_vs_"); ok && slices.ContainsFunc(Scenarios(), func(s Scenario) bool { return s.Name == other }) {
		return []string{t.Scenario, other}
	}
	return []string{t.Scenario}
}

// ReadThresholds reads a gate.
func ReadThresholds(path string) ([]Threshold, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("bench: gate: %w", err)
	}
	var file struct {
		Thresholds []Threshold `json:"thresholds"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("bench: gate %s: %w", path, err)
	}
	for i, t := range file.Thresholds {
		if t.Scenario == "" || t.Figure == "" || t.Min == nil && t.Max == nil {
			return nil, fmt.Errorf("bench: gate %s: thresholds[%d]: want scenario, figure, and min or max", path, i)
		}
	}
	if len(file.Thresholds) == 0 {
		return nil, fmt.Errorf("bench: gate %s: has no thresholds", path)
	}
	return file.Thresholds, nil
}

// Gate writes which thresholds hold, and returns those that do not. A figure that was
// not measured does not hold, unless its scenario was left out or not asked for.
func (r *Report) Gate(w io.Writer, thresholds []Threshold) (broken []Threshold) {
	held := 0
	for _, t := range thresholds {
		x := r.find(t.Scenario)
		if x == nil || x.LeftOut != "" {
			fmt.Fprintf(w, "gate: %s was not measured: %s is not checked\n", t.Scenario, t.Figure)
			continue
		}
		v, measured := x.Figures[t.Figure]
		switch {
		case !measured:
			fmt.Fprintf(w, "gate: BROKEN: %s has no %s\n", t.Scenario, t.Figure)
		case t.Min != nil && v < *t.Min:
			fmt.Fprintf(w, "gate: BROKEN: %s, %s: %.3g is below %.3g (%s)\n", t.Scenario, t.Figure, v, *t.Min, t.Why)
		case t.Max != nil && v > *t.Max:
			fmt.Fprintf(w, "gate: BROKEN: %s, %s: %.3g is above %.3g (%s)\n", t.Scenario, t.Figure, v, *t.Max, t.Why)
		default:
			held++
			continue
		}
		broken = append(broken, t)
	}
	fmt.Fprintf(w, "gate: %d of %d checked thresholds hold\n", held, held+len(broken))
	return broken
}
