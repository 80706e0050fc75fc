"""Trains, calibrates, exports and measures the default model:

python -m weirtrain --data FOLDER

FOLDER holds the labelled sets (*.jsonl.gz). See README.md."""

import argparse
import json
import pathlib
import time

import numpy as np
import torch

from . import calibrate, card, data, evaluate, export, labels, measure, train

HERE = pathlib.Path(__file__).resolve().parents[1]
STRIDE = 16
NAME = "weir-harm"


def repeat(row):
    """How often an epoch shows a row, about. Answers of assistants are few beside
    single sentences, and templates few beside posts."""
    if row.source.startswith("synthetic"):
        return 0.6
    if row.harmful:
        return 1.2
    return 1.5 if row.kind == "answer" else 0.7


def main():
    parser = argparse.ArgumentParser(prog="python -m weirtrain", description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder of the labelled sets, *.jsonl.gz")
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / NAME, help="folder of the model (default models/weir-harm)")
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("weirtrain-work"), help="folder for checkpoints")
    parser.add_argument("--version", default=time.strftime("%Y-%m-%d"), help="version of the model (default: today)")
    parser.add_argument("--epochs", type=float, default=4, help="epochs of the first stage")
    parser.add_argument("--threads", type=int, default=0, help="threads of PyTorch (default: its own choice)")
    parser.add_argument("--from-checkpoint", type=pathlib.Path, help="skip the first stage and begin the second from this")
    parser.add_argument("--measure-only", type=pathlib.Path, help="calibrate, export and measure this checkpoint")
    o = parser.parse_args()
    if o.threads:
        torch.set_num_threads(o.threads)
    o.work.mkdir(parents=True, exist_ok=True)
    began = time.time()

    def report(*parts):
        print(f"[{(time.time()-began)/60:5.1f} min]", *parts, flush=True)

    corpus = data.load(o.data, HERE / "data", seed=1, per_template=40, report=report)
    training, dev = corpus.select(lambda r: r.split == "train"), corpus.select(lambda r: r.split == "dev")
    shape = dict(layers=2, dim=48, lanes=64, window=320, windows=8, vocabulary=4096, dropout=0.15, repeat=repeat, report=report)

    def keep(name):
        return lambda net: torch.save(net.state_dict(), o.work / name)

    checkpoint = o.measure_only or o.from_checkpoint
    if not checkpoint:
        # First the labelled sets alone: they teach the language and most of the harms.
        public = training.select(lambda r: not r.source.startswith("synthetic"))
        train.train(public, dev, epochs=o.epochs, lr=2e-3, seed=1, save=keep("first.pt"), **shape)
        checkpoint = o.work / "first.pt"
    weights = torch.load(checkpoint)
    if not o.measure_only:
        # Then everything, templates too, which would be learned by heart in the first stage.
        net = train.train(training, dev, epochs=2.5, lr=1.2e-3, seed=2, save=keep("second.pt"), weights=weights, **shape)
    else:
        net = train.new(shape["dim"], shape["layers"], shape["vocabulary"], shape["dropout"], weights)
    net.eval()

    report("scoring the dev split")
    s = evaluate.logits(net, dev.runes)
    fitting = calibrate.half(dev)
    scale, bias = calibrate.fit_all(s, dev, fitting)
    report("exporting, and scoring the dev split with the graph")
    reach = evaluate.reach(net, [dev.runes[k] for k in np.random.default_rng(1).permutation(np.flatnonzero(fitting))[:4000]])
    size = export.write(export.build(net, STRIDE, scale, bias, reach), o.out, NAME, o.version, STRIDE, net.width * len(net.layers))
    p = evaluate.graph_scores(o.out / "model.onnx", dev.runes)
    exact = 1 / (1 + np.exp(-(s * scale + bias)))
    report(f"graph against PyTorch: scores differ by {np.abs(p - exact).mean():.5f} on average, {np.quantile(np.abs(p - exact), 0.9999):.3f} for one in 10,000")
    halt = card.default_halts(HERE.parent / "policy" / "default.yaml")
    results = measure.table(dev, p, ~fitting, halt)
    results["calibration"] = {c: [round(float(a), 4), round(float(b), 4)] for c, a, b in zip(labels.LABELS, scale, bias)}
    results["bytes"] = size
    (o.out / "results.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    card.write(o.out, results, corpus, o.version)
    report(evaluate.figures(dev, s * scale + bias))
    report(f"{o.out}: {size/1e6:.1f} MB")


if __name__ == "__main__":
    main()
