package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// headerStart tells the client when the first token of an answer was due, in
// nanoseconds since 1970, and token k was due k intervals later.
const headerStart = "X-Bench-Start"

// NewUpstream returns a model server that answers chats with the texts, an event a
// token, in OpenAI's form. The request's model is TEXT:RATE, the index of a text
// and how many tokens a second are due; 0 sends as fast as they are taken.
func NewUpstream(texts []Text) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			return // it is there
		}
		var request struct{ Model string }
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		index, rate, _ := strings.Cut(request.Model, ":")
		i, err := strconv.Atoi(index)
		perSecond, err2 := strconv.ParseFloat(rate, 64)
		if err != nil || err2 != nil || i < 0 || i >= len(texts) {
			http.Error(w, "want the model TEXT:RATE", http.StatusBadRequest)
			return
		}
		var interval time.Duration
		if perSecond > 0 {
			interval = time.Duration(float64(time.Second) / perSecond)
		}
		start := time.Now()
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set(headerStart, strconv.FormatInt(start.UnixNano(), 10))
		var event []byte
		for k, token := range texts[i].Tokens {
			if wait := time.Until(start.Add(time.Duration(k) * interval)); wait > 0 {
				time.Sleep(wait)
			}
			event = appendChunk(event[:0], token)
			if _, err := w.Write(event); err != nil || http.NewResponseController(w).Flush() != nil {
				return // the client has left
			}
		}
		_, _ = io.WriteString(w, chunkHead+`{},"logprobs":null,"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n") // the client may have left
	})
}

const chunkHead = `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1762430112,"model":"bench","choices":[{"index":0,"delta":`

func appendChunk(dst, token []byte) []byte {
	dst = append(append(dst, chunkHead...), `{"content":`...)
	quoted, _ := json.Marshal(string(token)) // strings can be marshalled
	dst = append(dst, quoted...)
	return append(dst, `},"logprobs":null,"finish_reason":null}]}`+"\n\n"...)
}

// NewPlainProxy returns the floor of a proxy: httputil.ReverseProxy, which flushes
// at once and looks at nothing.
func NewPlainProxy(upstream string) (http.Handler, error) {
	u, err := url.Parse(upstream)
	if err != nil {
		return nil, fmt.Errorf("bench: upstream: %w", err)
	}
	p := httputil.NewSingleHostReverseProxy(u)
	p.FlushInterval = -1
	p.ErrorLog = log.New(io.Discard, "", 0) // clients leave when the measurement ends
	p.Transport = &http.Transport{MaxIdleConnsPerHost: 1024, DisableCompression: true}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Read whole, or the server closes the body, once it has written a header,
		// under the transport that looks for its end, and the answer breaks off.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		p.ServeHTTP(w, r)
	}), nil
}
