"""Writes what the tests compare with: small tokenizers of each family, the variants
that are made of them, and what Hugging Face's own tokenizers make of lines of text.

python make.py                       in this folder, with tokenizers==0.23.2
python make.py TOKENIZER GOLDEN      of another tokenizer.json, to check by hand
python make.py --random N SEED OUT   lines and ids of all variants for N random lines

A golden file has the lines, and for each variant one number a line: the CRC-32 of
the ids, as 32-bit little-endian numbers, so that a thousand lines for dozens of
variants stay small.
"""

import base64
import json
import random
import struct
import sys
import zlib

import charsmap
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SENTENCES = [
    "The quick brown fox jumps over the lazy dog.", "It's five o'clock; isn't it? (Yes!)", "naïve café, façade — über Straße",
    "A train to the north leaves at 9:45 from platform 12b.", "def f(x): return x**2 + 3*x - 1  # comment", "e-mail: someone@example.test",
    "今天天气很好，我们去公园散步吧。", "请在九点以前把报告发给我。", "東京から大阪まで新幹線で行きました。", "ひらがなとカタカナと漢字。",
    "El niño comió piñas en la montaña.", "Привет, как дела?", "한국어 문장입니다.", "😀 emoji 👩‍👩‍👧 and 🇯🇵 flags",
    "tokenization tokenizes tokenized tokens", "unbelievable unhappiness reworking replayed", "price: $3.50, 20% off, 1,000,000 units",
    "I'll say they've won, we'd agree, and you're right: I'M SURE IT'LL WORK.", "for i in range(10):\n    print(i, end='\\t')\r\n\r\n",
    "The weather station keeps a record of the instruments in the cellar.", "我的邻居今天下午讲解了山谷的历史，大家都很高兴。",
    "港の博物館は、去年の冬から、静かな場所を見つけました。", "La biblioteca vieja está cerca del puente, ¿verdad?",
]


def lines():
    r = random.Random(7)
    out = list(SENTENCES)
    out += ["", " ", "\t\n", "a", "İstanbul İ ı ŞĞ", "ﬁ ligature Ⅷ ①", "a\u0301e\u0300 o\u0308", "x" * 99, "x" * 100, "x" * 101, "[CLS] hi [SEP]",
            "[MASK]ed[PAD][UNK]", "[cls] [ SEP]", "\u200bzero\u200bwidth\u00ad soft", "null\x00byte\ufffd", "\x01\x7f\x80\x9f control", "word\u2028line\u2029par",
            "\u3000ideographic space\u00a0nbsp", "《书名号》「引号」……——", "a_b-c/d\\e|f~g`h^i", "«quotes» ‹x› „y“ ‚z‘", "ºª²³¼ µ", "กำลัง ภาษาไทย", "हिन्दी में क्षेत्र", "עִבְרִית", "عَرَبِيّ",
            "𝒜𝓁𝓅𝒽𝒶 𝟘𝟙", "𠀀𪛔 ext", "\U000f0000 private \ue000", "\u0378 unassigned", "ΑΒΓ Σίσυφος ΣΑΣ", "Ǆ ǅ ǆ Ａｂｃ", "combining\u0327\u0301\u0308marks",
            "각 각 ᄀ", "가\u11a8 가\u11a7", "\u0344 \u0958 \u2adc \ufb1d \U0001d15e", "q\u0307\u0323 q\u0323\u0307 \u1e9b\u0323", "ﾊﾞﾝｶﾞﾛｰ ㌔ ㍿ ｶﾞ", "a\u0315\u0300\u05ae\u0301b",
            "  two  spaces   three ", " \n \r\n\r\n x \n\n", "tail \n", "\n", "\r", "a\u00a0\u2003b", "don't DON'T Don't'll 'S 're'RE x'd", "1234567 12 3 ١٢٣ ²³ ⅷ", "<s>in</s> <pad> <unk>",
            "<0x41><0x0A> ▁▁ ▁a", "▁ x▁y", "<tag> x <tag>y<tag> <tag >", "magic Magic MAGIC amagic magic. magic", "abqc abq xabqx ABQ aabq", "the_word theword word", "wordword-word", "ſ 'ſ x'ſ", "🏳️‍🌈🇯🇵🇯 👍🏽", "a" * 300, "ab" * 200, "日" * 150,
            "é" * 60 + "e\u0301" * 60, "aaa " * 50, "#" * 70, "\u0300alone", "क्‍ष क्‌ष", "ก็", "\u1100\u1161\u11a8\u1100", "x\u200d\u200dy"]
    alphabet = "abcdefghq ABC,.!?-'  \t\n\r12중文日本かなカガﾊﾞéüñßİΣЖ\u0301\u0323\u200d😀👩🇯[]<>▁"
    for _ in range(450):
        out.append("".join(r.choice(alphabet) for _ in range(r.randrange(1, 60))))
    out += rare(r, 350)
    words = " ".join(SENTENCES).split() + ["<tag>", "magic", "[SEP]", "</s>", "\n", "  "]
    for _ in range(200):
        out.append(" ".join(r.choice(words) for _ in range(r.randrange(1, 20))))
    return out


