// Package onnx runs classifiers in ONNX Runtime. It is the only package that
// calls C; only batchers' workers call it, so that no goroutine of a stream ever
// holds a thread.
//
// A model is a folder, or any fs.FS, of three files:
//
//	manifest.json   what the model is, and the SHA-256 of the others
//	model.onnx      the graph
//	tokenizer.json  of window models: how text becomes tokens, in the format of
//	                Hugging Face's tokenizers
//
// A recurrent graph maps ids, int32 [batch, stride, 4], and state, float32
// [batch, state], to scores, float32 [batch, stride, labels], which are
// probabilities, and next_state, float32 [batch, state]. The scores of a stride
// are those at its last rune; the last stride of a text is filled up with zeros
// behind its end. The ids come from package feature.
//
// A window graph maps input_ids, attention_mask and, if it wants it,
// token_type_ids, all int64 [batch, tokens], to logits, float32 [batch, labels]:
// what a sequence classifier exported from transformers does.
//
// Everything that can be wrong with a library or a model is found when it is
// loaded, not when a stream needs it.
package onnx
