"""Packs texts into lanes: endless concatenations, as a generation is one.

Lanes run on from window to window with their state, so the model learns to
forget what was before, to find a violation behind any amount of harmless text,
and to stay quiet over any length."""

import numpy as np

from . import augment, features

_BLANK = np.array([32], np.int32)
_NONE = np.zeros(0, np.int32)
SETTLE = 12  # runes at the start of a harmless text in which the text before may still show


def pack(corpus, order, lanes, length, rng):
    """Yields (ids [lanes, length, 4], text [lanes, length]: index into corpus or
    -1, at [lanes, length]: rune's place in its text, size [lanes, length])."""
    order = iter(order)
    done = False
    while not done:
        ids = np.zeros((lanes, length, features.FEATURES), np.int32)
        runes = np.zeros((lanes, length), np.int32)
        text = np.full((lanes, length), -1, np.int32)
        place = np.zeros((lanes, length), np.int32)
        size = np.ones((lanes, length), np.int32)
        for lane in range(lanes):
            n = 0
            while n < length:
                i = next(order, None)
                if i is None:
                    done = True
                    break
                r = corpus.runes[i]
                if len(r) > 600 and corpus.rows[i].split == "train":
                    a = 0 if corpus.rows[i].harmful or rng.random() < 0.5 else int(rng.integers(0, len(r) - 500))
                    r = r[a : a + 600]
                r = augment.damage(r, rng)
                m = min(len(r), length - n)
                runes[lane, n : n + m] = r[:m]
                text[lane, n : n + m] = i
                place[lane, n : n + m] = np.arange(m)
                size[lane, n : n + m] = len(r)
                n += m
                if n < length and rng.random() < 0.9:
                    runes[lane, n] = 32
                    n += 1
            if done:
                break
            ids[lane] = features.ids(runes[lane])
        if not done:
            yield ids, runes, text, place, size


def pieces(text, place, size, harmful):
    """The parts of texts inside one window. → piece [lanes, length]: index or
    -1, count, of [count]: text, last [count]: flat position of its last rune,
    use [count]: whether the part says enough about its text's label."""
    lanes, length = text.shape
    flat = text.ravel()
    new = np.ones_like(text, bool)
    new[:, 1:] = text[:, 1:] != text[:, :-1]
    new[:, 1:] |= place[:, 1:] < place[:, :-1]
    number = np.cumsum(new.ravel()) - 1
    count = int(number[-1]) + 1
    last = np.zeros(count, np.int64)
    last[number] = np.arange(len(flat))
    of = flat[last]
    seen = (place.ravel()[last] + 1) / size.ravel()[last]
    use = (of >= 0) & (~harmful[np.maximum(of, 0)] | (seen >= 0.6))
    # A part's opening is not its own: leave it out of harmless texts.
    early = (place.ravel() < SETTLE) & (size.ravel() >= 2 * SETTLE) & ~harmful[np.maximum(flat, 0)]
    number = np.where((flat < 0) | early, -1, number)
    # Parts that consist of nothing but their opening.
    has = np.zeros(count, bool)
    has[number[number >= 0]] = True
    return number, count, of, last, use & has
