package extproc

import (
	"strconv"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	filterv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"

	"github.com/seed-4f09bd3a/weir/internal/gateway"
)

// maxPiece is the longest body in one response message of mode
// FULL_DUPLEX_STREAMED, as processing_mode.proto recommends.
const maxPiece = 64 << 10 // 64 KiB

// header returns a header by its lower-case name, or "".
func header(h *extprocv3.HttpHeaders, name string) string {
	for _, v := range h.GetHeaders().GetHeaders() {
		if v.Key != name {
			continue
		}
		if len(v.RawValue) > 0 {
			return string(v.RawValue)
		}
		return v.Value
	}
	return ""
}

// encoded reports whether a body has a Content-Encoding.
func encoded(h *extprocv3.HttpHeaders) bool {
	return gateway.Encoded(header(h, "content-encoding"))
}

// set returns a mutation that puts headers in place of those of the same names.
func set(pairs ...string) *extprocv3.HeaderMutation {
	m := &extprocv3.HeaderMutation{}
	for i := 0; i < len(pairs); i += 2 {
		m.SetHeaders = append(m.SetHeaders, &corev3.HeaderValueOption{
			Header:       &corev3.HeaderValue{Key: pairs[i], RawValue: []byte(pairs[i+1])},
			AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
		})
	}
	return m
}

// headersDone answers request or response headers.
func headersDone(m *extprocv3.HeaderMutation) *extprocv3.HeadersResponse {
	return &extprocv3.HeadersResponse{Response: &extprocv3.CommonResponse{HeaderMutation: m}}
}

// unchanged answers a body message of any mode but FULL_DUPLEX_STREAMED.
func unchanged() *extprocv3.BodyResponse {
	return &extprocv3.BodyResponse{Response: &extprocv3.CommonResponse{}}
}

// replaced answers a body message of any mode but FULL_DUPLEX_STREAMED with
// another body.
func replaced(body []byte, m *extprocv3.HeaderMutation) *extprocv3.BodyResponse {
	b := &extprocv3.BodyMutation{Mutation: &extprocv3.BodyMutation_Body{Body: body}}
	if len(body) == 0 {
		b.Mutation = &extprocv3.BodyMutation_ClearBody{ClearBody: true}
	}
	return &extprocv3.BodyResponse{Response: &extprocv3.CommonResponse{BodyMutation: b, HeaderMutation: m}}
}

// streamed is a piece of a body in mode FULL_DUPLEX_STREAMED.
func streamed(body []byte, end bool) *extprocv3.BodyResponse {
	return &extprocv3.BodyResponse{Response: &extprocv3.CommonResponse{BodyMutation: &extprocv3.BodyMutation{
		Mutation: &extprocv3.BodyMutation_StreamedResponse{StreamedResponse: &extprocv3.StreamedBodyResponse{Body: body, EndOfStream: end}},
	}}}
}

// pieces cuts a body for mode FULL_DUPLEX_STREAMED. There is at least one if end is
// true, which the last one carries.
func pieces(body []byte, end bool, each func(*extprocv3.BodyResponse) error) error {
	for len(body) > maxPiece {
		if err := each(streamed(body[:maxPiece], false)); err != nil {
			return err
		}
		body = body[maxPiece:]
	}
	if len(body) == 0 && !end {
		return nil
	}
	return each(streamed(body, end))
}

// immediate is an answer in place of the upstream's.
func immediate(r *gateway.Refusal, id string) *extprocv3.ProcessingResponse {
	headers := set("content-type", "application/json", "x-request-id", id)
	if r.Status == 503 {
		headers.SetHeaders = append(headers.SetHeaders, set("retry-after", "1").SetHeaders...)
	}
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ImmediateResponse{ImmediateResponse: &extprocv3.ImmediateResponse{
		Status:  &typev3.HttpStatus{Code: typev3.StatusCode(r.Status)}, //nolint:gosec // an HTTP status
		Headers: headers, Body: r.Body, Details: "weir",
	}}}
}

// untouched asks for no more messages about an exchange. Envoy heeds it if
// allow_mode_override is set and no body mode is FULL_DUPLEX_STREAMED.
func untouched() *filterv3.ProcessingMode {
	return &filterv3.ProcessingMode{
		ResponseHeaderMode: filterv3.ProcessingMode_SKIP,
		RequestBodyMode:    filterv3.ProcessingMode_NONE, ResponseBodyMode: filterv3.ProcessingMode_NONE,
		RequestTrailerMode: filterv3.ProcessingMode_SKIP, ResponseTrailerMode: filterv3.ProcessingMode_SKIP,
	}
}

// guardedMode asks for the bodies of an exchange. Requests are not asked for as
// BUFFERED: Envoy 1.40, when so overridden, waits forever for what its buffer cannot
// hold. As BUFFERED_PARTIAL that becomes our 413, and Content-Length stays.
func guardedMode() *filterv3.ProcessingMode {
	return &filterv3.ProcessingMode{
		ResponseHeaderMode: filterv3.ProcessingMode_SEND,
		RequestBodyMode:    filterv3.ProcessingMode_BUFFERED_PARTIAL, ResponseBodyMode: filterv3.ProcessingMode_FULL_DUPLEX_STREAMED,
		RequestTrailerMode: filterv3.ProcessingMode_SKIP, ResponseTrailerMode: filterv3.ProcessingMode_SEND,
	}
}

// status returns the HTTP status of an answer, or 0.
func status(h *extprocv3.HttpHeaders) int {
	n, err := strconv.Atoi(header(h, ":status"))
	if err != nil {
		return 0
	}
	return n
}
