"""Writes a language model small enough to make by hand: tiny.gguf for llama.cpp, tiny/ for vLLM.

    python make.py FOLDER

It is a Llama of one layer whose weights say which piece of text follows which, nothing else: the
embedding of a token is a unit vector, attention and feed-forward add nothing, and the output matrix
holds the logarithms of FOLLOWS. So a real server samples, streams and stops as with any model, and
what it says is known beforehand. Nothing is downloaded.
"""
import json
import math
import pathlib
import sys

import gguf
import numpy as np
import safetensors.numpy

SIZE = 384  # of vocabulary and embedding: 6 heads of 64
CONTEXT = 32768
USER, ASSISTANT, TOOL, END, THINK = "<|user|>", "<|assistant|>", "<|tool|>", "<|end|>", "<think>"

# What may follow a piece, with its odds. " zz" "term" "-0001" is the invented term that the packs of
# the examples list; 13812345678 has the form of a telephone number.
FOLLOWS = {
    ASSISTANT: {"The": 1},
    "The": {" miller": 1},
    " The": {" miller": 1},
    " miller": {" opened": 1},
    " opened": {" the": 1},
    " the": {" gate": 2, " sluice": 1},
    " gate": {" and": 1},
    " sluice": {" and": 1},
    " and": {" water": 2, " fish": 1},
    " water": {" ran": 1},
    " fish": {" ran": 1},
    " ran": {" down": 1},
    " down": {" to": 1},
    " to": {" town": 1, " sea": 1},
    " town": {".": 1},
    " sea": {".": 1},
    ".": {" The": 12, " Call": 3, " zz": 2, END: 2},
    " Call": {" 138": 1},
    " 138": {"1234": 1},
    "1234": {"5678": 1},
    "5678": {" today": 1},
    " today": {".": 1},
    " zz": {"term": 1},
    "term": {"-0001": 1},
    "-0001": {" ran": 1},
    # Reasoning, if the request's chat_template_kwargs say think.
    THINK: {"I": 1},
    "I": {" must": 1},
    " must": {" phone": 1},
    " phone": {" 1381": 1},
    " 1381": {"2345": 1},
    "2345": {"678": 1},
    "678": {" first": 1},
    " first": {"</think>": 1},
    "</think>": {"The": 1},
    # A tool call as models of the Hermes and Qwen families write it.
    TOOL: {"<tool_call>": 1},
    "<tool_call>": {'\n{"name": "': 1},
    '\n{"name": "': {"open_gate": 1},
    "open_gate": {'", "arguments": {"note": "': 1},
    '", "arguments": {"note": "': {"call": 1},
    "call": {" +86": 1},
    " +86": {" 13812": 1},
    " 13812": {"345678": 1},
    "345678": {'"}}\n': 1},
    '"}}\n': {"</tool_call>": 1},
    "</tool_call>": {END: 1},
}
SPECIAL = [USER, ASSISTANT, TOOL, END]
TEMPLATE = (
    "{%- if tools %}<tools>{% for t in tools %}{{ t | tojson }}{% endfor %}</tools>{% endif %}"
    "{%- for m in messages %}"
    "{%- if m.role == 'assistant' %}<|assistant|>{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}"
    "{%- for c in m.tool_calls or [] %}<tool_call>\n{\"name\": \"{{ c.function.name }}\", \"arguments\": {{ c.function.arguments | tojson }}}\n</tool_call>{% endfor %}<|end|>"
    "{%- elif m.role == 'tool' %}<|user|><tool_response>{{ m.content }}</tool_response><|end|>"
    "{%- else %}<|user|>{{ m.content }}<|end|>{% endif %}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{% if tools %}<|tool|>{% elif think %}<|assistant|><think>{% else %}<|assistant|>{% endif %}{% endif %}"
)


