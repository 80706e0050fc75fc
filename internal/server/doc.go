// Package server offers an engine over gRPC: it decodes, calls the engine,
// encodes, and bounds what a client may take. It decides nothing about text.
//
// No text of users is logged, counted by content, or quoted in an error.
package server
