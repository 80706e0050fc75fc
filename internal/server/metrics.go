package server

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"strings"
	"sync/atomic"
	"time"

	grpcprom "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/classifier"
	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// Metrics are what the server counts, in a registry of its own. Labels are
// names of the policy's: profiles, categories, actions; never text. Safe for
// concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	grpc     *grpcprom.ServerMetrics

	streams     *prometheus.GaugeVec   // open, by profile
	ended       *prometheus.CounterVec // by profile, action and end
	bytes       *prometheus.CounterVec // written, by profile
	write       prometheus.Histogram   // engine time of one write
	holdback    prometheus.Histogram   // bytes held after a write
	findings    *prometheus.CounterVec // by profile, category, action and source
	retractions *prometheus.CounterVec // by profile
	lag         prometheus.Histogram   // bytes retracted
	failures    *prometheus.CounterVec // of detectors, by profile and source
	reloads     *prometheus.CounterVec // by result
	refused     prometheus.Counter     // streams, for the limit
	panics      prometheus.Counter

	lastBytes atomic.Pointer[profileCounter] // of bytes, as it was used last

	steps  *prometheus.CounterVec   // of models, by model and result
	batch  *prometheus.HistogramVec // streams in a step, by model
	queued *prometheus.HistogramVec // longest time a stream of a step waited, by model
	step   *prometheus.HistogramVec // time of a step, by model
	shed   *prometheus.CounterVec   // streams turned away, by model
	stuck  *prometheus.CounterVec   // steps that did not end in time, by model
}

// NewMetrics registers everything. snapshot returns the current snapshot.
func NewMetrics(version string, snapshot func() *engine.Snapshot) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), grpc: grpcprom.NewServerMetrics()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "weir", Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "weir", Name: name, Help: help, Buckets: buckets})
		m.registry.MustRegister(h)
		return h
	}
	m.streams = prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "weir", Name: "streams_open", Help: "Streams that are open."}, []string{"profile"})
	m.registry.MustRegister(callMetrics{m.grpc}, m.streams, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.ended = counter("streams_ended_total", "Streams that ended, by their last action and how: closed, halted, aborted.", "profile", "action", "end")
	m.bytes = counter("bytes_total", "Bytes of text written to streams.", "profile")
	m.write = histogram("write_seconds", "Time in the engine for one write; of 16 writes of a stream one is timed.", prometheus.ExponentialBuckets(250e-9, 4, 12))
	m.holdback = histogram("holdback_bytes", "Bytes held back after a write; of 16 writes of a stream one is looked at.", []float64{0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 8192})
	m.findings = counter("findings_total", "Findings, by the kind of detector.", "profile", "category", "action", "source")
	m.retractions = counter("retractions_total", "Times that released text was withdrawn.", "profile")
	m.lag = histogram("retracted_bytes", "Bytes from a retraction's offset to what had been released.", prometheus.ExponentialBuckets(1, 4, 10))
	m.failures = counter("detector_failures_total", "Detectors that failed on a stream.", "profile", "source")
	m.reloads = counter("reloads_total", "Reloads of policy and packs, by result: changed, unchanged, failed.", "result")
	m.refused = counter("streams_refused_total", "Streams that were refused, by reason.", "reason").WithLabelValues("limit")
	byModel := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "weir", Name: name, Help: help, Buckets: buckets}, []string{"model"})
		m.registry.MustRegister(h)
		return h
	}
	m.steps = counter("model_steps_total", "Steps of models, by result: ok, error.", "model", "result")
	m.batch = byModel("model_batch_streams", "Streams judged in one step.", []float64{1, 2, 4, 8, 16, 32, 64, 128, 256})
	m.queued = byModel("model_queue_seconds", "Longest time that a stream of a step waited for a worker.", prometheus.ExponentialBuckets(25e-6, 2, 16))
	m.step = byModel("model_step_seconds", "Time of one step.", prometheus.ExponentialBuckets(50e-6, 2, 16))
	m.shed = counter("model_shed_total", "Streams that were turned away because a model's queue was full.", "model")
	m.stuck = counter("model_stuck_total", "Steps that did not end in time.", "model")
	m.panics = counter("panics_total", "Calls that panicked.").WithLabelValues()
	for _, result := range []string{"changed", "unchanged", "failed"} {
		m.reloads.WithLabelValues(result)
	}
	m.registry.MustRegister(&infoCollector{
		desc:     prometheus.NewDesc("weir_info", "The binary and the rules in use; always 1.", []string{"version", "snapshot", "policy"}, nil),
		models:   prometheus.NewDesc("weir_model_info", "The models in use and what runs them; always 1.", []string{"model", "version", "provider"}, nil),
		version:  version,
		snapshot: snapshot,
	})
	return m
}

