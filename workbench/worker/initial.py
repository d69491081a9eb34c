"""Initial weights: every weight from the seed, its node's id and its own name, and nothing else."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.plugin_api.layer import WeightSpec
    from workbench.plugin_api.network import Network


def initial_weights(network: Network, seed: int) -> dict[str, NDArray[np.float32]]:
    """Return every canonical weight of the network as "node/name".

    The same on every backend; adding, removing or reordering layers changes no other's start.
    """
    return {
        f"{node.id}/{name}": draw(spec, generator(seed, node.id, name))
        for node in network.nodes
        for name, spec in node.weights.items()
    }


def generator(seed: int, node: str, name: str) -> np.random.Generator:
    """Return the random numbers of one weight."""
    digest = hashlib.sha256(f"{seed}|{node}|{name}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))


def draw(spec: WeightSpec, random: np.random.Generator) -> NDArray[np.float32]:
    """Return a start for a weight.

    Glorot and Bengio (2010), He et al. (2015), LeCun et al. (1998), Saxe et al. (2014). The normal
    rules are not truncated; "normal" has deviation 0.05 and "uniform" lies within ±0.05, as in
    Keras.
    """
    shape, rule = spec.shape, spec.initializer
    if rule == "constant":
        return np.full(shape, spec.value, np.float32)
    if rule in ("zeros", "ones"):
        return np.full(shape, float(rule == "ones"), np.float32)
    if rule == "forget_gate":
        start = np.zeros((*shape[:-1], 4, shape[-1] // 4), np.float32)
        start[..., 1, :] = 1
        return start.reshape(shape)
    if rule == "orthogonal":
        return _orthogonal(shape, random)
    if rule in ("normal", "uniform"):
        deviation, is_normal = (0.05, True) if rule == "normal" else (0.05 / math.sqrt(3), False)
    else:
        deviation, is_normal = math.sqrt(_variance(spec)), rule.endswith("normal")
    if is_normal:
        return random.normal(0.0, deviation, shape).astype(np.float32)
    limit = deviation * math.sqrt(3)
    return random.uniform(-limit, limit, shape).astype(np.float32)


def _variance(spec: WeightSpec) -> float:
    fan_in, fan_out = max(spec.fan_in, 1), max(spec.fan_out, 1)
    family = spec.initializer.split("_")[0]
    return {"glorot": 2 / (fan_in + fan_out), "he": 2 / fan_in, "lecun": 1 / fan_in}[family]


def _orthogonal(shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.float32]:
    """Return orthonormal columns, or rows where these are fewer; the last axis are the columns."""
    columns = shape[-1] if shape else 1
    rows = math.prod(shape[:-1])
    q, r = np.linalg.qr(random.normal(size=(max(rows, columns), min(rows, columns))))
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    return np.ascontiguousarray((q if rows >= columns else q.T).reshape(shape), np.float32)
