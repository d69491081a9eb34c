"""Low-rank adapters (LoRA): the factors beside a matrix, and the network without them.

An adapted matrix works as W + alpha/rank · A·B, where W is not trained (Hu et al., 2021,
https://arxiv.org/abs/2106.09685). B starts at zero, so that the network begins as it was.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from workbench.plugin_api.layer import WeightSpec, is_in

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from workbench.plugin_api.layer import Projection
    from workbench.plugin_api.network import Network, ResolvedNode

A, B = "{}_lora_a", "{}_lora_b"
"""Names of a weight's factors, beside it: "kernel_lora_a"."""


def chosen(on: Collection[str], projections: Mapping[str, Projection]) -> dict[str, Projection]:
    """Return which of a layer's matrices are adapted.

    Args:
        on: `LoRA.on`; without a choice queries and values, as in the paper, where there are any,
            else all.
    """
    if not on:
        usual = {"query", "value"}
        found = {name: one for name, one in projections.items() if usual & {*one.roles}}
        return found or dict(projections)
    return {
        name: one
        for name, one in projections.items()
        if any(word in one.roles or (word and is_in(name, word)) for word in on)
    }


def factors(
    name: str, spec: WeightSpec, projection: Projection, rank: int
) -> dict[str, WeightSpec]:
    """Describe A (the inputs' axes × rank) and B (rank × the outputs' axes) of a weight.

    Where a layout has the outputs first, they are (rank × inputs) and (outputs × rank). A starts
    with the variance 1 / inputs.
    """
    first, last = spec.shape[: projection.leading], spec.shape[projection.leading :]
    inputs = math.prod(last if projection.outputs_first else first)
    shapes = ((*first, rank), (rank, *last))
    a, b = reversed(shapes) if projection.outputs_first else shapes
    return {
        A.format(name): WeightSpec(
            shape=a, initializer="lecun_normal", fan_in=inputs, frozen=spec.frozen
        ),
        B.format(name): WeightSpec(shape=b, frozen=spec.frozen),
    }


def adapted(node: ResolvedNode, projections: Mapping[str, Projection]) -> ResolvedNode:
    """Return a node with factors beside its adapted weights; all that it had is held as it is."""
    if node.lora is None:
        return node
    found = chosen(node.lora.on, projections)
    weights: dict[str, WeightSpec] = {}
    for name, spec in node.weights.items():
        weights[name] = msgspec.structs.replace(spec, frozen=True)
        if name in found:
            weights |= factors(name, spec, found[name], node.lora.rank)
    return replace(node, weights=weights, adapters=found)


def is_factor(node: ResolvedNode, name: str) -> bool:
    """Whether a weight of a node is one of the two factors of another one."""
    base = name.removesuffix(A.format("")).removesuffix(B.format(""))
    return base != name and base in node.adapters


def is_adapted(node: ResolvedNode, name: str) -> bool:
    """Whether a weight of a node is held as it is because adapters are trained in its place."""
    return bool(node.adapters) and not is_factor(node, name)


def factor_names(network: Network) -> frozenset[str]:
    """Return the canonical names "node/name" of all factors."""
    return frozenset(
        f"{node.id}/{name}"
        for node in network.nodes
        for name in node.weights
        if is_factor(node, name)
    )


def merged_node(
    node: ResolvedNode, weights: Mapping[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """Return a node's weights, by their names in it, with its adapters in the matrices."""
    found = {name: array for name, array in weights.items() if not is_factor(node, name)}
    if node.lora is None:
        return found
    scale = node.lora.alpha / node.lora.rank
    for name, projection in node.adapters.items():
        pair = [weights[form.format(name)].astype(np.float64) for form in (A, B)]
        first, last = reversed(pair) if projection.outputs_first else pair
        change = scale * np.tensordot(first, last, 1)
        found[name] = np.ascontiguousarray(weights[name] + change, np.float32)
    return found


def merged(
    network: Network, weights: Mapping[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """Return canonical weights "node/name" of the network without adapters that does the same."""
    if not any(node.adapters for node in network.nodes):
        return dict(weights)
    found: dict[str, NDArray[np.float32]] = {}
    for node in network.nodes:
        own = {name: weights[f"{node.id}/{name}"] for name in node.weights}
        found |= {f"{node.id}/{name}": array for name, array in merged_node(node, own).items()}
    return found


def plain(network: Network) -> Network:
    """Return the network without adapters; what they held is held no more."""
    if not any(node.adapters for node in network.nodes):
        return network
    return replace(network, nodes=tuple(_plain(node) for node in network.nodes))


def _plain(node: ResolvedNode) -> ResolvedNode:
    if node.lora is None:
        return node
    weights = node.layer.weights(node.input_types)
    return replace(node, weights=weights, adapters={}, lora=None)
