// Package gateway guards the HTTP APIs of model servers: what a server answers
// goes through the engine before a client sees it.
//
// Three nouns. A Guard judges prompts and begins answers; it is shared. An Answer
// takes the body of one response in pieces and returns what may be sent on; it
// belongs to one goroutine. A Proxy is the HTTP handler that puts them between a
// client and an upstream; package extproc does the same behind Envoy.
//
// # Paths
//
// What is guarded is RouteOf's to say: POST to an API, GET of a stored answer. What
// else is below an API's path is refused (Sealed) unless it is known to carry no
// text of the model. Everything else passes as it is, or is refused, as the
// operator says (Unguarded).
//
// # Channels
//
// An answer carries more than one text: the content of each choice, its reasoning,
// a refusal, the names and arguments of tool calls, the transcript of sound. Each
// is a channel, a stream of the engine with offsets of its own. A string is a
// channel unless its name says that it is something else (an id, a role, a type),
// so a field that a server invents is guarded too, and so is its name if it is none
// of the APIs': arguments of tools may be objects. What cannot be read is taken out:
// sound, token ids, members nobody has heard of beside the choices that have words
// in them.
//
// The arguments of a tool call are JSON in a string, and are judged as their reader
// sees them: a line break for \n, a character for its number. Texts of one message
// that clients join (blocks, parts) follow each other: the end of one is read once
// more before the next. Errors of the upstream, which may quote the model, are
// judged string by string, whatever their status.
//
// A channel ends when text comes for another one of the same choice; what it held
// comes out before that text. If it goes on later, the last tailBytes are read
// once more, so that a term across the pause is found. The name of a function is
// judged as it comes, since clients look it up at once.
//
// # Streams
//
// Server-sent events are cut as the HTML standard has it. An event goes out with
// the text that may be shown by then, or not at all if it had nothing else; what
// is held comes with later text, or in an event of its own before the end. Nothing
// else is buffered. The fields event, id and retry go out if they are short and
// plain. Offsets in reports are bytes of a channel.
//
// # The end of a halted stream
//
// The clean text, the policy's replacement text if Options ask for it, and then:
//
//   - chat and completions: a chunk with finish_reason "content_filter" and
//     content_filter_results, the usage if it was asked for (the last that the
//     upstream sent, or an estimate that says so), and data: [DONE]. Other choices
//     go on; the stream ends when none does.
//   - responses: the events that end what is open, and response.incomplete with
//     incomplete_details.reason "content_filter".
//   - messages: content_block_stop, message_delta with stop_reason "refusal",
//     message_stop.
//
// The upstream is cancelled before the client hears of it. Text that a model
// withdraws after it was shown (release mode async) ends the stream in the same
// way, with content_filter_offsets: the bytes from start_offset on are withdrawn.
//
// content_filter_results has Azure's keys (hate, self_harm, sexual, violence,
// jailbreak) and ours for what Azure has no name for, each with filtered and
// severity; under weir, the findings with channel and offsets, unless Options ask
// for less: which entry of a pack was met (DetailCategory leaves it out) tells a
// client how to go around it, and the log says it anyhow.
//
// # Failures
//
// What cannot be judged is not shown. A stream that is no JSON, that breaks off or
// stalls, ends with an error event and a connection that is cut; another answer
// becomes an error with a status: one of a shape that its API does not have, in
// another character set than UTF-8, a redirect, which would lead around the guard.
// A request for the rest of a stored answer (starting_after) is refused. A detector that fails is answered by the
// profile's fail mode.
package gateway
