// Package enginetest runs stream scripts: scenarios in plain text that a person
// who writes policies can read, and that every front end (the engine, the gRPC
// services, a proxy) must pass alike.
//
// A script is a file NAME.stream in engine/testdata. Its lines are:
//
//	# comment
//	policy NAME           the policy testdata/NAME.yaml; required, first
//	profile NAME          profile of the stream; default if missing
//	write TEXT            writes the rest of the line, after one blank
//	close                 ends the text; scripts that halt leave it out
//	expect KEY VALUE ...  about the verdict of the line before:
//	                      action, released, held, scanned, halt, retract
//	final KEY VALUE ...   about the last verdict: action, released, halt
//	finding ACTION CATEGORY SEVERITY START END SOURCE
//	                      every finding of the stream, in order
//	edit START END TEXT   every edit of the stream, in order
//
// In TEXT \n, \t, \\, \s (a blank), \xNN (a byte) and \u{N} (a rune) are
// escapes. Offsets are bytes. Without a finding line the stream must have none.
//
// Every script runs as written, byte by byte, and cut at random: the expect
// lines hold only for the first, everything else for all of them.
package enginetest
