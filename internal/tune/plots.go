package tune

import (
	"fmt"
	"html/template"
	"math"
)

// figure is a plot with what a reader needs to read it.
type figure struct {
	Title   string
	Keys    []key
	Plot    template.HTML
	Caption string
}

// key names a mark in the legend.
type key struct{ Class, Text string }

// figures are a category's plots, those for which there is data.
func (r *Report) figures(c *Category) []figure {
	var out []figure
	if c.AP != nil {
		out = append(out, r.precisionRecall(c), r.rocFigure(c))
	}
	if c.Positive > 0 {
		out = append(out, r.thresholdFigure(c))
	}
	if c.Negative > 0 {
		out = append(out, r.falseAlarms(c))
	}
	if c.Positive+c.Negative > 0 {
		out = append(out, r.histogram(c))
	}
	if c.AP != nil {
		out = append(out, r.reliability(c))
	}
	if c.Leak != nil {
		out = append(out, c.leakFigure())
	}
	if len(c.Delays) > 0 {
		out = append(out, c.delayFigure())
	}
	return out
}

// rules marks the thresholds that are recommended.
func (c *Category) rules(p *plot) {
	if c.Flag.Status == Recommended {
		p.ruleX("flag", c.Flag.Threshold, "flag "+number(c.Flag.Threshold))
	}
	if c.Halt.Status == Recommended {
		p.ruleX("halt", c.Halt.Threshold, "halt "+number(c.Halt.Threshold))
	}
}

func (r *Report) precisionRecall(c *Category) figure {
	p := newPlot(shareAxis("violations found (recall)"), shareAxis("right when it acts (precision)"))
	p.band("pos", c.PRBand)
	base := share(c.Positive, c.Positive+c.Negative)
	p.ruleY("chance", base, "by chance")
	var points []xy
	before := 0.0
	for _, q := range c.PR {
		// Average precision is the area under these steps.
		points = append(points, xy{before, q.Y}, xy{q.X, q.Y})
		before = q.X
	}
	p.line("pos", points)
	keys := []key{{"pos", "all texts, with the interval"}}
	if c.Halt.Status == Recommended {
		v := c.Halt.Verified
		p.dot("halt", xy{v.Recall.Share, v.Precision.Share}, v.Precision.Low, v.Precision.High)
		keys = append(keys, key{"halt round", "halt, as verified"})
	}
	return figure{
		Title: "Found against right", Keys: keys,
		Plot: p.svg("precision against recall for " + c.Name),
		Caption: fmt.Sprintf("Each point is a threshold, lower ones to the right: the more is found, the more other texts come with it. The nearer to the upper right corner, the better. "+
			"%s of these texts are violations; where fewer are, precision is lower.", percent(base)),
	}
}

// fprLow is where axes of false alarms begin: clearly below one text, so that
// none looks different.
func (c *Category) fprLow() float64 {
	return math.Pow(10, max(-5, min(-2, math.Floor(-math.Log10(2*float64(max(c.Negative, 1)))))))
}

func (r *Report) rocFigure(c *Category) figure {
	p := newPlot(logShareAxis("other texts acted on (false alarms)", c.fprLow()), shareAxis("violations found (recall)"))
	p.band("pos", clip(c.ROCBand, c.fprLow()))
	var points []xy
	for _, q := range c.ROC {
		points = append(points, xy{q.X, q.Y})
	}
	p.line("pos", points)
	if r.MaxFPR != nil {
		p.ruleX("limit", *r.MaxFPR, "limit "+percent(*r.MaxFPR))
	}
	keys := []key{{"pos", "all texts, with the interval"}}
	if c.Halt.Status == Recommended {
		v := c.Halt.Verified
		p.dot("halt", xy{v.FPR.Share, v.Recall.Share}, v.Recall.Low, v.Recall.High)
		keys = append(keys, key{"halt round", "halt, as verified"})
	}
	return figure{
		Title: "Found against false alarms", Keys: keys,
		Plot: p.svg("recall against the rate of false alarms for " + c.Name),
		Caption: fmt.Sprintf("The same thresholds, with false alarms as a share of the %s texts without this violation. A step to the left is ten times fewer. The left edge stands for none at all.",
			thousands(c.Negative)),
	}
}

