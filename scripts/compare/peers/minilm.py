"""Writes an ONNX graph of all-MiniLM-L6-v2 from the weights in the package of that name.

The encoder is BERT's (6 layers of 384, 12 heads); the head on top is a fixed
mean, since only the cost matters here. Nothing is downloaded.

    python minilm.py FOLDER    writes FOLDER/minilm.onnx and FOLDER/tokenizer.json
"""

import io
import json
import os
import sys
import zipfile

import all_minilm_l6_v2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load

LAYERS, WIDTH, HEADS = 6, 384, 12


class Graph:
    def __init__(self):
        self.nodes, self.weights = [], []

    def weight(self, array):
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def __call__(self, op, *inputs, name=None, **attributes):
        name = name or f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name


def build(p):
    g = Graph()
    ints = lambda *v: g.weight(np.array(v, np.int64))  # noqa: E731

    def dense(x, name):
        return g("Add", g("MatMul", x, g.weight(p[name + ".weight"].T)), g.weight(p[name + ".bias"]))

    def norm(x, name):
        return g("LayerNormalization", x, g.weight(p[name + ".weight"]), g.weight(p[name + ".bias"]), axis=-1, epsilon=1e-12)

    heads = ints(0, 0, HEADS, WIDTH // HEADS)
    words = g("Gather", g.weight(p["embeddings.word_embeddings.weight"]), "input_ids")
    length = g("Gather", g("Shape", "input_ids"), ints(1))
    places = g("Slice", g.weight(p["embeddings.position_embeddings.weight"]), ints(0), length, ints(0))
    x = g("Add", g("Add", words, places), g.weight(p["embeddings.token_type_embeddings.weight"][0]))
    x = norm(x, "embeddings.LayerNorm")
    mask = g("Cast", g("Unsqueeze", "attention_mask", ints(1, 2)), to=TensorProto.FLOAT)
    mask = g("Mul", g("Sub", g.weight(np.float32(1)), mask), g.weight(np.float32(-1e9)))
    for i in range(LAYERS):
        a = f"encoder.layer.{i}.attention."
        q, k, v = (
            g("Transpose", g("Reshape", dense(x, a + "self." + n), heads), perm=perm)
            for n, perm in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3]))
        )
        s = g("Mul", g("MatMul", q, k), g.weight(np.float32((WIDTH // HEADS) ** -0.5)))
        y = g("MatMul", g("Softmax", g("Add", s, mask), axis=-1), v)
        y = g("Reshape", g("Transpose", y, perm=[0, 2, 1, 3]), ints(0, 0, WIDTH))
        x = norm(g("Add", x, dense(y, a + "output.dense")), a + "output.LayerNorm")
        h = dense(x, f"encoder.layer.{i}.intermediate.dense")
        erf = g("Erf", g("Div", h, g.weight(np.float32(2**0.5))))
        h = g("Mul", g("Mul", h, g("Add", erf, g.weight(np.float32(1)))), g.weight(np.float32(0.5)))
        x = norm(g("Add", x, dense(h, f"encoder.layer.{i}.output.dense")), f"encoder.layer.{i}.output.LayerNorm")
    mean = g("ReduceMean", x, axes=[1, 2], keepdims=0)
    g("Sigmoid", mean, name="score")
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "tokens"]) for n in ("input_ids", "attention_mask")]
    outputs = [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["batch"])]
    graph = helper.make_graph(g.nodes, "minilm", inputs, outputs, g.weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def main():
    folder = sys.argv[1]
    archive = zipfile.ZipFile(os.path.join(os.path.dirname(all_minilm_l6_v2.__file__), "model.zip"))
    config = json.load(io.BytesIO(archive.read("config.json")))
    if (config["num_hidden_layers"], config["hidden_size"], config["num_attention_heads"]) != (LAYERS, WIDTH, HEADS):
        sys.exit("minilm.py: the package's model has another shape: adapt LAYERS, WIDTH and HEADS")
    model = build(load(archive.read("model.safetensors")))
    onnx.checker.check_model(model)
    onnx.save(model, os.path.join(folder, "minilm.onnx"))
    with open(os.path.join(folder, "tokenizer.json"), "wb") as f:
        f.write(archive.read("tokenizer.json"))


if __name__ == "__main__":
    main()
