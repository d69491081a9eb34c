"""Runs an ONNX graph that is kept, to see which of its tensors belong to samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers._onnx_entry import INPUT, REAL, rename
from plugins.importers._onnx_graph import sources_of
from plugins.importers._onnx_reading import session
from workbench.errors import first_line
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from plugins.importers._onnx_inputs import Taken
    from plugins.importers._onnx_texts import Texts

    Shape = tuple[int | None, ...]
    Feed = Mapping[str, NDArray[Any]]

SAMPLES = 2
"""Of the batch that a graph is looked at with. Where it takes any number, two more lie around them
in a second batch: what grows with them belongs to samples, and what they change to no single one.
"""
TOKENS = (12, 9)
"""Of texts of any length, which a graph is looked at with; what grows with them are steps."""


@dataclass(frozen=True)
class Batches:
    """What a graph is looked at with.

    Attributes:
        alone: some samples. among: the same between two others; None where it takes no more.
        shorter: as many texts of fewer tokens; None where lengths are fixed.
    """

    alone: Feed
    among: Feed | None = None
    shorter: Feed | None = None


def drawn(entry: Taken) -> Batches:
    """Return random samples of an input, with every size besides the batch known."""
    count = entry.shape[0] or SAMPLES
    rows = np.random.default_rng(0).normal(size=(count, *entry.shape[1:])).astype(np.float32)
    among = None if entry.shape[0] else {INPUT: np.concatenate([rows[1:], rows, rows[:1]])}
    return Batches({INPUT: rows}, among)


def drawn_texts(texts: Texts) -> Batches:
    """Return random texts, without padding."""
    random = np.random.default_rng(0)
    steps = texts.steps or TOKENS[0]
    tokens = random.integers(texts.vocabulary, size=(texts.batch or SAMPLES, steps))

    def feed(rows: NDArray[Any]) -> Feed:
        return {INPUT: rows, REAL: np.ones_like(rows)}

    among = None if texts.batch else feed(np.concatenate([tokens[1:], tokens, tokens[:1]]))
    shorter = None if texts.steps else feed(tokens[:, : TOKENS[1]])
    return Batches(feed(tokens), among, shorter)


def looked_at(model: Any, batches: Batches, outputs: Sequence[str]) -> dict[str, Shape]:
    """Run the graph; return the shapes of what belongs to samples, None where they have steps.

    Raises:
        NotCoveredError: onnxruntime cannot run it, or samples of a batch depend on each other.
    """
    from onnx import ModelProto, ValueInfoProto

    all_of_it = ModelProto()
    all_of_it.CopyFrom(model)
    wanted = [name for name in dict.fromkeys([*_depending(model.graph), *outputs]) if name]
    del all_of_it.graph.output[:]
    all_of_it.graph.output.extend(ValueInfoProto(name=name) for name in wanted)
    feeds = [each for each in (batches.alone, batches.among, batches.shorter) if each is not None]
    try:
        opened = session(all_of_it.SerializeToString())
        names = [each.name for each in opened.get_outputs()]
        runs = [dict(zip(names, opened.run(names, dict(feed)), strict=True)) for feed in feeds]
    except Exception as error:  # onnxruntime has kinds of its own
        raise NotCoveredError(f"onnxruntime cannot run it: {first_line(error)}.") from error
    shapes: dict[str, Shape] = {}
    for name in wanted:
        arrays = [run.get(name) for run in runs]
        if not all(
            _is_of_samples(array, len(feed[INPUT]))
            for array, feed in zip(arrays, feeds, strict=True)
        ):
            continue
        if batches.among and name in outputs and not _is_alike(arrays[0], arrays[1][1:-1]):
            raise NotCoveredError(
                f"What it gives for a sample ({name}) depends on the others in its batch."
            )
        shape = arrays[0].shape[1:] if not batches.shorter else _of_steps(arrays[0], arrays[-1])
        if shape is not None:
            shapes[name] = shape
    return shapes


def _of_steps(longer: NDArray[Any], shorter: NDArray[Any]) -> Shape | None:
    """Return a shape whose first axis may be steps; None where anything else grows with them."""
    pairs = list(zip(longer.shape[1:], shorter.shape[1:], strict=False))
    if longer.ndim != shorter.ndim or any(one != other for one, other in pairs[1:]):
        return None
    if pairs and pairs[0] == TOKENS:
        return (None, *longer.shape[2:])
    return longer.shape[1:] if longer.shape[1:] == shorter.shape[1:] else None


def _is_alike(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return np.allclose(one, other, rtol=1e-2, atol=1e-2 * float(np.abs(one).max()), equal_nan=True)


def _is_of_samples(array: Any, count: int) -> bool:
    is_array = isinstance(array, np.ndarray) and array.dtype.kind == "f"
    return is_array and array.ndim > 0 and len(array) == count and array.size > 0


def _depending(graph: Any) -> list[str]:
    """Return the tensors that depend on the samples, in the order in which they are made."""
    found = dict.fromkeys([INPUT])
    for node in graph.node:
        if not found.keys().isdisjoint(sources_of(node)):
            found |= dict.fromkeys(node.output)
    return [name for name in found if name != INPUT]


def in_columns(model: Any, outputs: Sequence[str], shapes: Mapping[str, Shape]) -> Any:
    """Make vectors of one number of outputs that give a bare number for each sample."""
    from onnx import helper, numpy_helper

    column = numpy_helper.from_array(np.array([-1, 1], np.int64), "column__shape")
    model.graph.initializer.append(column)
    for name in outputs:
        if shapes.get(name) == ():
            rename(model.graph, {name: f"{name}__bare"})
            inputs = [f"{name}__bare", column.name]
            model.graph.node.append(helper.make_node("Reshape", inputs, [name]))
    return model
