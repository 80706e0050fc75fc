package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.40.0"
	"google.golang.org/grpc/stats"
)

// tracing passes the trace context of requests (W3C traceparent) on to the
// upstream. It records spans where OTEL_EXPORTER_OTLP_ENDPOINT or
// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT says where to send them; the other variables
// of OpenTelemetry hold too. Where nothing is recorded, the header passes as the
// other headers do, and answers are not wrapped.
type tracing struct {
	recorded *trace.TracerProvider // nil if nothing is recorded
}

func newTracing(ctx context.Context, version string, log *slog.Logger) (*tracing, error) {
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return &tracing{}, nil
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("OpenTelemetry", "err", err) }))
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fmt.Errorf("OpenTelemetry: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(semconv.ServiceName("weir"), semconv.ServiceVersion(version)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OpenTelemetry: %w", err)
	}
	log.Info("tracing is on: OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set")
	p := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about))
	return &tracing{recorded: p}, nil
}

func (t *tracing) options() []otelhttp.Option {
	return []otelhttp.Option{
		otelhttp.WithTracerProvider(t.recorded),
		otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})),
		// A query may hold a key or text, and is in no span's name.
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Path }),
	}
}

func (t *tracing) handler(h http.Handler) http.Handler {
	if t.recorded == nil {
		return h
	}
	return otelhttp.NewHandler(h, "weir", t.options()...)
}

// transport records requests to the upstream, without their queries.
func (t *tracing) transport(r http.RoundTripper) http.RoundTripper {
	if t.recorded == nil {
		return r
	}
	return withoutQuery{otelhttp.NewTransport(withQuery{r}, t.options()...)}
}

// withoutQuery takes the query out of a request, since spans have its URL, and
// withQuery puts it back.
type (
	withoutQuery struct{ next http.RoundTripper }
	withQuery    struct{ next http.RoundTripper }
	queryKey     struct{}
)

// RoundTrip implements http.RoundTripper.
func (t withoutQuery) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.RawQuery == "" {
		return t.next.RoundTrip(r)
	}
	return t.next.RoundTrip(withURL(r.WithContext(context.WithValue(r.Context(), queryKey{}, r.URL.RawQuery)), ""))
}

// RoundTrip implements http.RoundTripper.
func (t withQuery) RoundTrip(r *http.Request) (*http.Response, error) {
	if query, ok := r.Context().Value(queryKey{}).(string); ok {
		r = withURL(r.WithContext(r.Context()), query)
	}
	return t.next.RoundTrip(r)
}

// withURL gives a copy of a request a URL of its own with another query.
func withURL(r *http.Request, query string) *http.Request {
	u := *r.URL
	u.RawQuery = query
	r.URL = &u
	return r
}

// calls makes the spans of gRPC calls; nil if nothing is recorded.
func (t *tracing) calls() stats.Handler {
	if t.recorded == nil {
		return nil
	}
	return otelgrpc.NewServerHandler(otelgrpc.WithTracerProvider(t.recorded),
		otelgrpc.WithPropagators(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})))
}

// stop sends what was recorded.
func (t *tracing) stop(log *slog.Logger) {
	if t.recorded == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := t.recorded.Shutdown(ctx); err != nil {
		log.Warn("spans were lost", "err", err)
	}
}