// clip leaves out what lies below the axis.
func clip(bands []Band, low float64) []Band {
	for len(bands) > 0 && bands[0].X < low*0.99 {
		bands = bands[1:]
	}
	return bands
}

func (r *Report) thresholdFigure(c *Category) figure {
	p := newPlot(scoreAxis("threshold"), shareAxis("share of texts"))
	var found, right []xy
	var foundBand, rightBand []Band
	for _, x := range c.Thresholds {
		found = append(found, xy{x.Threshold, x.Recall.Share})
		foundBand = append(foundBand, Band{x.Threshold, x.Recall.Low, x.Recall.High})
		if x.Precision.Of > 0 && c.Negative > 0 {
			right = append(right, xy{x.Threshold, x.Precision.Share})
			rightBand = append(rightBand, Band{x.Threshold, x.Precision.Low, x.Precision.High})
		}
	}
	p.band("pos", foundBand)
	p.band("right", rightBand)
	p.line("pos", found)
	p.line("right", right)
	c.rules(p)
	keys := []key{{"pos", "found (recall)"}}
	if len(right) > 0 {
		keys = append(keys, key{"right", "right (precision)"})
	}
	return figure{
		Title: "What a threshold finds", Keys: keys,
		Plot:    p.svg("recall and precision against the threshold for " + c.Name),
		Caption: fmt.Sprintf("Over all texts. The shaded bands are the %s intervals: with more texts they get narrower.", percent(r.Confidence)),
	}
}

func (r *Report) falseAlarms(c *Category) figure {
	p := newPlot(scoreAxis("threshold"), logShareAxis("other texts acted on (false alarms)", c.fprLow()))
	var line []xy
	var band []Band
	for _, x := range c.Thresholds {
		line = append(line, xy{x.Threshold, x.FPR.Share})
		band = append(band, Band{x.Threshold, x.FPR.Low, x.FPR.High})
	}
	p.band("neg", band)
	p.line("neg", line)
	if r.MaxFPR != nil {
		p.ruleY("limit", *r.MaxFPR, "limit "+percent(*r.MaxFPR))
	}
	c.rules(p)
	return figure{
		Title: "What a threshold disturbs", Keys: []key{{"neg", "texts without the violation"}},
		Plot:    p.svg("rate of false alarms against the threshold for " + c.Name),
		Caption: "A halt is recommended only where the whole band is below the limit, on the half of the texts that chooses. The lower edge stands for none at all.",
	}
}

func (r *Report) histogram(c *Category) figure {
	most := 0
	for _, b := range c.Histogram {
		most = max(most, b.Positive, b.Negative)
	}
	p := newPlot(scoreAxis("highest score of the text"), logCountAxis("texts (each step is ten times more)", most))
	for _, b := range c.Histogram {
		middle, gap := (b.Low+b.High)/2, (b.High-b.Low)*0.08
		if b.Negative > 0 {
			p.bar("neg", b.Low+gap, middle, float64(b.Negative))
		}
		if b.Positive > 0 {
			p.bar("pos", middle, b.High-gap, float64(b.Positive))
		}
	}
	c.rules(p)
	return figure{
		Title: "Scores", Keys: []key{{"pos block", "violations"}, {"neg block", "other texts"}},
		Plot:    p.svg("histogram of scores for " + c.Name),
		Caption: "How many texts reach which score. The farther the two kinds are apart, the less it matters where the threshold is.",
	}
}

