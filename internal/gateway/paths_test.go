package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

// TestPaths: what is guarded, what is refused whatever the operator says, what he
// decides about, and what always passes.
func TestPaths(t *testing.T) {
	const guarded, sealed, asked, passed = "guarded", "sealed", "asked", "passed"
	for request, want := range map[string]string{
		"POST /v1/chat/completions":                    guarded,
		"POST /base/V1//Chat/Completions/":             guarded,
		"POST /v1/chat/completions?api-version=1":      guarded,
		"POST /openai/deployments/x/completions":       guarded,
		"POST /v1/responses":                           guarded,
		"POST /v1/responses/resp_1/cancel":             guarded,
		"POST /v1/messages":                            guarded,
		"GET /v1/responses/resp_1":                     guarded,
		"GET /v1/responses/resp_1?stream=true":         guarded,
		"GET /v1/chat/completions/chatcmpl-1":          guarded,
		"POST /v1/chat/completions/batch":              sealed,
		"POST /v1/chat/completions/chatcmpl-1":         sealed,
		"PUT /v1/chat/completions":                     sealed,
		"GET /v1/chat/completions":                     sealed,
		"GET /v1/responses/resp_1/output":              sealed,
		"POST /v1/responses/compact":                   sealed,
		"POST /v1/messages/batches":                    sealed,
		"GET /v1/messages/batches/b_1/results":         sealed,
		"POST /v1/messages/count_tokens":               asked,
		"POST /v1/responses/input_tokens":              asked,
		"POST /v1/embeddings":                          asked,
		"POST /generate":                               asked,
		"DELETE /v1/responses/resp_1":                  asked,
		"GET /v1/responses/resp_1/input_items":         passed,
		"GET /v1/chat/completions/chatcmpl-1/messages": passed,
		"GET /v1/models":                               passed,
		"HEAD /v1/chat/completions":                    passed,
		"OPTIONS /v1/chat/completions":                 passed,
		"GET /messages-of-ours":                        passed,
	} {
		method, path, _ := strings.Cut(request, " ")
		got := passed
		if _, ok := gateway.RouteOf(method, path); ok {
			got = guarded
		} else if r := gateway.Unguarded(method, path, false); r != nil && r.Status == http.StatusNotFound {
			got = sealed
		} else if r := gateway.Unguarded(method, path, true); r != nil {
			got = asked
		}
		if got != want {
			t.Errorf("%s is %s, want %s", request, got, want)
		}
	}
}
