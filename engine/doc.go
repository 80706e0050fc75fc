// Package engine judges text while it is being generated: bytes go in, verdicts
// come out. It is the whole of Weir without a network, and can be embedded.
//
// Four nouns. A Snapshot is the compiled rules: policy, lexicons, models; it is
// immutable. An Engine holds the current snapshot and opens streams; it is
// shared. A Stream carries one text through the detectors of one profile; it
// belongs to one goroutine and must be ended. A policy.Verdict is the answer to
// one write: what may be shown, what was found, and whether the text stops here.
//
// # Watermarks
//
// A stream has three offsets, in bytes of the original text, which only grow:
//
//	released ≤ scanned ≤ received
//
// received counts what was written; scanned is where the decoder stands (a rune
// cut by the end of a chunk waits); released is how far every detector that
// blocks has cleared the text:
//
//   - the lexicon has cleared all but the longest suffix that may still become
//     a term whose action is redact or halt;
//   - patterns all but the run that may still become a number, address or key;
//   - models, in release mode strict, all but the stride that is not scored.
//
// Nothing is held for terms that are only flagged. In release mode async models
// run behind the stream and may retract; in observe nothing is held at all.
//
// # Promises
//
//  1. No byte of a match whose action is redact or halt is released, unless a
//     redaction's edit comes with it in the same verdict.
//  2. Cutting the text into other chunks changes nothing but when verdicts come:
//     findings, edits, the halt and what has been released in the end are a
//     function of the text and the snapshot. (With models in release mode async,
//     what was released before a retraction depends on time; findings do not.)
//  3. The cost of a byte does not depend on its position. Nothing is scanned
//     twice, but that a block of at most lexicon.MaxRunes runes in which
//     something is decided is read again rune by rune.
//  4. A detector that fails ends in the profile's fail mode: closed halts,
//     degraded goes on without the detector, open lets everything pass. The
//     verdict, the trace and the findings say so.
//  5. Every finding names category, severity or score and threshold, span and
//     source; policy.Explain puts it in one line.
//
// # Embedding
//
// See the examples: parse a policy and packs, compile a snapshot, open a stream,
// write chunks, show the bytes before Verdict.Released with Verdict.Edits
// applied, stop on policy.Halt.
package engine
