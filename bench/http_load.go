package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// HTTPLoad is what is asked of a proxy in front of a model server (NewUpstream).
type HTTPLoad struct {
	Streams  int     // at once; each is followed by another
	Rate     float64 // tokens a second and stream; 0 for as fast as they are taken
	Warm     time.Duration
	Measured time.Duration
	Texts    []Text // those of the upstream
}

// HTTPMeasure is what one round of one proxy came to.
type HTTPMeasure struct {
	Tokens          int64   `json:"tokens"`
	TokensPerSecond float64 `json:"tokens_per_second"`
	First           Latency `json:"first_us"`                           // from the request to the first text
	Latency         Latency `json:"latency_us"`                         // from when a token was due to its last byte shown; with a rate only
	Streams         int64   `json:"streams"`                            // that ended
	Halts           int64   `json:"halts"`                              //
	LeakedRunes     int64   `json:"leaked_runes"`                       // of a violation, the most of any stream
	FalseHalts      int64   `json:"false_halts"`                        //
	Missed          int64   `json:"missed"`                             // violations that ran through
	CPUPerMillion   float64 `json:"cpu_s_per_million_tokens,omitempty"` // of the proxy
}

// httpDriver drives one stream after another. It belongs to one goroutine, but for
// what shared has.
type httpDriver struct {
	load   *HTTPLoad
	shared *httpShared
	client *http.Client
	url    string
	index  int
	begun  int

	first, latency *hdrhistogram.Histogram
	m              HTTPMeasure
}

type httpShared struct {
	from, to time.Time
	mu       sync.Mutex
	m        HTTPMeasure
	first    *hdrhistogram.Histogram
	latency  *hdrhistogram.Histogram
}

// Run loads the proxy at a URL. at is called at the start and the end of the
// measurement.
func (l *HTTPLoad) Run(ctx context.Context, url string, at func()) (HTTPMeasure, error) {
	if l.Streams < 1 || l.Streams > 10_000 || l.Rate < 0 || l.Rate > 1000 || l.Measured <= 0 || len(l.Texts) == 0 {
		return HTTPMeasure{}, errors.New("bench: want 1 to 10,000 streams, a rate of 0 to 1,000, a duration above 0, and texts")
	}
	transport := &http.Transport{MaxIdleConnsPerHost: l.Streams, DisableCompression: true}
	defer transport.CloseIdleConnections()
	start := time.Now()
	s := &httpShared{from: start.Add(l.Warm), to: start.Add(l.Warm + l.Measured), first: newHistogram(), latency: newHistogram()}
	running, cancel := context.WithDeadline(ctx, s.to)
	defer cancel()
	failed := make(chan error, l.Streams)
	for i := range l.Streams {
		d := &httpDriver{load: l, shared: s, client: &http.Client{Transport: transport}, url: url + "/v1/chat/completions", index: i, first: newHistogram(), latency: newHistogram()}
		go func() { failed <- d.drive(running) }()
	}
	sleepUntil(ctx, s.from)
	at()
	sleepUntil(ctx, s.to)
	at()
	var err error
	for range l.Streams {
		err = errors.Join(err, <-failed)
	}
	if err == nil {
		err = ctx.Err()
	}
	s.m.TokensPerSecond = float64(s.m.Tokens) / l.Measured.Seconds()
	s.m.First, s.m.Latency = latencyOf(s.first), latencyOf(s.latency)
	return s.m, err
}

// drive asks for one answer after another until ctx ends with the measurement.
func (d *httpDriver) drive(ctx context.Context) (err error) {
	if d.load.Rate > 0 { // spread evenly over the time that warms up
		phase := float64(d.index) * 0.6180339887498949
		sleepUntil(ctx, time.Now().Add(time.Duration((phase-float64(int(phase)))*float64(d.load.Warm))))
	}
	for ctx.Err() == nil && err == nil {
		err = d.stream(ctx)
	}
	if ctx.Err() != nil {
		err = nil // cut short by the end
	}
	s := d.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	s.m.Tokens += d.m.Tokens
	s.m.Streams += d.m.Streams
	s.m.Halts += d.m.Halts
	s.m.FalseHalts += d.m.FalseHalts
	s.m.Missed += d.m.Missed
	s.m.LeakedRunes = max(s.m.LeakedRunes, d.m.LeakedRunes)
	s.first.Merge(d.first)
	s.latency.Merge(d.latency)
	return err
}

// stream reads one answer.
func (d *httpDriver) stream(ctx context.Context) error {
	which := (d.index*7919 + d.begun) % len(d.load.Texts)
	d.begun++
	text := &d.load.Texts[which]
	body := fmt.Sprintf(`{"model":"%d:%g","messages":[{"role":"user","content":"What should I do?"}],"stream":true}`, which, d.load.Rate)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	began := time.Now()
	resp, err := d.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end, or cut
	start, err := strconv.ParseInt(resp.Header.Get(headerStart), 10, 64)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("bench: the proxy answers %s without %s", resp.Status, headerStart)
	}
	var shown, end int64 // bytes
	k := 0               // tokens that were shown whole
	halted := false
	for lines := bufio.NewReader(resp.Body); ; {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			if errors.Is(err, io.EOF) {
				return errors.New("bench: a stream ended without [DONE]")
			}
			return err
		}
		if !bytes.HasPrefix(line, []byte("data: ")) {
			continue
		}
		if bytes.HasPrefix(line, []byte("data: [DONE]")) {
			d.ended(text, shown, halted)
			_, err := lines.ReadSlice('\n')
			if err == nil {
				_, err = lines.ReadSlice('\n')
			}
			if !errors.Is(err, io.EOF) {
				return fmt.Errorf("bench: something follows [DONE]: %w", err)
			}
			return nil
		}
		halted = halted || bytes.Contains(line, []byte(`"finish_reason":"content_filter"`))
		n := contentBytes(line)
		if n == 0 {
			continue
		}
		now := time.Now()
		if shown == 0 && d.measured(began) {
			record(d.first, now.Sub(began))
		}
		shown += n
		for k < len(text.Tokens) && end+int64(len(text.Tokens[k])) <= shown {
			end += int64(len(text.Tokens[k]))
			due := now
			if d.load.Rate > 0 {
				due = time.Unix(0, start).Add(time.Duration(float64(k) / d.load.Rate * float64(time.Second)))
			}
			if d.measured(due) {
				d.m.Tokens++
				if d.load.Rate > 0 {
					record(d.latency, now.Sub(due))
				}
			}
			k++
		}
	}
}

func (d *httpDriver) measured(t time.Time) bool {
	return !t.Before(d.shared.from) && t.Before(d.shared.to)
}

// ended judges a stream that came whole.
func (d *httpDriver) ended(text *Text, shown int64, halted bool) {
	d.m.Streams++
	if halted {
		d.m.Halts++
	}
	switch {
	case text.Halts < 0 && halted:
		d.m.FalseHalts++
	case text.Halts >= 0:
		if !halted {
			d.m.Missed++
		}
		d.m.LeakedRunes = max(d.m.LeakedRunes, text.leaked(shown))
	}
}

// contentBytes returns how many bytes of text the content of a chunk has.
func contentBytes(line []byte) (n int64) {
	_, rest, found := bytes.Cut(line, []byte(`"content":"`))
	if !found {
		return 0
	}
	for i := 0; i < len(rest) && rest[i] != '"'; i++ {
		if rest[i] != '\\' {
			n++
			continue
		}
		if i++; i+4 < len(rest) && rest[i] == 'u' { // \u003c and other ASCII; the upstream escapes nothing else
			i += 4
		}
		n++
	}
	return n
}
