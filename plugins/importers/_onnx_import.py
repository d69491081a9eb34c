"""Imports an ONNX file: chooses its inputs and their layout, expands it, and runs the original."""

from __future__ import annotations

import dataclasses
import itertools
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers._aten import BATCH
from plugins.importers._aten_program import exported
from plugins.importers._layouts import INPUT_SIZES, UNSCALED, best_layout, many, preprocessing_of
from plugins.importers._onnx_block import block, others_of
from plugins.importers._onnx_inputs import Taken, inputs_of, outputs_of
from plugins.importers._onnx_program import Translation, copies_in_words
from plugins.importers._onnx_reading import (
    by_batch_in_words,
    has_eight_bits,
    in_float32,
    made_by,
    opened,
    opset_of,
    rounds_by_batch,
    session,
)
from plugins.importers._onnx_text_import import TextFile
from plugins.importers._onnx_texts import texts_of
from plugins.importers._text_files import beside
from plugins.importers._values import from_canonical, to_canonical
from workbench.errors import UserError, first_line
from workbench.plugin_api.importer import Imported, NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from plugins.importers._aten_program import Expanded
    from plugins.importers._onnx_block import Kept

SOUND_SIZES = (512, 576, 1024, 16_000, 224)
"""Values of a signal that are tried where a file takes any number."""
TOLERANCE = 1e-4
"""onnxruntime adds up in another order than PyTorch."""


def imported(
    path: Path,
    tell: Callable[[str], None],
    opening: Callable[[bytes], Any] = session,
    tokeniser: Path | None = None,
) -> Imported:
    """Read a file and turn it into layers.

    Args:
        tokeniser: of texts, or its folder; None: what lies beside the file.
        opening: returns what runs the original, as onnxruntime's session does.

    Raises:
        NotCoveredError: it does what no layer here does.
        UserError: the file is damaged or incomplete.
    """
    tell(f"Reading {path.name}")
    model = opened(path)
    changed = []
    if in_float32(model):
        changed.append("Numbers of half or double precision are float32 now.")
    if any(has_eight_bits(tensor) for tensor in model.graph.initializer):
        changed.append("Weights of eight bits are float32 now.")
    tell("Turning it into layers")
    if (texts := texts_of(model)) is not None:
        files, origin = beside(path, tokeniser), _origin(path, model)
        return TextFile(path, model, texts, files, origin, changed, opening).imported()
    entry, others = inputs_of(model)
    outputs = outputs_of(model, others)
    content = model.SerializeToString()
    expanded, shape, translation = _expanded(model, entry, others, outputs)
    order = expanded.inputs[0].order
    changed += _told(entry, shape, order)
    changed += [other.told for other in others]
    changed += copies_in_words(translation)
    canonical = expanded.inputs[0].shape
    preprocessing = preprocessing_of(canonical)
    if preprocessing is not None:
        changed.append(UNSCALED)
    return Imported(
        name=path.stem,
        origin=_origin(path, model),
        graph=expanded.graph,
        weights=expanded.weights,
        input_shape=canonical,
        original=_runner(partial(opening, content), entry, others, expanded, outputs),
        parameters=expanded.parameters,
        tolerance=TOLERANCE,
        preprocessing=preprocessing,
        matched=len(translation.places),
        skipped=(*expanded.skipped, *_left_out(model, outputs)),
        changed=(*changed, *expanded.changed),
    )


def kept(
    path: Path,
    reason: str,
    tell: Callable[[str], None],
    opening: Callable[[bytes], Any] = session,
    tokeniser: Path | None = None,
) -> Imported:
    """Read a file and keep its graph as one block, run by onnxruntime.

    Args:
        tokeniser: of texts, or its folder; None: what lies beside the file.
        reason: why it does not become layers.
        opening: returns what runs the original, as onnxruntime's session does.

    Raises:
        NotCoveredError: onnxruntime cannot run it, or it takes what no document here has.
        UserError: the file is damaged or incomplete.
    """
    tell(f"Reading {path.name}")
    model = opened(path, is_kept=True)
    tell("Looking at what is inside")
    if (texts := texts_of(model)) is not None:
        files, origin = beside(path, tokeniser), _origin(path, model)
        return TextFile(path, model, texts, files, origin, (), opening).kept(reason)
    entry, others = inputs_of(model, is_kept=True)
    outputs = outputs_of(model, others)
    content = model.SerializeToString()
    taken = entry
    if rounds_by_batch(model) and not entry.shape[0]:
        entry = dataclasses.replace(entry, shape=(1, *entry.shape[1:]))
    made, shape = _kept(content, entry, others, outputs, path.stem)
    preprocessing = preprocessing_of(made.input_shape)
    changed = [*_told(taken, shape, (len(shape) - 1,) if made.channels_last else (0,))]
    changed += by_batch_in_words(model)
    changed += [other.told for other in others]
    changed += others_of(made)
    if preprocessing is not None:
        changed.append(UNSCALED)
    inward, outward = _moved(made.channels_last), _moved(not made.result_first)

    def original(inputs: NDArray[Any]) -> list[NDArray[np.float32]]:
        given = inputs.transpose(0, *inward(inputs.ndim))
        (found,) = _run(opening(content), entry, others, [made.result], given)
        found = found.reshape(len(found), 1) if found.ndim == 1 else found
        return [found.transpose(0, *np.argsort(outward(found.ndim)) + 1)]

    return Imported(
        name=path.stem,
        origin=_origin(path, model),
        graph=made.graph,
        weights=made.weights,
        input_shape=made.input_shape,
        original=original,
        parameters=sum(array.size for array in made.weights.values()),
        tolerance=TOLERANCE,
        preprocessing=preprocessing,
        whole=reason,
        fixed=made.numbers,
        assets=dict([made.asset]),
        skipped=tuple(_left_out(model, outputs)),
        changed=changed,
    )


