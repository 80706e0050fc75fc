package bench

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Measure is what one round of one server came to.
type Measure struct {
	Tokens          int64   `json:"tokens"`
	Seconds         float64 `json:"seconds"`
	TokensPerSecond float64 `json:"tokens_per_second"`
	Latency         Latency `json:"latency_us"`
	Halt            Latency `json:"halt_us"`
	Halts           int64   `json:"halts"`
	ModelHalts      int64   `json:"model_halts"` // of them, those by a model
	LeakedRunes     int64   `json:"leaked_runes"`
	FalseHalts      int64   `json:"false_halts"`
	Missed          int64   `json:"missed"`
	CPUPerMillion   float64 `json:"cpu_s_per_million_tokens,omitempty"` // of the server
	ClientCPU       float64 `json:"client_cpu_s_per_million_tokens,omitempty"`
	BytesPerStream  float64 `json:"bytes_per_stream,omitempty"` // of the server, idle streams
	ResidentBytes   float64 `json:"resident_bytes,omitempty"`   // of the server with all of them
	Flat            float64 `json:"cpu_late_over_early,omitempty"`
	Allocations     float64 `json:"allocations_per_token,omitempty"` // of the engine in process

	halts *hdrhistogram.Histogram // those of Halt
}

// Latency has quantiles in microseconds.
type Latency struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99.9"`
	Max  float64 `json:"max"`
}

// recorder collects what streams see while a round is measured.
type recorder struct {
	from time.Time // what was due before is warming up
	to   time.Time

	mu    sync.Mutex
	total tally
}

// tally is the part of a goroutine, without locks.
type tally struct {
	latency, halt              *hdrhistogram.Histogram
	tokens, halts, modelHalts  int64
	leaked, falseHalts, missed int64
}

func newTally() tally {
	return tally{latency: newHistogram(), halt: newHistogram()}
}

// newHistogram counts microseconds up to a minute with three digits.
func newHistogram() *hdrhistogram.Histogram { return hdrhistogram.New(1, 60_000_000, 3) }

func (r *recorder) add(t *tally) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.total.latency.Merge(t.latency)
	r.total.halt.Merge(t.halt)
	r.total.tokens += t.tokens
	r.total.halts += t.halts
	r.total.modelHalts += t.modelHalts
	r.total.leaked = max(r.total.leaked, t.leaked)
	r.total.falseHalts += t.falseHalts
	r.total.missed += t.missed
}

// measured says whether a token that was due then counts.
func (r *recorder) measured(due time.Time) bool { return !due.Before(r.from) && due.Before(r.to) }

func record(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(d.Microseconds(), 1), 60_000_000)) // in range
}

func latencyOf(h *hdrhistogram.Histogram) Latency {
	at := func(q float64) float64 { return float64(h.ValueAtQuantile(q)) }
	return Latency{P50: at(50), P99: at(99), P999: at(99.9), Max: float64(h.Max())}
}

func (r *recorder) measure() Measure {
	seconds := r.to.Sub(r.from).Seconds()
	m := Measure{
		Tokens: r.total.tokens, Seconds: seconds, TokensPerSecond: float64(r.total.tokens) / seconds,
		Latency: latencyOf(r.total.latency), Halt: latencyOf(r.total.halt), Halts: r.total.halts, ModelHalts: r.total.modelHalts, halts: r.total.halt,
		LeakedRunes: r.total.leaked, FalseHalts: r.total.falseHalts, Missed: r.total.missed,
	}
	return m
}