// callMetrics are gRPC's metrics of calls, without those of single messages: a
// counter found by its labels for every message each way would be a tenth of a
// token's cost. See unwatched.
type callMetrics struct{ *grpcprom.ServerMetrics }

const messageMetrics = `fqName: "grpc_server_msg_`

// Describe implements prometheus.Collector.
func (c callMetrics) Describe(out chan<- *prometheus.Desc) {
	filter(c.ServerMetrics.Describe, func(d *prometheus.Desc) {
		if !strings.Contains(d.String(), messageMetrics) {
			out <- d
		}
	})
}

// Collect implements prometheus.Collector.
func (c callMetrics) Collect(out chan<- prometheus.Metric) {
	filter(c.ServerMetrics.Collect, func(m prometheus.Metric) {
		if !strings.Contains(m.Desc().String(), messageMetrics) {
			out <- m
		}
	})
}

// filter calls each with what from sends.
func filter[T any](from func(chan<- T), each func(T)) {
	all := make(chan T)
	go func() {
		defer close(all)
		from(all)
	}()
	for v := range all {
		each(v)
	}
}

// unwatched returns interceptors to put before and behind one that wraps streams to
// look at every message: the handler gets the stream as it was.
func unwatched() (before, behind grpc.StreamServerInterceptor) {
	type key struct{}
	before = func(srv any, s grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		return handler(srv, &original{s, context.WithValue(s.Context(), key{}, s)})
	}
	behind = func(srv any, s grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
		if o, ok := s.Context().Value(key{}).(grpc.ServerStream); ok {
			s = o
		}
		return handler(srv, s)
	}
	return before, behind
}

// original is a stream whose context knows the stream.
type original struct {
	grpc.ServerStream
	ctx context.Context
}

func (o *original) Context() context.Context { return o.ctx }

// infoCollector reports names as labels of one series.
type infoCollector struct {
	desc     *prometheus.Desc
	models   *prometheus.Desc
	version  string
	snapshot func() *engine.Snapshot
}

func (c *infoCollector) Describe(ch chan<- *prometheus.Desc) { ch <- c.desc; ch <- c.models }

func (c *infoCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.snapshot()
	if s == nil {
		return
	}
	ch <- prometheus.MustNewConstMetric(c.desc, prometheus.GaugeValue, 1, c.version, s.Version(), s.Policy().Name)
	for _, m := range s.Models() {
		info := m.Batcher.Info()
		ch <- prometheus.MustNewConstMetric(c.models, prometheus.GaugeValue, 1, info.Name, info.Version, info.Provider)
	}
}

// ModelTrace returns the hooks by which a model's batcher reports here.
func (m *Metrics) ModelTrace(model string) *classifier.BatcherTrace {
	ok, failed := m.steps.WithLabelValues(model, "ok"), m.steps.WithLabelValues(model, "error")
	batch, queued, step := m.batch.WithLabelValues(model), m.queued.WithLabelValues(model), m.step.WithLabelValues(model)
	return &classifier.BatcherTrace{
		Stepped: func(streams int, waited, took time.Duration, err error) {
			if err != nil {
				failed.Inc()
				return
			}
			ok.Inc()
			batch.Observe(float64(streams))
			queued.Observe(waited.Seconds())
			step.Observe(took.Seconds())
		},
		Shed:  m.shed.WithLabelValues(model).Inc,
		Stuck: m.stuck.WithLabelValues(model).Inc,
	}
}

// Cache reports what becomes of decisions that are looked up; nil is no cache.
func (m *Metrics) Cache(c *classifier.Cache) {
	if c == nil {
		return
	}
	count := func(name, help string, get func(classifier.CacheStats) float64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: "weir", Name: name, Help: help},
			func() float64 { return get(c.Stats()) }))
	}
	count("cache_hits_total", "Strides of text whose scores were in the decision cache.", func(s classifier.CacheStats) float64 { return float64(s.Hits) })
	count("cache_misses_total", "Strides of text whose scores were not in the decision cache.", func(s classifier.CacheStats) float64 { return float64(s.Misses) })
	count("cache_evicted_total", "Entries that the decision cache dropped for others.", func(s classifier.CacheStats) float64 { return float64(s.Evicted) })
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "weir", Name: "cache_bytes", Help: "Memory that the decision cache holds, about."},
		func() float64 { return float64(c.Stats().Bytes) }))
}

