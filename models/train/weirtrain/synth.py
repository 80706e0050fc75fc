"""Expands the templates of models/train/data: see its README for the format."""

import hashlib
import pathlib
import random
import re

from . import labels

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")


class TemplateError(ValueError):
    pass


def parse(path):
    """→ list of (sign, categories, template) and the slots of one file."""
    slots, templates = {}, []
    for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        where = f"{path.parent.name}/{path.name}:{n}"
        if line.startswith("@"):
            name, found, values = line[1:].partition("=")
            more = name.rstrip().endswith("+")
            name = name.replace("+", "").strip()
            choices = [v.strip() for v in values.split("|")]
            if not found or not name.isidentifier() or not any(choices):
                raise TemplateError(f"{where}: want @name = alternative | alternative")
            if more != (name in slots):
                raise TemplateError(f"{where}: slot {name}: = begins a slot, += goes on with one")
            slots.setdefault(name, []).extend(choices)
            continue
        head, found, body = line.partition("::")
        sign, categories = head[:1], tuple(c.strip() for c in head[1:].split(",") if c.strip())
        if not found or sign not in "+-?" or (sign == "-") == bool(categories):
            raise TemplateError(f"{where}: want + categories :: text, - :: text or ? categories :: text")
        unknown = [c for c in categories if c not in labels.INDEX]
        if unknown:
            raise TemplateError(f"{where}: no category {', '.join(unknown)}: want one of {', '.join(labels.LABELS)}")
        body = body.strip().replace("\\n", "\n")
        left = _CHOICE.sub(lambda m: m.group(1), body)
        if "[" in left or "]" in left:
            raise TemplateError(f"{where}: brackets are nested or not closed")
        missing = [s for s in _SLOT.findall(body) if s not in slots]
        if missing:
            raise TemplateError(f"{where}: no slot {', '.join(missing)} above this line")
        templates.append((sign, categories, body))
    return templates, slots


def expand(body, slots, rng):
    body = _CHOICE.sub(lambda m: rng.choice(m.group(1).split("|")), body)
    body = _SLOT.sub(lambda m: rng.choice(slots[m.group(1)]), body)
    return re.sub(r" {2,}", " ", body).strip()


def combinations(body, slots):
    n = 1
    for m in _CHOICE.finditer(body):
        n *= len(m.group(1).split("|"))
    for m in _SLOT.finditer(body):
        n *= len(slots[m.group(1)])
    return n


def rows(folder, seed, per_template):
    """Rows of all templates, at most per_template of each. A twelfth of the
    templates, with all they expand to, is held out for dev."""
    out = []
    for path in sorted(pathlib.Path(folder).glob("*/*.txt")):
        templates, slots = parse(path)
        for sign, categories, body in templates:
            digest = hashlib.sha256(body.encode()).digest()
            rng = random.Random(digest + seed.to_bytes(8, "big"))
            split = "dev" if digest[0] < 256 / 12 else "train"
            texts = {expand(body, slots, rng) for _ in range(min(per_template, combinations(body, slots)))}
            for text in sorted(texts):
                row = labels.Row(text, path.parent.name, "synthetic/" + path.stem, split, kind="answer")
                if sign == "+":
                    row.positive = categories
                    # Harms of speech shade into each other; the rules name the main one.
                    row.ignored = tuple(c for c in labels.SPEECH + labels.CONDUCT if c not in categories)
                    if not set(categories) & set(labels.SPEECH):
                        row.ignored = tuple(c for c in ("harassment", "violence", "illicit", "terrorism", "hatred") if c not in categories)
                elif sign == "?":
                    row.ignored = categories
                out.append(row)
    return out
