package tune

import (
	"fmt"
	"html"
	"html/template"
	"math"
	"strings"
)

// Plots are drawn here, in a few lines of SVG, and not by a library: they must
// be inline, follow the page's colours by class in light and dark and on paper,
// and need no script. gonum/plot writes documents of their own with fixed
// colours and fonts; the others for Go draw with scripts in the browser.

// Size of a plot in its own units, about CSS pixels, and what surrounds it.
const (
	plotWidth, plotHeight                         = 420.0, 310.0
	marginLeft, marginRight, marginTop, marginLow = 68.0, 22.0, 36.0, 46.0
)

// axis maps values to a side of the plot.
type axis struct {
	label     string // with the unit
	low, high float64
	log       bool
	ticks     []tick
}

type tick struct {
	at   float64
	text string
}

// part returns where on the axis a value is, in [0, 1]; what is beyond an end is
// drawn at the end.
func (a *axis) part(v float64) float64 {
	low, high := a.low, a.high
	if a.log {
		v, low, high = math.Log10(max(v, low)), math.Log10(low), math.Log10(high)
	}
	return min(max((v-low)/(high-low), 0), 1)
}

// shareAxis is a linear axis of shares in percent.
func shareAxis(label string) axis {
	a := axis{label: label, high: 1}
	for i := 0; i <= 100; i += 20 {
		a.ticks = append(a.ticks, tick{float64(i) / 100, fmt.Sprintf("%d %%", i)})
	}
	return a
}

// scoreAxis is a linear axis of scores or thresholds.
func scoreAxis(label string) axis {
	a := axis{label: label, high: 1}
	for i := 0; i <= 10; i += 2 {
		a.ticks = append(a.ticks, tick{float64(i) / 10, number(float64(i) / 10)})
	}
	return a
}

// logShareAxis is an axis of shares from low to 1, a decade per tick.
func logShareAxis(label string, low float64) axis {
	a := axis{label: label, low: low, high: 1, log: true}
	for v := 1.0; v >= low*0.99; v /= 10 {
		a.ticks = append(a.ticks, tick{v, strings.TrimSuffix(percent(v), " %") + " %"})
	}
	return a
}

// logCountAxis is an axis of counts from 1 to most; 0 is at its low end.
func logCountAxis(label string, most int) axis {
	a := axis{label: label, low: 0.5, high: max(10, float64(most)*1.3), log: true}
	for v := 1; float64(v) <= a.high; v *= 10 {
		a.ticks = append(a.ticks, tick{float64(v), thousands(v)})
	}
	return a
}

// countAxis is a linear axis from 0 to most or a little above, in round steps.
func countAxis(label string, most float64) axis {
	step := 1.0
	for i := 0; step*5 < most; i++ {
		step *= [...]float64{2, 2.5, 2}[i%3] // 1, 2, 5, 10, …
	}
	a := axis{label: label, high: max(step, math.Ceil(most/step)*step)}
	for v := 0.0; v <= a.high; v += step {
		a.ticks = append(a.ticks, tick{v, thousands(int(v))})
	}
	return a
}

// xy is a point in the units of the axes.
type xy struct{ x, y float64 }

// plot collects the marks of one plot. Classes are those of the page's style.
type plot struct {
	x, y  axis
	marks strings.Builder
	over  strings.Builder // drawn last: labels
	rules int
}

func newPlot(x, y axis) *plot { return &plot{x: x, y: y} }

func (p *plot) px(v float64) float64 {
	return marginLeft + p.x.part(v)*(plotWidth-marginLeft-marginRight)
}

func (p *plot) py(v float64) float64 {
	return plotHeight - marginLow - p.y.part(v)*(plotHeight-marginTop-marginLow)
}

func (p *plot) path(points []xy) string {
	var b strings.Builder
	for i, q := range points {
		letter := 'L'
		if i == 0 {
			letter = 'M'
		}
		fmt.Fprintf(&b, "%c%.1f %.1f", letter, p.px(q.x), p.py(q.y))
	}
	return b.String()
}

// line joins points.
func (p *plot) line(class string, points []xy) {
	if len(points) > 1 {
		fmt.Fprintf(&p.marks, `<path class="line %s" d="%s"/>`, class, p.path(points))
	}
}

