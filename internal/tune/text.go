package tune

import (
	"bytes"
	"fmt"
	"io"
	"text/tabwriter"
)

// WriteText writes the report for a terminal: what is recommended, what it was
// verified to do, and why where there is nothing to recommend.
func (r *Report) WriteText(w io.Writer) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s texts, %s with a violation, %s harmless; %s choose, %s verify\n",
		thousands(r.Texts), thousands(r.Violations), thousands(r.Harmless), thousands(r.Choosing), thousands(r.Verifying))
	fmt.Fprintf(&b, "profile %s, %s, intervals at %s\n\n", r.Profile, r.Limits, percent(r.Confidence))

	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "CATEGORY\tPOSITIVE\tNEGATIVE\tAP\tAUROC\tECE\tFLAG\tHALT\tHALT FINDS\tFALSE HALTS")
	for _, c := range r.rows() {
		found, spared := "–", "–"
		if x := c.Halt.Verified; x != nil && c.Halt.Status == Recommended {
			found, spared = x.Recall.interval(), x.FPR.interval()
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.Name, thousands(c.Positive), thousands(c.Negative),
			c.AP, c.AUROC, metric(c.ECE), c.Flag.short(), c.Halt.short(), found, spared)
	}
	_ = t.Flush() // to a buffer

	for _, c := range r.rows() {
		if c.Halt.Status == PerCategory {
			continue
		}
		fmt.Fprintf(&b, "\n%s\n", c.Name)
		fmt.Fprintf(&b, "  halt: %s\n", c.Halt.sentence())
		fmt.Fprintf(&b, "  flag: %s\n", c.Flag.sentence())
		for i := range c.Delays {
			if d := &c.Delays[i]; d.Runes != nil {
				fmt.Fprintf(&b, "  %s\n", d.sentence())
			}
		}
		for _, warning := range c.Warnings {
			fmt.Fprintf(&b, "  warning: %s\n", warning)
		}
	}
	if r.Together.Halts > 0 {
		fmt.Fprintf(&b, "\n%s\n", r.Together.sentence())
		for _, l := range r.Together.Languages {
			fmt.Fprintf(&b, "  %s: finds %s, halts %s of harmless texts\n", languageName(l.Language), l.Found.interval(), l.Harmless.interval())
		}
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(&b, "\nwarning: %s\n", warning)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// rows are the lines of the summary.
func (r *Report) rows() []*Category {
	var out []*Category
	for i := range r.Categories {
		out = append(out, &r.Categories[i])
	}
	return append(out, &r.Any)
}

// String returns the estimate with its interval, or a dash.
func (e *Estimate) String() string {
	switch {
	case e == nil:
		return "–"
	case e.Low == e.High:
		return fmt.Sprintf("%.3f", e.Value)
	}
	return fmt.Sprintf("%.3f [%.3f, %.3f]", e.Value, e.Low, e.High)
}

func metric(v *float64) string {
	if v == nil {
		return "–"
	}
	return fmt.Sprintf("%.3f", *v)
}

// interval returns the share with its interval, or that there is none.
func (r Rate) interval() string {
	if r.Of == 0 {
		return "unknown (no texts)"
	}
	return fmt.Sprintf("%s [%s, %s]", percent(r.Share), number100(r.Low), number100(r.High))
}

// counts returns "3 of 1,000".
func (r Rate) counts() string { return thousands(r.Count) + " of " + thousands(r.Of) }

func (r *Recommendation) short() string {
	if r.Status == Recommended {
		return number(r.Threshold)
	}
	return "(" + string(r.Status) + ")"
}

func (r *Recommendation) sentence() string {
	if r.Status != Recommended {
		return fmt.Sprintf("no recommendation, %s: %s", r.Status, r.Why)
	}
	v := r.Verified
	return fmt.Sprintf("%s for %d runes; verified: finds %s (%s), acts on %s of other texts (%s), is right in %s; %s",
		number(r.Threshold), v.SustainRunes, percent(v.Recall.Share), v.Recall.counts(), percent(v.FPR.Share), v.FPR.counts(), v.Precision.interval(), r.Why)
}

func (d *Delay) sentence() string {
	from := "the text's beginning"
	if d.FromOnset {
		from = "where the violation begins"
	}
	action := capital(d.Action)
	if d.Threshold > 0 {
		action += " at " + number(d.Threshold)
	}
	early := ""
	if d.BeforeOnset > 0 {
		early = fmt.Sprintf("; in %s of %s it acts before that", thousands(d.BeforeOnset), thousands(d.Halted.Count))
	}
	return fmt.Sprintf("%s acts within %.0f runes (%.0f strides) of %s in half of the texts it acts on, and within %.0f in 9 of 10; a strict profile has by then shown %.0f and %.0f runes from there%s",
		action, d.Runes.P50, d.Strides.P50, from, d.Runes.P90, d.Strict.P50, d.Strict.P90, early)
}

func (t *Together) sentence() string {
	return fmt.Sprintf("With the patch, %d categories halt. Together they halt %s (%s) of violating and %s (%s) of harmless texts of the verifying half",
		t.Halts, t.Found.interval(), t.Found.counts(), t.Harmless.interval(), t.Harmless.counts())
}
