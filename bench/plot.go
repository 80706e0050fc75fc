package bench

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// bar is one bar of a plot, with its label and the value written behind it.
type bar struct {
	label string
	value float64
	floor bool
}

// group is bars that belong together.
type group struct {
	name string
	bars []bar
}

// bars draws groups of horizontal bars on a logarithmic axis of decades, as an SVG
// document that is readable on light and dark pages.
func bars(title string, groups []group, format func(float64) string) string {
	const width, left, right, row, gap, top = 760.0, 230.0, 110.0, 20.0, 14.0, 56.0
	low, high := math.Inf(1), 0.0
	height := top + 16
	for _, g := range groups {
		height += gap + row*float64(len(g.bars))
		for _, b := range g.bars {
			low, high = min(low, b.value), max(high, b.value)
		}
	}
	if high == 0 {
		return ""
	}
	from, to := math.Floor(math.Log10(low)), math.Ceil(math.Log10(high))
	if from == to {
		to++
	}
	x := func(v float64) float64 { return left + (math.Log10(v)-from)/(to-from)*(width-left-right) }
	var s strings.Builder
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" role="img" aria-label="%s">`, width, height, width, height, html.EscapeString(title))
	s.WriteString(`<style>
svg { background: #fff; color: #222; font: 13px sans-serif }
text { fill: currentColor } .dim { opacity: .65 } .end { text-anchor: end } .mid { text-anchor: middle } .title { font-weight: 600; font-size: 15px }
.weir { fill: #1f6feb } .floor { fill: #8b949e } line { stroke: currentColor; opacity: .18 }
@media (prefers-color-scheme: dark) { svg { background: #0d1117; color: #e6edf3 } .weir { fill: #4493f8 } .floor { fill: #6e7681 } }
</style>`)
	fmt.Fprintf(&s, `<text class="title" x="12" y="22">%s</text>`, html.EscapeString(title))
	for d := from; d <= to; d++ {
		v := math.Pow(10, d)
		fmt.Fprintf(&s, `<line x1="%.1f" x2="%.1f" y1="%.0f" y2="%.0f"/><text class="dim mid" x="%.1f" y="%.0f">%s</text>`, x(v), x(v), top-6, height-8, x(v), top-12, format(v))
	}
	y := top
	for _, g := range groups {
		fmt.Fprintf(&s, `<text x="12" y="%.1f">%s</text>`, y+15, html.EscapeString(g.name))
		for _, b := range g.bars {
			class := "weir"
			if b.floor {
				class = "floor"
			}
			fmt.Fprintf(&s, `<text class="dim end" x="%.1f" y="%.1f">%s</text>`, left-8, y+15, html.EscapeString(b.label))
			fmt.Fprintf(&s, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, class, left, y+3, max(x(b.value)-left, 1), row-5)
			fmt.Fprintf(&s, `<text x="%.1f" y="%.1f">%s</text>`, x(b.value)+6, y+15, format(b.value))
			y += row
		}
		y += gap
	}
	s.WriteString("</svg>\n")
	return s.String()
}

// plots returns the plots by file name.
func (r *Report) plots() map[string]string {
	var throughput, latency []group
	for i := range r.Results {
		x := &r.Results[i]
		f := x.Figures
		if f["latency_p50_us"] == 0 {
			continue
		}
		add := func(to *[]group, g group) {
			g.bars = deleteZero(g.bars)
			if len(g.bars) > 0 {
				*to = append(*to, g)
			}
		}
		if f["kernel_tokens_per_second"] > 0 || strings.HasPrefix(x.Name, "batch") {
			add(&throughput, group{x.Name, []bar{{"Weir", f["tokens_per_second"], false}, {"echo", f["echo_tokens_per_second"], true},
				{"raw socket", f["kernel_tokens_per_second"], true}, {"engine alone", f["engine_tokens_per_second"], true}}})
		}
		add(&latency, group{x.Name, []bar{{"p50", f["latency_p50_us"] / 1000, false}, {"echo's", f["echo_latency_p50_us"] / 1000, true},
			{"p99", f["latency_p99_us"] / 1000, false}, {"echo's", f["echo_latency_p99_us"] / 1000, true}}})
	}
	return map[string]string{
		"throughput.svg": bars("Tokens a second, closed loop", throughput, count),
		"latency.svg":    bars("Milliseconds to the answer", latency, number),
	}
}

func deleteZero(b []bar) (out []bar) {
	for _, x := range b {
		if x.value > 0 {
			out = append(out, x)
		}
	}
	return out
}
