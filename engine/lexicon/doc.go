// Package lexicon finds listed terms in streams of text.
//
// # Packs
//
// A pack is a YAML file with entries. Unknown keys, wrong types and values out
// of range are errors with line and column, all reported at once.
//
//	version: 1                  # required
//	name: my-pack               # required; letters, digits and hyphens
//	language: en                # optional, BCP 47, for information
//	description: one line       # optional
//	licence: Apache-2.0         # optional
//	source: where it comes from # optional
//	entries:
//	  - term: zzbomb            # one of term, terms, all
//	    category: violence      # one id or a list of them
//	    severity: high          # low, medium, high, critical
//	    whole_word: true        # default true
//	    evasive: true           # default false
//	    exceptions: [bath zzbomb]
//	  - terms: [zz foo, zz bar] # spellings that share the rest
//	    category: illicit
//	    severity: medium
//	  - all: [zzmake, zzbomb]   # a combination: all parts, in any order,
//	    within: 40              # from the start of the first to the end of the last, 1..256 runes
//	    category: [illicit, violence]
//	    severity: high
//
// Terms are matched over folded text (package text): case, width, accents,
// invisible characters and traditional or simplified Chinese do not matter.
// With whole_word, an edge of the term that is a letter or digit of a script
// that separates words must be a word boundary; Han and kana need none.
// evasive terms are looked for in the skeleton view, where separators,
// look-alikes and repeated letters do not matter either; that view contains every
// plain occurrence. A match that an exception covers is none.
//
// # Which matches are reported
//
// Leftmost first, then longest; a match that lies inside a reported one of the
// same category, view and at least its severity is left out. Matches that overlap
// without one containing the other are both reported, as are matches of
// different categories: the union is what must not be shown.
//
// A match is decided at one rune: the first after which nothing to come can
// contain it, except it, or refuse its right boundary. Which rune that is
// depends on the text alone.
//
// # The automaton
//
// The naive matcher looks for every term in the whole text after every token.
// Aho–Corasick reads each rune once: its state is the longest suffix of the
// text that is a prefix of a term, and the next rune leads to the next state.
// A stream keeps the state, so text that was read is never read again.
//
// What each trick buys, at 10,000 mixed English and Chinese terms:
//
//   - Runes instead of bytes. A Han character is one step, not three, and the
//     lexicon has a third of the states.
//   - A double array: the children of a state lie at base+code, in the gaps
//     that other states leave, and a cell belongs to the state whose base leads
//     to it. 12 bytes a state, where a table of all codes would take kilobytes.
//     A cell needs to store its own code only, because no two states share a base.
//   - Dense rows for the first states, reached by ASCII. Nearly all of English
//     text moves there; a row answers with one load and no fail link. They are
//     bounded (512 KiB), so 100,000 terms do not grow them.
//   - What is asked of a state at every token (does a term end here, must text
//     be held) is in the state's own number.
//
// # Holding back
//
// Each state knows the length of the longest suffix that a term could still
// extend. So the offset before which everything is free is known after every
// rune, and is as far as it can be: a prefix inside a word does not hold text
// if all its terms begin at word boundaries, and terms that only flag never do.
// A part of a combination holds for as long as the combination is in reach.
//
// # Cost
//
// Per rune: constant for a given lexicon, whatever the text. Fail links cost at
// most one step for every step forward; terms that end at the same rune are a
// chain no longer than the longest term, and only those that can matter are
// kept. Memory per stream: State.
package lexicon