def rare(r, n):
    """Lines of any rune there is."""
    top = [0x250, 0x3000, 0xAC00, 0x1FFFF, 0x10FFFF]
    out = []
    for _ in range(n):
        limit = r.choice(top)
        line = (r.randrange(limit) for _ in range(r.randrange(1, 25)))
        out.append("".join(chr(c) for c in line if not 0xD800 <= c < 0xE000))
    return out


GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CL100K = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CLIP = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def save(t, path):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(json.loads(t.to_str()), f, ensure_ascii=True, separators=(",", ":"))
        f.write("\n")


def wordpiece():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.train_from_iterator(SENTENCES * 3, trainers.WordPieceTrainer(vocab_size=700, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", t.token_to_id("[CLS]")), ("[SEP]", t.token_to_id("[SEP]"))])
    save(t, "wordpiece.json")


def unigram():
    t = Tokenizer(models.Unigram())
    t.normalizer = normalizers.NFKC()
    t.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"] + ["<0x%02X>" % b for b in range(256)]
    t.train_from_iterator(SENTENCES * 3, trainers.UnigramTrainer(vocab_size=760, special_tokens=special, unk_token="<unk>", show_progress=False))
    t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    keep_special(t, ["<s>", "<pad>", "</s>", "<unk>"], "unigram.json")


def bytelevel():
    t = Tokenizer(models.BPE())
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.train_from_iterator(SENTENCES * 3, trainers.BpeTrainer(vocab_size=620, special_tokens=["<s>", "<pad>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    save(t, "bytelevel.json")


def bpe():
    t = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    special = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % b for b in range(256)]
    t.train_from_iterator(SENTENCES * 3, trainers.BpeTrainer(vocab_size=700, special_tokens=special, show_progress=False, limit_alphabet=110))
    t.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    keep_special(t, ["<unk>", "<s>", "</s>"], "bpe.json")


def affixes():
    """BPE with a prefix inside words and a suffix at their ends."""
    t = Tokenizer(models.BPE(unk_token="<unk>", continuing_subword_prefix="##", end_of_word_suffix="</w>"))
    t.normalizer = normalizers.Lowercase()
    t.pre_tokenizer = pre_tokenizers.Whitespace()
    t.train_from_iterator(SENTENCES * 3, trainers.BpeTrainer(vocab_size=500, special_tokens=["<unk>"], continuing_subword_prefix="##", end_of_word_suffix="</w>", show_progress=False, limit_alphabet=80))
    save(t, "affixes.json")


def keep_special(t, special, path):
    """Drops the tokens of bytes from added_tokens: they are the model's alone."""
    f = json.loads(t.to_str())
    f["added_tokens"] = [a for a in f["added_tokens"] if a["content"] in special]
    with open(path, "w", encoding="utf-8") as out:
        json.dump(f, out, ensure_ascii=True, separators=(",", ":"))
        out.write("\n")


def added(content, id, **flags):
    return dict(id=id, content=content, single_word=False, lstrip=False, rstrip=False, normalized=False, special=False) | flags


def split(regex, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": behavior, "invert": invert}


def literal(s, behavior, invert=False):
    return {"type": "Split", "pattern": {"String": s}, "behavior": behavior, "invert": invert}


def sequence(*parts):
    return {"type": "Sequence", "pretokenizers": list(parts)}


def chain(*parts):
    return {"type": "Sequence", "normalizers": [p if isinstance(p, dict) else {"type": p} for p in parts]}


def byte_level(regex, prefix=False):
    return {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True, "use_regex": regex}


def metaspace(scheme, cut=True):
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": cut}


def replace(old, new, regex=False):
    return {"type": "Replace", "pattern": {"Regex" if regex else "String": old}, "content": new}


def bert(clean, chinese, accents, lowercase):
    return {"type": "BertNormalizer", "clean_text": clean, "handle_chinese_chars": chinese, "strip_accents": accents, "lowercase": lowercase}


MAP = {"ﬁ": "fi", "Ａ": "A", "\u3000": " ", "か\u3099": "が", "e\u0301": "é", "①": "1", "\u00ad": "", "🇯": "J", "ab": "x", "\u200d": "", "각": "가", "é": "e", "क्ष": "K", "\t": " "}


def variants():
    """name -> base, what changes in the file, what changes in its model."""
    out = {}
    for base in ["wordpiece", "unigram", "bytelevel", "bpe", "affixes"]:
        out[base] = base, {}, {}
    for i, b in enumerate([bert(True, True, None, False), bert(False, True, True, False), bert(True, False, False, True), bert(False, False, None, True)]):
        out[f"bert-normalizer-{i}"] = "wordpiece", {"normalizer": b}, {}
    out["short-words"] = "wordpiece", {}, {"max_input_chars_per_word": 5}
    for n in ["NFC", "NFD", "NFKC", "NFKD"]:
        out["form-" + n] = "unigram", {"normalizer": {"type": n}}, {}
        out["form-bytes-" + n] = "bytelevel", {"normalizer": {"type": n}}, {}
    out["no-normalizer"] = "unigram", {"normalizer": None}, {}
    out["albert"] = "unigram", {"normalizer": chain(replace("``", '"'), replace("''", '"'), "NFKD", "StripAccents", "Lowercase", replace(" {2,}", " ", True))}, {}
    out["strip"] = "bytelevel", {"normalizer": chain({"type": "Strip", "strip_left": True, "strip_right": True}, "Lowercase", replace(r"\s+", " ", True))}, {}
    out["strip-left"] = "bytelevel", {"normalizer": {"type": "Strip", "strip_left": True, "strip_right": False}}, {}
    out["spaces"] = "bytelevel", {"normalizer": chain(replace(r"\s{2,}", "|", True), replace(" +", "_", True), {"type": "Prepend", "prepend": "+"})}, {}
    precompiled = {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap.build(MAP)).decode()}
    out["precompiled"] = "unigram", {"normalizer": precompiled}, {}
    out["precompiled-bytes"] = "bytelevel", {"normalizer": precompiled}, {}
    out["xlm-roberta"] = "unigram", {"normalizer": chain(precompiled, replace(" {2,}", " ", True)), "pre_tokenizer": sequence({"type": "WhitespaceSplit"}, metaspace("always"))}, {}
    for scheme in ["always", "never", "first"]:
        for cut in [True, False]:
            out[f"metaspace-{scheme}-{cut}"] = "unigram", {"normalizer": None, "pre_tokenizer": metaspace(scheme, cut)}, {}
    out["unigram-bytes"] = "unigram", {}, {"byte_fallback": True}
    for name, regex in {"gpt2": GPT2, "llama3": LLAMA3, "cl100k": CL100K, "qwen2": QWEN2}.items():
        out["split-" + name] = "bytelevel", {"pre_tokenizer": sequence(split(regex), byte_level(False))}, {}
    out["split-clip"] = "bytelevel", {"pre_tokenizer": sequence(split(CLIP, "Removed", True), byte_level(False))}, {}
    out["ignore-merges"] = "bytelevel", {"pre_tokenizer": sequence(split(LLAMA3), byte_level(False))}, {"ignore_merges": True}
    out["byte-prefix"] = "bytelevel", {"pre_tokenizer": byte_level(True, True)}, {}
    out["byte-whole"] = "bytelevel", {"pre_tokenizer": byte_level(False, True)}, {}
    out["digits"] = "bytelevel", {"pre_tokenizer": sequence({"type": "Digits", "individual_digits": True}, byte_level(True))}, {}
    out["digit-runs"] = "bytelevel", {"pre_tokenizer": sequence({"type": "Digits", "individual_digits": False}, byte_level(False))}, {}
    for behavior in ["Isolated", "Removed", "Contiguous", "MergedWithPrevious", "MergedWithNext"]:
        out["punctuation-" + behavior] = "bytelevel", {"pre_tokenizer": sequence({"type": "Punctuation", "behavior": behavior}, byte_level(False))}, {}
        out["literal-" + behavior] = "bytelevel", {"pre_tokenizer": sequence(literal("a", behavior), byte_level(False))}, {}
        out["inverted-" + behavior] = "bytelevel", {"pre_tokenizer": sequence(literal(" ", behavior, True), byte_level(False))}, {}
    out["whitespace"] = "wordpiece", {"pre_tokenizer": {"type": "Whitespace"}}, {}
    out["whitespace-split"] = "wordpiece", {"pre_tokenizer": {"type": "WhitespaceSplit"}}, {}
    out["bpe-plain"] = "bpe", {}, {"byte_fallback": False, "fuse_unk": False}
    out["bpe-fused"] = "bpe", {}, {"byte_fallback": False, "fuse_unk": True}
    out["bpe-dropped"] = "bpe", {}, {"byte_fallback": False, "unk_token": None}
    out["bpe-bytes-dropped"] = "bpe", {}, {"unk_token": None}
    for base, next_id in [("unigram", None), ("bytelevel", None), ("wordpiece", None)]:
        out["added-" + base] = base, {"added_tokens": "flags"}, {}
    return out


def build(base, change, model):
    with open(base + ".json", encoding="utf-8") as f:
        file = json.load(f)
    file["model"].update(model)
    if change.get("added_tokens") == "flags":
        n = len(file["model"]["vocab"])
        flags = [added("<tag>", n, lstrip=True, rstrip=True), added("magic", n + 1, single_word=True, normalized=True), added("[SEP ]", n + 2, lstrip=True, special=True),
                 added("Straße", n + 3, normalized=True, rstrip=True), added("漢字", n + 4), added("abq", n + 5, normalized=True), added("abqc", n + 6), added("  ", n + 7)]
        change = change | {"added_tokens": file["added_tokens"] + flags}
    return json.dumps(file | change, ensure_ascii=True, separators=(",", ":"))


def plain(tokenizer):
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def crc(ids):
    return zlib.crc32(struct.pack("<%dI" % len(ids), *ids))


def golden(tokenizers, texts):
    return {"lines": texts, "ids": {name: [crc(e.ids) for e in t.encode_batch(texts, add_special_tokens=False)] for name, t in tokenizers.items()}}


def write(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, ensure_ascii=True, separators=(",", ":"))
        f.write("\n")


def main():
    if len(sys.argv) == 3:
        write(sys.argv[2], golden({"": plain(Tokenizer.from_file(sys.argv[1]))}, lines()))
        return
    if len(sys.argv) == 1:
        for make in [wordpiece, unigram, bytelevel, bpe, affixes]:
            make()
    made = {}
    for name, (base, change, model) in variants().items():
        made[name] = build(base, change, model)
    tokenizers = {name: plain(Tokenizer.from_str(s)) for name, s in made.items()}
    if len(sys.argv) == 5:
        n, seed, path = int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
        r = random.Random(seed)
        base = lines()
        texts = rare(r, n // 2) + ["".join(r.choice(base)[: r.randrange(1, 20)] for _ in range(r.randrange(1, 5))) for _ in range(n // 2)]
        write(path, golden(tokenizers, texts))
        return
    write("golden.json", golden(tokenizers, lines()))
    # The variants as what differs from their base, for the Go test.
    parts = {}
    for name, (base, _, _) in variants().items():
        with open(base + ".json", encoding="utf-8") as f:
            old = json.load(f)
        new = json.loads(made[name])
        differ = {k: v for k, v in new.items() if k != "model" and v != old[k]}
        differ_model = {k: v for k, v in new["model"].items() if v != old["model"].get(k, "missing")}
        parts[name] = {"base": base, "file": differ, "model": differ_model}
    write("variants.json", parts)


if __name__ == "__main__":
    main()
