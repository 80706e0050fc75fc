"""Scores texts with the PyTorch model or with the exported graph, and measures them."""

import numpy as np
import onnxruntime
import torch

from . import features, labels

STRIDE = 16


@torch.no_grad()
def logits(net, runes, batch_runes=40000):
    """Maximum over the ends of strides, and over the last rune, of every text's
    logits: float32 [texts, labels]. Every text begins with a state of zeros."""
    out = np.zeros((len(runes), len(labels.LABELS)), np.float32)
    order = np.argsort([len(r) for r in runes])
    i = 0
    while i < len(order):
        j = i
        while j < len(order) and (j - i + 1) * len(runes[order[j]]) <= batch_runes or j == i:
            j += 1
        at = order[i:j]
        length = max(len(runes[k]) for k in at)
        ids = np.zeros((len(at), length, features.FEATURES), np.int32)
        use = np.zeros((len(at), length), bool)
        for row, k in enumerate(at):
            n = len(runes[k])
            ids[row, :n] = features.ids(runes[k])
            use[row, STRIDE - 1 : n : STRIDE] = True
            use[row, n - 1] = True
        with torch.autocast("cpu", torch.bfloat16):
            scores, _, _ = net(torch.from_numpy(ids).long(), net.zeros(len(at)))
        scores = scores.float().masked_fill(~torch.from_numpy(use).unsqueeze(2), -1e4)
        out[at] = scores.amax(1).numpy()
        i = j
    return out


@torch.no_grad()
def reach(net, runes, count=60000):
    """How far from zero the inputs of the matrices get, but for one in 100,000."""
    text = np.concatenate(runes)[:count]
    seen, hooks = [], []
    for norm in [layer.norm for layer in net.layers] + [net.norm]:
        hooks.append(norm.register_forward_hook(lambda module, given, out: seen.append(out.abs().flatten())))
    net(torch.from_numpy(features.ids(text)).long().unsqueeze(0), net.zeros(1))
    for h in hooks:
        h.remove()
    return [float(s.kthvalue(int(len(s) * 0.99999)).values) for s in seen]


def graph_scores(path, runes, batch=128):
    """Like logits, but by the exported graph in ONNX Runtime, stride by stride as
    Weir runs it, and probabilities."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    stride, width = session.get_inputs()[0].shape[1], session.get_inputs()[1].shape[1]
    out = np.zeros((len(runes), len(labels.LABELS)), np.float32)
    order = np.argsort([len(r) for r in runes], kind="stable")
    for i in range(0, len(order), batch):
        at = order[i : i + batch]
        n = np.array([len(runes[k]) for k in at])
        ids = np.zeros((len(at), -(-n.max() // stride) * stride, features.FEATURES), np.int32)
        for row, k in enumerate(at):
            ids[row, : n[row]] = features.ids(runes[k])
        state = np.zeros((len(at), width), np.float32)
        for start in range(0, ids.shape[1], stride):
            scores, state = session.run(["scores", "next_state"], {"ids": ids[:, start : start + stride], "state": state})
            live = np.flatnonzero(n > start)
            last = np.minimum(n[live] - start, stride) - 1
            out[at[live]] = np.maximum(out[at[live]], scores[live, last])
    return out


def average_precision(y, s):
    order = np.argsort(-s, kind="stable")
    hit = y[order].astype(float)
    # Ties count as one threshold.
    s = s[order]
    end = np.flatnonzero(np.append(s[1:] != s[:-1], True))
    precision = np.cumsum(hit)[end] / (end + 1)
    recall = np.cumsum(hit)[end] / max(1, hit.sum())
    return float(np.sum(np.diff(np.concatenate([[0], recall])) * precision))


def best_accuracy(y, s):
    order = np.argsort(-s)
    hit = y[order].astype(int)
    right = np.cumsum(2 * hit - 1) + (1 - hit).sum()
    k = int(np.argmax(right))
    return right[k] / len(y), s[order][k]


def brief(net, dev):
    """One paragraph of figures on the dev split."""
    s = logits(net, dev.runes)
    return figures(dev, s)


def figures(dev, s):
    top = s.max(1)
    y, mask, group, _ = dev.targets()
    harmful = np.array([r.harmful for r in dev.rows])
    source = np.array([r.source for r in dev.rows])
    lang = np.array([r.lang for r in dev.rows])
    lines = []
    for name in ("cold", "swsr", "davidson", "edos", "hatemojibuild", "toxigen_human_70", "rtp_lx_odd", "stormfront_hate",
                 "jade_resp_zh_t", "aisafetylab_demo"):
        at = source == name
        if at.any() and 0 < harmful[at].sum() < at.sum():
            a, t = best_accuracy(harmful[at], top[at])
            lines.append(f"{name}: n {at.sum()} acc {((top[at] > 0) == harmful[at]).mean():.4f} best {a:.4f}@{1/(1+np.exp(-t)):.2f} "
                         f"AP {average_precision(harmful[at], top[at]):.4f}")
    for l in ("en", "zh", "ja"):
        at = lang == l
        synthetic = at & np.char.startswith(source, "synthetic")
        for name, sub in (("all", at & ~synthetic), ("synthetic", synthetic)):
            if harmful[sub].any():
                quiet = np.sort(top[sub & ~harmful])[::-1]
                cut = quiet[min(len(quiet) - 1, len(quiet) // 1000)]
                lines.append(f"{l} {name}: AP {average_precision(harmful[sub], top[sub]):.4f}, benign over 0.5: {(quiet > 0).mean():.4f}, "
                             f"recall at 1/1000: {(top[sub & harmful] > cut).mean():.3f} (threshold {1/(1+np.exp(-cut)):.3f})")
    each = []
    for i, c in enumerate(labels.LABELS):
        at = mask[:, i] & ~group[:, i]
        if y[at, i].sum() >= 5:
            each.append(f"{c} {average_precision(y[at, i], s[at, i]):.3f} ({y[at, i].sum()})")
    return "\n  ".join(["dev:"] + lines + ["AP by category: " + ", ".join(each)])
