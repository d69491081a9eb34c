"""Runs an ONNX graph on pictures of any height and width."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers._onnx_entry import INPUT
from plugins.importers._onnx_reading import session

if TYPE_CHECKING:
    from collections.abc import Sequence


def free(graph: Any, places: tuple[int, int]) -> None:
    """Let the graph's input have any height and width."""
    own = next(each for each in graph.input if each.name == INPUT)
    for place in places:
        own.type.tensor_type.shape.dim[place].dim_param = f"size_{place}"


class SizeRunner:
    """Runs a graph on pictures of any size."""

    def __init__(
        self, model: Any, shape: Sequence[int], places: tuple[int, int], names: Sequence[str]
    ) -> None:
        from onnx import ModelProto, ValueInfoProto

        whole = ModelProto()
        whole.CopyFrom(model)
        del whole.graph.output[:]
        whole.graph.output.extend(ValueInfoProto(name=name) for name in names)
        self._shape, self._places, self._names = shape, places, names
        self._session = session(whole.SerializeToString())

    def __call__(self, size: tuple[int, int]) -> dict[str, tuple[int, ...]] | None:
        """Return the shapes of a sample's tensors; None where the graph refuses the size."""
        shape = list(self._shape)
        shape[self._places[0]], shape[self._places[1]] = size
        rows = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        try:
            found = self._session.run(self._names, {INPUT: rows})
        except Exception:  # onnxruntime has kinds of its own
            return None
        if any(len(array) != shape[0] for array in found):
            return None
        return {name: array.shape[1:] for name, array in zip(self._names, found, strict=True)}
