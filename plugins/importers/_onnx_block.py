"""Keeps an ONNX graph as one block: it gets names, and running it once shows its tensors."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from plugins.importers._building import GraphBuilder, asset_name, identifier, plain_name
from plugins.importers._onnx_entry import (
    INPUT,
    give_constants,
    name_constants,
    rename,
    take_floats,
    take_texts,
)
from plugins.importers._onnx_graph import channel_places, has_channels_last
from plugins.importers._onnx_head import head_of
from plugins.importers._onnx_looking import drawn, drawn_texts, in_columns, looked_at
from plugins.importers._onnx_reading import in_words, tensors_of
from plugins.importers._onnx_sizes import SizeRunner, free
from plugins.importers._sizes import Growth, growth_of, other_sizes
from workbench.plugin_api.importer import NotCoveredError
from workbench.plugin_api.layer import Part

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from plugins.importers._onnx_inputs import Taken
    from plugins.importers._onnx_looking import Batches, Shape
    from plugins.importers._onnx_texts import Texts
    from workbench.document.graph import Graph

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
    input_shape: Shape
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
    name_constants(model.graph)
    give_constants(model, others, entry)
    take_floats(model.graph)
    is_last = has_channels_last(model.graph, INPUT, entry.shape[1:])
    params = {
        "input": _canonical(entry.shape[1:], first=not is_last),
        "batch": entry.shape[0],
        "channels_last": is_last,
    }
    batches = drawn(entry)
    return _kept(model, batches, outputs, name, params, pictures=batches.alone[INPUT].shape)


def block_of_texts(
    model: Any, texts: Texts, outputs: Sequence[str], name: str, most: int = 0
) -> Kept:
    """Return a graph that takes texts as a block; raises like `block`.

    Args:
        most: tokens that it has places for; 0: any number.
    """
    name_constants(model.graph)
    take_texts(model.graph, texts)
    params = {
        "input": (texts.steps or None,),
        "batch": texts.batch,
        "channels_last": True,
        "vocabulary": texts.vocabulary,
        "padding": texts.padding,
        "most_steps": most,
        "alone": texts.is_alone,
    }
    return _kept(model, drawn_texts(texts), outputs, name, params)


def _kept(
    model: Any,
    batches: Batches,
    outputs: Sequence[str],
    name: str,
    params: dict[str, Any],
    *,
    pictures: tuple[int, ...] = (),
) -> Kept:
    """Return a graph that takes what a block does as one, with what is known of it.

    Args:
        pictures: shape of the input with the batch, where it may be one of pictures.
    """
    shapes = looked_at(model, batches, outputs)
    if any(shapes.get(each) == () for each in outputs):
        shapes = looked_at(in_columns(model, outputs, shapes), batches, outputs)
    result = next((each for each in outputs if each in shapes), "")
    if not result:
        raise NotCoveredError(f"None of the outputs ({', '.join(outputs)}) belongs to samples.")
    head = head_of(model, result, shapes)
    end = head.source if head else result
    is_last = params["channels_last"]
    growth = _growth(model, pictures, is_last, shapes, end)
    parts, names = _parts(model, shapes, is_last, {end, *outputs}, growth)
    rename(model.graph, names)
    numbers = sum(math.prod(tensor.dims) for tensor in tensors_of(model.graph))
    numbers -= sum(each.size for each in head.weights.values() if each is not None) if head else 0
    content = _finished(model, names, names[end])
    asset = asset_name(plain_name(name), content, ".onnx")
    place = next(place for place, part in enumerate(parts) if part.path == names[end])
    if head:
        behind = (msgspec.structs.replace(part, multiply_adds=0) for part in parts[place + 1 :])
        parts = [*parts[: place + 1], *behind]
    whole = parts[place]
    root = Part("", "ONNX", whole.shape, 0, whole.channels_first, whole.grows)
    params = {
        **params,
        "asset": asset,
        "result": names[end],
        "parts": [msgspec.to_builtins(part) for part in (root, *parts)],
        "numbers": numbers,
        "sizes": (growth.step, *growth.least) if growth else (),
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


def _growth(
    model: Any, shape: tuple[int, ...], is_last: bool, shapes: Mapping[str, Shape], end: str
) -> Growth | None:
    """Return how tensors follow the size of pictures, if what is given does."""
    if len(shape) != 4:
        return None
    places = (1, 2) if is_last else (2, 3)
    freed = type(model)()
    freed.CopyFrom(model)
    free(freed.graph, places)
    run = SizeRunner(freed, shape, places, list(shapes))
    found = growth_of(run, (shape[places[0]], shape[places[1]]), shapes)
    if found is None or end not in found.rules:
        return None
    free(model.graph, places)
    return found


def _canonical(shape: tuple[Any, ...], *, first: bool) -> tuple[Any, ...]:
    """Return what there is for each axis in the order of canonical axes."""
    return (*shape[1:], shape[0]) if first and len(shape) > 1 else tuple(shape)


def _parts(
    model: Any,
    shapes: Mapping[str, Shape],
    is_last: bool,
    needed: set[str],
    growth: Growth | None = None,
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
            rules = growth.rules.get(output, ()) if growth else ()
            grows = _canonical(rules, first=first)
            parts.append(
                Part(path, node.op_type, _canonical(shape, first=first), count, first, grows)
            )
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
    shape: Shape,
    weights: Mapping[str, tuple[int, ...]],
    shapes: Mapping[str, Shape],
) -> int:
    """Return what a convolution or product costs; recurrent layers go by their weights."""
    arrays = [weights[name] for name in node.input if name in weights]
    if node.op_type in ("Conv", "ConvTranspose", "ConvInteger", "QLinearConv") and arrays:
        kernel = max(arrays, key=len)
        around = shapes.get(node.input[0], shape) if node.op_type == "ConvTranspose" else shape
        return math.prod(kernel) * _count(around[1:])
    if "MatMul" in node.op_type or "Gemm" in node.op_type:
        inner = shapes.get(node.input[0], ())
        return _count(shape) * (inner[-1] or 1 if inner else 0)
    if node.op_type in ("LSTM", "GRU", "RNN"):
        return sum(math.prod(each) for each in arrays if len(each) == 3)
    return 0


def _count(shape: Shape) -> int:
    """Return the values of a shape; steps of any number count as one."""
    return math.prod(size or 1 for size in shape)


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
    """Say which other tensors a file gives, and which other pictures it takes."""
    if kept.outputs:
        yield (
            f"It gives {in_words(kept.outputs)} as well: any of them, or of the tensors inside, "
            "can be made the end of the block."
        )
    yield from other_sizes(kept.graph)
