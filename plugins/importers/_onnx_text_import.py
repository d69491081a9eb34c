"""Imports an ONNX file that takes texts: as layers or a block, with what prepares them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from plugins.importers._aten import BATCH
from plugins.importers._aten_program import expand_program, exported
from plugins.importers._onnx_block import block_of_texts, others_of
from plugins.importers._onnx_program import Translation, copies_in_words
from plugins.importers._onnx_reading import by_batch_in_words, session
from plugins.importers._onnx_text_run import TextRunner
from plugins.importers._onnx_texts import outputs_of_texts
from plugins.importers._text_files import joined
from plugins.importers._values import to_canonical
from workbench.document.graph import Graph
from workbench.plugin_api.importer import Imported, NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from plugins.importers._aten_program import Expanded
    from plugins.importers._onnx_texts import Texts
    from plugins.importers._text_files import TextFiles

LENGTHS = (29, 31, 37, 41, 43, 47, 53)
"""Tokens that a network is traced with: one that is no size of a weight."""
FEWEST = 8
TOLERANCE = 1e-4


@dataclass(frozen=True)
class TextFile:
    """A file that takes texts, read.

    Attributes:
        model: of ONNX.
        files: what lies beside it.
        origin: where it came from, in words.
        changed: what is not as it was, in words.
    """

    path: Path
    model: Any
    texts: Texts
    files: TextFiles
    origin: str
    changed: Sequence[str]
    opening: Callable[[bytes], Any] = session

    @property
    def outputs(self) -> list[str]:
        """Those that are taken."""
        return outputs_of_texts(self.model)

    def imported(self) -> Imported:
        """Turn the graph into layers; raises NotCoveredError where no layer does what it does."""
        content = self.model.SerializeToString()
        expanded, translation, most = _expanded(self.model, self.texts, self.outputs)
        padding = translation.padding if translation.padding >= 0 else self.files.padding
        texts = self.texts.filled(padding)
        moves = [partial(to_canonical, value=place) for place in expanded.outputs]
        run = TextRunner(partial(self.opening, content), texts, self.outputs, moves)
        wide = expanded.outputs[0].shape[-1] if len(expanded.outputs) == 1 else 0
        return self._imported(
            expanded.graph,
            run,
            self.outputs,
            wide,
            weights=expanded.weights,
            input_shape=(None,),
            parameters=expanded.parameters,
            matched=len(translation.places),
            preprocessing=self.files.preparation(texts.vocabulary, most),
            skipped=(*expanded.skipped, *self._left_out()),
            changed=(*_told(texts, most), *copies_in_words(translation), *expanded.changed),
        )

    def kept(self, reason: str) -> Imported:
        """Keep the graph as one block; raises NotCoveredError where onnxruntime cannot run it."""
        content = self.model.SerializeToString()
        most, padding = _looked_up(self.model, self.texts)
        texts = self.texts.filled(padding if padding >= 0 else self.files.padding)
        made = block_of_texts(self.model, texts, self.outputs, self.name, most)

        def placed(value: NDArray[Any]) -> NDArray[Any]:
            moved = value.reshape(len(value), 1) if value.ndim == 1 else value
            is_turned = made.result_first and moved.ndim > 2
            return moved.transpose(0, *range(2, moved.ndim), 1) if is_turned else moved

        run = TextRunner(partial(self.opening, content), texts, [made.result], [placed])
        last = made.graph.nodes[-2]
        return self._imported(
            made.graph,
            run,
            [made.result],
            int(last.params.get("units", 0)),
            weights=made.weights,
            input_shape=made.input_shape,
            parameters=sum(array.size for array in made.weights.values()),
            preprocessing=self.files.preparation(texts.vocabulary, most, texts.steps),
            whole=reason,
            fixed=made.numbers,
            assets=dict([made.asset]),
            changed=(*_told(texts, most), *by_batch_in_words(self.model), *others_of(made)),
        )

    @property
    def name(self) -> str:
        """What the experiment is called."""
        return self.files.name or self.path.stem

    def _imported(
        self, graph: Graph, run: TextRunner, outputs: Sequence[str], wide: int, **rest: Any
    ) -> Imported:
        """Return what layers and a block have in common."""
        graph, original, words = joined(self.files, graph, run, outputs)
        classes = self.files.classes
        changed = (*self.changed, *rest.pop("changed"), *words, *self.files.told)
        return Imported(
            name=self.name,
            origin=self.origin,
            graph=graph,
            original=original,
            padded=original,
            padding=run.texts.padding,
            tolerance=TOLERANCE,
            vocabulary=run.texts.vocabulary,
            files=self.files.files,
            classes=classes if len(classes) == wide else (),
            changed=changed,
            **rest,
        )

    def _left_out(self) -> list[str]:
        names = [each.name for each in self.model.graph.output if each.name not in self.outputs]
        return [f"what it gives besides ({', '.join(names)})"] if names else []


def _looked_up(model: Any, texts: Texts) -> tuple[int, int]:
    """Return how many tokens a graph has places for, and which fills texts up; 0 and -1: none.

    They are found where the rest cannot be layers, too.
    """
    import torch

    translation = _walked(model, texts, texts.steps or LENGTHS[0])
    tokens = torch.zeros((BATCH, translation.length), dtype=torch.int64, device="meta")
    translation.foresee({texts.names["tokens"]: tokens})
    return texts.steps or translation.most, translation.padding


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


def _told(texts: Texts, most: int) -> list[str]:
    found = ["What fills texts up is left out, as its mask said." if "mask" in texts.names else ""]
    found.append(f"It knows {most} positions." if most else "")
    return [words for words in found if words]
