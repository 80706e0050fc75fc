"""Writes the models that the tests load: python make.py, with onnx==1.23.2."""

import hashlib
import json
import pathlib

import numpy as np
from onnx import TensorProto as T, helper, numpy_helper

HERE = pathlib.Path(__file__).parent
STRIDE, STATE, LABELS = 4, 2, 2


def save(folder, nodes, inputs, outputs, weights, **manifest):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "test", [value(*i) for i in inputs], [value(*o) for o in outputs],
                              [numpy_helper.from_array(a, n) for n, a in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = HERE / folder
    path.mkdir(exist_ok=True)
    data = model.SerializeToString()
    (path / "model.onnx").write_bytes(data)
    files = {"model.onnx": hashlib.sha256(data).hexdigest()}
    if (path / "tokenizer.json").exists():
        files["tokenizer.json"] = hashlib.sha256((path / "tokenizer.json").read_bytes()).hexdigest()
    base = {"format": 1, "name": folder, "version": "1", "files": files}
    (path / "manifest.json").write_text(json.dumps({**base, **manifest}, indent=2) + "\n")


def recurrent(folder, ids="ids", width=STATE, offset=0.0, stride=STRIDE):
    """state += number of runes whose first id is even and odd; the scores are
    state / (1 + state), after each rune of the stride."""
    n = helper.make_node
    nodes = [
        n("Slice", [ids, "zero", "one", "two"], ["first"]),  # [batch, stride, 1]
        n("Mod", ["first", "modulus"], ["bit"]),
        n("Cast", ["bit"], ["odd"], to=T.FLOAT),
        n("Sub", ["unit", "odd"], ["even"]),
        n("Concat", ["even", "odd"], ["step"], axis=2),
        n("CumSum", ["step", "axis"], ["sums"]),
        n("Unsqueeze", ["state", "middle"], ["before"]),
        n("Add", ["sums", "before"], ["all"]),
        n("Add", ["all", "unit"], ["more"]),
        n("Div", ["all", "more"], ["share"]),
        n("Add", ["share", "offset"], ["scores"]),
        n("Slice", ["all", "minus", "end", "middle"], ["tail"]),
        n("Squeeze", ["tail", "middle"], ["next_state"]),
    ]
    i64 = lambda *v: np.array(v, np.int64)
    weights = {"zero": i64(0), "one": i64(1), "two": i64(2), "modulus": np.array(2, np.int32), "unit": np.array(1, np.float32),
               "axis": np.array(1, np.int64), "middle": i64(1), "minus": i64(-1), "end": i64(2**31),
               "offset": np.array(offset, np.float32)}
    save(folder, nodes, [(ids, T.INT32, ["b", stride, 4]), ("state", T.FLOAT, ["b", width])],
         [("scores", T.FLOAT, ["b", stride, LABELS]), ("next_state", T.FLOAT, ["b", width])], weights,
         kind="recurrent", labels=["violence", "hatred"], stride_runes=STRIDE, state_len=STATE, features="ngram4-1")


recurrent("recurrent")
recurrent("wrong-name", ids="tokens")
recurrent("wrong-shape", stride=8)
recurrent("not-probabilities", offset=3.0)
recurrent("not-a-number", offset=float("nan"))


def window(folder, logits="logits", typed=False):
    """Two logits: how many real tokens there are, and how many of them are even."""
    n = helper.make_node
    nodes = [
        n("Cast", ["attention_mask"], ["mask"], to=T.FLOAT),
        n("Mod", ["input_ids", "modulus"], ["bit"]),
        n("Cast", ["bit"], ["odd"], to=T.FLOAT),
        n("Sub", ["unit", "odd"], ["even"]),
        n("Mul", ["even", "mask"], ["real"]),
        n("ReduceSum", ["mask", "axes"], ["count"], keepdims=1),
        n("ReduceSum", ["real", "axes"], ["evens"], keepdims=1),
        n("Concat", ["count", "evens"], [logits], axis=1),
    ]
    inputs = [("input_ids", T.INT64, ["b", "t"]), ("attention_mask", T.INT64, ["b", "t"])]
    if typed:
        nodes.append(n("Cast", ["token_type_ids"], ["unused"], to=T.FLOAT))
        inputs.append(("token_type_ids", T.INT64, ["b", "t"]))
    weights = {"modulus": np.array(2, np.int64), "unit": np.array(1, np.float32), "axes": np.array([1], np.int64)}
    save(folder, nodes, inputs, [(logits, T.FLOAT, ["b", 2])], weights, kind="window", labels=["violence", ""], stride_runes=4,
         window_runes=64, window_tokens=16, activation="softmax", text="folded")


TOKENIZER = HERE.parents[2] / "engine/classifier/tokenizer/testdata/wordpiece.json"
for name, options in (("window", {"typed": True}), ("window-wrong-name", {"logits": "output"})):
    (HERE / name).mkdir(exist_ok=True)
    (HERE / name / "tokenizer.json").write_bytes(TOKENIZER.read_bytes())
    window(name, **options)
