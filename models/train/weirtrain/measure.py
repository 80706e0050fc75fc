"""What the model is worth: figures by category, language and source, with 95 %
intervals, as JSON for the model card."""

import numpy as np

from . import calibrate, evaluate, labels


def interval(values):
    return [round(float(np.percentile(values, q)), 4) for q in (2.5, 97.5)]


def bootstrap(y, p, metric, rng, rounds=200):
    pos, neg = np.flatnonzero(y), np.flatnonzero(~y)
    out = []
    for _ in range(rounds):
        at = np.concatenate([rng.choice(pos, len(pos)), rng.choice(neg, len(neg))])
        out.append(metric(y[at], p[at]))
    return interval(out)


def wilson(k, n, z=1.96):
    if n == 0:
        return [0.0, 1.0]
    c, d = (k + z * z / 2) / (n + z * z), z * np.sqrt(k * (n - k) / n + z * z / 4) / (n + z * z)
    return [round(float(max(0, c - d)), 5), round(float(min(1, c + d)), 5)]


def table(dev, p, rows, halt):
    """p: probabilities [rows, labels], halt: default threshold per label (2: never)."""
    rng = np.random.default_rng(1)
    y, mask, group, _ = dev.targets()
    lang = np.array([r.lang for r in dev.rows])
    source = np.array([r.source for r in dev.rows])
    synthetic = np.char.startswith(source, "synthetic")
    kind = np.array([r.kind for r in dev.rows])
    harmful = np.array([r.harmful for r in dev.rows])
    known = mask & ~group & rows[:, None]
    out = {"categories": [], "sources": [], "benign": [], "identity": []}
    for i, c in enumerate(labels.LABELS):
        for l in ("en", "zh", "ja"):
            for made, name in ((False, "labelled"), (True, "synthetic")):
                at = known[:, i] & (lang == l) & (synthetic == made)
                n = int(y[at, i].sum())
                if n < 5 or n == at.sum():
                    continue
                out["categories"].append({
                    "category": c, "language": l, "data": name, "positives": n, "negatives": int(at.sum() - n),
                    "ap": round(evaluate.average_precision(y[at, i], p[at, i]), 4),
                    "ap_interval": bootstrap(y[at, i], p[at, i], evaluate.average_precision, rng),
                    "ece": round(calibrate.ece(p[at, i], y[at, i], calibrate.balanced(y[at, i], np.ones(at.sum(), bool), np.ones(at.sum()))), 4),
                    "recall_at_halt": round(float((p[at, i][y[at, i]] >= halt[i]).mean()), 4),
                })
    top = p.max(1)
    for name in sorted(set(source)):
        at = (source == name) & rows
        if 20 <= harmful[at].sum() < at.sum():
            out["sources"].append({
                "source": name, "rows": int(at.sum()), "accuracy_at_half": round(float(((top[at] >= 0.5) == harmful[at]).mean()), 4),
                "accuracy_interval": wilson(int(((top[at] >= 0.5) == harmful[at]).sum()), int(at.sum())),
                "ap": round(evaluate.average_precision(harmful[at], top[at]), 4),
                "ap_interval": bootstrap(harmful[at], top[at], evaluate.average_precision, rng),
            })
    halted = (p >= halt[None]).any(1)
    flagged = (p >= 0.5).any(1)
    for l in ("en", "zh", "ja"):
        for k in ("answer", "text", "prompt"):
            at = ~harmful & rows & (lang == l) & (kind == k) & ~synthetic & np.isin(source, labels.BENIGN + ("aisafetylab_demo", "jade_resp_zh_t"))
            if at.sum() >= 20:
                n = int(at.sum())
                out["benign"].append({"language": l, "kind": k, "texts": n, "halted": int(halted[at].sum()),
                                      "halted_interval": wilson(int(halted[at].sum()), n), "flagged": int(flagged[at].sum())})
    for i, c in enumerate(labels.LABELS):
        if not c.startswith("discrimination."):
            continue
        for l in ("en", "zh", "ja"):
            at = (source == "synthetic/discrimination") & (lang == l) & ~harmful & rows
            if at.sum() >= 20:
                out["identity"].append({"ground": c.split(".")[1], "language": l, "benign_texts": int(at.sum()),
                                        "flagged": int((p[at, i] >= 0.5).sum()), "mean_score": round(float(p[at, i].mean()), 4)})
    return out