// steps joins points the way of a share that grows where each point is.
func (p *plot) steps(class string, points []xy) {
	var out []xy
	for i, q := range points {
		if i > 0 {
			out = append(out, xy{q.x, points[i-1].y})
		}
		out = append(out, q)
	}
	p.line(class, out)
}

// band fills between low and high.
func (p *plot) band(class string, bands []Band) {
	if len(bands) < 2 {
		return
	}
	var outline []xy
	for _, b := range bands {
		outline = append(outline, xy{b.X, b.High})
	}
	for i := len(bands) - 1; i >= 0; i-- {
		outline = append(outline, xy{bands[i].X, bands[i].Low})
	}
	fmt.Fprintf(&p.marks, `<path class="band %s" d="%sZ"/>`, class, p.path(outline))
}

// bar fills from the x axis up to y.
func (p *plot) bar(class string, from, to, y float64) {
	left, right, top, bottom := p.px(from), p.px(to), p.py(y), plotHeight-marginLow
	fmt.Fprintf(&p.marks, `<rect class="bar %s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, class, left, top, right-left, bottom-top)
}

// dot is a point, with a bar over its interval if that is not empty.
func (p *plot) dot(class string, at xy, low, high float64) {
	if high > low {
		fmt.Fprintf(&p.marks, `<path class="line thin %s" d="M%.1f %.1fV%.1f"/>`, class, p.px(at.x), p.py(low), p.py(high))
	}
	fmt.Fprintf(&p.marks, `<circle class="dot %s" cx="%.1f" cy="%.1f" r="4"/>`, class, p.px(at.x), p.py(at.y))
}

// ruleX is an upright line with a label above the plot, where nothing else is;
// labels take turns in height, so that neighbours stay readable.
func (p *plot) ruleX(class string, at float64, label string) {
	x := p.px(at)
	y := 12 + float64(p.rules%2)*15
	fmt.Fprintf(&p.marks, `<path class="rule %s" d="M%.1f %.1fV%.1f"/>`, class, x, y-9, plotHeight-marginLow)
	anchor, dx := "start", 5.0
	if x > plotWidth*0.6 {
		anchor, dx = "end", -5
	}
	fmt.Fprintf(&p.over, `<text class="note %s" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, class, x+dx, y, anchor, html.EscapeString(label))
	p.rules++
}

// ruleY is a level line with a label at its right end.
func (p *plot) ruleY(class string, at float64, label string) {
	y := p.py(at)
	fmt.Fprintf(&p.marks, `<path class="rule %s" d="M%.1f %.1fH%.1f"/>`, class, marginLeft, y, plotWidth-marginRight)
	fmt.Fprintf(&p.over, `<text class="note" x="%.1f" y="%.1f" text-anchor="end">%s</text>`, plotWidth-marginRight-5, y-5, html.EscapeString(label))
}

// svg returns the plot. The label says for readers who don't see it what it is.
func (p *plot) svg(label string) template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %v %v" role="img" aria-label="%s">`, plotWidth, plotHeight, html.EscapeString(label))
	right, bottom := plotWidth-marginRight, plotHeight-marginLow
	for _, t := range p.y.ticks {
		y := p.py(t.at)
		fmt.Fprintf(&b, `<path class="grid" d="M%.1f %.1fH%.1f"/><text class="tick" x="%.1f" y="%.1f" text-anchor="end">%s</text>`,
			marginLeft, y, right, marginLeft-6, y+4, t.text)
	}
	for _, t := range p.x.ticks {
		x := p.px(t.at)
		fmt.Fprintf(&b, `<path class="grid" d="M%.1f %.1fV%.1f"/><text class="tick" x="%.1f" y="%.1f" text-anchor="middle">%s</text>`,
			x, marginTop, bottom, x, bottom+17, t.text)
	}
	b.WriteString(p.marks.String())
	fmt.Fprintf(&b, `<path class="frame" d="M%.1f %.1fV%.1fH%.1f"/>`, marginLeft, marginTop, bottom, right)
	fmt.Fprintf(&b, `<text class="axis" x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, (marginLeft+right)/2, plotHeight-8, html.EscapeString(p.x.label))
	fmt.Fprintf(&b, `<text class="axis" transform="translate(12 %.1f) rotate(-90)" text-anchor="middle">%s</text>`, (marginTop+bottom)/2, html.EscapeString(p.y.label))
	b.WriteString(p.over.String())
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // built from numbers and escaped labels
}
