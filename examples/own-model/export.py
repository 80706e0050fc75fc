"""Makes a folder that Weir can load out of a Hugging Face sequence classifier.

    python export.py MODEL OUT --labels violence,,harassment --activation sigmoid

MODEL is a folder with config.json, weights and tokenizer.json; --labels says, for
every output in order, which of Weir's categories it stands for (nothing: none).
An encoder without a classification head, such as MiniLM, gets one with --head
DATA.jsonl (text, label 0 or 1 a line): a linear layer on the mean of its token
vectors, fitted on that data.

Needs torch, transformers, onnx and numpy; see README.md for the versions.
"""

import argparse
import hashlib
import inspect
import json
import pathlib
import shutil

import numpy as np
import torch
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer


def inputs_of(model):
    """The names of what the model reads; not every family knows token types."""
    known = inspect.signature(model.forward).parameters
    return [n for n in ("input_ids", "attention_mask", "token_type_ids") if n in known]


class Logits(torch.nn.Module):
    """A sequence classifier, reduced to what Weir reads."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, *inputs):
        return self.model(**dict(zip(inputs_of(self.model), inputs))).logits


class Pooled(torch.nn.Module):
    """An encoder with a linear layer on the mean of its token vectors."""

    def __init__(self, encoder, outputs=1):
        super().__init__()
        self.encoder = encoder
        self.head = torch.nn.Linear(encoder.config.hidden_size, outputs)

    def vectors(self, *inputs):
        hidden = self.encoder(**dict(zip(inputs_of(self.encoder), inputs))).last_hidden_state
        mask = inputs[1].unsqueeze(-1).to(hidden.dtype)
        return (hidden * mask).sum(1) / mask.sum(1).clamp(min=1)

    def forward(self, *inputs):
        return self.head(self.vectors(*inputs))


def batches(tokenizer, texts, tokens, size=64):
    for i in range(0, len(texts), size):
        yield tokenizer(texts[i : i + size], padding=True, truncation=True, max_length=tokens, return_tensors="pt")


def tensors(batch, names):
    return tuple(torch.zeros_like(batch["input_ids"]) if n == "token_type_ids" else batch[n] for n in names)


def fit(model, tokenizer, path, tokens):
    rows = [json.loads(line) for line in open(path, encoding="utf-8")]
    y = torch.tensor([float(r["label"]) for r in rows]).unsqueeze(1)
    with torch.no_grad():
        x = torch.cat([model.vectors(*tensors(b, inputs_of(model.encoder))) for b in batches(tokenizer, [r["text"] for r in rows], tokens)])
    test = torch.arange(len(rows)) % 5 == 0
    optimizer = torch.optim.LBFGS(model.head.parameters(), max_iter=200, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model.head(x[~test]), y[~test]) + 1e-3 * model.head.weight.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    right = ((model.head(x[test]) > 0) == (y[test] > 0)).float().mean()
    print(f"head: {int((~test).sum())} texts, accuracy {right:.3f} on {int(test.sum())} others")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--labels", required=True)
    parser.add_argument("--activation", default="sigmoid", choices=["sigmoid", "softmax", "none"])
    parser.add_argument("--name")
    parser.add_argument("--version", default="1")
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--runes", type=int, default=512)
    parser.add_argument("--stride", type=int, default=64)
    parser.add_argument("--text", default="original", choices=["original", "folded"], help="the text it reads: as written, or with capitals, accents and disguises undone")
    parser.add_argument("--head", help="JSON Lines to fit a head on")
    o = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(o.model)
    if o.head:
        model = Pooled(AutoModel.from_pretrained(o.model, attn_implementation="eager"))
        fit(model, tokenizer, o.head, o.tokens)
    else:
        model = Logits(AutoModelForSequenceClassification.from_pretrained(o.model, attn_implementation="eager"))
    model.eval()
    o.out.mkdir(parents=True, exist_ok=True)
    sample = tokenizer(["a text", "another, longer text"], padding=True, return_tensors="pt")
    names = inputs_of(model.encoder if o.head else model.model)
    inputs = tensors(sample, names)
    torch.onnx.export(model, inputs, str(o.out / "model.onnx"), input_names=names, output_names=["logits"], opset_version=17,
                      dynamic_axes={n: {0: "batch", 1: "tokens"} for n in names} | {"logits": {0: "batch"}}, dynamo=False)
    shutil.copy(pathlib.Path(o.model) / "tokenizer.json", o.out / "tokenizer.json")
    with torch.no_grad():
        want = model(*inputs).numpy()
    outputs = want.shape[1]
    labels = [x.strip() for x in o.labels.split(",")]
    if len(labels) != outputs:
        raise SystemExit(f"--labels has {len(labels)} entries: the model has {outputs} outputs")
    manifest = {
        "format": 1, "name": o.name or o.out.name, "version": o.version, "kind": "window",
        "files": {n: hashlib.sha256((o.out / n).read_bytes()).hexdigest() for n in ("model.onnx", "tokenizer.json")},
        "labels": labels, "stride_runes": o.stride, "window_runes": o.runes, "window_tokens": o.tokens, "activation": o.activation, "text": o.text,
    }
    (o.out / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    print(f"{o.out}: {outputs} outputs, {(o.out / 'model.onnx').stat().st_size / 1e6:.0f} MB; logits of two texts: {np.round(want, 3).tolist()}")


if __name__ == "__main__":
    main()
