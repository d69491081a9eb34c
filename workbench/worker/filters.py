"""The filters of convolutions over places, as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from workbench.plugin_api.layer import WeightSpec
    from workbench.plugin_api.network import Network, ResolvedNode

COLOURS = 3
"""Filters over so many channels are shown in colours: red, green and blue."""


def filter_names(network: Network) -> tuple[str, ...]:
    """Return the weights "node/name" that are filters larger than one place, in order."""
    return tuple(
        f"{node.id}/{name}"
        for node in network.nodes
        for name, spec in node.weights.items()
        if _is_filter(node, spec)
    )


def filters_of(
    network: Network, weights: Mapping[str, NDArray[Any]], name: str
) -> NDArray[np.float32]:
    """Return filters × height × width × channels of the input that each has.

    Raises:
        UserError: there are no such filters.
    """
    node_id = name.partition("/")[0]
    if name not in filter_names(network):
        raise UserError(f"{name} is no filter over places.", "Choose another layer.")
    kernel = np.asarray(weights[name], np.float32)
    node = network[node_id]
    if node.layer.inner():
        return kernel.transpose(0, 2, 3, 1)  # modules made elsewhere keep PyTorch's layout
    if node.layer.id.startswith(("Depthwise", "Separable")):
        return kernel.transpose(2, 3, 0, 1).reshape(-1, *kernel.shape[:2], 1)
    if "Transpose" in node.layer.id:
        return kernel.transpose(2, 0, 1, 3)
    return kernel.transpose(3, 0, 1, 2)


def _is_filter(node: ResolvedNode, spec: WeightSpec) -> bool:
    if len(spec.shape) != 4:
        return False
    if node.layer.inner():
        return spec.shape[2] * spec.shape[3] > 1
    return node.output.axes[-1:] == ("channels",) and spec.shape[0] * spec.shape[1] > 1
