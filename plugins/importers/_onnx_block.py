"""Keeps an ONNX graph as one block: it gets names, and running it once shows its tensors."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from plugins.importers._building import GraphBuilder, asset_name, identifier, plain_name
from plugins.importers._onnx_graph import channel_places, has_channels_last, sources_of
from plugins.importers._onnx_head import head_of
from plugins.importers._onnx_reading import in_words, session, tensors_of
from workbench.errors import first_line
from workbench.plugin_api.importer import NotCoveredError
from workbench.plugin_api.layer import Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from plugins.importers._onnx_inputs import Taken
    from workbench.document.graph import Graph

SAMPLES = 2
"""Of the batch that a graph is looked at with. Where it takes any number, two more lie around them
in a second batch: what grows with them belongs to samples, and what they change to no single one.
"""
INPUT = "input"
QUIET = (
    *("Identity", "Cast", "Constant", "Shape", "Squeeze", "Unsqueeze", "Reshape", "Transpose"),
    *("Slice", "Gather", "Split", "Expand", "Dropout", "QuantizeLinear", "Pad"),
)
"""Operators that move values only; their tensors are not listed."""


@dataclass(frozen=True)
class Kept:
    """A network of an Input, the block, its head if it has one, and an Output.

    Attributes:
        asset: name and content of the file that the block reads.
        input_shape: canonical shape of a sample.
        channels_last: whether the file has its input so.
        numbers: how many the block holds.
        result: the output of the file that is taken, by its name there.
        result_first: whether that has the channels first.
        outputs: those that it gives besides.
    """

    graph: Graph
    weights: Mapping[str, NDArray[np.float32]]
    asset: tuple[str, bytes]
    input_shape: tuple[int, ...]
    channels_last: bool
    numbers: int
    result: str
    result_first: bool
    outputs: tuple[str, ...]


def block(
    model: Any, entry: Taken, others: Sequence[Taken], outputs: Sequence[str], name: str
) -> Kept:
    """Return a graph as a block; a linear layer at its end follows it.

    Args:
        model: of ONNX, which is changed.
        entry: the samples, with every size besides the batch known.
        outputs: names of the tensors that may be its result, the likeliest first.

    Raises:
        NotCoveredError: onnxruntime cannot run it, or it gives nothing that belongs to samples.
    """
    _name_constants(model.graph)
    _give_constants(model, others, entry)
    _take_floats(model.graph, entry)
    is_last = has_channels_last(model.graph, INPUT, entry.shape[1:])
    shapes = _looked_at(model, entry, outputs)
    if any(shapes.get(name) == () for name in outputs):
        shapes = _looked_at(_in_columns(model, outputs, shapes), entry, outputs)
    result = next((each for each in outputs if each in shapes), "")
    if not result:
        raise NotCoveredError(f"None of the outputs ({', '.join(outputs)}) belongs to samples.")
    head = head_of(model, result, shapes)
    end = head.source if head else result
    parts, names = _parts(model, shapes, is_last, {end, *outputs})
    _rename(model.graph, names)
    numbers = sum(math.prod(tensor.dims) for tensor in tensors_of(model.graph))
    numbers -= sum(each.size for each in head.weights.values() if each is not None) if head else 0
    content = _finished(model, names, names[end])
    asset = asset_name(plain_name(name), content, ".onnx")
    place = next(place for place, part in enumerate(parts) if part.path == names[end])
    if head:
        behind = (msgspec.structs.replace(part, multiply_adds=0) for part in parts[place + 1 :])
        parts = [*parts[: place + 1], *behind]
    whole = parts[place]
    root = Part("", "ONNX", whole.shape, 0, whole.channels_first)
    params = {
        "asset": asset,
        "result": names[end],
        "input": _canonical(entry.shape[1:], first=not is_last),
        "parts": [msgspec.to_builtins(part) for part in (root, *parts)],
        "batch": entry.shape[0],
        "tokens": entry.dtype.startswith("int"),
        "channels_last": is_last,
        "numbers": numbers,
    }
    builder = GraphBuilder()
    source = builder.add("Input", "input")
    kept = {key: value for key, value in params.items() if value}
    source = builder.add("OnnxNetwork", identifier(name).lower(), (source,), kept)
    if head:
        source = builder.add("Dense", "head", (source,), head.params, head.weights)
    builder.add("Output", "output", (source,))
    return Kept(
        graph=builder.graph(),
        weights=builder.weights,
        asset=(asset, content),
        input_shape=params["input"],
        channels_last=is_last,
        numbers=numbers,
        result=result,
        result_first=next(part for part in parts if part.path == names[result]).channels_first,
        outputs=tuple(names.get(each, each) for each in outputs if each != result),
    )


def _canonical(shape: Sequence[int], *, first: bool) -> tuple[int, ...]:
    return (*shape[1:], shape[0]) if first and len(shape) > 1 else tuple(shape)


def _name_constants(graph: Any) -> None:
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


def _give_constants(model: Any, others: Sequence[Taken], entry: Taken) -> None:
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
    _put_first(graph, nodes)


def _take_floats(graph: Any, entry: Taken) -> None:
    """Let the graph take float32, or int64 of tokens, under one name."""
    from onnx import TensorProto, helper

    (own,) = graph.input
    to = own.type.tensor_type.elem_type
    kind = TensorProto.INT64 if entry.dtype.startswith("int") else TensorProto.FLOAT
    own.type.tensor_type.elem_type = kind
    _rename(graph, {own.name: f"{own.name}__given"})
    _put_first(graph, [helper.make_node("Cast", [INPUT], [f"{own.name}__given"], to=to)])
    own.name = INPUT


def _put_first(graph: Any, nodes: Sequence[Any]) -> None:
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])


def _looked_at(model: Any, entry: Taken, outputs: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Run the graph on batches of two sizes; return the shapes of what belongs to samples."""
    from onnx import ModelProto, ValueInfoProto

    all_of_it = ModelProto()
    all_of_it.CopyFrom(model)
    depending = _depending(model.graph)
    wanted = [name for name in dict.fromkeys([*depending, *outputs]) if name]
    del all_of_it.graph.output[:]
    all_of_it.graph.output.extend(ValueInfoProto(name=name) for name in wanted)
    count = entry.shape[0] or SAMPLES
    rows = np.random.default_rng(0).normal(size=(count, *entry.shape[1:]))
    batches = [rows] if entry.shape[0] else [rows, np.concatenate([rows[1:], rows, rows[:1]])]
    runs: list[dict[str, Any]] = []
    try:
        opened = session(all_of_it.SerializeToString())
        names = [each.name for each in opened.get_outputs()]
        for batch in batches:
            given = batch.astype("int64" if entry.dtype.startswith("int") else "float32")
            runs.append(dict(zip(names, opened.run(names, {INPUT: given}), strict=True)))
    except Exception as error:  # onnxruntime has kinds of its own
        raise NotCoveredError(f"onnxruntime cannot run it: {first_line(error)}.") from error
    shapes = {}
    for name in wanted:
        arrays = [run.get(name) for run in runs]
        if all(
            _is_of_samples(array, len(each)) for array, each in zip(arrays, batches, strict=True)
        ):
            shapes[name] = arrays[0].shape[1:]
            if name in outputs and len(arrays) > 1 and not _is_alike(arrays[0], arrays[1][1:-1]):
                raise NotCoveredError(
                    f"What it gives for a sample ({name}) depends on the others in its batch."
                )
    return shapes


