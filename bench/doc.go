// Package bench measures a Weir server from outside, over gRPC, beside floors
// that are measured in the same run: an echo server that speaks the same protocol
// and judges nothing, the engine called in process, and a Unix socket that sends
// the same bytes back.
//
// # The work
//
// Texts are sentences of a corpus in English, Chinese and Japanese, joined and cut
// into tokens of about four bytes, as long as a decoder's are on average. A set
// share of them carries a violation at a random place; which token completes it, and at
// which byte it begins, is asked of the engine beforehand. When a text ends or
// halts, its stream is followed by a new one with another text.
//
// # How it is loaded
//
// Closed loop: every stream sends a token when the one before was answered. That
// measures throughput. In batches, two decode steps are under way, as with a model
// server that decodes the next while one is judged; batch-256-lockstep waits for
// each, and batch-2x256 is two such servers at once. Open loop: tokens are due at times fixed beforehand, each
// stream from a random phase on, and are sent then whatever has been answered;
// latency counts from the time a token was due, not from when it could be sent, so a
// server that stalls is charged for every token that waited (no coordinated
// omission). Every message asks for an answer, so that each token has one.
//
// # What is measured
//
//   - tokens a second: tokens answered over the time of the measurement.
//   - latency: from when a token was due (open loop) or sent (closed loop) to its
//     answer; in batches, of a step. Histograms have three digits.
//   - CPU: of the server's process, in seconds a million tokens.
//   - halt: from when the token that completes a violation was due to the verdict
//     that halts; of the echo, its answers to the same tokens.
//   - leaked: runes of a violation that were released, counted from its first, the
//     most of any stream. Anything but 0 is a defect.
//   - false halts: streams that halted before their violation or without one.
//     Missed: streams that ended with their violation.
//   - where the time goes, and allocations a token (--where): in rounds of their own,
//     from the server's CPU profile and its counter of allocations.
//
// # Proxies
//
// weir proxy is measured over HTTP, in front of a model server that says the same
// texts in OpenAI's form, beside a plain httputil.ReverseProxy in front of the same
// server; client, server and both proxies are processes of their own. Measured are
// the time from a request to its first text, tokens a second in closed loop, and in
// open loop the time from when the model server had a token due until its last byte
// was shown. A token that may be the beginning of a violation is held until the
// next shows that it is none, and pays an interval for it: that is the p99.
//
// A scenario runs in rounds, the server and its floor in turns, so that what else
// the machine does meets both. Figures are medians of rounds, and ratios are of
// medians of one run: they carry over to other machines, the rest does not.
package bench
