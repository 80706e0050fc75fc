// Package tokenizer turns text into token ids as Hugging Face's tokenizers do,
// from their file, tokenizer.json. It serves window models that an operator
// brings along; the default model needs none.
//
// A tokenizer is a pipeline: added tokens such as [SEP] are cut out of the text,
// a normalizer rewrites what is left, a pre-tokenizer cuts it into words, a model
// cuts words into pieces of its vocabulary, and a post-processor puts special
// tokens around the whole. Each stage has many variants. Parse knows those of the
// BERT family (BertNormalizer, BertPreTokenizer, WordPiece), which most sequence
// classifiers use, and refuses every other with the place in the file and what is
// supported: ids that are almost right make a model quietly wrong.
package tokenizer
