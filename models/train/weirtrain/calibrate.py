"""Makes probabilities of logits: one scale and one offset a label (Platt 1999),
fitted on one half of the dev split; the other half tells what they are worth."""

import hashlib

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as bce

MIN_POSITIVES = 30  # fewer say too little: the label keeps its logits

# How common each harm is taken to be at least. The dev split holds a few hundred
# texts of the rarer harms among tens of thousands, which says nothing of what a
# guard meets; calibrated to that, no score of theirs would ever pass one half.
PRIOR = 0.05


def half(corpus):
    """bool per row: the half that calibrates."""
    return np.array([hashlib.sha256(b"half" + r.tobytes()).digest()[0] < 128 for r in corpus.runes])


def fit(s, y, known, weight):
    """s logits [rows], y and known bool [rows] → scale, offset."""
    at = known & (weight > 0)
    if y[at].sum() < MIN_POSITIVES:
        return 1.0, 0.0
    x, t, w = (torch.tensor(a[at], dtype=torch.float64) for a in (s, y.astype(float), weight))
    p = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([p], max_iter=100, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        # A little pull to the identity, worth ten rows.
        loss = (bce(p[0] * x + p[1], t, reduction="none") * w).sum() + 10 * ((p[0] - 1) ** 2 + 0.1 * p[1] ** 2)
        loss.backward()
        return loss

    optimizer.step(closure)
    a, b = p.detach().tolist()
    return max(0.3, a), b


def balanced(y, known, weight):
    """weight, with that of positives raised until they have the prior's share."""
    positive, negative = weight[known & y].sum(), weight[known & ~y].sum()
    if positive == 0 or positive >= PRIOR * (positive + negative):
        return weight
    return np.where(y, weight * PRIOR / (1 - PRIOR) * negative / positive, weight)


def fit_all(s, corpus, rows):
    y, mask, group, weight = corpus.targets()
    known = mask & ~group & rows[:, None]
    pairs = [fit(s[:, i], y[:, i], known[:, i], balanced(y[:, i], known[:, i], weight)) for i in range(s.shape[1])]
    return np.array([a for a, _ in pairs], np.float32), np.array([b for _, b in pairs], np.float32)


def ece(p, y, weight, bins=15):
    """Expected calibration error with bins of equal mass, under the prior."""
    order = np.argsort(p, kind="stable")
    edge = np.searchsorted(np.cumsum(weight[order]), np.linspace(0, weight.sum(), bins + 1)[1:-1])
    return float(sum(abs((p[b] * weight[b]).sum() - (y[b] * weight[b]).sum()) for b in np.split(order, edge) if len(b)) / weight.sum())
