package server

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/seed-4f09bd3a/weir/engine"
)

// retryAfter is the hint to clients that were refused for overload.
const retryAfter = time.Second

// What clients are told, in one place. Messages say what to change, and quote
// no text.
var (
	errDraining  = status.Error(codes.Unavailable, "the server is shutting down: open the stream elsewhere")
	errNotOpen   = status.Error(codes.FailedPrecondition, "the first message of a stream must carry open")
	errOpenAgain = status.Error(codes.FailedPrecondition, "the stream is open already: send open in its first message only")
	errNoStream  = status.Error(codes.FailedPrecondition, "the stream is not open: it has ended, or its first entry did not carry open")
	errTwice     = status.Error(codes.InvalidArgument, "a request has two entries for this stream: put its bytes into one chunk")
)

func errTooManyStreams(limit int) error {
	st := status.Newf(codes.ResourceExhausted, "%d streams are open, which is the limit (limits.streams): try again later", limit)
	if with, err := st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retryAfter)}); err == nil {
		st = with
	}
	return st.Err()
}

func errBatchStreams(limit int) error {
	return status.Errorf(codes.ResourceExhausted,
		"%d streams are open on this call, which is the limit (limits.batch_streams): open another call", limit)
}

func errChunk(bytes, limit int) error {
	return status.Errorf(codes.ResourceExhausted,
		"the chunk has %d bytes, the limit is %d (limits.chunk_bytes): send smaller chunks", bytes, limit)
}

func errText(limit int64) error {
	return status.Errorf(codes.ResourceExhausted,
		"the text is longer than %d bytes (limits.text_bytes): what is beyond was not judged and must not be shown", limit)
}

func errIdle(limit time.Duration) error {
	return status.Errorf(codes.DeadlineExceeded,
		"nothing was sent or read for %s (limits.idle_timeout): what was not released must not be shown", limit)
}

// toStatus maps what the engine returns. What no client can help is logged.
func (s *Server) toStatus(err error) error {
	switch {
	case errors.Is(err, engine.ErrUnknownProfile):
		return status.Error(codes.InvalidArgument, err.Error())
	case errors.Is(err, engine.ErrHalted), errors.Is(err, engine.ErrClosed):
		return status.Error(codes.FailedPrecondition, "the stream has ended: open a new one")
	case errors.Is(err, context.Canceled):
		return status.Error(codes.Canceled, "the call was cancelled")
	case errors.Is(err, context.DeadlineExceeded):
		return status.Error(codes.DeadlineExceeded, "the call's deadline has passed")
	}
	s.log.Error("moderation failed", "err", err)
	return status.Error(codes.Internal, "moderation failed: see the server's log")
}

// panicked logs a panic and returns what the client is told. The panic's value
// may hold text of users, so only its type and the stack are logged.
func (s *Server) panicked(p any) error {
	s.metrics.panics.Inc()
	s.log.Error("panic in a call", "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
	return status.Error(codes.Internal, "moderation failed: see the server's log")
}
