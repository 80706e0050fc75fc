"""Reads the labelled sets and our own templates into arrays of folded runes."""

import collections
import gzip
import hashlib
import json
import pathlib
import subprocess
from dataclasses import dataclass

import numpy as np

from . import labels, synth

ROOT = pathlib.Path(__file__).resolve().parents[3]


@dataclass
class Corpus:
    rows: list  # labels.Row, text dropped
    runes: list  # int32 arrays, folded

    def select(self, keep):
        at = [i for i, r in enumerate(self.rows) if keep(r)]
        return Corpus([self.rows[i] for i in at], [self.runes[i] for i in at])

    def __len__(self):
        return len(self.rows)

    def targets(self):
        """→ y, mask and group [rows, labels] bool, weight [rows]: mask marks
        labels that the row is sure of, group those of which one is meant."""
        n = len(self.rows)
        y, mask, group = (np.zeros((n, len(labels.LABELS)), bool) for _ in range(3))
        weight = np.zeros(n, np.float32)
        for i, r in enumerate(self.rows):
            mask[i] = True
            mask[i, [labels.INDEX[c] for c in r.ignored]] = False
            at = [labels.INDEX[c] for c in r.positive]
            y[i, at], mask[i, at] = True, True
            group[i, [labels.INDEX[c] for c in r.group]] = True
            weight[i] = r.weight
        return y, mask, group, weight


def _held_out(text, share):
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def fold(texts):
    """The plain view of every text, by the engine's own code."""
    lines = "\n".join(json.dumps(t) for t in texts) + "\n"
    run = subprocess.run(["go", "run", "./models/train/fold"], cwd=ROOT, input=lines.encode(), stdout=subprocess.PIPE, check=True)
    out = run.stdout.decode().split("\n")[:-1]
    if len(out) != len(texts):
        raise RuntimeError(f"fold: {len(texts)} texts in, {len(out)} out")
    return [np.frombuffer(t.encode("utf-32-le"), np.int32) for t in out]


def read(folder, report=print):
    """All usable rows of the labelled sets in folder, with splits train and dev.
    Where a source has no dev split of its own, 1 in 12 texts is held out."""
    rows = []
    for path in sorted(pathlib.Path(folder).glob("*.jsonl.gz")):
        used = dropped = 0
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                x = json.loads(line)
                made = labels.rule(x["source"], x["label_raw"], x["text"])
                if made is None:
                    dropped += 1
                    continue
                used += 1
                text = made.pop("text", x["text"])
                own = x["source"] in ("cold", "edos", "diasafety")
                dev = x["split"] in ("dev", "val") if own else _held_out(text, 1 / 12)
                rows.append(labels.Row(text, x["lang"], x["source"], "dev" if dev else "train", **made))
        report(f"{path.name[:-9]:24s} {used:6d} rows, {dropped:6d} left out")
    if not rows:
        raise SystemExit(f"no .jsonl.gz file in {folder}: give the folder of the labelled sets with --data")
    return rows


def assemble(rows):
    """Folds, drops empty texts, and drops from training what dev also holds."""
    runes = fold([r.text for r in rows])
    held = {a.tobytes() for r, a in zip(rows, runes) if r.split == "dev"}
    seen, keep = set(), []
    for i, (r, a) in enumerate(zip(rows, runes)):
        key = a.tobytes()
        if len(a) < 2 or (r.split != "dev" and key in held) or (key, r.split, r.harmful) in seen:
            continue
        seen.add((key, r.split, r.harmful))
        keep.append(i)
    return Corpus([rows[i] for i in keep], [runes[i] for i in keep])


def load(folder, templates, seed, per_template, report=print):
    rows = read(folder, report) + synth.rows(templates, seed, per_template)
    corpus = assemble(rows)
    count = collections.Counter((r.split, r.lang, r.harmful) for r in corpus.rows)
    size = sum(map(len, corpus.runes))
    report(f"{len(corpus)} texts, {size/1e6:.1f} million runes; " + ", ".join(
        f"{s} {l} {'harmful' if h else 'benign'} {n}" for (s, l, h), n in sorted(count.items())))
    return corpus
