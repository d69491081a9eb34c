"""Integrated gradients: what each step of a sample adds to an output (Sundararajan et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from workbench.plugin_api.backend import Model
    from workbench.plugin_api.network import Network

FEWEST_POINTS, MOST_POINTS = 32, 256
"""Points of the path at which gradients are taken; doubled until the sum is complete enough."""
TOLERANCE = 0.01
"""Share of the output's difference that the sum may miss before more points are taken."""
BATCH = 32


@dataclass(frozen=True)
class Attribution:
    """What carried an output.

    Attributes:
        values: by node, one sample of its canonical shape; together they add up to
            `output - baseline`, but for `error`.
        output: for the sample.
        baseline: for a sample that says nothing.
        error: sum of all values less `output - baseline`.
        points: at which gradients were taken.
    """

    values: Mapping[str, NDArray[np.float32]]
    output: float
    baseline: float
    error: float
    points: int


def attributed_nodes(network: Network) -> tuple[str, ...]:
    """Return where gradients can first be taken: the inputs, or what makes numbers of tokens.

    Examples are the Input of a series, and the Embedding of a text.
    """
    numbers = [node.id for node in network.inputs if not _is_tokens(node.output.dtype)]
    rows = [
        node.id
        for node in network.nodes
        if any(_is_tokens(tensor.dtype) for tensor in node.input_types)
        and not _is_tokens(node.output.dtype)
    ]
    return (*numbers, *rows)


def integrated_gradients(
    model: Model,
    inputs: NDArray[Any],
    nodes: Sequence[str],
    factors: NDArray[np.float32],
    *,
    real: int | None = None,
    lengths: NDArray[np.int64] | None = None,
) -> Attribution:
    """Attribute Σ factors · output to the outputs of `nodes`, along the path from zeros.

    Steps that fill a sample up stay as they are along the path, and so carry nothing.
    The integral is taken by Gauss-Legendre quadrature.

    Args:
        inputs: one sample, 1 × canonical shape.
        factors: one output's canonical shape; one at a class and zero elsewhere attributes the
            score of that class.
        real: steps before those that fill up; None: all.
        lengths: as in Batch.
    """
    ends = model.probe(inputs, nodes, **_lengths(lengths, 1))
    starts = {node: np.zeros_like(value) for node, value in ends.items()}
    if real is not None:
        for node, value in ends.items():
            starts[node][:, real:] = value[:, real:]
    ways = {node: end - starts[node] for node, end in ends.items()}
    path = _Path(model, inputs, starts, ways, factors.astype(np.float32), lengths)
    (baseline, output), _ = path.at(np.array([0.0, 1.0]))
    points = FEWEST_POINTS
    while True:
        values = path.integral(points)
        error = sum(float(value.sum(dtype=np.float64)) for value in values.values())
        error -= output - baseline
        enough = abs(error) <= TOLERANCE * abs(output - baseline)
        if enough or points >= MOST_POINTS:
            return Attribution(values, output, baseline, error, points)
        points *= 2


@dataclass(frozen=True)
class _Path:
    """The straight line from what says nothing to the sample, for each node."""

    model: Model
    inputs: NDArray[Any]
    starts: Mapping[str, NDArray[np.float32]]
    ways: Mapping[str, NDArray[np.float32]]
    factors: NDArray[np.float32]
    lengths: NDArray[np.int64] | None

    def integral(self, points: int) -> dict[str, NDArray[np.float32]]:
        """Return by node the way times the mean gradient along it."""
        places, weights = np.polynomial.legendre.leggauss(points)
        places, weights = (places + 1) / 2, weights / 2
        total = {node: np.zeros(way.shape[1:], np.float64) for node, way in self.ways.items()}
        for start in range(0, points, BATCH):
            part = slice(start, start + BATCH)
            _, gradients = self.at(places[part])
            for node, gradient in gradients.items():
                total[node] += np.tensordot(weights[part], gradient, 1)
        return {node: (way[0] * total[node]).astype(np.float32) for node, way in self.ways.items()}

    def at(self, places: NDArray[np.float64]) -> tuple[list[float], dict[str, NDArray[np.float32]]]:
        """Return Σ factors · output, and the gradients by node, at places from 0 to 1."""
        count = len(places)
        values = {}
        for node, way in self.ways.items():
            shares = places.reshape(-1, *[1] * (way.ndim - 1)).astype(np.float32)
            values[node] = self.starts[node] + shares * way
        outputs, gradients = self.model.gradients(
            np.repeat(self.inputs, count, axis=0),
            values,
            np.repeat(self.factors[None], count, axis=0),
            **_lengths(self.lengths, count),
        )
        sums = (outputs.astype(np.float64) * self.factors).reshape(count, -1).sum(axis=1)
        return sums.tolist(), gradients


def _lengths(lengths: NDArray[np.int64] | None, count: int) -> dict[str, Any]:
    return {} if lengths is None else {"lengths": np.repeat(lengths, count)}


def _is_tokens(dtype: str) -> bool:
    return dtype.startswith(("int", "uint"))
