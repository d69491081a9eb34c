"""Whether layers that depend on it go with how long, and how finely sampled, the data are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from workbench.document.edits import set_parameter
from workbench.plugin_api.problems import Problem, Repair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.plugin_api.data import DataInfo
    from workbench.plugin_api.network import Network, ResolvedNode


def length_problems(network: Network, info: DataInfo | None) -> Iterator[Problem]:
    """Yield layers with fewer positions than samples may have steps, or of another sample rate."""
    if info is None:
        return
    by_id = {node.id: node for node in network.nodes}
    for node in network.nodes:
        positions, rate = (getattr(node.layer, name, None) for name in ("positions", "sample_rate"))
        if isinstance(positions, int) and node.input_types and node.input_types[0].varies:
            longest = _steps_before(node, by_id, info.longest)
            if longest > positions:
                yield Problem(
                    "warning",
                    f"Samples may have {longest} steps, but {node.id} has {positions} positions: "
                    "later steps would be told no place.",
                    "Give it more positions, or cut the samples in the data settings.",
                    node.id,
                    _repair(node, "positions", longest),
                )
        most = getattr(node.layer, "most_steps", 0)
        if most and node.input_types and node.input_types[0].varies and info.longest > most:
            yield Problem(
                "error",
                f"Samples may have {info.longest} steps, but {node.id} takes {most} at most.",
                f"Cut them after {most} in the data settings.",
                node.id,
            )
        if isinstance(rate, int) and info.sample_rate and rate != info.sample_rate:
            yield Problem(
                "warning",
                f"{node.id} takes the sounds for {rate} samples a second, but they have "
                f"{info.sample_rate}: its frequencies would be wrong.",
                "Set its sample rate to that of the data, or resample in the data settings.",
                node.id,
                _repair(node, "sample_rate", info.sample_rate),
            )


def _repair(node: ResolvedNode, name: str, value: int) -> Repair:
    edit = partial(set_parameter, node_id=node.id, name=name, value=value)
    return Repair(f"Set its {name.replace('_', ' ')} to {value}", edit)


def _steps_before(node: ResolvedNode, by_id: dict[str, ResolvedNode], longest: int) -> int:
    """Return the steps of the longest sample at a node's input; 0 where they are not known."""
    changes = []
    while node.input_types and node.inputs:
        source = next(
            (name for name, kind in zip(node.inputs, node.input_types, strict=True) if kind.varies),
            None,
        )
        if source is None:
            return 0
        node = by_id[source]
        change = node.layer.torch(node.input_types, "channels_last").lengths
        changes += [change] if change is not None else []
    for change in reversed(changes if longest else []):
        longest = max((longest + change.offset) // change.stride, 1)
    return longest
