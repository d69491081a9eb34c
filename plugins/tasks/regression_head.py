"""What regression wants of a network's head: one number for each quantity, of any size."""

from __future__ import annotations

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

    from workbench.plugin_api.data import DataInfo
    from workbench.plugin_api.network import Network, ResolvedNode


def number_head_problems(network: Network, info: DataInfo | None) -> Iterator[Problem]:
    """Yield what keeps the head from producing one number for each quantity."""
    last = head(network)
    if last is None:
        return
    wanted = len(info.quantities) if info is not None else 0
    shape = last.output.shape
    if len(shape) != 1:
        yield _not_a_vector(network, last, wanted)
    elif wanted and shape[0] != wanted:
        yield wrong_size(
            network,
            last,
            wanted,
            f"The network ends in {last.output} numbers, but the data have {wanted} to learn.",
            f"The last Dense layer needs {wanted} unit{'s' if wanted > 1 else ''}.",
        )
    elif activation(last.layer) in SQUASHING:
        yield needless_activation(last, "answers within its bounds")


def _not_a_vector(network: Network, last: ResolvedNode, wanted: int) -> Problem:
    pooled = "GlobalAveragePool" if None in last.output.shape else "Flatten"
    title = "Global average pool" if pooled == "GlobalAveragePool" else "Flatten"
    repair = None
    if wanted:
        layers = append_layers(network, (pooled, {}), dense(wanted))
        repair = Repair(f"Add {title} and Dense {wanted}", layers)
    return Problem(
        "error",
        f"The network ends in {last.output.in_words() or 'one number'} ({last.output}), but "
        "regression needs one number for each quantity.",
        f"Add {title}, then a Dense layer with one unit for each quantity.",
        last.id,
        repair,
    )
