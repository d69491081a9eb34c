"""ONNX graphs that cannot become layers."""

from __future__ import annotations

import numpy as np
import onnx  # noqa: TID253
from onnx import TensorProto, helper, numpy_helper  # noqa: TID253


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def saved(path, nodes, weights, shape, outputs=("y",), *, opset=17, more=(), domains=()):
    """Write a graph of one input of floats."""
    float32 = TensorProto.FLOAT
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "graph",
            [helper.make_tensor_value_info("x", float32, shape), *more],
            [helper.make_tensor_value_info(name, float32, None) for name in outputs],
            [numpy_helper.from_array(array, name) for name, array in weights.items()],
        ),
        opset_imports=[helper.make_opsetid("", opset), *domains],
        ir_version=9,
    )
    onnx.save_model(model, path)
    return path


def sums(path, *, opset=17, channels=1):
    """Write a small network for digits that adds up over channels, which no layer does."""
    node = helper.make_node
    nodes = [
        node("Conv", ["x", "w1"], ["a"], name="/stem/conv/Conv", pads=[1, 1, 1, 1]),
        node("Relu", ["a"], ["b"], name="/stem/Relu"),
        node("CumSum", ["b", "one"], ["c"], name="/sums/CumSum"),
        node("Conv", ["c", "w2"], ["d"], name="/body/conv/Conv", strides=[2, 2]),
        node("Relu", ["d"], ["e"], name="/body/Relu"),
        node("ReduceMean", ["e"], ["f"], name="/pool", axes=[2, 3], keepdims=0),
        node("Gemm", ["f", "w3", "b3"], ["g"], name="/head/Gemm", transB=1),
        node("Softmax", ["g"], ["y"], name="/head/Softmax", axis=1),
    ]
    weights = {
        "w1": numbers(4, channels, 3, 3),
        "one": np.array(1),
        "w2": numbers(6, 4, 3, 3, seed=1) / 4,
        "w3": numbers(3, 6, seed=2),
        "b3": numbers(3, seed=3),
    }
    return saved(path, nodes, weights, ["n", channels, 8, 8], opset=opset)
