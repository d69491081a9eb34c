"""Tells apart what an ONNX file takes: samples, states that begin at zero, and settings."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers._onnx_reading import nodes_of
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

RECURRENT = ("LSTM", "GRU", "RNN")
RATES = ("sr", "sample_rate", "sampling_rate", "samplerate")
RATE = 16_000
"""Values a second that networks for speech are made for."""
MOVES = (
    *("Gather", "Slice", "Squeeze", "Unsqueeze", "Identity", "Split", "Reshape", "Transpose"),
    *("Cast", "Concat", "If"),
)


@dataclass(frozen=True)
class Taken:
    """An input of a file.

    Attributes:
        shape: 0 where a size is free; of samples, the batch comes first.
        role: "samples", "state" or "setting".
        value: of a setting.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    role: str = "samples"
    value: int = 0

    @property
    def free(self) -> tuple[int, ...]:
        """Axes besides the batch whose size is free."""
        return tuple(axis for axis, size in enumerate(self.shape) if axis and not size)

    @property
    def batch_axis(self) -> int:
        """Where a state has its samples: recurrent layers of ONNX have their directions first."""
        return 1 if len(self.shape) == 3 else 0

    def fixed(self, batch: int) -> NDArray[Any]:
        """Return the numbers of a state or a setting, for so many samples."""
        if self.role == "setting":
            return np.full(self.shape, self.value, self.dtype)
        lengths = (
            batch if axis == self.batch_axis else size or 1 for axis, size in enumerate(self.shape)
        )
        return np.zeros(tuple(lengths), self.dtype)

    @property
    def told(self) -> str:
        """What became of a state or a setting, in words."""
        if self.role == "setting":
            return f"Its setting {self.name} is fixed at {self.value}."
        return f"Each sample begins anew: the state {self.name} is zero."


def inputs_of(model: Any, *, is_kept: bool = False) -> tuple[Taken, list[Taken]]:
    """Return the samples that a file takes, and what can be fixed.

    Args:
        is_kept: the graph stays as it is, so that a state may be anything that comes out again.

    Raises:
        NotCoveredError: it takes several sorts of samples.
    """
    from onnx import helper

    given = {tensor.name for tensor in model.graph.initializer}
    samples, others = [], []
    for value in model.graph.input:
        if value.name in given:
            continue
        kind = value.type.tensor_type
        dtype = str(helper.tensor_dtype_to_np_dtype(kind.elem_type))
        shape = tuple(max(each.dim_value, 0) for each in kind.shape.dim)
        if dtype.startswith("int") and len(shape) < 2 and all(size == 1 for size in shape):
            number = RATE if is_kept and value.name in RATES else _compared(model.graph, value.name)
            others.append(Taken(value.name, dtype, shape, "setting", number))
        elif _is_state(model.graph, value.name):
            others.append(Taken(value.name, dtype, shape, "state"))
        else:
            samples.append(Taken(value.name, dtype, shape))
    if is_kept and len(samples) > 1:
        again = {each.name for each in samples[1:] if _comes_again(model.graph, each)}
        others += [replace(each, role="state") for each in samples if each.name in again]
        samples = [each for each in samples if each.name not in again]
    if len(samples) != 1:
        names = ", ".join(each.name for each in samples)
        raise NotCoveredError(
            f"The file has {len(samples)} inputs ({names}); a document here takes one."
        )
    _need_samples(model.graph, samples[0], others)
    return samples[0], others


def _need_samples(graph: Any, entry: Taken, others: Sequence[Taken]) -> None:
    """Raise NotCoveredError for a file whose first axis is the time of a single sample."""
    value = next(each for each in graph.input if each.name == entry.name)
    axes = value.type.tensor_type.shape.dim
    name = axes[0].dim_param if axes else ""
    is_for_one = any(each.role == "state" and each.shape[each.batch_axis] == 1 for each in others)
    if is_for_one and re.search(r"seq|time|step|frame", name.lower()):
        raise NotCoveredError(
            f"The first axis of the file's input, {name}, is the time of one recording, and its "
            "state is for that one alone: it takes no several samples.",
            "Take the form of the network that takes one piece at a time, or export it again with "
            "an axis for samples before that.",
        )


def _comes_again(graph: Any, given: Taken) -> bool:
    """Say whether an output behind the first can be an input's value for the next samples."""
    for value in list(graph.output)[1:]:
        sizes = [max(each.dim_value, 0) for each in value.type.tensor_type.shape.dim]
        if len(sizes) == len(given.shape) and all(
            one == other or not one or not other
            for one, other in zip(sizes, given.shape, strict=True)
        ):
            return True
    return False


def outputs_of(model: Any, others: Sequence[Taken]) -> list[str]:
    """Return the outputs without states, which only go to the next samples."""
    names = [value.name for value in model.graph.output]
    if not any(other.role == "state" for other in others):
        return names
    made = {name: node for node in nodes_of(model.graph) for name in node.output}
    kept = [name for name in names if not _gives_state(made, name)]
    return kept or names


def _compared(graph: Any, name: str) -> int:
    """Return the number that a setting is compared with."""
    from onnx import numpy_helper

    known = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    names = {name}
    for node in nodes_of(graph):
        if node.op_type == "Constant" and node.attribute[0].HasField("t"):
            known[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
        if node.op_type in MOVES and names.intersection(node.input):
            names.update(node.output)
    for node in nodes_of(graph):
        if node.op_type == "Equal" and names.intersection(node.input):
            for other in node.input:
                if other in known:
                    return int(known[other].reshape(-1)[0])
    raise NotCoveredError(
        f"The file takes a setting, {name}, beside its samples, whose value is not known here."
    )


def _is_state(graph: Any, name: str) -> bool:
    """Say whether an input only goes to where recurrent layers begin."""
    names, is_state = {name}, False
    for node in nodes_of(graph):
        places = [place for place, own in enumerate(node.input) if own in names]
        if not places:
            continue
        if node.op_type in RECURRENT and min(places) >= 5:
            is_state = True
        elif node.op_type in ("Shape", "Size"):
            continue
        elif node.op_type in MOVES and places == [0]:
            names.update(node.output)
        else:
            return False
    return is_state


def _gives_state(made: Mapping[str, Any], name: str) -> bool:
    """Say whether an output is the last state of a recurrent layer, moved at most."""
    waiting, found = [name], False
    while waiting:
        own = waiting.pop()
        node = made.get(own)
        if node is None:
            return False
        if node.op_type in RECURRENT:
            if list(node.output).index(own) == 0:
                return False
            found = True
        elif node.op_type == "If":
            for attribute in node.attribute:
                place = list(node.output).index(own)
                waiting.append(attribute.g.output[place].name)
        elif node.op_type == "Concat":
            waiting.extend(node.input)
        elif node.op_type in MOVES:
            waiting.append(node.input[0])
        else:
            return False
    return found
