"""What heads attend to, worked out from a layer's weights and inputs, whatever framework ran it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

ROTARY_BASE = 10000.0


class Attended(NamedTuple):
    """What one attention did with a sample.

    Attributes:
        shares: heads × queries × keys; each row adds up to 1, NaN where nothing may be seen.
        output: queries × features.
    """

    shares: NDArray[np.float64]
    output: NDArray[np.float64]


def attend(
    x: NDArray[np.float64],
    context: NDArray[np.float64],
    weights: Mapping[str, NDArray[np.float32]],
    *,
    rotary: bool,
    causal: bool,
    real: int | None = None,
) -> Attended:
    """Return softmax(QKᵀ/√d) and what it mixes (Vaswani et al. 2017).

    Args:
        x, context: steps × features.
        weights: query, key, value and output kernels, and biases where there are some, in
            canonical layout (see Attention.attention_weights).
        real: steps of the context that are real; None: all.
    """
    query, key, value = (
        _projected(rows, weights, part)
        for rows, part in ((x, "query"), (context, "key"), (context, "value"))
    )
    if rotary:
        query, key = _rotated(query), _rotated(key)
    shared = len(query) // len(key)  # of grouped heads, which look at the same keys
    key, value = np.repeat(key, shared, axis=0), np.repeat(value, shared, axis=0)
    scores = query @ key.transpose(0, 2, 1) / np.sqrt(query.shape[-1])
    steps, seen = scores.shape[1:]
    hidden = np.zeros((steps, seen), bool)
    if causal:
        hidden |= np.arange(seen) > np.arange(steps)[:, None]
    if real is not None:
        hidden[:, real:] = True
    scores[:, hidden] = -np.inf
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares = powers / powers.sum(axis=-1, keepdims=True)
    output = np.einsum("hqd,hdf->qf", shares @ value, weights["output_kernel"])
    output = output + weights.get("output_bias", 0)
    shares[:, hidden] = np.nan
    return Attended(shares, output)


def of_real(attended: Attended, real: int | None) -> NDArray[np.float64]:
    """Return the shares, NaN in the rows of steps that fill up."""
    if real is not None:
        attended.shares[:, real:] = np.nan
    return attended.shares


def normalised(
    x: NDArray[np.float64], weights: Mapping[str, NDArray[np.float32]], name: str, epsilon: float
) -> NDArray[np.float64]:
    """Return the layer normalisation of each step."""
    centred = x - x.mean(axis=-1, keepdims=True)
    scaled = centred / np.sqrt(x.var(axis=-1, keepdims=True) + epsilon)
    found: NDArray[np.float64] = scaled * weights[f"{name}_gamma"] + weights[f"{name}_beta"]
    return found


def under(
    weights: Mapping[str, NDArray[np.float32]], prefix: str
) -> dict[str, NDArray[np.float32]]:
    """Return the weights whose names begin with a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}


def _projected(
    x: NDArray[np.float64], weights: Mapping[str, NDArray[np.float32]], part: str
) -> NDArray[np.float64]:
    """Return heads × steps × size."""
    found = np.einsum("tf,fhd->htd", x, weights[f"{part}_kernel"].astype(np.float64))
    bias = weights.get(f"{part}_bias")
    return found if bias is None else found + bias[:, None]


def _rotated(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn pairs of features by angles that grow with the step (Su et al. 2021)."""
    half = x.shape[-1] // 2
    waves = ROTARY_BASE ** -(np.arange(half) / half)
    angles = np.arange(x.shape[-2])[:, None] * waves
    sine, cosine = np.sin(angles), np.cos(angles)
    first, second = x[..., :half], x[..., half:]
    return np.concatenate((first * cosine - second * sine, second * cosine + first * sine), axis=-1)