def _is_alike(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return np.allclose(one, other, rtol=1e-2, atol=1e-2 * float(np.abs(one).max()), equal_nan=True)


def _is_of_samples(array: Any, count: int) -> bool:
    is_array = isinstance(array, np.ndarray) and array.dtype.kind == "f"
    return is_array and array.ndim > 0 and len(array) == count and array.size > 0


def _in_columns(model: Any, outputs: Sequence[str], shapes: Mapping[str, tuple[int, ...]]) -> Any:
    """Make vectors of one number of outputs that give a bare number for each sample."""
    from onnx import helper, numpy_helper

    column = numpy_helper.from_array(np.array([-1, 1], np.int64), "column__shape")
    model.graph.initializer.append(column)
    for name in outputs:
        if shapes.get(name) == ():
            _rename(model.graph, {name: f"{name}__bare"})
            inputs = [f"{name}__bare", column.name]
            model.graph.node.append(helper.make_node("Reshape", inputs, [name]))
    return model


def _depending(graph: Any) -> list[str]:
    """Return the tensors that depend on the samples, in the order in which they are made."""
    found = dict.fromkeys([INPUT])
    for node in graph.node:
        if not found.keys().isdisjoint(sources_of(node)):
            found |= dict.fromkeys(node.output)
    return [name for name in found if name != INPUT]


def _parts(
    model: Any, shapes: Mapping[str, tuple[int, ...]], is_last: bool, needed: set[str]
) -> tuple[list[Part], dict[str, str]]:
    """Return the tensors that can be watched, in order, and what each is called."""
    graph = model.graph
    places = channel_places(graph, INPUT, shapes, is_last=is_last)
    weights = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    taken = {*weights, *(name for node in graph.node for name in node.output)}
    parts, names = [], {}
    for node in graph.node:
        for output in node.output:
            shape = shapes.get(output)
            is_listed = output in needed or (
                node.op_type not in QUIET and shape is not None and 0 < len(shape) <= 4
            )
            if shape is None or not is_listed:
                continue
            first = places.get(output, False)
            names[output] = path = _path(node, output, {*names.values(), *taken} - {output})
            count = _multiply_adds(node, shape, weights, shapes)
            parts.append(Part(path, node.op_type, _canonical(shape, first=first), count, first))
    return parts, names


def _path(node: Any, output: str, taken: set[str]) -> str:
    """Return a dotted name that modules may have: "layer1.0.conv1.Conv"."""
    import torch

    text = node.name or output
    words = [re.sub(r"\W+", "_", word).strip("_") for word in re.split(r"[/.]", text)]
    words = [word for word, before in zip(words, ["", *words], strict=False) if word != before]
    reserved = dir(torch.nn.Module)
    words = [f"{word}_" if word in reserved else word for word in words if word] or ["tensor"]
    if not words[0].isidentifier():
        words[0] = f"{node.op_type}_{words[0]}"
    path, number = ".".join(words), 1
    while path in taken:
        number += 1
        path = f"{'.'.join(words)}_{number}"
    return path


def _multiply_adds(
    node: Any,
    shape: tuple[int, ...],
    weights: Mapping[str, tuple[int, ...]],
    shapes: Mapping[str, tuple[int, ...]],
) -> int:
    """Return what a convolution or product costs; recurrent layers go by their weights."""
    arrays = [weights[name] for name in node.input if name in weights]
    if node.op_type in ("Conv", "ConvTranspose", "ConvInteger", "QLinearConv") and arrays:
        kernel = max(arrays, key=len)
        places = math.prod(shape[1:])
        if node.op_type == "ConvTranspose":
            places = math.prod(shapes.get(node.input[0], shape)[1:])
            return math.prod(kernel) * places
        return math.prod(kernel) * places
    if "MatMul" in node.op_type or "Gemm" in node.op_type:
        inner = shapes.get(node.input[0], ())
        return math.prod(shape) * (inner[-1] if inner else 0)
    if node.op_type in ("LSTM", "GRU", "RNN"):
        return sum(math.prod(each) for each in arrays if len(each) == 3)
    return 0


def _rename(graph: Any, names: Mapping[str, str]) -> None:
    """Give tensors other names wherever they are made or read."""
    for node in graph.node:
        for field in (node.input, node.output):
            field[:] = [names.get(each, each) for each in field]
        for attribute in node.attribute:
            for inner in (attribute.g, *attribute.graphs):
                _rename(inner, names)
    for value in graph.output:
        value.name = names.get(value.name, value.name)


def _finished(model: Any, names: Mapping[str, str], result: str) -> bytes:
    """Return the file, which lists the tensors that can be watched as its values."""
    from onnx import helper

    graph = model.graph
    values = [helper.make_empty_tensor_value_info(name) for name in (*names.values(), result)]
    for field, own in ((graph.value_info, values[:-1]), (graph.output, values[-1:])):
        del field[:]
        field.extend(own)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def others_of(kept: Kept) -> Iterator[str]:
    """Say which other tensors a file gives."""
    if kept.outputs:
        yield (
            f"It gives {in_words(kept.outputs)} as well: any of them, or of the tensors inside, "
            "can be made the end of the block."
        )
