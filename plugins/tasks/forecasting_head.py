"""What forecasting wants of a network's head: a number for each step, channel and quantile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from plugins.tasks.classification_head import (
    SQUASHING,
    activation,
    append_layers,
    dense,
    head,
    needless_activation,
    wrong_size,
)
from workbench.plugin_api.problems import Problem, Repair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.plugin_api.network import Network, ResolvedNode


def head_problems(
    network: Network, horizon: int, channels: int, quantiles: int
) -> Iterator[Problem]:
    """Yield what keeps the head from producing horizon × channels × quantiles numbers.

    A vector of so many is taken, and any shape that it is in this order.
    """
    last = head(network)
    if last is None:
        return
    wanted = horizon * channels * quantiles
    shape = last.output.shape
    shapes = {
        (wanted,),
        (horizon, channels * quantiles),
        (horizon, channels, quantiles),
    }
    if shape in shapes:
        yield from _squashed(last)
        return
    words = numbers_in_words(horizon, channels, quantiles)
    if len(shape) == 1:
        yield wrong_size(
            network,
            last,
            wanted,
            f"The network ends in {last.output} numbers, but the forecast takes {words}.",
            f"The last Dense layer needs {wanted} units.",
        )
    else:
        pooled = "Flatten" if None not in shape else "GlobalAveragePool"
        title = "Flatten" if pooled == "Flatten" else "Global average pool"
        yield Problem(
            "error",
            f"The network ends in {last.output.in_words()} ({last.output}), but the forecast "
            f"takes {words}.",
            f"Add {title}, or let the last recurrent layer give its last state only, then a Dense "
            f"layer with {wanted} units.",
            last.id,
            Repair(
                f"Add {title} and Dense {wanted}",
                append_layers(network, (pooled, {}), dense(wanted)),
            ),
        )


def numbers_in_words(horizon: int, channels: int, quantiles: int) -> str:
    """Return "12 numbers (4 steps × 3 quantiles)"."""
    parts = [
        f"{count} {name}{'s' if count > 1 else ''}"
        for count, name in ((horizon, "step"), (channels, "channel"), (quantiles, "quantile"))
        if count > 1
    ]
    total = math.prod((horizon, channels, quantiles))
    if total == 1:
        return "one number"
    return f"{total} numbers ({' × '.join(parts)})"


def _squashed(last: ResolvedNode) -> Iterator[Problem]:
    if activation(last.layer) in SQUASHING and (
        hasattr(last.layer, "units") or not last.parameters
    ):
        yield needless_activation(last, "forecasts within its bounds")
