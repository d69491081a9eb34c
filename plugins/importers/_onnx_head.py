"""Finds the linear layer at the end of an ONNX graph, which can be trained behind a block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_MOVES = ("Identity", "Cast", "Dropout")


@dataclass(frozen=True)
class Head:
    """A linear layer.

    Attributes:
        source: the tensor that it takes.
        params, weights: as Dense has them.
    """

    source: str
    params: Mapping[str, Any]
    weights: Mapping[str, NDArray[Any] | None]


def head_of(model: Any, result: str, shapes: Mapping[str, tuple[int | None, ...]]) -> Head | None:
    """Return the linear layer that gives an output, a softmax behind it included.

    Args:
        shapes: of one sample, by tensor.
    """
    graph = _Graph(model.graph)
    params: dict[str, Any] = {}
    node = graph.maker(result)
    if node is not None and node.op_type == "Softmax" and len(shapes.get(result, ())) == 1:
        params["activation"] = "softmax"
        node = graph.maker(node.input[0])
    bias = None
    if node is not None and node.op_type == "Add":
        constants = [graph.array(name) for name in node.input]
        known = [each for each in constants if each is not None]
        if len(known) != 1:
            return None
        bias = known[0].reshape(-1)
        node = graph.maker(node.input[0 if constants[0] is None else 1])
    found = graph.linear(node)
    if found is None:
        return None
    source, kernel, own = found
    if own is not None and bias is not None:
        return None
    bias = own if bias is None else bias
    units = kernel.shape[1]
    if len(shapes.get(source, ())) != 1 or (bias is not None and bias.size != units):
        return None
    params["units"] = units
    if bias is None:
        params["use_bias"] = False
    return Head(source, params, {"kernel": kernel, "bias": bias})


class _Graph:
    """What makes each tensor, and which are constant."""

    def __init__(self, graph: Any) -> None:
        self._makers = {name: node for node in graph.node for name in node.output}
        self._constants = {each.name: each for each in graph.initializer}

    def array(self, name: str) -> NDArray[Any] | None:
        """Return the value of a constant."""
        from onnx import numpy_helper

        found = self._constants.get(name)
        return None if found is None else numpy_helper.to_array(found)

    def maker(self, name: str) -> Any:
        """Return the node that computes a tensor, behind those that only pass it on."""
        node = self._makers.get(name)
        while node is not None and node.op_type in _MOVES:
            node = self._makers.get(node.input[0])
        return node

    def linear(self, node: Any) -> tuple[str, NDArray[Any], NDArray[Any] | None] | None:
        """Return what a product with a constant matrix takes, the matrix and its bias."""
        if node is None or node.op_type not in ("Gemm", "MatMul"):
            return None
        kernel, bias = self.array(node.input[1]), None
        settings = {each.name: each for each in node.attribute}
        if any(settings[key].f != 1 for key in ("alpha", "beta") if key in settings):
            return None
        turned = {key for key in ("transA", "transB") if key in settings and settings[key].i}
        if kernel is None or kernel.ndim != 2 or "transA" in turned:
            return None
        if len(node.input) > 2 and node.input[2]:
            bias = self.array(node.input[2])
            if bias is None:
                return None
            bias = bias.reshape(-1)
        return node.input[0], kernel.T if "transB" in turned else kernel, bias
