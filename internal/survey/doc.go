// Package survey looks at lexicon packs from outside: how often their terms
// occur in a corpus (Count), and which entries do nothing (Lint). It works on
// whole texts, so it uses a whole-text library, github.com/cloudflare/ahocorasick,
// which answers "which terms occur in this text" and nothing else. That makes
// it an opinion independent of the streaming matcher, whose matches are counted
// beside it.
package survey
