"""Imports an ONNX file that takes texts: as layers that leave padding out, and what prepares them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from plugins.importers._aten import BATCH
from plugins.importers._aten_program import expand_program, exported
from plugins.importers._onnx_program import Translation
from plugins.importers._onnx_reading import opset_of, session
from plugins.importers._onnx_texts import Texts, outputs_of_texts
from plugins.importers._text_files import beside, joined
from workbench.document.graph import Graph
from workbench.errors import UserError, first_line
from workbench.plugin_api.importer import Imported, NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from plugins.importers._aten_program import Expanded

LENGTHS = (29, 31, 37, 41, 43, 47, 53)
"""Tokens that a network is traced with: one that is no size of a weight."""
FEWEST = 8
TOLERANCE = 1e-4


def imported_texts(
    path: Path, model: Any, texts: Texts, changed: Sequence[str], origin: str
) -> Imported:
    """Turn a graph that takes texts into layers.

    Raises:
        NotCoveredError: it does what no layer here does.
    """
    outputs = outputs_of_texts(model)
    content = model.SerializeToString()
    expanded, translation, most = _expanded(model, texts, outputs)
    folder = beside(path)
    texts = texts.filled(translation.padding if translation.padding >= 0 else folder.padding)
    shared = [name for name, labels in translation.places.items() if len(labels) > 1]
    copies = []
    if shared:
        copies.append(
            f"{len(shared)} arrays used in several places, such as {shared[0]}, have a copy of "
            "their own in each now, which are trained apart."
        )
    graph, run = expanded.graph, partial(_run, partial(session, content), texts, outputs)
    graph, run, words = joined(folder, graph, run, outputs)
    classes = expanded.outputs[0].shape[-1] if len(expanded.outputs) == 1 else 0
    return Imported(
        name=folder.name or path.stem,
        origin=origin,
        graph=graph,
        weights=expanded.weights,
        input_shape=(None,),
        original=run,
        padded=run,
        padding=texts.padding,
        parameters=expanded.parameters,
        tolerance=TOLERANCE,
        vocabulary=texts.vocabulary,
        preprocessing=folder.preparation(texts.vocabulary, most),
        files=folder.files,
        classes=folder.classes if len(folder.classes) == classes else (),
        matched=len(translation.places),
        skipped=(*expanded.skipped, *_left_out(model, outputs)),
        changed=(*changed, *_told(texts, most), *copies, *words, *folder.told, *expanded.changed),
    )


def _expanded(
    model: Any, texts: Texts, outputs: Sequence[str]
) -> tuple[Expanded, Translation, int]:
    """Return the layers, the walk over the graph, and how many tokens they have places for."""
    import torch

    sizes = {size for tensor in model.graph.initializer for size in tensor.dims}
    steps = texts.steps or next((size for size in LENGTHS if size not in sizes), LENGTHS[0])
    for length in (steps, FEWEST - 1):  # of a network that knows few positions
        translation = _walked(model, texts, length)
        tokens = torch.zeros((BATCH, length), dtype=torch.int64)
        try:
            module = translation.walk({texts.names["tokens"]: tokens.to("meta")}, outputs)
            break
        except NotCoveredError:
            if texts.steps or length < FEWEST:
                raise
    program = exported(module.eval(), tokens)
    found = expand_program(program, list(translation.parts), ((0,),), BATCH, length)
    most = texts.steps or translation.most
    if most > length:
        found = _lengthened(found, model, texts, translation, most)
    return found, translation, most


def _walked(model: Any, texts: Texts, steps: int) -> Translation:
    """Return a walk that has not begun, over texts of so many tokens."""
    translation = Translation(model, BATCH, texts.batch, length=steps)
    told = texts.beside(BATCH, steps)
    translation.known.update(told)
    translation.told.update(told)
    return translation


def _lengthened(
    expanded: Expanded, model: Any, texts: Texts, translation: Translation, most: int
) -> Expanded:
    """Give layers with a row for each place all rows that the file has."""
    import dataclasses

    import torch

    again = _walked(model, texts, most)
    tokens = torch.zeros((BATCH, most), dtype=torch.int64, device="meta")
    tables = [name for name in translation.tables if translation.known[name].ndim > 1]
    again.compute({texts.names["tokens"]: tokens}, tables)
    weights, nodes, added = dict(expanded.weights), [], 0
    for node in expanded.graph.nodes:
        key = f"{node.id}/embeddings"
        rows = weights[key] if node.type == "LearnedPositions" else None
        longer = None if rows is None else _longer(rows, again.known, tables, most)
        if rows is not None and longer is not None:
            weights[key] = longer
            added += longer.size - rows.size
            params: Mapping[str, Any] = {**node.params, "positions": most}
            node = msgspec.structs.replace(node, params=params)
        nodes.append(node)
    return dataclasses.replace(
        expanded,
        graph=Graph(tuple(nodes)),
        weights=weights,
        parameters=expanded.parameters + added,
    )


def _longer(
    rows: NDArray[Any], known: Mapping[str, NDArray[Any]], tables: Sequence[str], most: int
) -> NDArray[np.float32] | None:
    """Return the table of which these are the first rows."""
    for name in tables:
        table = known.get(name)
        if table is None or table.shape[-2:] != (most, rows.shape[1]):
            continue
        table = table.reshape(-1, *table.shape[-2:])[0]
        if np.array_equal(table[: len(rows)], rows):
            return np.array(table, np.float32)
    return None


def _run(
    opening: Callable[[], Any],
    texts: Texts,
    outputs: Sequence[str],
    tokens: NDArray[Any],
    lengths: Sequence[int] | None = None,
) -> list[NDArray[np.float32]]:
    """Run a file on texts, of which so many tokens are real each; all, where nothing is said."""
    steps = tokens.shape[1]
    real = [steps] * len(tokens) if lengths is None else list(lengths)
    each = texts.batch or (len(tokens) if "mask" in texts.names else 1)
    parts = []
    opened = opening()
    for start in range(0, len(tokens), each):
        rows = np.resize(tokens[start : start + each], (each, steps))
        own = np.resize(real[start : start + each], each)
        if "mask" not in texts.names and not texts.steps:
            rows = rows[:, : own[0]]
        if texts.steps:
            rows = np.pad(rows, ((0, 0), (0, texts.steps - steps)))
        try:
            found = opened.run(list(outputs), texts.feed(rows, own))
        except Exception as error:  # onnxruntime has kinds of its own
            raise UserError(
                "onnxruntime cannot run this file, so that nothing can be compared: "
                f"{first_line(error)}",
                "Export it again, with another version of its exporter or of ONNX' operators.",
            ) from error
        parts.append([_of_steps(value, rows.shape[1], steps)[: len(tokens) - start] for value in found])
    return [np.concatenate(values).astype(np.float32) for values in zip(*parts, strict=True)]


def _of_steps(value: NDArray[Any], given: int, wanted: int) -> NDArray[Any]:
    """Return an output with as many steps as there are tokens, where it has steps at all."""
    if value.ndim < 3 or value.shape[1] != given or given == wanted:
        return value
    if given > wanted:
        return value[:, :wanted]
    return np.pad(value, ((0, 0), (0, wanted - given), *[(0, 0)] * (value.ndim - 2)))


def _told(texts: Texts, most: int) -> list[str]:
    found = ["Padding is left out by the layers themselves." if "mask" in texts.names else ""]
    found.append(f"It knows {most} positions." if most else "")
    return [words for words in found if words]


def _left_out(model: Any, outputs: Sequence[str]) -> list[str]:
    names = [each.name for each in model.graph.output if each.name not in outputs]
    return [f"what it gives besides ({', '.join(names)})"] if names else []
