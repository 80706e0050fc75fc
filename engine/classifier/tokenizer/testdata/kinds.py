"""The tokenizers that the golden ids are by: small ones trained on the sentences,
and changes of their settings."""

import base64
import itertools
import json

from charsmap import build
from text import SENTENCES
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
GPT2_SHORT = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CLIP = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
BYTES = sorted(pre_tokenizers.ByteLevel.alphabet())
XLMR = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def around(t, first, last):
    return processors.TemplateProcessing(single=f"{first} $A {last}", special_tokens=[(x, t.token_to_id(x)) for x in (first, last)])


def wordpiece():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator(SENTENCES * 3, trainers.WordPieceTrainer(vocab_size=700, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", t.token_to_id("[CLS]")), ("[SEP]", t.token_to_id("[SEP]"))])
    return t


def unigram(normalizer=None, pre_tokenizer=None, size=600):
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizer or normalizers.NFKC()
    t.pre_tokenizer = pre_tokenizer or pre_tokenizers.Metaspace()
    t.train_from_iterator(SENTENCES * 3, trainers.UnigramTrainer(vocab_size=size, special_tokens=XLMR, unk_token="<unk>", show_progress=False))
    t.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    t.post_processor = around(t, "<s>", "</s>")
    return t


def rules():
    """A character map like XLM-R's, in small: compatibility forms, pairs that
    compose, and what becomes a blank or nothing."""
    nfkc = normalizers.NFKC().normalize_str
    out = {}
    for r in itertools.chain(range(0xA0, 0x180), range(0x1E00, 0x1E40), range(0x2000, 0x2070), range(0x2100, 0x2150), range(0x2460, 0x2490), range(0x3000, 0x3020), range(0x3300, 0x3340), range(0xFB00, 0xFB07), range(0xFF01, 0xFF70), [0xE33, 0x958, 0x95B, 0xFDFA]):
        if nfkc(chr(r)) != chr(r):
            out[chr(r)] = nfkc(chr(r))
    for a, b in itertools.product("aeiounAEIOUN", "\u0300\u0301\u0303\u0308"):
        if len(nfkc(a + b)) == 1:
            out[a + b] = nfkc(a + b)
    for a, b in itertools.product(range(0x1100, 0x1104), range(0x1161, 0x1165)):
        out[chr(a) + chr(b)] = nfkc(chr(a) + chr(b))
    out |= {c: " " for c in "\t\n\r\u3000\u00a0\u2028"} | {c: "" for c in "\u200b\ufeff\x07\x7f\u00ad"}
    return out


def precompiled():
    steps = [normalizers.Precompiled(build(rules())), normalizers.Replace(Regex(" {2,}"), " ")]
    return unigram(normalizers.Sequence(steps), pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]), 500)


def unigram_bytes():
    """As Llama's converted files: the vocabulary has bytes, and what is unknown is
    spelt with them."""
    d = json.loads(unigram(normalizers.Replace(" ", "▁"), pre_tokenizers.Metaspace(), 400).to_str())
    m = d["model"]
    m["vocab"][5:5] = [["<0x%02X>" % b, 0.0] for b in range(256)]
    m["byte_fallback"] = True
    d["normalizer"] = None
    d["pre_tokenizer"] = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    return Tokenizer.from_str(json.dumps(d))


def byte_level(pattern, size=500, tokens=("<s>", "<pad>", "</s>", "<unk>"), **model):
    t = Tokenizer(models.BPE(**model))
    t.decoder = decoders.ByteLevel()
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if pattern:
        t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    t.train_from_iterator(SENTENCES * 3, trainers.BpeTrainer(vocab_size=size, initial_alphabet=BYTES, special_tokens=list(tokens), show_progress=False))
    return t


def gpt2():
    t = byte_level(None)
    t.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True)])
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    return t


def llama3():
    t = byte_level(LLAMA3, tokens=["<|begin|>", "<|end|>"], ignore_merges=True)
    t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), around(t, "<|begin|>", "<|end|>")])
    return t


