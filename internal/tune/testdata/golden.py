"""Writes sklearn.json: metrics of scikit-learn and intervals of SciPy, which the tests hold this package to.

    pip install scikit-learn==1.9.1
    python golden.py > sklearn.json
"""

import json

import numpy as np
import sklearn
from scipy.stats import beta
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    log_loss,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

PINNED = "1.9.1"
BINS = 10


def error(y, s, strategy):
    """Expected calibration error over the bins of calibration_curve, whose sizes it does not return."""
    if strategy == "uniform":
        edges = np.linspace(0, 1, BINS + 1)
    else:
        edges = np.percentile(s, np.linspace(0, 1, BINS + 1) * 100)
    bins = np.searchsorted(edges[1:-1], s)
    return sum((bins == b).mean() * abs(y[bins == b].mean() - s[bins == b].mean()) for b in np.unique(bins))


def fixture(name, y, s):
    y = np.asarray(y)
    s = np.asarray(s, dtype=np.float32).astype(np.float64)  # scores of models are float32
    precision, recall, pr_thresholds = precision_recall_curve(y, s)
    out = {
        "name": name,
        "positive": s[y == 1],
        "negative": s[y == 0],
        "pr": {"precision": precision, "recall": recall, "thresholds": pr_thresholds},
        "average_precision": average_precision_score(y, s),
        "auroc": roc_auc_score(y, s),
        "brier": brier_score_loss(y, s),
        "log_loss": log_loss(y, s),
    }
    for drop in (False, True):
        fpr, tpr, thresholds = roc_curve(y, s, drop_intermediate=drop)
        assert np.isinf(thresholds[0])
        # JSON has no infinity: the first threshold is left out.
        out["roc_drop" if drop else "roc"] = {"fpr": fpr, "tpr": tpr, "thresholds": thresholds[1:]}
    for strategy in ("uniform", "quantile"):
        share, score = calibration_curve(y, s, n_bins=BINS, strategy=strategy)
        out[strategy] = {"share": share, "score": score, "error": error(y, s, strategy)}
    return out


def fixtures():
    rng = np.random.default_rng(7)
    y = (rng.random(300) < 0.3).astype(int)
    s = 1 / (1 + np.exp(-(rng.normal(size=300) * 1.5 + 2.5 * y - 1)))
    yield fixture("overlapping", y, s)
    yield fixture("ties", y, np.round(s, 1))
    yield fixture("coarse", y, np.round(s))
    yield fixture("bin edges", y, np.round(s * 20) / 20)
    yield fixture("saturated", y, np.clip(s * 3 - 1, 0, 1))
    yield fixture("separable", [0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.8, 0.9])
    yield fixture("reversed", [1, 1, 0, 0, 0], [0.1, 0.2, 0.3, 0.8, 0.9])
    yield fixture("one positive", [0, 0, 0, 0, 1], [0.1, 0.4, 0.4, 0.7, 0.4])
    yield fixture("all tied", [0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5])
    yield fixture("two texts", [0, 1], [0.0, 1.0])
    y = (rng.random(400) < 0.02).astype(int)
    y[0] = 1
    yield fixture("rare", y, np.clip(rng.beta(0.5, 4, 400) + 0.3 * y, 0, 1))


def intervals():
    for n in (1, 2, 10, 100, 412, 3688, 100_000):
        for k in sorted({0, 1, n // 1000, n // 10, n // 2, n - 1, n}):
            for confidence in (0.9, 0.95, 0.999):
                tail = (1 - confidence) / 2
                low = 0.0 if k == 0 else beta.ppf(tail, k, n - k + 1)
                high = 1.0 if k == n else beta.ppf(1 - tail, k + 1, n - k)
                yield {"count": k, "of": n, "confidence": confidence, "low": low, "high": high}


if sklearn.__version__ != PINNED:
    raise SystemExit(f"scikit-learn is {sklearn.__version__}: want {PINNED}")
print(json.dumps({"fixtures": list(fixtures()), "intervals": list(intervals())}, default=np.ndarray.tolist))
