"""The lines that the golden ids are of: sentences, cases made to break things, and
random lines. Everything is of our own making."""

import random

SENTENCES = [
    "The quick brown fox jumps over the lazy dog.", "It's five o'clock; isn't it? (Yes!)", "naïve café, façade — über Straße",
    "A train to the north leaves at 9:45 from platform 12b.", "def f(x): return x**2 + 3*x - 1  # comment", "e-mail: someone@example.test",
    "今天天气很好，我们去公园散步吧。", "请在九点以前把报告发给我。", "東京から大阪まで新幹線で行きました。", "ひらがなとカタカナと漢字。",
    "El niño comió piñas en la montaña.", "Привет, как дела?", "한국어 문장입니다.", "😀 emoji 👩‍👩‍👧 and 🇯🇵 flags",
    "tokenization tokenizes tokenized tokens", "unbelievable unhappiness reworking replayed", "price: $3.50, 20% off, 1,000,000 units",
]

CASES = [
    "", " ", "\t\n", "a", "İstanbul İ ı ŞĞ", "ﬁ ligature Ⅷ ①", "a\u0301e\u0300 o\u0308", "x" * 99, "x" * 100, "x" * 101, "[CLS] hi [SEP]",
    "[MASK]ed[PAD][UNK]", "[cls] [ SEP]", "\u200bzero\u200bwidth\u00ad soft", "null\x00byte\ufffd", "\x01\x7f\x80\x9f control", "word\u2028line\u2029par",
    "\u3000ideographic space\u00a0nbsp", "《书名号》「引号」……——", "a_b-c/d\\e|f~g`h^i", "«quotes» ‹x› „y“ ‚z‘", "ºª²³¼ µ", "กำลัง ภาษาไทย", "हिन्दी में", "עִבְרִית", "عَرَبِيّ",
    "𝒜𝓁𝓅𝒽𝒶 𝟘𝟙", "𠀀𪛔 ext", "\U000f0000 private \ue000", "\u0378 unassigned", "ΑΒΓ Σίσυφος ΣΑΣ", "Ǆ ǅ ǆ Ａｂｃ", "combining\u0327\u0301\u0308marks",
    "<s>hi</s>", "<s> hi </s>", " <mask> ", "a<mask>b", "a  <mask>  b", "<mask><mask>", "<unk>", "x<unk>y", "<pad>", "<0x0A>", "▁", "▁▁a▁b", " ▁ a", "a ▁",
    "Ġ", "ĠaĊ", "##a", "a##b", "</w>", "a</w>b", "<|end|>", "<|begin|>x<|end|>", "I'll we've THEY'RE don'T 'S 'ſ 'sx x's'd'", "''s '' 'll'll", "'", "'l", "'ſa",
    "1234567 12 3 ١٢٣٤٥ ²³ Ⅷ½ 10,000.00", "a1b22c333d4444", "\r\n", "a\r\nb", "a\n\n\nb", "a \n b", "a  \n\n  b  ", "  \t  x", "x   ", "   ", "\n\n", "\r", " \r\n \r\n ", "!\n\n", "?!\r\n\r\nx", " !", " \t!", "\u00a0!", "\u2003x", "\u0085a\u0085",
    "a" + "\u0301" * 40, "\u0301" * 35, "a" + "\u0327\u0301" * 20 + "b", "e\u0323\u0302 \u1ec7 \u1e69 s\u0307\u0323", "각 \u1100\u1161\u11a8 \u1100\u1161 \uac00\u11a8 \uac01\u11a8", "\u115f\u1160\ua960\ud7b0\ud7cb", "ᄀᄀ가각ᆨᆨ",
    "क्षत्रिय क्\u200dष क्\u200cष र्क न्त्", "👨‍👩‍👧‍👦👍🏽🏳️‍🌈🇩🇪🇫🇷🇺", "©\u200d©\u0301\u200d©", "\u0600a\u0301 \u06ddb", "\u0e33 กำ ำ", "\u0958 \u095b \u0344 \u2126 \u212b \u212a \uf900 \ufb1d \U0002f800",
    "ﷺ ㍿ ㌀ ㋀ ﬃ ſt ŉ ǰ ẞ ß ΐ", "\u1e9b\u0323 \u017f\u0307", "\U0001d15e\U0001d160 \u2adc", "\ufeffbom", "a\u034fb", "\u180e\u200b\u2060", "\U000e0041\U000e007f", "\ufff9x\ufffa", "\ud7a4 \ud7ff \ue000 \uffff \U0010ffff \U0001fffe",
    "\U0001e030 \ua7f2 \U00010781 \U000105c9", "a\U0001e4ec\U0001e4ee \u1acd\u0316 \u0c3c\u0327", "\u1c89\ua7cb\ua7dc\U00010d50\U00016ea0", "\u0b72\u0b77 \u2150\u2189 \u4e00\u3007 \u3248 \u2460 \U0001f10b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "ab" * 60, "abcabcabdabc" * 12,
    "好" * 50, "😀" * 30, "Straße STRASSE İSTANBUL ΑΣ", "zq" * 30, "ﬀﬁ" * 10, "\u3042\u3099 \u304c \u30cf\u309a ﾊﾟ ｶﾞ", "[a] {b} <c> \"d\" ;:", "x=1;y=2\tz\t\tw", "http://example.test/a?b=c&d=%20#e", "C:\\dir\\file.txt", "a.b.c...d", "¡hola! ¿qué?", "10€ £5 ¥7 ₿1", "a+b=c≠d ∑∏√ →⇒",
]