def qwen2():
    t = byte_level(QWEN2, tokens=["<|end|>"])
    t.normalizer = normalizers.NFC()
    t.post_processor = processors.ByteLevel()
    return t


def clip():
    t = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="<|end|>"))
    t.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(CLIP), "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.train_from_iterator(SENTENCES * 3, trainers.BpeTrainer(vocab_size=620, initial_alphabet=BYTES, end_of_word_suffix="</w>", special_tokens=["<|begin|>", "<|end|>"], show_progress=False))
    t.post_processor = processors.RobertaProcessing(("<|end|>", 1), ("<|begin|>", 0), add_prefix_space=False, trim_offsets=False)
    return t


def llama2():
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    t.train_from_iterator(SENTENCES * 3, trainers.BpeTrainer(vocab_size=500, special_tokens=["<unk>", "<s>", "</s>"] + ["<0x%02X>" % b for b in range(256)], limit_alphabet=100, show_progress=False))
    d = json.loads(t.to_str())
    d["added_tokens"] = [a for a in d["added_tokens"] if a["id"] < 3]
    t = Tokenizer.from_str(json.dumps(d))
    t.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    return t


def prefixed():
    t = Tokenizer(models.BPE(unk_token="<unk>", continuing_subword_prefix="##"))
    t.normalizer = normalizers.Sequence([normalizers.NFKD(), normalizers.StripAccents(), normalizers.Lowercase()])
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(individual_digits=True)])
    t.train_from_iterator(SENTENCES * 3, trainers.BpeTrainer(vocab_size=600, continuing_subword_prefix="##", special_tokens=["<unk>", "<s>", "</s>"], limit_alphabet=90, show_progress=False))
    t.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 1))
    return t


def probe():
    """Has a token for each byte at the start of a piece and another for it further
    on, so that its ids tell all that normalizer and pre-tokenizer do."""
    vocab = {c: i for i, c in enumerate(BYTES)} | {"##" + c: 256 + i for i, c in enumerate(BYTES)}
    t = Tokenizer(models.BPE(vocab=vocab, merges=[], continuing_subword_prefix="##"))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return t


TRAINED = {"wordpiece": wordpiece, "unigram": unigram, "precompiled": precompiled, "unigram-bytes": unigram_bytes, "gpt2": gpt2, "llama3": llama3,
           "qwen2": qwen2, "clip": clip, "llama2": llama2, "prefixed": prefixed, "probe": probe}


def state(part):
    return json.loads(part.__getstate__())


