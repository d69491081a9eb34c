"""Lets an ONNX graph that is kept take what a block is given, under names that are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plugins.importers._onnx_inputs import Taken
    from plugins.importers._onnx_texts import Texts

INPUT, REAL = "input", "real"
"""What it takes: samples; of texts also which tokens are no padding, 1 or 0."""


def name_constants(graph: Any) -> None:
    """Make initializers of nodes that give a constant tensor."""
    kept = []
    for node in graph.node:
        if node.op_type == "Constant" and node.attribute[0].HasField("t"):
            tensor = node.attribute[0].t
            tensor.name = node.output[0]
            graph.initializer.append(tensor)
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)


def give_constants(model: Any, others: Sequence[Taken], entry: Taken) -> None:
    """Put settings, and states that are zero, into the graph in the place of its inputs."""
    from onnx import helper, numpy_helper

    graph = model.graph
    given = {tensor.name for tensor in graph.initializer}
    known = {other.name: other for other in others}
    kept = [each for each in graph.input if each.name not in known and each.name not in given]
    del graph.input[:]
    graph.input.extend(kept)
    nodes = []
    for other in others:
        if other.role == "setting" or entry.shape[0]:
            array = np.asarray(other.fixed(entry.shape[0] or 1))
            graph.initializer.append(numpy_helper.from_array(array, other.name))
            continue
        own = f"{other.name}__zero"
        place = other.batch_axis
        sizes = [each or 1 for each in other.shape]
        for key, value in (
            ("place", [0]),
            ("before", sizes[:place]),
            ("after", sizes[place + 1 :]),
        ):
            array = np.array(value, np.int64)
            graph.initializer.append(numpy_helper.from_array(array, f"{own}_{key}"))
        zero = numpy_helper.from_array(np.zeros(1, other.dtype))
        nodes += [
            helper.make_node("Shape", [entry.name], [f"{own}_all"]),
            helper.make_node("Gather", [f"{own}_all", f"{own}_place"], [f"{own}_batch"]),
            helper.make_node(
                "Concat",
                [f"{own}_before", f"{own}_batch", f"{own}_after"],
                [f"{own}_sizes"],
                axis=0,
            ),
            helper.make_node("ConstantOfShape", [f"{own}_sizes"], [other.name], value=zero),
        ]
    put_first(graph, nodes)


def take_floats(graph: Any) -> None:
    """Let the graph take float32 under one name."""
    from onnx import TensorProto, helper

    (own,) = graph.input
    to = own.type.tensor_type.elem_type
    own.type.tensor_type.elem_type = TensorProto.FLOAT
    rename(graph, {own.name: f"{own.name}__given"})
    put_first(graph, [helper.make_node("Cast", [INPUT], [f"{own.name}__given"], to=to)])
    own.name = INPUT


def take_texts(graph: Any, texts: Texts) -> None:
    """Let the graph take tokens and which of them are real; all else that it takes follows."""
    from onnx import TensorProto, helper, numpy_helper

    known = {tensor.name for tensor in graph.initializer}
    kinds = {each.name: each.type.tensor_type.elem_type for each in graph.input}
    rest = [each for each in graph.input if each.name in known]
    del graph.input[:]
    sizes = [texts.batch or "batch", texts.steps or "steps"]
    for name in (INPUT, REAL):
        graph.input.append(helper.make_tensor_value_info(name, TensorProto.INT64, sizes))
    graph.input.extend(rest)
    for name, value in (("padding", texts.padding), ("one", 1), ("axis", 1)):
        array = np.array(value, np.int64)
        graph.initializer.append(numpy_helper.from_array(array, f"{INPUT}__{name}"))
    padding, one, axis = (f"{INPUT}__{name}" for name in ("padding", "one", "axis"))
    node = helper.make_node
    made = {
        "tokens": [
            node("Cast", [REAL], [f"{REAL}__bool"], to=TensorProto.BOOL),
            node("Where", [f"{REAL}__bool", INPUT, padding], [f"{INPUT}__tokens"]),
        ],
        "mask": [node("Identity", [REAL], [f"{INPUT}__mask"])],
        "types": [node("Sub", [REAL, REAL], [f"{INPUT}__types"])],
        "positions": [
            node("CumSum", [REAL, axis], [f"{REAL}__count"]),
            node("Sub", [f"{REAL}__count", one], [f"{REAL}__place"]),
            node("Mul", [f"{REAL}__place", REAL], [f"{INPUT}__positions"]),
        ],
    }
    nodes = []
    renamed = {name: f"{name}__given" for name in texts.names.values()}
    for role, name in texts.names.items():
        cast = node("Cast", [f"{INPUT}__{role}"], [renamed[name]], to=kinds[name])
        nodes += [*made[role], cast]
    rename(graph, renamed)
    put_first(graph, nodes)


def put_first(graph: Any, nodes: Sequence[Any]) -> None:
    """Let nodes be computed before all others."""
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])


def rename(graph: Any, names: Mapping[str, str]) -> None:
    """Give tensors other names wherever they are made or read."""
    for node in graph.node:
        for field in (node.input, node.output):
            field[:] = [names.get(each, each) for each in field]
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                rename(inner, names)
    for value in graph.output:
        value.name = names.get(value.name, value.name)