def byte_alphabet():
    """GPT-2's character for each byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = iter(range(256, 512))
    return [chr(b) if b in printable else chr(next(rest)) for b in range(256)]


def vocabulary():
    """256 bytes, so that every prompt can be read, then the pieces, then fillers that nothing leads to."""
    base = byte_alphabet() + ["th"]  # th: a BPE tokenizer wants one merge
    pieces = list(dict.fromkeys(p for a, b in FOLLOWS.items() for p in (a, *b) if p not in SPECIAL + base))
    tokens = base + SPECIAL + pieces
    return base, pieces, tokens + [f"<|filler-{i}|>" for i in range(SIZE - len(tokens))]


def weights(tokens):
    """The tensors by their Hugging Face names, float32."""
    index = {t: i for i, t in enumerate(tokens)}
    root = math.sqrt(SIZE)  # what a normalised unit vector is multiplied by
    output = np.full((SIZE, SIZE), -40 / root, np.float32)
    for token in tokens:
        after = FOLLOWS.get(token, FOLLOWS[ASSISTANT])
        for piece, odds in after.items():
            output[index[piece], index[token]] = math.log(odds / sum(after.values())) / root
    one, zero, inner = np.ones(SIZE, np.float32), np.zeros((SIZE, SIZE), np.float32), 64
    layer = "model.layers.0."
    return {
        "model.embed_tokens.weight": np.eye(SIZE, dtype=np.float32) * root,
        **{f"{layer}self_attn.{n}_proj.weight": zero.copy() for n in "qkvo"},
        f"{layer}mlp.gate_proj.weight": zero[:inner].copy(), f"{layer}mlp.up_proj.weight": zero[:inner].copy(),
        f"{layer}mlp.down_proj.weight": zero[:, :inner].copy(),
        f"{layer}input_layernorm.weight": one.copy(), f"{layer}post_attention_layernorm.weight": one.copy(),
        "model.norm.weight": one.copy(), "lm_head.weight": output,
    }


def write_gguf(path, base, tokens, tensors):
    w = gguf.GGUFWriter(path, "llama")
    w.add_name("tiny")
    w.add_context_length(CONTEXT)
    w.add_embedding_length(SIZE)
    w.add_block_count(1)
    w.add_feed_forward_length(64)
    w.add_head_count(6)
    w.add_head_count_kv(6)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_rope_dimension_count(64)
    w.add_vocab_size(SIZE)
    w.add_file_type(gguf.LlamaFileType.ALL_F32)
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(tokens)
    w.add_token_types([gguf.TokenType.CONTROL if t in SPECIAL else gguf.TokenType.NORMAL if i < len(base) else gguf.TokenType.USER_DEFINED
                       for i, t in enumerate(tokens)])
    w.add_token_merges(["t h"])
    w.add_eos_token_id(tokens.index(END))
    w.add_bos_token_id(tokens.index(USER))
    w.add_add_bos_token(False)
    w.add_chat_template(TEMPLATE)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 1)
    for name, tensor in tensors.items():
        w.add_tensor(names.get_name(name, try_suffixes=(".weight",)), tensor)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def write_folder(folder, base, tokens, tensors):
    folder.mkdir(exist_ok=True)
    safetensors.numpy.save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    end = tokens.index(END)
    added = [{"id": i, "content": t, "special": t in SPECIAL, "normalized": False, "lstrip": False, "rstrip": False, "single_word": False}
             for i, t in enumerate(tokens) if i >= len(base)]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    files = {
        "config.json": {
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": SIZE, "hidden_size": SIZE, "intermediate_size": 64,
            "num_hidden_layers": 1, "num_attention_heads": 6, "num_key_value_heads": 6, "head_dim": 64, "hidden_act": "silu", "rms_norm_eps": 1e-5,
            "max_position_embeddings": CONTEXT, "tie_word_embeddings": False, "torch_dtype": "float32", "eos_token_id": end, "bos_token_id": None},
        "generation_config.json": {"eos_token_id": end},
        "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": END, "pad_token": END, "clean_up_tokenization_spaces": False,
                                  "model_max_length": CONTEXT, "chat_template": TEMPLATE},
        "tokenizer.json": {
            "version": "1.0", "added_tokens": added, "normalizer": None, "pre_tokenizer": byte_level, "post_processor": None, "decoder": byte_level,
            "model": {"type": "BPE", "vocab": {t: i for i, t in enumerate(base)}, "merges": [["t", "h"]]}},
    }
    for name, value in files.items():
        (folder / name).write_text(json.dumps(value, indent=1, ensure_ascii=False))


def main():
    folder = pathlib.Path(sys.argv[1])
    base, _, tokens = vocabulary()
    tensors = weights(tokens)
    write_gguf(folder / "tiny.gguf", base, tokens, tensors)
    write_folder(folder / "tiny", base, tokens, tensors)
    ids = {"zz": tokens.index(" zz"), "end": tokens.index(END)}
    (folder / "ids.json").write_text(json.dumps(ids))  # for logit_bias
    print(f"{folder}/tiny.gguf, {folder}/tiny: {len(tokens)} tokens; {ids}")


main()
