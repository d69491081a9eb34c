"""Files of adapters alone: small, and applied to the network that they were trained on.

Our own layout is one safetensors file. Its arrays are the factors by their canonical names,
"node/kernel_lora_a" and "node/kernel_lora_b", and the weights of other layers that were trained
with them, such as the head. Its metadata has one entry, `ENTRY`, the JSON of an `AdaptersHeader`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from workbench.plugin_api.adapters import factor_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from workbench.plugin_api.network import Network

ENTRY = "neural-workbench-adapters"
VERSION = 1


class AdaptedLayer(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says of one layer that has adapters.

    Attributes:
        id: of its node.
        title: what kind of layer it is, for a person.
        on: as `LoRA` has it; None where that is not known.
        matrices: the weights that are changed, by name in the layer, each with the `digest` of the
            matrix that it was trained beside; empty where that is not known.
    """

    id: str
    title: str = ""
    rank: int
    alpha: float
    on: tuple[str, ...] | None = None
    matrices: dict[str, str]


class AdaptersHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What a file of adapters says of itself.

    Attributes:
        network: the name of the experiment.
        layers: those that have adapters.
        trained: canonical names of other weights that were trained with them.
    """

    version: int = VERSION
    network: str = ""
    layers: tuple[AdaptedLayer, ...]
    trained: tuple[str, ...] = ()


def digest(matrix: NDArray[np.float32]) -> str:
    """Return a sum by which a matrix is known again: SHA-256 of its numbers, canonical."""
    return hashlib.sha256(np.ascontiguousarray(matrix, np.float32).tobytes()).hexdigest()


def header_of(network: Network, weights: Mapping[str, NDArray[np.float32]]) -> AdaptersHeader:
    """Describe the adapters of a network with its canonical weights."""
    layers = tuple(
        AdaptedLayer(
            id=node.id,
            title=node.layer.title,
            rank=node.lora.rank,
            alpha=node.lora.alpha,
            on=node.lora.on,
            matrices={name: digest(weights[f"{node.id}/{name}"]) for name in node.adapters},
        )
        for node in network.nodes
        if node.lora is not None and node.adapters
    )
    return AdaptersHeader(network=network.name, layers=layers, trained=trained_beside(network))


def trained_beside(network: Network) -> tuple[str, ...]:
    """Return the canonical names of weights that change in training and are no factors."""
    return tuple(
        f"{node.id}/{name}"
        for node in network.nodes
        if node.trainable and not node.adapters
        for name, spec in node.weights.items()
        if not spec.frozen
    )


def arrays_of(
    network: Network, weights: Mapping[str, NDArray[np.float32]]
) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a file of a network's adapters."""
    names = sorted(factor_names(network)) + list(trained_beside(network))
    # safetensors writes wrong data for arrays that are not contiguous.
    return {name: np.ascontiguousarray(weights[name], np.float32) for name in names}
