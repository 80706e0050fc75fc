package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// progress tells on standard error how far a long command is: in place on a
// terminal, a line every ten seconds elsewhere. It belongs to one goroutine.
type progress struct {
	what     string
	terminal bool
	began    time.Time
	last     time.Time
}

func newProgress(what string) *progress {
	now := time.Now()
	return &progress{what: what, terminal: term.IsTerminal(int(os.Stderr.Fd())), began: now, last: now}
}

// set tells which share of the work is done.
func (p *progress) set(done, total int64) {
	if now := time.Now(); total > 0 && p.due(now) {
		p.tell(fmt.Sprintf("%d %%, %s", 100*done/total, now.Sub(p.began).Round(time.Second)))
	}
}

// count tells how much is done where nobody knows how much there is.
func (p *progress) count(texts, runes int64) {
	if p.due(time.Now()) {
		p.tell(p.rate(texts, runes))
	}
}

func (p *progress) rate(texts, runes int64) string {
	took := time.Since(p.began)
	return fmt.Sprintf("%s, %s in %s, %.0f runes/s", counted(texts, "text"), counted(runes, "rune"), took.Round(100*time.Millisecond), float64(runes)/took.Seconds())
}

func (p *progress) due(now time.Time) bool {
	every := 10 * time.Second
	if p.terminal {
		every = 200 * time.Millisecond
	}
	if now.Sub(p.last) < every {
		return false
	}
	p.last = now
	return true
}

func (p *progress) tell(line string) {
	if p.terminal {
		fmt.Fprintf(os.Stderr, "\r\x1b[K%s: %s", p.what, line)
	} else {
		fmt.Fprintf(os.Stderr, "%s: %s\n", p.what, line)
	}
}

// end makes room for what is printed next.
func (p *progress) end() {
	if p.terminal {
		fmt.Fprint(os.Stderr, "\r\x1b[K")
	}
}

// sum ends with how much was done.
func (p *progress) sum(texts, runes int64) {
	p.end()
	fmt.Fprintf(os.Stderr, "%s: %s\n", p.what, p.rate(texts, runes))
}

// counted returns a number and what it counts, such as 1 match and 2 matches.
func counted[N int | int64](n N, what string) string {
	stem, y := strings.CutSuffix(what, "y")
	switch {
	case n == 1:
	case y:
		what = stem + "ies"
	case strings.HasSuffix(what, "ch"):
		what += "es"
	default:
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
