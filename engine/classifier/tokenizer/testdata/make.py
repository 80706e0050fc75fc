"""Writes what the tests compare with: a small tokenizer.json of each kind that Weir
supports, and the ids that Hugging Face's own tokenizers give for lines of text.

python make.py                             all of testdata, with tokenizers==0.23.2;
                                           a tokenizer that is there stays, as no
                                           two trainings come out the same
python make.py COUNT SEED GOLDEN           the same for so many random lines
python make.py COUNT SEED GOLDEN FILE...   and for other tokenizer.json files
"""

import bz2
import hashlib
import json
import os
import struct
import sys

import kinds
from text import CASES, SENTENCES, lines
from tokenizers import Tokenizer

SEEN = SENTENCES[:2]  # what the ids around a text are seen with


def apply(d, change):
    for path, value in change.items():
        into, *rest = path.split(".")
        into, key = (d[into], rest[0]) if rest else (d, into)
        if value == "-":
            del into[key]
        else:
            into[key] = value
    return d


SUMMED = {"probe/" + name for name in """nfc nfd nfkc nfkd lowercase accents spaces1 precompiled bert-clean bert-chinese bert-accents bert-lower
    bert whitespace digits punctuation-isolated split-gpt2-isolated split-llama3-isolated split-clip-isolated""".split()}


def summed(t):
    """A sum of the ids of every rune that is assigned, in texts of 64 of them."""
    blocks = [range(r, r + 64) for r in [*range(0, 0xD800, 64), *range(0xE000, 0x32400, 64), *range(0xE0000, 0xE0200, 64)]]
    h = hashlib.sha256()
    for e in t.encode_batch(["".join("a" + chr(r) for r in b) for b in blocks], add_special_tokens=False):
        h.update(struct.pack("<%di" % (len(e.ids) + 1), *e.ids, -1))
    return h.hexdigest()


def golden(cases, texts, path):
    """Cases are name, file, change, and which lines: so many, and of the others,
    from the first on, every so many."""
    out = []
    for name, file, change, (known, first, step) in cases:
        t = Tokenizer.from_str(json.dumps(apply(json.load(open(file)), change)))
        t.no_truncation()
        t.no_padding()
        ids = [e.ids for e in t.encode_batch(texts[:known] + texts[first::step], add_special_tokens=False)]
        wrapped = [e.ids for e in t.encode_batch(SEEN, add_special_tokens=True)]
        out.append({"name": name, "file": file, "change": change, "known": known, "first": first, "step": step, "ids": ids, "wrapped": wrapped, "sum": summed(t) if name in SUMMED else ""})
    with open(path, "wb") as f:
        f.write(bz2.compress(json.dumps({"lines": texts, "cases": out}, separators=(",", ":")).encode()))


EVERY = 0, 0, 1
KNOWN = len(SENTENCES) + len(CASES)
RANDOM = 1300


def main():
    if len(sys.argv) > 1:
        count, seed, path, *files = sys.argv[1:]
        cases = [(f, f, {}, EVERY) for f in files]
        if not files:
            cases = [(name, name + ".json", {}, EVERY) for name in kinds.TRAINED] + [(name, file + ".json", change, EVERY) for name, file, change in kinds.changed()]
        golden(cases, lines(int(count), int(seed)), path)
        return
    for name, train in kinds.TRAINED.items():
        if not os.path.exists(name + ".json"):
            train().save(name + ".json", pretty=False)
    cases = [(name, name + ".json", {}, EVERY) for name in kinds.TRAINED if name != "probe"]
    cases += [(name, file + ".json", change, (KNOWN, KNOWN + i % 40, 40)) for i, (name, file, change) in enumerate(kinds.changed())]
    golden(cases, lines(RANDOM), "golden.json.bz2")


if __name__ == "__main__":
    main()
