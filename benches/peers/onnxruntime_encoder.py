"""The peer of the encoder benchmark: onnxruntime, turn by turn, on the same weights.

usage: onnxruntime_encoder.py MODEL_FOLDER TEXTS GRAPH      (TEXTS: one JSON object with "text" a line)

Writes the network as an ONNX graph to GRAPH, made of the fused operators that onnxruntime's own optimizer for
transformers ends at (Attention, SkipLayerNormalization, BiasGelu), in single precision, with mean pooling.

A request is `SESSIONS THREADS BUDGET`, such as `1 2 1024`: that many sessions side by side with that many threads each,
on batches of texts sorted by length of at most BUDGET padded tokens (or one text), tokenizing included; see
encoder_talk.py.
"""

import concurrent.futures
import json
import pathlib
import queue
import sys

import numpy
import onnx
import onnxruntime
import tokenizers
from encoder_talk import Talk
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file


class Graph:
    """Nodes and constants, with names made up as they come."""

    def __init__(self, weights):
        self.weights, self.nodes, self.constants = weights, [], {}

    def constant(self, name, array):
        self.constants[name] = numpy_helper.from_array(numpy.ascontiguousarray(array), name)
        return name

    def weight(self, name):
        return self.constant(name, self.weights[name].astype(numpy.float32))

    def kernel(self, name):
        return self.constant(name + ".T", self.weights[name].astype(numpy.float32).T)

    def node(self, kind, inputs, domain="", **attributes):
        output = f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))
        return output


def build(folder, path):
    config = json.loads((folder / "config.json").read_text())
    g = Graph(load_file(folder / "model.safetensors"))
    eps, ms = config["layer_norm_eps"], "com.microsoft"

    words = g.node("Gather", [g.weight("embeddings.word_embeddings.weight"), "ids"])
    types = g.weights["embeddings.token_type_embeddings.weight"][0].astype(numpy.float32)
    table = g.weights["embeddings.position_embeddings.weight"].astype(numpy.float32) + types
    places = g.node("Gather", [g.constant("positions", table), "places"])
    norm = ["embeddings.LayerNorm.weight", "embeddings.LayerNorm.bias"]
    x = g.node("LayerNormalization", [g.node("Add", [words, places]), *map(g.weight, norm)], epsilon=eps, axis=-1)
    for i in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{i}"
        qkv = [f"{at}.attention.self.{part}" for part in ("query", "key", "value")]
        kernel = numpy.concatenate([g.weights[f"{p}.weight"].astype(numpy.float32).T for p in qkv], axis=1)
        bias = numpy.concatenate([g.weights[f"{p}.bias"].astype(numpy.float32) for p in qkv])
        inputs = [x, g.constant(f"{at}.qkv", kernel), g.constant(f"{at}.qkv.bias", bias), "mask"]
        a = g.node("Attention", inputs, ms, num_heads=config["num_attention_heads"])
        a = g.node("MatMul", [a, g.kernel(f"{at}.attention.output.dense.weight")])

        def add_and_norm(new, old, name):
            norm = [f"{at}.{name}.LayerNorm.weight", f"{at}.{name}.LayerNorm.bias", f"{at}.{name}.dense.bias"]
            return g.node("SkipLayerNormalization", [new, old, *map(g.weight, norm)], ms, epsilon=eps)

        x = add_and_norm(a, x, "attention.output")
        f = g.node("MatMul", [x, g.kernel(f"{at}.intermediate.dense.weight")])
        f = g.node("BiasGelu", [f, g.weight(f"{at}.intermediate.dense.bias")], ms)
        f = g.node("MatMul", [f, g.kernel(f"{at}.output.dense.weight")])
        x = add_and_norm(f, x, "output")
    shares = g.node("Unsqueeze", ["shares", g.constant("one", numpy.array([1], dtype=numpy.int64))])
    pooled = g.node("MatMul", [shares, x])
    pooled = g.node("Squeeze", [pooled, "one"])

    given = [
        helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "length"]),
        helper.make_tensor_value_info("places", TensorProto.INT64, ["length"]),
        helper.make_tensor_value_info("mask", TensorProto.INT32, ["batch", "length"]),
        helper.make_tensor_value_info("shares", TensorProto.FLOAT, ["batch", "length"]),
    ]
    wanted = [helper.make_tensor_value_info(pooled, TensorProto.FLOAT, ["batch", config["hidden_size"]])]
    graph = helper.make_graph(g.nodes, "encoder", given, wanted, list(g.constants.values()))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ms, 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)


class Sessions:
    """Sessions by number and threads, made when they are first asked for."""

    def __init__(self, path):
        self.path, self.made = path, {}

    def get(self, count, threads):
        if (count, threads) not in self.made:
            self.made.clear()
            options = onnxruntime.SessionOptions()
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
            options.intra_op_num_threads = threads
            make = lambda: onnxruntime.InferenceSession(self.path, options, providers=["CPUExecutionProvider"])
            self.made[count, threads] = [make() for _ in range(count)]
        return self.made[count, threads]


def batches(lengths, budget):
    """Places, longest first, each batch at most `budget` padded tokens or one text."""
    out, longest = [], 0
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        if out and (len(out[-1]) + 1) * longest <= budget:
            out[-1].append(place)
        else:
            longest = lengths[place]
            out.append([place])
    return out


def encode(session, ids):
    lengths = numpy.array([len(row) for row in ids])
    there = numpy.arange(lengths.max()) < lengths[:, None]
    padded = numpy.zeros(there.shape, dtype=numpy.int64)
    padded[there] = numpy.concatenate(ids)
    inputs = {
        "ids": padded,
        "places": numpy.arange(lengths.max(), dtype=numpy.int64),
        "mask": there.astype(numpy.int32),
        "shares": (there / lengths[:, None]).astype(numpy.float32),
    }
    vectors = session.run(None, inputs)[0]
    return vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)


def run(tokenizer, sessions, texts, budget):
    ids = [encoding.ids for encoding in tokenizer.encode_batch_fast(texts)]
    vectors = [None] * len(texts)
    todo = queue.SimpleQueue()
    for places in batches([len(row) for row in ids], budget):
        todo.put(places)

    def work(session):
        while True:
            try:
                places = todo.get_nowait()
            except queue.Empty:
                return
            for place, vector in zip(places, encode(session, [ids[place] for place in places])):
                vectors[place] = vector

    if len(sessions) == 1:
        work(sessions[0])
    else:
        with concurrent.futures.ThreadPoolExecutor(len(sessions)) as pool:
            list(pool.map(work, sessions))
    return numpy.stack(vectors)


def main():
    folder, path, graph = sys.argv[1:]
    talk = Talk(path)
    build(pathlib.Path(folder), graph)
    tokenizer = tokenizers.Tokenizer.from_file(f"{folder}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    sessions = Sessions(graph)
    tokens = sum(len(encoding.ids) for encoding in tokenizer.encode_batch_fast(talk.texts))

    def prepare(words):
        count, threads, budget = map(int, words)
        ready = sessions.get(count, threads)
        return lambda: run(tokenizer, ready, talk.texts, budget)

    talk.serve(tokens, f"onnxruntime {onnxruntime.__version__}", prepare)


main()