// Requests registers what an HTTP gateway counts, and returns its hooks: done for
// every request, cancelled for every upstream that was cancelled after a halt.
// Call it once.
func (m *Metrics) Requests() (done func(route, outcome string, d time.Duration), cancelled func(d time.Duration)) {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "weir", Name: "requests_total", Help: "HTTP requests, by route and outcome.",
	}, []string{"route", "outcome"})
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "weir", Name: "request_seconds", Help: "Time of an HTTP request, its whole answer included.", Buckets: prometheus.ExponentialBuckets(1e-3, 4, 10),
	}, []string{"route"})
	cancels := prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: "weir", Name: "upstream_cancel_seconds", Help: "Time from a halt until the upstream's request was cancelled.", Buckets: prometheus.ExponentialBuckets(1e-6, 4, 10),
	})
	m.registry.MustRegister(requests, seconds, cancels)
	done = func(route, outcome string, d time.Duration) {
		requests.WithLabelValues(route, outcome).Inc()
		seconds.WithLabelValues(route).Observe(d.Seconds())
	}
	return done, func(d time.Duration) { cancels.Observe(d.Seconds()) }
}

// Reloaded counts a reload.
func (m *Metrics) Reloaded(changed bool, err error) {
	switch {
	case err != nil:
		m.reloads.WithLabelValues("failed").Inc()
	case changed:
		m.reloads.WithLabelValues("changed").Inc()
	default:
		m.reloads.WithLabelValues("unchanged").Inc()
	}
}

// profileCounter is the counter of one profile.
type profileCounter struct {
	profile string
	counter prometheus.Counter
}

// bytesOf finds the counter of a profile. Nearly all streams have the same one, and
// the vector's own way, by a hash of the labels, would be a tenth of a token's cost.
func (m *Metrics) bytesOf(profile string) prometheus.Counter {
	if last := m.lastBytes.Load(); last != nil && last.profile == profile {
		return last.counter
	}
	c := m.bytes.WithLabelValues(profile)
	m.lastBytes.Store(&profileCounter{profile, c})
	return c
}

// Trace returns the hooks by which an engine reports here.
func (m *Metrics) Trace() *engine.Trace {
	return &engine.Trace{
		Opened: func(profile string) { m.streams.WithLabelValues(profile).Inc() },
		Wrote: func(profile string, bytes int, d time.Duration, v policy.Verdict) {
			m.bytesOf(profile).Add(float64(bytes))
			if d > 0 {
				m.write.Observe(d.Seconds())
				m.holdback.Observe(float64(v.Received - v.Released))
			}
		},
		Found: func(profile string, f policy.Finding) {
			m.findings.WithLabelValues(profile, f.Category.String(), f.Action.String(), f.Source.Kind.String()).Inc()
		},
		Retracted: func(profile string, lag int64) {
			m.retractions.WithLabelValues(profile).Inc()
			m.lag.Observe(float64(lag))
		},
		Failed: func(profile string, source policy.Source, _ error) {
			m.failures.WithLabelValues(profile, source.String()).Inc()
		},
		Closed: func(profile string, v policy.Verdict, aborted bool) {
			m.streams.WithLabelValues(profile).Dec()
			end := "closed"
			switch {
			case aborted:
				end = "aborted"
			case v.Action == policy.Halt:
				end = "halted"
			}
			m.ended.WithLabelValues(profile, v.Action.String(), end).Inc()
		},
	}
}

// LogFailures adds to a trace that failures of detectors are logged, once a
// second at most: a model that is out of order fails on every stream.
func LogFailures(t *engine.Trace, log *slog.Logger) {
	var next, more atomic.Int64 // when to log again, in Unix nanoseconds; failures not logged
	failed := t.Failed
	t.Failed = func(profile string, source policy.Source, err error) {
		if failed != nil {
			failed(profile, source, err)
		}
		now, at := time.Now().UnixNano(), next.Load()
		if now < at || !next.CompareAndSwap(at, now+int64(time.Second)) {
			more.Add(1)
			return
		}
		log.Error("detector failed", "source", source.String(), "profile", profile, "err", err, "not_logged", more.Swap(0))
	}
}

// AdminHandler serves /metrics, /healthz (the process runs), /readyz (it takes
// streams), and profiles if asked to.
func AdminHandler(m *Metrics, ready func() bool, profiles bool) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ready() {
			answer(w, http.StatusOK, "ready\n")
			return
		}
		answer(w, http.StatusServiceUnavailable, "draining\n")
	})
	if profiles {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return mux
}

func answer(w http.ResponseWriter, code int, body string) {
	w.WriteHeader(code)
	_, _ = w.Write([]byte(body)) // the prober has gone; nothing to do
}