func (r *Report) reliability(c *Category) figure {
	p := newPlot(scoreAxis("score"), shareAxis("share that are violations"))
	p.line("chance", []xy{{0, 0}, {1, 1}})
	for _, b := range c.Reliability {
		rate := NewRate(b.Positive, b.Texts, r.Confidence)
		p.dot("pos", xy{b.Score, b.Share}, rate.Low, rate.High)
	}
	return figure{
		Title: "Calibration", Keys: []key{{"pos round", "texts of similar score, with the interval"}, {"chance", "perfect"}},
		Plot: p.svg("reliability diagram for " + c.Name),
		Caption: fmt.Sprintf("Whether a score of 0.8 means that 8 texts in 10 are violations. On average score and share are %s apart (ECE; %s over bins of equal size). "+
			"It depends on how many violations the data holds. Thresholds work without calibration.", metric(c.ECE), metric(c.ECEMass)),
	}
}

func (c *Category) leakFigure() figure {
	most := 0.0
	for _, q := range c.Leak.Points {
		if q.Async != nil {
			most = max(most, q.Async.P90)
		}
	}
	from := "from the text's beginning"
	if c.Leak.FromOnset {
		from = "from where the violation begins"
	}
	p := newPlot(scoreAxis("threshold for halting"), countAxis("runes shown", most))
	lines := []struct {
		class string
		value func(LeakPoint) *Quantiles
		p90   bool
	}{
		{"async dashed", func(q LeakPoint) *Quantiles { return q.Async }, true},
		{"async", func(q LeakPoint) *Quantiles { return q.Async }, false},
		{"strict dashed", func(q LeakPoint) *Quantiles { return q.Strict }, true},
		{"strict", func(q LeakPoint) *Quantiles { return q.Strict }, false},
	}
	for _, l := range lines {
		var points []xy
		for _, q := range c.Leak.Points {
			if v := l.value(q); v != nil && l.p90 {
				points = append(points, xy{q.Threshold, v.P90})
			} else if v != nil {
				points = append(points, xy{q.Threshold, v.P50})
			}
		}
		p.line(l.class, points)
	}
	c.rules(p)
	return figure{
		Title: "What readers see before a halt",
		Keys: []key{
			{"strict", "strict, half"}, {"strict dashed", "strict, 90 %"},
			{"async", "async, half"}, {"async dashed", "async, 90 %"},
		},
		Plot: p.svg("runes released before a halt against the threshold for " + c.Name),
		Caption: fmt.Sprintf("Runes (characters) shown %s, over those of %s violating texts that are halted. Strict holds back until the model has judged, async shows first and retracts. "+
			"A higher threshold halts later, and fewer texts: read it beside what a threshold finds.", from, thousands(c.Leak.Texts)),
	}
}

func (c *Category) delayFigure() figure {
	most := 1.0
	for _, d := range c.Delays {
		if d.Runes != nil {
			most = max(most, d.Runes.P90*1.5)
		}
	}
	from := "the text's beginning"
	if c.Delays[0].FromOnset {
		from = "where the violation begins"
	}
	p := newPlot(countAxis("runes since "+from, most), shareAxis("violating texts acted on"))
	var keys []key
	for _, d := range c.Delays {
		points := []xy{{0, 0}}
		for _, q := range d.Curve {
			if float64(q.Runes) <= p.x.high {
				points = append(points, xy{float64(q.Runes), q.Share})
			}
		}
		points = append(points, xy{p.x.high, points[len(points)-1].y})
		class := d.Action
		p.steps(class, points)
		keys = append(keys, key{class, fmt.Sprintf("%s at %s", d.Action, number(d.Threshold))})
	}
	return figure{
		Title: "How soon", Keys: keys,
		Plot:    p.svg("share of violating texts acted on against runes for " + c.Name),
		Caption: fmt.Sprintf("Share of %s violating texts of the verifying half that are acted on within so many runes. What a curve lacks to 100 %% at its right end is acted on later or never.", thousands(c.Delays[0].Halted.Of)),
	}
}
