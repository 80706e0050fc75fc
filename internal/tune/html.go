package tune

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
)

//go:embed report.html.tmpl
var reportHTML string

//go:embed report.css
var reportCSS string

// page is what the template sees.
type page struct {
	*Report
	CSS template.CSS
}

// WriteHTML writes the report as one page that needs nothing else: no network,
// no script. It shows ids of texts, never text.
func (r *Report) WriteHTML(w io.Writer) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"percent":   percent,
		"thousands": thousands,
		"number":    number,
		"metric":    metric,
		"language":  languageName,
		"figures":   r.figures,
		"rows":      r.rows,
		"table":     tableOutcomes,
		"acts":      (*Category).acts,
		"mark":      (*Recommendation).mark,
		"interval":  Rate.interval,
		"counts":    Rate.counts,
		"delay":     (*Delay).sentence,
		"together":  (*Together).sentence,
		"short":     shortID,
		"patch":     func() string { return string(r.Patch()) },
	}).Parse(reportHTML)
	if err != nil {
		return fmt.Errorf("tune: report: %w", err)
	}
	var b bytes.Buffer                                                      // nothing is written if anything goes wrong
	if err := t.Execute(&b, page{r, template.CSS(reportCSS)}); err != nil { //nolint:gosec // embedded
		return fmt.Errorf("tune: report: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// mark is what a cell says of a recommendation.
func (r *Recommendation) mark() string {
	switch {
	case r.Status == PerCategory:
		return ""
	case r.Status != Recommended:
		return string(r.Status)
	case !r.Confirmed:
		return "verified in part"
	}
	return ""
}

// acted is a line of the table of thresholds of flag and halt.
type acted struct {
	What     string
	Chosen   *Outcome // nil for the thresholds of today
	Verified *Outcome
}

// acts lists what is recommended and what the policy has today.
func (c *Category) acts() []acted {
	var out []acted
	add := func(action string, r *Recommendation, today *Outcome) {
		if r.Verified != nil {
			what := action
			if r.Status != Recommended {
				what += ", " + string(r.Status)
			}
			out = append(out, acted{what, r.Chosen, r.Verified})
		}
		if today != nil {
			out = append(out, acted{action + " today", nil, today})
		}
	}
	now := c.Current
	if now == nil {
		now = &Current{}
	}
	add("halt", &c.Halt, now.Halt)
	add("flag", &c.Flag, now.Flag)
	return out
}

// tableOutcomes picks the thresholds that a table has room for.
func tableOutcomes(all []Outcome) []Outcome {
	var out []Outcome
	for _, at := range []float64{0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999} {
		for _, x := range all {
			if math.Abs(x.Threshold-at) < 1e-9 {
				out = append(out, x)
			}
		}
	}
	return out
}

// shortID bounds what an id takes of a line.
func shortID(id string) string {
	const most = 48
	if runes := []rune(id); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return id
}
