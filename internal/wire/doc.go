// Package wire encodes and decodes the messages that go to and fro for every
// token, four of moderation.proto, without reflection and into memory that is used
// again. What it writes and reads is protobuf, byte for byte as
// google.golang.org/protobuf has it; other ends need not know of it.
//
// The naive way is that library for everything. At a step of 256 streams, it takes
// a fourth of the server's time: a table is walked for every field of every
// entry, and entry, verdict and chunk are allocated one by one. Here
//
//   - fields are read in a switch, into the entries that the message had before;
//   - verdicts without findings and edits, which nearly all are, are written
//     straight into the buffer that goes to the socket, their length behind them;
//   - everything else is left to the library: other messages, prompts, findings,
//     edits, unknown fields, fields that come twice. A fast reader that meets one
//     gives up, and the library reads the message from its start.
//
// So what is unusual costs what it did, and cannot differ; that the usual does not
// differ either is FuzzDecode's and FuzzEncode's to show.
//
// Codec is for grpc.ForceServerCodecV2 and grpc.ForceCodecV2. It is safe for
// concurrent use. A message that it decodes into must own its memory: its entries
// and chunks are overwritten.
package wire
