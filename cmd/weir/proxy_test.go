package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// model is a model server that says some words and a term, one by one, and goes
// on until its client leaves.
func model(t *testing.T, seen func(r *http.Request)) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		seen(r)
		if r.Method == http.MethodGet {
			fmt.Fprint(w, "passed")
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for _, word := range []string{"some", " clean", " words", " zzbomb", "!"} {
			fmt.Fprintf(w, `data: {"id":"c","choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}`+"\n\n", word)
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	return s
}

// startProxy runs weir proxy as a process and returns its address, and a function
// that ends it and returns its log.
func startProxy(t *testing.T, environ []string, args ...string) (address string, stop func() string) {
	t.Helper()
	c := exec.Command(os.Args[0], append([]string{"proxy", "--listen", "127.0.0.1:0", "--admin", "-", "--policy", basePolicy}, args...)...)
	c.Env = append(append(os.Environ(), "WEIR_TEST_MAIN=1"), environ...)
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	var once sync.Once
	lines := bufio.NewScanner(stderr)
	stop = func() string {
		once.Do(func() {
			_ = c.Process.Signal(syscall.SIGTERM)
			for lines.Scan() {
				log.WriteString(lines.Text() + "\n")
			}
			if err := c.Wait(); err != nil {
				t.Errorf("%v\n%s", err, log.String())
			}
		})
		return log.String()
	}
	t.Cleanup(func() { stop() })
	for lines.Scan() {
		log.WriteString(lines.Text() + "\n")
		if _, rest, ok := strings.Cut(lines.Text(), "msg=proxy network=tcp address="); ok {
			address, _, _ = strings.Cut(rest, " ")
			return address, stop
		}
	}
	t.Fatalf("no proxy:\n%s", log.String())
	return "", nil
}

const (
	chatRequest = `{"model":"m","messages":[{"role":"user","content":"hello"}],"stream":true}`
	chatAnswer  = "some clean words "
)

// chatText returns the text of a halted stream, read to its end.
func chatText(t *testing.T, resp *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.HasSuffix(body, []byte("data: [DONE]\n\n")) || !bytes.Contains(body, []byte(`"finish_reason":"content_filter"`)) {
		t.Errorf("%v in %s", err, body)
	}
	var text strings.Builder
	for part := range strings.SplitSeq(string(body), `"content":"`) {
		if before, _, ok := strings.Cut(part, `"}`); ok && !strings.HasPrefix(part, "data") {
			text.WriteString(before)
		}
	}
	return text.String()
}

// authority signs certificates.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// issue writes NAME.crt and NAME.key; the authority's own if there is none yet.
func (a *authority) issue(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IsCA: a.cert == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})
	for file, data := range map[string][]byte{name + ".crt": certPEM, name + ".key": keyPEM} {
		if err := os.WriteFile(filepath.Join(a.dir, file), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if a.cert == nil {
		if a.cert, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		a.key = key
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// TestProxyTLS: HTTP/2 and HTTP/1.1 over TLS, with a client's certificate and
// without.
func TestProxyTLS(t *testing.T) {
	upstream := model(t, func(*http.Request) {})
	servers, clients := &authority{dir: t.TempDir()}, &authority{dir: t.TempDir()}
	servers.issue(t, "ca")
	servers.issue(t, "server")
	clients.issue(t, "ca")
	own := clients.issue(t, "client")
	other := servers.issue(t, "stranger") // signed by somebody else
	conf := filepath.Join(t.TempDir(), "weir.yaml")
	roots := x509.NewCertPool()
	roots.AddCert(servers.cert)
	ask := func(address string, http2 bool, certificates ...tls.Certificate) (*http.Response, error) {
		transport := &http.Transport{ForceAttemptHTTP2: http2, TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: certificates, MinVersion: tls.VersionTLS12}}
		t.Cleanup(transport.CloseIdleConnections)
		return (&http.Client{Transport: transport, Timeout: 20 * time.Second}).Post("https://"+address+"/v1/chat/completions", "application/json", strings.NewReader(chatRequest))
	}
	for _, mutual := range []bool{false, true} {
		t.Run(fmt.Sprintf("mutual=%t", mutual), func(t *testing.T) {
			text := fmt.Sprintf("proxy: {tls: {cert: %s/server.crt, key: %s/server.key", servers.dir, servers.dir)
			if mutual {
				text += fmt.Sprintf(", client_ca: %s/ca.crt", clients.dir)
			}
			if err := os.WriteFile(conf, []byte(text+"}}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			address, _ := startProxy(t, nil, "--config", conf, "--upstream", upstream.URL)
			for _, http2 := range []bool{false, true} {
				resp, err := ask(address, http2, own)
				if err != nil {
					t.Fatal(err)
				}
				if got := chatText(t, resp); got != chatAnswer || (resp.ProtoMajor == 2) != http2 {
					t.Errorf("%s: %q", resp.Proto, got)
				}
				_ = resp.Body.Close()
			}
			for name, certificates := range map[string][]tls.Certificate{"none": nil, "a stranger's": {other}} {
				resp, err := ask(address, true, certificates...)
				if err == nil {
					_ = resp.Body.Close()
				}
				if refused := err != nil; refused != mutual {
					t.Errorf("with the certificate %s: %v", name, err)
				}
			}
			if resp, err := http.Get("http://" + address + "/v1/models"); err == nil {
				_ = resp.Body.Close()
				if resp.StatusCode != http.StatusBadRequest {
					t.Errorf("without TLS: %s", resp.Status)
				}
			}
		})
	}
}

// TestProxyTracesLost: the log says that spans are recorded, and why they are lost.
func TestProxyTracesLost(t *testing.T) {
	gatherer := httptest.NewServer(http.NotFoundHandler())
	defer gatherer.Close()
	upstream := model(t, func(*http.Request) {})
	address, stop := startProxy(t, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + gatherer.URL}, "--upstream", upstream.URL)
	resp, err := http.Get("http://" + address + "/v1/models?api_key=query-secret")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	log := stop()
	if !strings.Contains(log, "level=INFO msg=\"tracing is on") || !strings.Contains(log, "level=WARN msg=OpenTelemetry err=") || strings.Contains(log, "secret") {
		t.Errorf("the log:\n%s", log)
	}
	for line := range strings.Lines(log) {
		if !strings.HasPrefix(line, "time=") {
			t.Errorf("not by the logger: %s", line)
		}
	}
}

// TestProxyTraces: spans arrive at a collector, children of the client's, and
// neither a query nor a key is in them.
func TestProxyTraces(t *testing.T) {
	var mu sync.Mutex
	var spans []*trace.Span
	var raw []byte
	arrived := map[string]string{}
	queries := map[string]string{}
	gatherer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var request collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &request)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		mu.Lock()
		defer mu.Unlock()
		raw = append(raw, body...)
		for _, resource := range request.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				spans = append(spans, scope.Spans...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer gatherer.Close()
	upstream := model(t, func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		arrived[r.Method] = r.Header.Get("Traceparent")
		queries[r.Method] = r.URL.RawQuery
	})
	// Where nothing is recorded, the context passes as it is.
	silent, _ := startProxy(t, nil, "--upstream", upstream.URL)
	const traceID, spanID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+silent+"/v1/models", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Traceparent", "00-"+traceID+"-"+spanID+"-01")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	mu.Lock()
	if got := arrived[http.MethodGet]; got != "00-"+traceID+"-"+spanID+"-01" {
		t.Errorf("nothing is recorded, and the upstream got traceparent %q", got)
	}
	mu.Unlock()

	address, stop := startProxy(t, []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + gatherer.URL}, "--upstream", upstream.URL)
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+address+"/v1/chat/completions?api_key=query-secret", strings.NewReader(chatRequest))
		if err != nil {
			t.Fatal(err)
		}
		if method == http.MethodGet {
			r.URL.Path, r.Body, r.ContentLength = "/v1/models", nil, 0
		}
		r.Header.Set("Traceparent", "00-"+traceID+"-"+spanID+"-01")
		r.Header.Set("Authorization", "Bearer header-secret")
		r.Header.Set("X-Api-Key", "header-secret")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if method == http.MethodPost && chatText(t, resp) != chatAnswer {
			t.Error("another text")
		}
		_ = resp.Body.Close()
	}
	log := stop() // sends what is left
	mu.Lock()
	defer mu.Unlock()
	if bytes.Contains(raw, []byte("secret")) || bytes.Contains(raw, []byte("api_key")) || strings.Contains(log, "secret") {
		t.Errorf("a key is in spans or in the log: %v\n%s", spans, log)
	}
	if len(spans) != 4 {
		t.Fatalf("%d spans, want one of a server and one of a client for each request: %v", len(spans), spans)
	}
	byID := map[string]*trace.Span{}
	for _, s := range spans {
		byID[hex.EncodeToString(s.SpanId)] = s
		if hex.EncodeToString(s.TraceId) != traceID {
			t.Errorf("span %q is of trace %x", s.Name, s.TraceId)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		if queries[method] != "api_key=query-secret" {
			t.Errorf("%s: the upstream got the query %q", method, queries[method])
		}
		parts := strings.Split(arrived[method], "-")
		if len(parts) != 4 || parts[1] != traceID {
			t.Fatalf("%s: the upstream got traceparent %q", method, arrived[method])
		}
		client := byID[parts[2]]
		if client == nil || client.Kind != trace.Span_SPAN_KIND_CLIENT {
			t.Fatalf("%s: the upstream's parent is no span of ours: %v", method, client)
		}
		server := byID[hex.EncodeToString(client.ParentSpanId)]
		if server == nil || server.Kind != trace.Span_SPAN_KIND_SERVER || hex.EncodeToString(server.ParentSpanId) != spanID {
			t.Errorf("%s: the client's span is a child of %v", method, server)
		}
	}
}