def _kept(
    content: bytes, entry: Taken, others: Sequence[Taken], outputs: Sequence[str], name: str
) -> tuple[Kept, tuple[int, ...]]:
    """Keep a graph with the first size that works."""
    from onnx import ModelProto

    refusal: UserError | None = None
    for shape in _shapes(entry):
        sized = dataclasses.replace(entry, shape=(entry.shape[0], *shape[1:]))
        try:
            return block(ModelProto.FromString(content), sized, others, outputs, name), shape[1:]
        except NotCoveredError as error:
            refusal = refusal or error
    raise refusal or NotCoveredError(f"The input {entry.name} has no axis beside the batch.")


def _moved(is_last: bool) -> Callable[[int], tuple[int, ...]]:
    """Return what says how the axes of canonical samples are ordered in a file, by their rank."""

    def order(rank: int) -> tuple[int, ...]:
        axes = tuple(range(1, rank))
        return axes if is_last else (*axes[-1:], *axes[:-1])

    return order


def _origin(path: Path, model: Any) -> str:
    by = made_by(model)
    return f"{path.name}, ONNX of version {opset_of(model)}{f' by {by}' if by else ''}"


def _expanded(
    model: Any, entry: Taken, others: Sequence[Taken], outputs: Sequence[str]
) -> tuple[Expanded, tuple[int, ...], Translation]:
    """Expand with the first size that works, and with the layout that needs the fewest moves."""
    import torch

    if len(entry.shape) < 2:
        raise NotCoveredError(f"The input {entry.name} has no axis beside the batch.")
    refusal: UserError | None = None
    for shape in _shapes(entry):
        example = torch.zeros(shape, dtype=getattr(torch, entry.dtype), device="meta")
        translation = Translation(model, BATCH, entry.shape[0])
        translation.known.update({other.name: other.fixed(BATCH) for other in others})
        try:
            module = translation.walk({entry.name: example}, outputs)
        except NotCoveredError as error:
            refusal = refusal or error
            continue
        program = exported(module.eval(), torch.zeros(shape, dtype=example.dtype))
        return best_layout(program, BATCH, list(translation.parts)), shape[1:], translation
    assert refusal is not None
    raise refusal


def _shapes(entry: Taken) -> Iterator[tuple[int, ...]]:
    """Yield shapes with the batch that networks are traced with."""
    known = tuple(size for size in entry.shape[1:] if size)
    if not entry.free:
        yield (BATCH, *known)
        return
    usual = INPUT_SIZES if len(entry.shape) > 2 else SOUND_SIZES
    sizes = dict.fromkeys([*[size for size in known if size > 63], *usual])
    for size in sizes:
        yield (BATCH, *(length or size for length in entry.shape[1:]))


def _told(entry: Taken, shape: Sequence[int], order: Sequence[int]) -> Iterator[str]:
    """Say what was chosen of the input."""
    words = " × ".join(map(str, shape))
    if entry.free:
        yield f"The file takes inputs of any size; here it is {words}."
    if entry.shape[0]:
        yield many(entry.shape[0])
    if len(shape) > 1:
        layout = "channels last" if order[-1] == len(shape) - 1 else "channels first"
        yield f"Its inputs lie {layout}."


def _left_out(model: Any, outputs: Sequence[str]) -> Iterator[str]:
    names = [each.name for each in model.graph.output if each.name not in outputs]
    if names:
        yield f"the state that it gives for the next samples ({', '.join(names)})"


def _runner(
    opening: Callable[[], Any],
    entry: Taken,
    others: Sequence[Taken],
    expanded: Expanded,
    outputs: Sequence[str],
) -> Callable[[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """Return what runs the file itself for canonical samples."""

    def run(inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        given = from_canonical(inputs, expanded.inputs[0])
        found = _run(opening(), entry, others, outputs, given)
        pairs = itertools.zip_longest(found, expanded.outputs)
        return [to_canonical(value, place) for value, place in pairs]

    return run


def _run(
    opened_session: Any,
    entry: Taken,
    others: Sequence[Taken],
    outputs: Sequence[str],
    given: NDArray[Any],
) -> list[NDArray[np.float32]]:
    """Run a file, as many samples at a time as it takes."""
    each = entry.shape[0] or len(given)
    parts = []
    try:
        for start in range(0, len(given), each):
            rows = np.resize(given[start : start + each], (each, *given.shape[1:]))
            feed = {other.name: other.fixed(each) for other in others}
            feed[entry.name] = rows.astype(entry.dtype)
            found = opened_session.run(list(outputs), feed)
            parts.append([value[: len(given) - start] for value in found])
    except UserError:
        raise
    except Exception as error:  # onnxruntime has kinds of its own
        raise UserError(
            "onnxruntime cannot run this file, so that nothing can be compared: "
            f"{first_line(error)}",
            "Export it again, with another version of its exporter or of ONNX' operators.",
        ) from error
    return [np.concatenate(values).astype(np.float32) for values in zip(*parts, strict=True)]
