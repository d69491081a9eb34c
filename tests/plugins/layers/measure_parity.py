"""Measures how far backends differ over many more drawn layers than the tests draw.

Run as `python -m tests.plugins.layers.measure_parity 10 [Conv2D …]`: ten times as many. It prints
the rows of the table in docs/parity.md: each Keras framework against
PyTorch, exceptions left out.
"""

from __future__ import annotations

import sys

from hypothesis import HealthCheck, Phase, assume, given, settings

from tests.plugins.layers.draws import layers, refusal
from tests.plugins.layers.test_drawn_keras_layers import (
    BATCH,
    CATALOG,
    FORWARD,
    GRADIENT,
    LAYERS,
    bounds,
    draws,
)
from tests.plugins.networks import make, single
from tests.plugins.parity import (
    answers_everywhere,
    forward_difference,
    gradient_difference,
    random_weights,
)
from tests.plugins.peers import FRAMEWORKS, Peers
from workbench.plugin_api.tensors import TensorType


def measured(peers: Peers, layer_type: str, times: float) -> str:
    """Return a layer's row: how many were compared, and the largest differences by framework."""
    kind = CATALOG.layers[layer_type]
    largest = {framework: [0.0, 0.0] for framework in FRAMEWORKS}
    count = 0

    @settings(
        max_examples=max(int(times * draws(kind)), 1),
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(layers(kind))
    def compare(drawn: tuple[dict, list]) -> None:
        nonlocal count
        params, inputs = drawn
        layer = make(CATALOG, layer_type, **params)
        assume(refusal(layer, [TensorType(shape) for shape in inputs]) is None)
        count += 1
        network = single(CATALOG, layer, inputs)
        weights = random_weights(network, seed=count)
        answers = answers_everywhere(peers, network, weights, batch=BATCH.get(layer_type, 2))
        for framework, found in largest.items():
            pair = {name: answers[name] for name in ("pytorch", framework)}
            if bounds(layer, inputs[0]) == (FORWARD, GRADIENT):
                found[0] = max(found[0], forward_difference(pair))
                found[1] = max(found[1], gradient_difference(pair))

    compare()
    numbers = [
        " · ".join(f"{gap:.0e}" if gap else "0" for gap in pair) for pair in largest.values()
    ]
    return f"| {layer_type} | {count} | {' | '.join(numbers)} |"


def main(times: float, wanted: list[str]) -> None:
    """Print a row for each layer."""
    peers = Peers()
    try:
        for layer_type in wanted or LAYERS:
            print(measured(peers, layer_type, times), flush=True)
    finally:
        peers.close()


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
