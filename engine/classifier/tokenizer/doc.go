// Package tokenizer turns text into token ids as Hugging Face's tokenizers do,
// from their file, tokenizer.json. It serves window models that an operator
// brings along; the default model needs none.
//
// A tokenizer is a pipeline: added tokens such as [SEP] are cut out of the text,
// normalizers rewrite what is left, pre-tokenizers cut it into words, a model
// cuts words into pieces of its vocabulary, and a post-processor puts special
// tokens around the whole. Three models are known:
//
//   - WordPiece (BERT): the longest piece of the vocabulary, again and again.
//   - BPE (GPT-2, RoBERTa, Llama, Qwen): the word's bytes or runes, of which the
//     pair that was learnt first is merged, until no pair is left.
//   - Unigram (XLM-R, ALBERT, T5): the cut whose pieces' scores add up to the most.
//
// Around them, all normalizers, pre-tokenizers and post-processors that such files
// commonly have are known; Parse's errors list them. What is not known, is written
// in a way that is not (the expression of a Split, say), or would change ids at
// random (dropout), is refused, with the place in the file and what is supported:
// ids that are almost right make a model quietly wrong.
//
// The ids are those of the original, to the last one: testdata/make.py makes
// small tokenizers of every kind and has the original tokenize adversarial and
// random text; the tests compare all of it. Where the original goes by an edition
// of Unicode of its own, so does this package, from tables asked of it.
//
// A text costs time in proportion to its length, however it is made; a long word
// of BPE a logarithm more. Memory is reused between calls.
package tokenizer
