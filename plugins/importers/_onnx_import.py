"""Imports an ONNX file: chooses its inputs and their layout, expands it, and runs the original."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers._aten import BATCH
from plugins.importers._aten_program import Expanded, expand_program, exported
from plugins.importers._onnx_program import Translation
from plugins.importers._onnx_reading import in_float32, made_by, opened, opset_of
from plugins.importers._values import from_canonical, to_canonical
from workbench.document.experiment import Component
from workbench.plugin_api.importer import Imported, NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from workbench.errors import UserError

    pass

SIZES = (224, 256, 320, 512, 640, 128, 64)
"""Heights and widths that are tried where a file takes any."""
TOLERANCE = 1e-4
"""onnxruntime adds up in another order than PyTorch."""


@dataclass(frozen=True)
class Taken:
    """An input of a file.

    Attributes:
        shape: with the batch in front, 0 where a size is free.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def free(self) -> tuple[int, ...]:
        """Axes besides the batch whose size is free."""
        return tuple(axis for axis, size in enumerate(self.shape) if axis and not size)


def imported(path: Path, tell: Callable[[str], None]) -> Imported:
    """Read a file and turn it into layers.

    Raises:
        NotCoveredError: it does what no layer here does.
        UserError: the file is damaged or incomplete.
    """
    tell(f"Reading {path.name}")
    model = opened(path)
    changed = []
    if in_float32(model):
        changed.append("Numbers of half or double precision are float32 now.")
    (entry,) = _inputs(model)
    outputs = [value.name for value in model.graph.output]
    tell("Turning it into layers")
    expanded, shape, translation = _expanded(model, entry, outputs)
    order = expanded.inputs[0].order
    changed += _told(entry, shape, order)
    shared = [name for name, labels in translation.places.items() if len(labels) > 1]
    if shared:
        many = "s that were" if len(shared) > 1 else " that was"
        changed.append(
            f"{len(shared)} array{many} used in several places, such as {shared[0]}, have a copy "
            "of their own in each now, which are trained apart."
        )
    canonical = expanded.inputs[0].shape
    preprocessing = _preprocessing(canonical)
    if preprocessing is not None:
        changed.append(
            "The file does not say how its pictures were scaled: set that in the data "
            "settings, here they are 0 … 1."
        )
    by = made_by(model)
    return Imported(
        name=path.stem,
        origin=f"{path.name}, ONNX of version {opset_of(model)}{f' by {by}' if by else ''}",
        graph=expanded.graph,
        weights=expanded.weights,
        input_shape=canonical,
        original=_runner(model, entry, expanded),
        parameters=expanded.parameters,
        tolerance=TOLERANCE,
        preprocessing=preprocessing,
        matched=len(translation.places),
        skipped=expanded.skipped,
        changed=(*changed, *expanded.changed),
    )


def _inputs(model: Any) -> list[Taken]:
    from onnx import helper

    given = {tensor.name for tensor in model.graph.initializer}
    found = []
    for value in model.graph.input:
        if value.name in given:
            continue
        kind = value.type.tensor_type
        dtype = helper.tensor_dtype_to_np_dtype(kind.elem_type)
        lengths = (max(each.dim_value, 0) for each in kind.shape.dim)
        found.append(Taken(value.name, str(dtype), tuple(lengths)))
    if len(found) != 1:
        raise NotCoveredError(
            f"The file has {len(found)} inputs ({', '.join(each.name for each in found)}); a "
            "document here takes one."
        )
    return found


def _expanded(
    model: Any, entry: Taken, outputs: Sequence[str]
) -> tuple[Expanded, tuple[int, ...], Translation]:
    """Expand with the first size that works, and with the layout that needs the fewest moves."""
    import torch

    if len(entry.shape) < 2:
        raise NotCoveredError(f"The input {entry.name} has no axis beside the batch.")
    refusal: UserError | None = None
    for shape in _shapes(entry):
        example = torch.zeros(shape, dtype=getattr(torch, entry.dtype), device="meta")
        translation = Translation(model, BATCH, entry.shape[0])
        try:
            module = translation.walk({entry.name: example}, outputs)
        except NotCoveredError as error:
            refusal = refusal or error
            continue
        program = exported(module, torch.zeros(shape, dtype=example.dtype))
        return _with_layout(program, translation, len(shape) - 1), shape[1:], translation
    assert refusal is not None
    raise refusal


def _with_layout(program: Any, translation: Translation, rank: int) -> Expanded:
    refusal: NotCoveredError | None = None
    best: tuple[int, Expanded] | None = None
    last = tuple(range(rank))
    first = (rank - 1, *range(rank - 1))
    for order in [first, last] if rank > 1 else [last]:
        try:
            found = expand_program(program, list(translation.parts), (order,))
        except NotCoveredError as error:
            refusal = refusal or error
            continue
        moves = sum(node.type == "Permute" for node in found.graph.nodes)
        if best is None or moves < best[0]:
            best = (moves, found)
    if best is None:
        assert refusal is not None
        raise refusal
    return best[1]


def _shapes(entry: Taken) -> Iterator[tuple[int, ...]]:
    """Yield shapes with the batch that networks are traced with."""
    known = tuple(size for size in entry.shape[1:] if size)
    if not entry.free:
        yield (BATCH, *known)
        return
    sizes = dict.fromkeys([*[size for size in known if size > 63], *SIZES])
    for size in sizes:
        yield (BATCH, *(length or size for length in entry.shape[1:]))


def _told(entry: Taken, shape: Sequence[int], order: Sequence[int]) -> Iterator[str]:
    """Say what was chosen of the input."""
    words = " × ".join(map(str, shape))
    if entry.free:
        yield f"The file takes inputs of any size; here it is {words}."
    if entry.shape[0]:
        yield f"The file takes {entry.shape[0]} samples at a time; here it takes any number."
    if len(shape) > 1:
        layout = "channels last" if order[-1] == len(shape) - 1 else "channels first"
        yield f"Its inputs lie {layout}."


def _preprocessing(shape: tuple[int, ...]) -> Component | None:
    if len(shape) != 3 or shape[-1] not in (1, 3):
        return None
    height, width, channels = shape
    colours = "grayscale" if channels == 1 else "rgb"
    return Component("image", {"height": height, "width": width, "channels": colours})


def session(content: bytes) -> Any:
    """Return onnxruntime's session of a model on the processor, quiet and exact."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    return onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])


def _runner(
    model: Any, entry: Taken, expanded: Expanded
) -> Callable[[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """Return what runs the file itself, as many samples at a time as it takes."""
    content = model.SerializeToString()

    def run(inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        opened_session = session(content)
        given = from_canonical(inputs, expanded.inputs[0])
        each = entry.shape[0] or len(given)
        parts = []
        for start in range(0, len(given), each):
            rows = np.resize(given[start : start + each], (each, *given.shape[1:]))
            found = opened_session.run(None, {entry.name: rows.astype(entry.dtype)})
            parts.append([value[: len(given) - start] for value in found])
        whole = [np.concatenate(values) for values in zip(*parts, strict=True)]
        pairs = itertools.zip_longest(whole, expanded.outputs)
        return [to_canonical(value.astype(np.float32), place) for value, place in pairs]

    return run