def probes():
    """Normalizers and pre-tokenizers to be seen through the probe."""
    n, p = normalizers, pre_tokenizers
    for name, x in {
        "nfc": n.NFC(), "nfd": n.NFD(), "nfkc": n.NFKC(), "nfkd": n.NFKD(), "lowercase": n.Lowercase(), "accents": n.StripAccents(),
        "strip": n.Strip(), "strip-left": n.Strip(right=False), "strip-right": n.Strip(left=False), "prepend": n.Prepend("▁"),
        "replace": n.Replace("a", "bb"), "replace-nothing": n.Replace("  ", ""), "blanks": n.Replace(Regex(" {2,}"), " "), "blanks1": n.Replace(Regex(" +"), "▁"), "spaces": n.Replace(Regex(r"\s{2,}"), "_"), "spaces1": n.Replace(Regex(r"\s+"), " "),
        "bert-clean": n.BertNormalizer(clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False),
        "bert-chinese": n.BertNormalizer(clean_text=False, handle_chinese_chars=True, strip_accents=False, lowercase=False),
        "bert-accents": n.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False),
        "bert-cased": n.BertNormalizer(lowercase=False), "bert-lower": n.BertNormalizer(strip_accents=False),
        "sequence": n.Sequence([n.NFD(), n.Lowercase(), n.StripAccents(), n.Strip(), n.Prepend("x "), n.NFKC()]), "no-sequence": n.Sequence([]),
        "precompiled": n.Precompiled(build(rules())), "precompiled-nfkd": n.Sequence([n.Precompiled(build(rules())), n.NFKD()]),
    }.items():
        yield "probe/" + name, {"normalizer": state(x)}
    cuts = {
        "bert": p.BertPreTokenizer(), "whitespace": p.Whitespace(), "whitespacesplit": p.WhitespaceSplit(), "digits": p.Digits(), "digit": p.Digits(individual_digits=True),
        "bytelevel": p.ByteLevel(), "bytelevel-no-prefix": p.ByteLevel(add_prefix_space=False), "bytelevel-no-regex": p.ByteLevel(use_regex=False),
        "meta": p.Metaspace(), "meta-first": p.Metaspace(prepend_scheme="first"), "meta-never": p.Metaspace(prepend_scheme="never"), "meta-whole": p.Metaspace(split=False), "meta-x": p.Metaspace(replacement="x"), "meta-first-whole": p.Metaspace(prepend_scheme="first", split=False),
        "words-meta": p.Sequence([p.WhitespaceSplit(), p.Metaspace()]), "split-meta-first": p.Sequence([p.Split("a", "removed"), p.Punctuation("merged_with_next"), p.Metaspace(prepend_scheme="first")]),
        "meta-meta": p.Sequence([p.Metaspace(), p.Digits(individual_digits=True), p.Metaspace(prepend_scheme="never")]), "bytes-bytes": p.Sequence([p.Digits(), p.ByteLevel(), p.Punctuation()]), "many": p.Sequence([p.Whitespace(), p.Digits(individual_digits=True), p.Punctuation("contiguous"), p.Split("e", "merged_with_previous")]),
    }
    behaviors = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
    for b in behaviors:
        cuts["punctuation-" + b] = p.Punctuation(b)
    for (name, x), b, invert in itertools.product({"gpt2": Regex(GPT2), "gpt2short": Regex(GPT2_SHORT), "llama3": Regex(LLAMA3), "cl100k": Regex(CL100K), "qwen2": Regex(QWEN2), "clip": Regex(CLIP), "literal": "a", "literal2": ", ", "blank": " "}.items(), behaviors, [False, True]):
        cuts[f"split-{name}-{b}{'-inverted' if invert else ''}"] = p.Split(x, b, invert=invert)
    end = state(p.ByteLevel(add_prefix_space=False, use_regex=False))
    for name, x in cuts.items():
        yield "probe/" + name, {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [state(x), end]}}
    yield "probe/lower-meta", {"normalizer": state(n.Lowercase()), "pre_tokenizer": {"type": "Sequence", "pretokenizers": [state(p.Metaspace()), end]}}


def added(name, change, tokens):
    """Added tokens with every combination of their flags; each has the id that the
    original would give it."""
    d = json.load(open(name + ".json"))
    vocab, out = d["model"]["vocab"], []
    size = len(vocab)
    if isinstance(vocab, list):
        vocab = {x: i for i, (x, _) in enumerate(vocab)}
    for content, flags in tokens:
        at = vocab.get(content, size)
        size += content not in vocab
        out.append({"id": at, "content": content} | {f: f in flags for f in ("single_word", "lstrip", "rstrip", "normalized", "special")})
    return change | {"added_tokens": out}


