"""Writes the ONNX graph and its manifest; internal/onnx/doc.go has the contract.

The graph is built node by node rather than traced: the tables are stored in 8
bits with one scale a row, and the recurrence is unrolled over the stride with
time as the first axis, so that every step works on contiguous memory.

The matrices multiply 8-bit integers: weights with one scale a column, inputs
with one scale fixed here, so that no score depends on what shares its batch.
They are written as pairs of QuantizeLinear and DequantizeLinear, which every
execution provider can run as they stand and a CPU's fuses with the product."""

import hashlib
import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from . import features, labels

OPSET = 17


# Weights take 7 bits: processors without VNNI add two products in 16 bits, and
# would saturate with 8, so that scores depended on the machine.
WEIGHT_MAX = 63


def quantise(table):
    """float [rows, dim] → int8 of the same shape, and float16 [rows, 1]."""
    scale = np.maximum(np.abs(table).max(1, keepdims=True) / 127, 1e-6).astype(np.float16)
    return np.clip(np.round(table / scale.astype(np.float32)), -127, 127).astype(np.int8), scale


class Graph:
    def __init__(self):
        self.nodes, self.weights, self.count = [], [], 0

    def weight(self, array):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def __call__(self, op, *inputs, outputs=1, names=None, **attributes):
        names = names or [f"t{self.count + i}" for i in range(outputs)]
        self.count += len(names)
        self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return names[0] if len(names) == 1 else names


def quantised(g, x, reach):
    """x in 8 bits: multiples of reach/127, clipped to 128 of them."""
    step, zero = g.weight(np.float32(reach / 127)), g.weight(np.uint8(128))
    return g("DequantizeLinear", g("QuantizeLinear", x, step, zero), step, zero)


def dense(g, x, matrix, offset):
    """x, quantised, times matrix [in, out], plus offset."""
    scale = np.maximum(np.abs(matrix).max(0) / WEIGHT_MAX, 1e-9).astype(np.float32)
    q = np.clip(np.round(matrix / scale), -WEIGHT_MAX, WEIGHT_MAX).astype(np.int8)
    w = g("DequantizeLinear", g.weight(q), g.weight(scale), g.weight(np.zeros(len(scale), np.int8)), axis=1)
    return g("Add", g("MatMul", x, w), g.weight(offset))


def build(net, stride, scale, bias, reach):
    """scale, bias: [labels], the calibration of each label's logit. reach: how far
    from zero the inputs of the matrices get, one for each layer and the last."""
    p = {k: v.detach().float().numpy() for k, v in net.state_dict().items()}
    width, layers, g = net.width, len(net.layers), Graph()
    table, rows = quantise(p["tables.weight"])
    ids = g("Transpose", "ids", perm=[1, 0, 2])
    e = g("Cast", g("Gather", g.weight(table), ids), to=TensorProto.FLOAT)
    s = g("Cast", g("Gather", g.weight(rows), ids), to=TensorProto.FLOAT)
    x = g("Reshape", g("Mul", e, s), g.weight(np.array([stride, -1, width], np.int64)))
    before = g("Split", "state", g.weight(np.array([width] * layers, np.int64)), outputs=layers, axis=1)
    before = [before] if layers == 1 else before
    after = []
    ones = g.weight(np.ones(stride, np.int64))
    front = g.weight(np.array([0], np.int64))
    for i in range(layers):
        q = f"layers.{i}."
        n = g("LayerNormalization", x, g.weight(p[q + "norm.weight"]), g.weight(p[q + "norm.bias"]), axis=-1, epsilon=1e-5)
        n = quantised(g, n, reach[i])
        # Three products: to split one's output would copy all of it.
        z, f, r = (
            dense(g, n, p[q + "gates.weight"][k : k + width].T, p[q + "gates.bias"][k : k + width]) for k in range(0, 3 * width, width)
        )
        keep = g("Sigmoid", f)
        new = g("Sub", z, g("Mul", keep, z))
        keeps, news = (g("Split", t, ones, outputs=stride, axis=0) for t in (keep, new))
        c = g("Unsqueeze", before[i], front)
        states = []
        for k, v in zip(keeps, news):
            c = g("Add", g("Mul", k, c), v)
            states.append(c)
        after.append(g("Squeeze", c, front))
        c = g("Concat", *states, axis=0)
        x = g("Add", x, g("Mul", g("Sigmoid", r), g("Sub", c, x)))
    x = g("LayerNormalization", x, g.weight(p["norm.weight"]), g.weight(p["norm.bias"]), axis=-1, epsilon=1e-5)
    h = g("Relu", dense(g, quantised(g, x, reach[layers]), p["hidden.weight"].T, p["hidden.bias"]))
    head = (p["head.weight"] * scale[:, None]).astype(np.float32)
    offset = (p["head.bias"] * scale + bias).astype(np.float32)
    logits = g("Add", g("MatMul", h, g.weight(head.T)), g.weight(offset))
    g("Transpose", g("Sigmoid", logits), names=["scores"], perm=[1, 0, 2])
    if layers == 1:
        g("Identity", after[0], names=["next_state"])
    else:
        g("Concat", *after, names=["next_state"], axis=1)
    value = helper.make_tensor_value_info
    n = len(labels.LABELS)
    graph = helper.make_graph(
        g.nodes, "weir",
        [value("ids", TensorProto.INT32, ["batch", stride, features.FEATURES]), value("state", TensorProto.FLOAT, ["batch", layers * width])],
        [value("scores", TensorProto.FLOAT, ["batch", stride, n]), value("next_state", TensorProto.FLOAT, ["batch", layers * width])],
        g.weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="weir", ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def write(model, folder, name, version, stride, state):
    folder.mkdir(parents=True, exist_ok=True)
    data = model.SerializeToString()
    (folder / "model.onnx").write_bytes(data)
    manifest = {
        "format": 1, "name": name, "version": version, "kind": "recurrent",
        "files": {"model.onnx": hashlib.sha256(data).hexdigest()},
        "labels": list(labels.LABELS), "stride_runes": stride, "state_len": state, "features": features.NAME,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
    return len(data)
