// Package tokenizer turns text into token ids exactly as Hugging Face's tokenizers
// do, from their file, tokenizer.json. It serves window models that an operator
// brings along; the default model needs none.
//
// # How text becomes ids
//
// A tokenizer is a pipeline. Added tokens such as [SEP] are cut out of the text; a
// normalizer rewrites what is left, say into small letters without accents; a
// pre-tokenizer cuts that into words; a model cuts words into pieces of its
// vocabulary, whose numbers are the ids; and a post-processor puts special tokens
// around the whole. Each stage has variants, and the file names those it wants.
//
// There are three families of models:
//
//   - WordPiece (BERT, MiniLM) takes the longest piece that a word begins with,
//     then the longest that the rest begins with, and so on.
//   - Unigram (XLM-R, mDeBERTa) has a score for every piece and takes the cut with
//     the highest sum. Trying every cut is exponential; one pass that keeps the best
//     cut up to each byte finds the same.
//   - BPE (RoBERTa, Llama, Qwen2) begins with single runes, or bytes written as
//     runes, and joins neighbours again and again, always the pair that was learnt
//     first. Looking for it anew each time is quadratic; a heap of pairs isn't.
//
// # What is supported
//
//   - Models: WordPiece; Unigram with or without byte_fallback; BPE with unk_token,
//     fuse_unk, byte_fallback, ignore_merges, continuing_subword_prefix and
//     end_of_word_suffix. Files from before models had a type are recognised.
//   - Normalizers: BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, StripAccents,
//     Strip, Prepend, Replace (a string, or runs of blanks or white space),
//     Precompiled, Sequence.
//   - Pre-tokenizers: BertPreTokenizer, Whitespace, WhitespaceSplit, Punctuation,
//     Digits, Metaspace, ByteLevel, Split (a string, or the expression of GPT-2,
//     GPT-4's cl100k, Llama 3, Qwen2 or CLIP, letter by letter), Sequence.
//   - Post-processors: TemplateProcessing, BertProcessing, RobertaProcessing,
//     ByteLevel, Sequence.
//   - Added tokens with any of their flags.
//
// # What is refused
//
// Ids that are almost right make a model quietly wrong. So Parse refuses whatever
// else a file asks for, with the place in it and what is supported: models such as
// WordLevel; dropout; a Unigram without unk_id; other stages; other regular
// expressions; keys that it doesn't know; Metaspace that prepends to the first
// word alone behind a stage that rewrites text; a template that numbers sequences
// or has another processor behind it; added tokens whose ids are not those that the
// original would count out; and one with lstrip that begins with white space where
// another has rstrip, on which the original itself fails. Truncation, padding to a
// length and decoding are the caller's and not looked at.
//
// # Which Unicode
//
// The original's libraries know several editions of Unicode, none of them Go's:
// one takes a rune for a letter that another has never heard of. So what a rune
// is was asked of the original rune by rune (testdata/runes.py, graphemes.py), and
// the golden tests have every assigned rune, besides lines of text.
package tokenizer