def flagged():
    every = [c for k in range(5) for c in itertools.combinations(("single_word", "lstrip", "rstrip", "normalized"), k)]
    lower = {"normalizer": {"type": "Lowercase"}}
    for i, flags in enumerate(every):
        tokens = [("<s>", flags), ("zq", flags + ("special",)), ("The", flags)]
        yield f"added/{i}", added("probe", {}, tokens)
        yield f"added/{i}-lower", added("probe", lower, tokens)
    mixed = [("<mask>", ("lstrip",)), ("<m", ()), (" ", ("rstrip",)), ("  ", ()), ("Zq", ("normalized",)), ("zqx", ("normalized", "single_word")), ("a", ("rstrip", "lstrip")), ("é", ()), ("\u0301", ("normalized",)), ("\n", ("rstrip", "normalized")), ("'", ("single_word", "lstrip", "rstrip"))]
    yield "added/mixed", added("probe", {}, mixed)
    yield "added/mixed-lower", added("probe", lower, mixed[:5])
    yield "added/mixed-nfd", added("probe", {"normalizer": {"type": "NFD"}}, mixed)
    yield "added/prepend", added("probe", {"normalizer": {"type": "Prepend", "prepend": "▁"}}, [("<s>", ("normalized",)), ("<mask>", ())])
    yield "added/unigram", added("unigram", {}, [("<s>", ("special",)), ("zq", ("normalized", "rstrip")), ("token", ("single_word",)), ("天", ())])
    yield "added/gpt2", added("gpt2", {}, [("<s>", ()), ("<mask>", ("lstrip", "special")), ("zq", ("normalized",)), ("12", ("single_word",))])
    yield "added/meta-first", added("probe", {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}, state(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False))]}}, mixed)


def processed():
    """Post-processors on gpt2.json; <s> is 0, </s> is 2."""
    around_all = {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "x", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "y", "type_id": 0}}, {"SpecialToken": {"id": "x", "type_id": 0}}], "pair": [], "special_tokens": {"x": {"id": "x", "ids": [0, 1], "tokens": ["<s>", "<pad>"]}, "y": {"id": "y", "ids": [3], "tokens": ["<unk>"]}}}
    bert = state(processors.BertProcessing(("</s>", 2), ("<s>", 0)))
    roberta = state(processors.RobertaProcessing(("<pad>", 1), ("<unk>", 3), add_prefix_space=True))
    byte_level = state(processors.ByteLevel())
    for name, x in {"none": None, "bert": bert, "roberta": roberta, "bytelevel": byte_level, "template": around_all, "sequence": {"type": "Sequence", "processors": [byte_level, around_all]},
                    "sequence2": {"type": "Sequence", "processors": [bert, roberta, {"type": "Sequence", "processors": [around_all, byte_level]}]}, "sequence0": {"type": "Sequence", "processors": []}}.items():
        yield "post/" + name, "gpt2", {"post_processor": x}


def changed():
    """Name, file and what of it changes; a dot leads into model."""
    for name, change in itertools.chain(probes(), flagged()):
        yield name, name.split("/")[1] if name in ("added/unigram", "added/gpt2") else "probe", change
    yield from processed()
    for name in TRAINED:
        yield name + "/untyped", name, {"model.type": "-"}  # as in older files
    alone = {"pre_tokenizer": None, "normalizer": None}
    for name in ("llama2", "prefixed", "clip", "gpt2", "unigram", "unigram-bytes", "wordpiece"):
        yield name + "/whole", name, alone  # words as long as the text
    for fuse, fall in itertools.product([False, True], repeat=2):
        yield f"llama2/{fuse}-{fall}", "llama2", {"model.fuse_unk": fuse, "model.byte_fallback": fall}
        yield f"prefixed/{fuse}-{fall}", "prefixed", {"model.fuse_unk": fuse, "model.byte_fallback": fall}
    yield "llama2/no-unknown", "llama2", {"model.unk_token": None, "model.byte_fallback": False}
    yield "llama3/merges", "llama3", {"model.ignore_merges": False}
    yield "clip/ignore", "clip", {"model.ignore_merges": True}
    yield "prefixed/ignore", "prefixed", {"model.ignore_merges": True}
    yield "unigram-bytes/off", "unigram-bytes", {"model.byte_fallback": False}
    yield "unigram/on", "unigram", {"model.byte_fallback": True}  # has no tokens of bytes
    yield "wordpiece/short", "wordpiece", {"model.max_input_chars_per_word": 5}