FRAGMENTS = [
    " ", " ", "  ", "   ", "\n", "\r\n", "\t", "\u00a0", "\u3000", "\u2028", "'s", "'LL", "'ſ", "n't", "1", "12", "2024", "٣", "²", "½", ".", "...", "!?", "-", "_", "▁", "Ġ", "##", "(", ")",
    "<s>", "</s>", "<mask>", "<unk>", "[MASK]", "[SEP]", "<|end|>", "zqx", "Zqx", "zq", "é", "e\u0301", "n\u0303", "\u0301", "\u0327", "\u0345", "\u200d", "\u200c", "\ufe0f", "가", "\u1100", "\u1161", "\u11a8", "क", "\u094d", "ष", "\u093e", "\u0600", "👩", "🏽", "❤", "🇯", "🇵", "©",
    "今天", "天气", "の", "カ", "ﾞ", "ﬁ", "Ａ", "①", "㍿", "ß", "İ", "Σ", "ς", "Ω", "\u00ad", "\u200b", "\x00", "\x07", "\x85", "\ufffd", "\u0378", "\ue000", "\U0001fae8", "\U00016ea0", "the", "The", "token", "ize", "ing", "un", "a", "b", "x", "🙂", "niño", "Привет", "한국",
]

# Where random runes are from, with weights: scripts with marks, signs, emoji, all.
RANGES = [
    (0x20, 0x7F, 8), (0xA0, 0x250, 6), (0x250, 0x530, 3), (0x300, 0x370, 5), (0x530, 0x900, 3), (0x900, 0xE00, 4), (0xE00, 0x1100, 2), (0x1100, 0x1200, 4), (0x1200, 0x1E00, 2), (0x1E00, 0x2000, 3),
    (0x2000, 0x2070, 3), (0x2070, 0x2C00, 3), (0x2C00, 0x3000, 1), (0x3000, 0x3400, 4), (0x4E00, 0xA000, 3), (0xA000, 0xAC00, 2), (0xAC00, 0xD800, 2), (0xE000, 0xF900, 1), (0xF900, 0x10000, 4), (0x10000, 0x12000, 2),
    (0x16000, 0x17000, 1), (0x1D000, 0x1E000, 2), (0x1E000, 0x1F000, 1), (0x1F000, 0x20000, 4), (0x20000, 0x30000, 1), (0x30000, 0x110000, 1),
]


def rune(r):
    low, high, _ = r.choices(RANGES, [w for _, _, w in RANGES])[0]
    return chr(r.randrange(low, high))


def line(r):
    """One random line; the kinds take turns."""
    kind, size = r.randrange(6), r.randrange(1, 24)
    if kind == 0:
        return "".join(r.choice("abcdefgh ABC,.!?-'  \t中文日本かなカナéüñßİΣЖ\u0301\u200d😀[]") for _ in range(2 * size))
    if kind == 1:
        return "".join(rune(r) for _ in range(size))
    if kind == 2:
        return " ".join(r.choice(WORDS) for _ in range(size))
    if kind == 3:
        return "".join(r.choice(FRAGMENTS) for _ in range(size))
    if kind == 4:  # all at once
        return "".join(r.choice([lambda: r.choice(FRAGMENTS), lambda: rune(r), lambda: r.choice(WORDS)])() for _ in range(size))
    few = [r.choice(FRAGMENTS + list("abxyz")) for _ in range(3)]  # long rows of little
    return "".join(r.choice(few) for _ in range(2 * size))


WORDS = " ".join(SENTENCES).split()


def lines(count, seed=7):
    r = random.Random(seed)
    return SENTENCES + CASES + [line(r) for _ in range(count)]
