// Package text reads a stream of bytes and folds it into the two views in which
// terms are looked for, with the span of original bytes behind every rune.
//
// # The naive version
//
// To find a term however it is written, one would collect the whole text,
// normalise it (NFKD), fold its case, strip accents, convert it to simplified
// Chinese, and search the result. This has three faults. The text is never
// whole: it comes in chunks that end anywhere, even inside a rune. A match in
// the result says nothing about which bytes of the original to withhold. And
// normalisation needs lookahead: the next chunk may bring a mark that composes
// with the last rune, so that nothing could ever be judged to the end.
//
// # The plain view
//
// Folder folds each rune by itself, and only ever makes it shorter or longer,
// never waits for the next one. That is possible because it decomposes and
// never composes: é and e + U+0301 meet at e, and not at é. It buys exact
// offsets (every folded rune carries the span of the one rune it came from),
// results that do not depend on chunks, and a state of 16 bytes: the offset, at
// most three bytes of a rune whose rest has not come, and whether the last rune
// was a blank. The fold of one rune is made of:
//
//   - its compatibility decomposition (NFKD): full width, half-width kana,
//     ligatures, letters in circles and of mathematics;
//   - full case folding: ß and ẞ are ss;
//   - the combining marks of Latin, Greek, Cyrillic and Coptic, and those for
//     symbols, dropped; marks of all other scripts kept, because there they are
//     vowels or consonants;
//   - nothing for what is not seen: zero-width, bidi and other format
//     characters, variation selectors, fillers, tags, the soft hyphen, the
//     Arabic tatweel, and all control characters that are not white space (NUL,
//     ESC and the like have no use in text but to split words);
//   - simplified for traditional Chinese, rune for rune;
//   - a blank for white space of any kind, and one blank for a row of them;
//   - U+FFFD for each byte that is not part of valid UTF-8. The bytes behind it
//     are read as if it were not there, so that no stray lead byte can hide one.
//
// Kana keep their sound marks, as runes of their own: が, か + U+3099 and the
// half-width ｶﾞ all end in U+3099, of class VoiceMark. が therefore begins
// with か; whoever looks for a term that ends in か asks TakesVoiceMark and waits
// for one rune more. Hangul is the one script left as it comes, in syllables: a text in
// single conjoining jamo (NFD) does not meet one in syllables.
//
// Folding a folded text again changes nothing, so that terms may be written in
// any form: FoldString is Folder on a string.
//
// # The skeleton view
//
// Skeleton undoes what people do to a term to get it past a filter: it drops
// everything that is not a letter, a digit or a mark, reads look-alikes
// (Unicode Technical Standard #39) and digits in place of letters (leet) as the
// ASCII letters they stand for, and drops repetitions of a letter. It takes
// plain runes and nothing else, so that it is a function of the plain view and
// terms can go through it too: SkeletonString.
//
// Look-alikes are keyed by the folded rune, which is small even where the
// original was a capital: в folds to what В looks like, as it looks like
// nothing in ASCII itself. ASCII letters never become others; i and l, or rn
// and m, stay apart, and so do 2, 6 and 9, which have no one reading. Look-alikes
// of scripts that do not separate words are left alone but for their digits.
//
// Dropping separators loses word boundaries, and a term must not be found
// across a page of hyphens. So the view says, with runes that are no letters,
// where something was dropped (see Skeleton.Append), and limits how much:
// MaxGapRunes and MaxRepeatRunes bound how long a prefix of a term can stay
// alive, and so how much text is ever held back. Both are limits of what is
// found: a term whose letters are nine hyphens apart is not.
//
// # Tables
//
// Both views are one lookup per rune in a two-stage table: the rune without its
// last five bits picks a block of 32 entries, and equal blocks are stored once.
// An entry below ten is a verdict by itself (stays as it is, with its class; is
// dropped; is a blank), which settles most runes after two loads; others are
// indexes of the folded rune or runes. ASCII has a table of its own. All tables
// together take 151 KB, are made by scripts/tables, and need nothing at start.
// Measured on one shared core of a Xeon with 64 KiB of text (go test -bench .):
// 1.7 to 2.1 ns per ASCII byte and 5.1 to 5.4 ns per simplified Chinese rune for
// the plain view, 2.2 to 2.7 ns per rune for the skeleton view.
package text
