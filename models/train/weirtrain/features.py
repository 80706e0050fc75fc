"""Hashed n-grams of folded runes, as engine/classifier/feature computes them.

Every rune gives four table rows: the rune, it with the one before, it with the
two before, and either the word up to here (scripts that separate words) or it
with the three before (all others). A text begins as if zeros stood before it.
tests/test_features.py holds both implementations to the same golden file.
"""

import numpy as np

NAME = "ngram4-1"
TABLES = (1 << 14, 1 << 16, 1 << 16, 1 << 16)  # rows; powers of two
OFFSETS = tuple(int(x) for x in np.cumsum((0,) + TABLES[:-1]))
ROWS = sum(TABLES)
FEATURES = len(TABLES)

_U = np.uint32
_EMPTY = _U(0x811C9DC5)  # no word yet


def _mix(h):
    h = h ^ (h >> _U(15))
    h = h * _U(0x2C1B3C6D)
    h = h ^ (h >> _U(12))
    h = h * _U(0x297A2D39)
    return h ^ (h >> _U(15))


def is_word(runes):
    """Letters and digits of scripts that separate words, by range alone."""
    r = runes
    return (
        ((r >= ord("a")) & (r <= ord("z")))
        | ((r >= ord("0")) & (r <= ord("9")))
        | (r == ord("'"))
        | ((r >= 0x00C0) & (r < 0x1100))
    )


def ids(runes):
    """Table rows of one text: int32 of shape [len(runes), 4].

    runes: int array of folded runes, from the beginning of the text.
    """
    n = len(runes)
    r0 = np.asarray(runes, dtype=_U)
    padded = np.concatenate([np.zeros(3, _U), r0])
    r1, r2, r3 = padded[2 : n + 2], padded[1 : n + 1], padded[0:n]
    out = np.empty((n, FEATURES), np.int32)
    a, b, c, d = _U(0x9E3779B1), _U(0x85EBCA77), _U(0xC2B2AE3D), _U(0x27D4EB2F)
    word = is_word(r0)
    h = np.zeros(n, _U)
    gram4 = (r0 * a) ^ ((r1 + _U(1)) * b) ^ ((r2 + _U(2)) * c) ^ ((r3 + _U(3)) * d)
    with np.errstate(over="ignore"):
        # The word's hash is a recurrence over its runes: as many passes as the
        # longest word has runes, each over the words that are still going.
        start = word & ~np.concatenate([[False], word[:-1]])
        at = np.flatnonzero(start)
        state = np.full(len(at), _EMPTY, _U)
        while len(at):
            state = (state ^ r0[at]) * _U(0x01000193)
            h[at] = state
            at = at + 1
            go = at < n
            go[go] = word[at[go]]
            at, state = at[go], state[go]
        keys = (
            r0 * a,
            (r0 * a) ^ ((r1 + _U(1)) * b),
            (r0 * a) ^ ((r1 + _U(1)) * b) ^ ((r2 + _U(2)) * c),
            np.where(word, h ^ d, gram4),
        )
        for i, key in enumerate(keys):
            out[:, i] = (_mix(key) & _U(TABLES[i] - 1)).astype(np.int32) + OFFSETS[i]
    return out
