// Package extproc is an external processor for Envoy: the gRPC service
// envoy.service.ext_proc.v3.ExternalProcessor, which Envoy's ext_proc filter calls
// for every HTTP exchange. It judges what package gateway judges, and answers in the
// same words as its Proxy; Envoy does the transport.
//
// One call of Process is one exchange: request headers, request body, response
// headers, response body, trailers. What is said here of Envoy was seen in Envoy
// 1.40 (most of it examples/envoy/run.sh asserts) or is said in ext_proc.proto,
// external_processor.proto and processing_mode.proto. Envoy must send protocol_config, as
// version 1.34 and later ones do.
//
// # Modes
//
// How bodies come is the filter's processing_mode to say. Requests:
//
//   - BUFFERED: the prompt is judged before the upstream hears of the request, and the
//     request goes on as it was. What is longer than Envoy's buffer
//     (per_connection_buffer_limit_bytes) Envoy refuses itself, with 413.
//   - FULL_DUPLEX_STREAMED: the same; the headers wait for the body. The request goes
//     on without Content-Length, which some servers do not like.
//   - BUFFERED_PARTIAL: as BUFFERED, and what is longer than the buffer is answered
//     413: a part of a prompt is not judged.
//   - STREAMED: the body is kept until it is whole. The upstream has got the headers
//     by then; if the prompt is blocked, Envoy resets that request.
//
// A blocked prompt is an ImmediateResponse 400 with the proxy's body. Answers:
//
//   - FULL_DUPLEX_STREAMED: text goes on when it may be shown. A halt ends the answer
//     with end_of_stream, upon which Envoy ends the exchange and resets the upstream's
//     request. JSON waits until it is judged, headers too, so that it can still become
//     an error with a status.
//   - BUFFERED: Envoy keeps the whole answer, so nothing streams, nothing stops an
//     upstream, and memory is bounded by Envoy's buffer.
//   - BUFFERED_PARTIAL: as BUFFERED; what is longer than the buffer becomes 502, since
//     Envoy would send the rest on unseen.
//   - STREAMED: text streams, but every message must be answered by one: what is held
//     comes with the next, and an answer cannot end before the upstream's. After a
//     halt the client has its whole end, [DONE] included, but the upstream goes on
//     unseen until it ends or the client closes its connection. Late findings (release mode
//     async) come with the next message. JSON that cannot be judged becomes an error
//     under the status that the upstream gave.
//
// With request_body_mode and response_body_mode NONE and allow_mode_override, Envoy
// sends headers only, and this package asks for the bodies of the exchanges that it
// guards: requests BUFFERED_PARTIAL, answers FULL_DUPLEX_STREAMED. Everything else passes
// through Envoy alone. That is what examples/envoy shows. Envoy heeds no override where
// a mode is FULL_DUPLEX_STREAMED in its configuration; there, what is not guarded comes
// here and goes back as it is. Whether an override is heeded shows in whether the
// request's body comes. If it does not, or if the modes leave an answer unseen, the
// client gets 500 with what to change; never an answer that nobody has judged. Requests
// without a body (stored answers that are fetched again by GET) show nothing, and are
// refused where response_body_mode is NONE: give their routes another mode.
//
// # Stopping an upstream
//
// The protocol has no word for it. What there is:
//
//   - end_of_stream on a body message of FULL_DUPLEX_STREAMED that has a body. Sent
//     before the upstream has ended, it ends the exchange, and with it the upstream's
//     request: HTTP/2 streams are reset, HTTP/1 connections closed. The proto says that
//     it is for the end of the upstream's body; Envoy takes it earlier. Its code passes
//     on what has a body, so an early end is never sent without one.
//   - ImmediateResponse before headers went out: the answer in place of the
//     upstream's, whose request is reset.
//   - ImmediateResponse after them: Envoy resets both sides. This is how an answer
//     that cannot be judged any further ends, after an error event. Over HTTP/1 the
//     client has the event at once, and sees the connection closed when Envoy's
//     delayed_close_timeout has passed (1 s by default).
//   - Ending the call with OK would let the rest pass unseen, and is never done before
//     Envoy has ended it.
//   - Ending it with an error fails the exchange, unless failure_mode_allow is set:
//     then Envoy goes on without a guard, except with an answer under way in
//     FULL_DUPLEX_STREAMED. Leave it off; nothing here can.
//
// # Failures
//
// Those of package gateway, in its words. Stalled upstreams are noticed in the modes
// FULL_DUPLEX_STREAMED and STREAMED (Options.Stall); until headers come, and in the
// buffered modes, waiting is Envoy's to limit (timeout and idle_timeout of the route).
// An upstream that breaks off looks like a client that left: Envoy resets the call,
// and cuts the client's connection itself, without an error event.
//
// message_timeout (200 ms by default) limits each answer to a message, except in
// FULL_DUPLEX_STREAMED. Judging a long prompt by models takes longer: raise it. When it
// passes, the client gets 504.
//
// In FULL_DUPLEX_STREAMED the protocol has no flow control yet: a client that reads
// slowly does not slow the upstream down, and Envoy's memory holds the difference. A
// client that stops reading can therefore never look like an upstream that stalls. In
// STREAMED Envoy pauses the upstream once its buffers are full, and then it can.
//
// In observability mode nothing is answered, so nothing is stopped: exchanges are
// judged as far as Envoy shows them, counted as observed, and the log says what would
// have been done.
package extproc
