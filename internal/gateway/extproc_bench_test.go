package gateway_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

// BenchmarkExtProc passes an answer of 1,000 tokens, one message each, through the
// external processor in mode FULL_DUPLEX_STREAMED; unguarded is the same messages on a
// path that is passed through, which is what the protocol itself costs.
func BenchmarkExtProc(b *testing.B) {
	const tokens = 1000
	event := answerOf("clean ")
	response := append(bytes.Repeat(event, tokens), (data(ended) + data(done))...)
	for _, path := range []string{chatPath, "/v1/unguarded"} {
		b.Run(strings.TrimPrefix(path, "/v1/"), func(b *testing.B) {
			e := newEnvoy(b, guard(b, basePolicy, gateway.Options{}), nil)
			b.ReportAllocs()
			for b.Loop() {
				got := e.do(exchanged{mode: modes["duplex"], method: "POST", path: path, body: []byte(chatRequest), response: response, cut: func(int) int { return len(event) }})
				if got.broken || bytes.Count(got.body, []byte("clean ")) != tokens {
					b.Fatal(got)
				}
			}
			b.ReportMetric(float64(b.N*tokens)/b.Elapsed().Seconds(), "tokens/s")
		})
	}
}
