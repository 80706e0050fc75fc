"""Small damage to texts, as people do it to get a word past a filter and as
real text has it. It falls on harmless and harmful texts alike, so that damage
by itself says nothing."""

import numpy as np

_LEET = {ord(a): ord(b) for a, b in zip("aeiosltb", "43105178")}
_SYMBOLS = np.array([ord(c) for c in "*.-_ ·~|/"], np.int32)


def _latin(r):
    return (r >= ord("a")) & (r <= ord("z"))


def damage(r, rng):
    """→ r, or with a small probability a damaged copy of it."""
    x = rng.random()
    if x > 0.08 or len(r) < 4:
        return r
    latin = _latin(r)
    if latin.mean() > 0.4:
        if x < 0.02:  # leet digits
            out = r.copy()
            for at in np.flatnonzero(latin & (rng.random(len(r)) < 0.3)):
                out[at] = _LEET.get(int(r[at]), r[at])
            return out
        if x < 0.03:  # letters repeated
            return np.repeat(r, np.where(latin & (rng.random(len(r)) < 0.06), rng.integers(2, 5), 1))
        if x < 0.045:  # symbols between the letters of a few words
            word = np.cumsum(~latin)
            chosen = rng.random(int(word[-1]) + 1) < 0.15
            at = np.flatnonzero(latin[:-1] & latin[1:] & chosen[word[:-1]]) + 1
            return np.insert(r, at, rng.choice(_SYMBOLS))
        if x < 0.06:  # letters lost or swapped
            keep = rng.random(len(r)) > 0.03
            return r[keep] if keep.sum() > 2 else r
        return r
    if x < 0.03:  # a symbol between the runes of a stretch
        a = int(rng.integers(0, max(1, len(r) - 4)))
        b = min(len(r), a + int(rng.integers(3, 9)))
        return np.insert(r, np.arange(a + 1, b), rng.choice(_SYMBOLS))
    if x < 0.05:  # a rune lost here and there
        keep = rng.random(len(r)) > 0.03
        return r[keep] if keep.sum() > 2 else r
    return r
