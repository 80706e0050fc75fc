"""Builds the character map of a Precompiled normalizer from a dict: the number of
bytes of a double-array trie, the trie, and the replacements, each closed by a zero."""

import struct


def build(rules):
    blob, where = bytearray(), {}
    for new in sorted(set(rules.values())):
        where[new] = len(blob)
        blob += new.encode() + b"\0"
    root = {}
    for old, new in rules.items():
        node = root
        for b in old if isinstance(old, bytes) else old.encode():
            node = node.setdefault(b, {})
        node[0] = where[new]  # no key has a zero byte
    units, bases, lowest = {0: 0}, set(), 1

    def place(node, at, label):
        nonlocal lowest
        while lowest in units:
            lowest += 1
        first = min(node)
        free = lowest
        while True:
            base = free ^ first
            if base > 0 and base not in bases and all(base ^ c not in units for c in node):
                break
            free += 1
        bases.add(base)
        units[at] = (base ^ at) << 10 | (0 in node) << 8 | label
        assert base ^ at < 1 << 21
        for c, child in node.items():
            units[base ^ c] = 1 << 31 | child if c == 0 else 0
        for c, child in node.items():
            if c != 0:
                place(child, base ^ c, c)

    place(root, 0, 0)
    size = (max(units) | 255) + 1  # the reader looks at base ^ byte before it knows whether there is a child
    return struct.pack("<I", 4 * size) + struct.pack("<%dI" % size, *(units.get(i, 0) for i in range(size))) + bytes(blob)
