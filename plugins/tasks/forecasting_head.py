"""What forecasting wants of a network's head: a number for each step, channel and quantile."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from plugins.tasks.classification_head import (
    BOUNDED,
    activation,
    append_layers,
    head,
    units_node,
    without_activation,
)
from workbench.document.edits import set_parameter
from workbench.plugin_api.problems import Problem, Repair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.plugin_api.network import Network, ResolvedNode

SQUASHING = (*BOUNDED, "softmax", "logsoftmax")


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
        yield _wrong_size(network, last, wanted, words)
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
                append_layers(network, (pooled, {}), ("Dense", {"units": wanted})),
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


def _wrong_size(network: Network, last: ResolvedNode, wanted: int, words: str) -> Problem:
    node = units_node(network, last)
    if node is not None:
        title = f"Set units of {node.id} to {wanted}"
        repair = Repair(title, lambda e: set_parameter(e, node.id, "units", wanted))
    else:
        repair = Repair(f"Add Dense {wanted}", append_layers(network, ("Dense", {"units": wanted})))
    return Problem(
        "error",
        f"The network ends in {last.output} numbers, but the forecast takes {words}.",
        f"The last Dense layer needs {wanted} units.",
        node.id if node is not None else last.id,
        repair,
    )


def _squashed(last: ResolvedNode) -> Iterator[Problem]:
    name = activation(last.layer)
    if name in SQUASHING and (hasattr(last.layer, "units") or not last.parameters):
        yield Problem(
            "warning",
            f"{last.id} ends in {name}, which keeps forecasts within its bounds.",
            "The last layer needs no activation.",
            last.id,
            Repair(f"Remove the {name}", without_activation(last)),
        )
