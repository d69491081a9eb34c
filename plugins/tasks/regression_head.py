"""What regression wants of a network's head: one number for each quantity, of any size."""

from __future__ import annotations

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

    from workbench.plugin_api.data import DataInfo
    from workbench.plugin_api.network import Network, ResolvedNode

SQUASHING = (*BOUNDED, "softmax", "logsoftmax")


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
        yield _wrong_size(network, last, wanted)
    elif activation(last.layer) in SQUASHING:
        name = activation(last.layer)
        yield Problem(
            "warning",
            f"{last.id} ends in {name}, which keeps answers within its bounds.",
            "The last layer needs no activation.",
            last.id,
            Repair(f"Remove the {name}", without_activation(last)),
        )


def _not_a_vector(network: Network, last: ResolvedNode, wanted: int) -> Problem:
    pooled = "GlobalAveragePool" if None in last.output.shape else "Flatten"
    title = "Global average pool" if pooled == "GlobalAveragePool" else "Flatten"
    repair = None
    if wanted:
        layers = append_layers(network, (pooled, {}), ("Dense", {"units": wanted}))
        repair = Repair(f"Add {title} and Dense {wanted}", layers)
    return Problem(
        "error",
        f"The network ends in {last.output.in_words() or 'one number'} ({last.output}), but "
        "regression needs one number for each quantity.",
        f"Add {title}, then a Dense layer with one unit for each quantity.",
        last.id,
        repair,
    )


def _wrong_size(network: Network, last: ResolvedNode, wanted: int) -> Problem:
    node = units_node(network, last)
    if node is not None:
        title = f"Set units of {node.id} to {wanted}"
        repair = Repair(title, lambda e: set_parameter(e, node.id, "units", wanted))
    else:
        repair = Repair(f"Add Dense {wanted}", append_layers(network, ("Dense", {"units": wanted})))
    return Problem(
        "error",
        f"The network ends in {last.output} numbers, but the data have {wanted} to learn.",
        f"The last Dense layer needs {wanted} unit{'s' if wanted > 1 else ''}.",
        node.id if node is not None else last.id,
        repair,
    )
