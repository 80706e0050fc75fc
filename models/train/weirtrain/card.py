"""Writes the model card: what can be counted is generated, the rest is in
card.md beside the pipeline."""

import collections
import pathlib

import numpy as np
import yaml

from . import labels

HERE = pathlib.Path(__file__).resolve().parents[1]
NEVER = 2.0


def default_halts(policy):
    """Halt threshold of every label in the default profile; NEVER without one."""
    categories = yaml.safe_load(policy.read_text(encoding="utf-8"))["profiles"]["default"]["categories"]
    out = []
    for c in labels.LABELS:
        rules = dict((categories.get(c.split(".")[0]) or {}).get("score") or {})
        rules.update((categories.get(c) or {}).get("score") or {})
        out.append(rules.get("halt") or NEVER)
    return np.array(out, np.float32)


def _table(rows, columns):
    head = "| " + " | ".join(columns) + " |\n|" + "---|" * len(columns) + "\n"
    return head + "".join("| " + " | ".join(str(v) for v in r) + " |\n" for r in rows)


def _sources():
    out = []
    for line in (HERE / "sources.tsv").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            out.append(line.split("\t"))
    return out


def write(folder, results, corpus, version):
    count = collections.Counter()
    for r in corpus.rows:
        kind = "synthetic" if r.source.startswith("synthetic") else "labelled"
        for c in r.positive:
            count[c, r.lang, kind] += 1
        if not r.harmful:
            count["harmless", r.lang, kind] += 1
        elif r.group:
            count["one of several", r.lang, kind] += 1
    used = collections.Counter(r.source for r in corpus.rows)
    rows = [[c] + [count[c, l, k] for l in ("en", "zh", "ja") for k in ("labelled", "synthetic")]
            for c in labels.LABELS + ("one of several", "harmless")]
    parts = [
        (HERE / "card.md").read_text(encoding="utf-8").replace("VERSION", version).replace("BYTES", f"{results['bytes']/1e6:.1f} MB"),
        "## Sources\nTexts used after duplicates were dropped. Everything else in these sets, and every other set, is unused.\n\n",
        _table([[name, repo, commit, licence, used[name]] for name, repo, commit, licence in _sources() if used[name]],
               ["name", "repository", "commit", "licence", "texts"]),
        "\n## Texts by label and language\nA text may have several labels. *Synthetic* texts are expanded from our own templates in models/train/data.\n\n",
        _table(rows, ["label", "en", "en synthetic", "zh", "zh synthetic", "ja", "ja synthetic"]),
        "\n## Quality by category and language\nOn the half of the dev split that neither trained nor calibrated the model. A text's score is its maximum over\n"
        "strides. AP: average precision with a 95 % bootstrap interval. ECE: calibration error, 15 bins of equal mass, with positives\nweighted to a share of at least 5 %. Recall at\n"
        "halt: at the default policy's threshold; 0 where the category only flags.\n\n",
        _table([[r["category"], r["language"], r["data"], r["positives"], r["negatives"], r["ap"],
                 f"{r['ap_interval'][0]} to {r['ap_interval'][1]}", r["ece"], r["recall_at_halt"]] for r in results["categories"]],
               ["category", "language", "data", "positive", "negative", "AP", "95 %", "ECE", "recall at halt"]),
        "\n## Quality by source\nHarmful or not, by the highest of all scores.\n\n",
        _table([[r["source"], r["rows"], r["accuracy_at_half"], f"{r['accuracy_interval'][0]} to {r['accuracy_interval'][1]}", r["ap"],
                 f"{r['ap_interval'][0]} to {r['ap_interval'][1]}"] for r in results["sources"]],
               ["source", "texts", "accuracy at 0.5", "95 %", "AP", "95 %"]),
        "\n## Harmless texts that are halted or flagged\n\n",
        _table([[r["language"], r["kind"], r["texts"], r["halted"], f"{r['halted_interval'][0]} to {r['halted_interval'][1]}", r["flagged"]]
                for r in results["benign"]], ["language", "kind", "texts", "halted", "share, 95 %", "flagged at 0.5"]),
        "\n## Identity terms\nHarmless templates that name groups, held out from training: what the ground of discrimination scores on them.\n\n",
        _table([[r["ground"], r["language"], r["benign_texts"], r["flagged"], r["mean_score"]] for r in results["identity"]],
               ["ground", "language", "harmless texts", "scored 0.5 or more", "mean score"]),
    ]
    (folder / "CARD.md").write_text("".join(parts), encoding="utf-8")
