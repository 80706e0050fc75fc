"""Trains the streaming classifier."""

import math
import time

import numpy as np
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as bce, cross_entropy, logsigmoid

from . import evaluate, lanes as packing, labels, model as models

POOL = 0.5  # temperature of the soft maximum over a text


def pool(logits, number, count):
    """Soft maximum of logits [runes, labels] over the runes of each piece."""
    keep = number >= 0
    x, at = logits[keep], number[keep]
    index = at.unsqueeze(1).expand(-1, x.shape[1])
    top = torch.full((count, x.shape[1]), -1e4).scatter_reduce(0, index, x.detach(), "amax")
    w = torch.exp((x - top[at]) / POOL)
    total = torch.zeros(count, x.shape[1]).index_add(0, at, w)
    return torch.zeros(count, x.shape[1]).index_add(0, at, w * x) / total.clamp_min(1e-9)


def label_loss(logits, y, mask, group, weight):
    """logits [texts, labels] against what is known of each text. Mean over texts."""
    loss = (bce(logits, y, reduction="none") * mask).sum(1)
    # One of a group: by the chance that none of them is there.
    none = (logsigmoid(-logits) * group).sum(1).clamp_max(-1e-5)
    loss = loss + torch.where(group.any(1), -torch.log(-torch.expm1(none)), 0.0)
    return (loss * weight).sum() / weight.sum().clamp_min(1)


def schedule(step, steps):
    warm = min(500, steps // 10)
    if step < warm:
        return (step + 1) / warm
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def new(dim, layers, vocabulary, dropout, weights=None):
    net = models.Weir(len(labels.LABELS), dim=dim, layers=layers, vocabulary=vocabulary, dropout=dropout)
    if weights is not None:
        net.load_state_dict(weights)
    return net


def train(corpus, dev, *, layers, dim, epochs, lanes, window, windows, lr, seed, vocabulary, dropout, repeat, report=print, save=None, weights=None):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    y, mask, group, weight = (torch.from_numpy(a.astype(np.float32) if a.dtype == bool else a) for a in corpus.targets())
    group = group.bool()
    harmful = np.array([r.harmful for r in corpus.rows])
    times = np.array([repeat(r) for r in corpus.rows])
    sizes = np.array([min(600, len(r)) for r in corpus.runes])

    counts = np.bincount(np.concatenate([r[:200] for r in corpus.runes]).clip(0, 0x1FFFF), minlength=0x20000)
    words = np.zeros(0x20000, np.int64)
    common = np.argsort(-counts, kind="stable")[: vocabulary - 1]
    words[common] = np.arange(1, len(common) + 1)

    net = new(dim, layers, vocabulary, dropout, weights)
    dense = [p for n, p in net.named_parameters() if n != "tables.weight"]
    optimizers = [
        torch.optim.AdamW(dense, lr=lr, weight_decay=0.02, betas=(0.9, 0.98)),
        torch.optim.SparseAdam([net.tables.weight], lr=lr * 2),
    ]
    steps = int(epochs * (times * sizes).sum() / (lanes * window))
    report(f"{sum(p.numel() for p in net.parameters())/1e6:.1f} million parameters, {steps} steps")
    step, began, runes, mean = 0, time.time(), 0, {}
    epoch = 0
    while step < steps:
        epoch += 1
        net.train()
        n = np.floor(times + rng.random(len(times))).astype(int)
        order = np.repeat(np.arange(len(times)), n)
        rng.shuffle(order)
        state = net.zeros(lanes)
        for ids, letters, text, place, size in packing.pack(corpus, order, lanes, window * windows, rng):
            # Half of the lanes go on from where they were, the others begin anew.
            fresh = (torch.rand(lanes, 1) < 0.5).float()
            state = [s * (1 - fresh) for s in state]
            for w in range(windows):
                cut = slice(w * window, (w + 1) * window)
                factor = schedule(step, steps)
                for o, base in zip(optimizers, (lr, lr * 2)):
                    o.param_groups[0]["lr"] = base * factor
                number, count, of, last, use = packing.pieces(text[:, cut], place[:, cut], size[:, cut], harmful)
                with torch.autocast("cpu", torch.bfloat16):
                    logits, hidden, state = net(torch.from_numpy(ids[:, cut]).long(), [s.detach() for s in state])
                flat = logits.reshape(-1, logits.shape[-1])
                at = torch.from_numpy(np.flatnonzero(use))
                rows = torch.from_numpy(of[use].astype(np.int64))
                target = y[rows], mask[rows], group[rows], weight[rows]
                loss = label_loss(pool(flat, torch.from_numpy(number), count)[at], *target)
                loss = loss + 0.5 * label_loss(flat[torch.from_numpy(last[use])], *target)
                total = loss
                if vocabulary:
                    some = torch.randint(0, lanes * window, (640,))
                    nxt = np.zeros((lanes, window), np.int64)
                    nxt[:, :-1] = letters[:, cut][:, 1:]
                    want = torch.from_numpy(words[nxt.ravel()[some.numpy()].clip(0, 0x1FFFF)])
                    with torch.autocast("cpu", torch.bfloat16):
                        guess = net.next(hidden.reshape(-1, net.width)[some]).float()
                    spelling = cross_entropy(guess, want)
                    total = total + 0.1 * spelling
                    mean["next"] = 0.98 * mean.get("next", spelling.item()) + 0.02 * spelling.item()
                total.backward()
                torch.nn.utils.clip_grad_norm_(dense, 1.0)
                for o in optimizers:
                    o.step()
                    o.zero_grad(set_to_none=True)
                mean["loss"] = 0.98 * mean.get("loss", loss.item()) + 0.02 * loss.item()
                step += 1
                runes += lanes * window
                if step % 200 == 0:
                    speed = runes / (time.time() - began)
                    report(f"step {step}/{steps} epoch {epoch} loss {mean['loss']:.4f} next {mean.get('next', 0):.3f} "
                           f"{speed/1e3:.0f}k runes/s, {(steps-step)*lanes*window/speed/60:.0f} min left")
                if step % 1500 == 0 or step == steps:
                    net.eval()
                    report(evaluate.brief(net, dev))
                    if save:
                        save(net)
                    net.train()
                if step >= steps:
                    return net
    return net
