"""Writes what the tests compare with: a small tokenizer of each kind that Weir
supports, and the ids that Hugging Face's own tokenizers give for lines of text.

python make.py                     wordpiece.json, golden.json, with tokenizers==0.23.2
python make.py TOKENIZER GOLDEN    ids of another tokenizer.json, to check by hand
"""

import json
import random
import sys

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

SENTENCES = [
    "The quick brown fox jumps over the lazy dog.", "It's five o'clock; isn't it? (Yes!)", "naïve café, façade — über Straße",
    "A train to the north leaves at 9:45 from platform 12b.", "def f(x): return x**2 + 3*x - 1  # comment", "e-mail: someone@example.test",
    "今天天气很好，我们去公园散步吧。", "请在九点以前把报告发给我。", "東京から大阪まで新幹線で行きました。", "ひらがなとカタカナと漢字。",
    "El niño comió piñas en la montaña.", "Привет, как дела?", "한국어 문장입니다.", "😀 emoji 👩‍👩‍👧 and 🇯🇵 flags",
    "tokenization tokenizes tokenized tokens", "unbelievable unhappiness reworking replayed", "price: $3.50, 20% off, 1,000,000 units",
]


def lines():
    r = random.Random(7)
    out = list(SENTENCES)
    out += ["", " ", "\t\n", "a", "İstanbul İ ı ŞĞ", "ﬁ ligature Ⅷ ①", "a\u0301e\u0300 o\u0308", "x" * 99, "x" * 100, "x" * 101, "[CLS] hi [SEP]",
            "[MASK]ed[PAD][UNK]", "[cls] [ SEP]", "\u200bzero\u200bwidth\u00ad soft", "null\x00byte\ufffd", "\x01\x7f\x80\x9f control", "word\u2028line\u2029par",
            "\u3000ideographic space\u00a0nbsp", "《书名号》「引号」……——", "a_b-c/d\\e|f~g`h^i", "«quotes» ‹x› „y“ ‚z‘", "ºª²³¼ µ", "กำลัง ภาษาไทย", "हिन्दी में", "עִבְרִית", "عَرَبِيّ",
            "𝒜𝓁𝓅𝒽𝒶 𝟘𝟙", "𠀀𪛔 ext", "\U000f0000 private \ue000", "\u0378 unassigned", "ΑΒΓ Σίσυφος ΣΑΣ", "Ǆ ǅ ǆ Ａｂｃ", "combining\u0327\u0301\u0308marks"]
    alphabet = "abcdefgh ABC,.!?-'  \t中文日本かなカナéüñßİΣЖ\u0301\u200d😀[]"
    for _ in range(600):
        out.append("".join(r.choice(alphabet) for _ in range(r.randrange(1, 60))))
    for _ in range(600):
        out.append("".join(chr(c) for c in (r.randrange(0x20, 0x3000 if r.random() < 0.8 else 0x1FFFF) for _ in range(r.randrange(1, 25))) if not 0xD800 <= c < 0xE000))
    words = " ".join(SENTENCES).split()
    for _ in range(300):
        out.append(" ".join(r.choice(words) for _ in range(r.randrange(1, 20))))
    return out


def wordpiece():
    t = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=700, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False)
    t.train_from_iterator(SENTENCES * 3, trainer)
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", t.token_to_id("[CLS]")), ("[SEP]", t.token_to_id("[SEP]"))])
    t.save("wordpiece.json", pretty=False)


def golden(tokenizer, path):
    t = Tokenizer.from_file(tokenizer)
    t.no_truncation()
    t.no_padding()
    rows = [{"text": x, "ids": t.encode(x, add_special_tokens=False).ids} for x in lines()]
    with open(path, "w", encoding="utf-8") as f:
        f.write("[" + ",\n".join(json.dumps(r, ensure_ascii=True, separators=(",", ":")) for r in rows) + "]\n")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        golden(sys.argv[1], sys.argv[2])
    else:
        wordpiece()
        golden("wordpiece.json", "golden.json")
