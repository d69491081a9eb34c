"""Where generated code keeps how many steps of each sample are real, and which."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from plugins.backends.source.plan import Dialect, Step, Value
    from workbench.plugin_api.code import Code, Lengths
    from workbench.plugin_api.network import Network, ResolvedNode

RESERVED = frozenset(("lengths", "mask"))
_PLACEHOLDER = re.compile(r"\{(lengths|mask)(\d*)\}")


@dataclass(frozen=True)
class StepNames:
    """Variables of the lengths at some place of a network, and of the mask made from them.

    Attributes:
        lengths, mask: variables; they are written where they are first needed.
        attribute: name of the framework's object of the node that has these lengths first.
        before: what they follow from by `change`; None for an Input's.
    """

    lengths: str
    mask: str
    attribute: str
    before: StepNames | None = None
    change: Lengths | None = None


@dataclass(frozen=True)
class StepCode:
    """How a framework writes lengths and masks.

    Attributes:
        mask: expression of a mask, given a value that has these steps.
        changed: expression of lengths that follow from others.
    """

    mask: Callable[[Value, StepNames], str]
    changed: Callable[[StepNames], str]


def step_names(
    network: Network,
    nodes: Sequence[ResolvedNode],
    codes: Mapping[str, Code],
    variable_of: Mapping[str, str],
    attribute_of: Mapping[str, str],
    *,
    reserved: Iterable[str],
) -> dict[str, StepNames]:
    """Return the names at each node whose output varies."""
    taken = {*variable_of.values(), *reserved}
    found: dict[str, StepNames] = {}
    for node in nodes:
        if not node.output.varies:
            continue
        is_input = node.layer.id == "Input"
        sources = [found[source] for source in node.inputs if source in found]
        change = codes[node.id].lengths
        if not is_input and change is None:
            found[node.id] = sources[0]
            continue
        if is_input and len(network.varying) == 1:
            names = ["lengths", "mask"]
        else:
            names = [_free(f"{variable_of[node.id]}_{kind}", taken) for kind in ("lengths", "mask")]
        before = None if is_input else sources[0]
        found[node.id] = StepNames(*names, attribute_of[node.id], before, change)
    return found


def fewest_steps(found: Iterable[StepNames | None]) -> int:
    """Return how many steps leave two at every place of a network; 1 where none takes any away.

    torch.export treats an axis of one value apart from all others.
    """
    strides = [0]
    for names in found:
        stride = 1
        while names is not None:
            stride *= names.change.stride if names.change else 1
            names = names.before
        strides.append(stride if stride > 1 else 0)
    return 1 + max(strides)


def steps_after(names: StepNames, steps: int) -> int:
    """Return how many steps a value has whose network is given `steps`."""
    if names.before is None or names.change is None:
        return steps
    before = steps_after(names.before, steps)
    return max((before + names.change.offset) // names.change.stride, 1)


def preparation(step: Step, written: set[str], dialect: Dialect) -> list[tuple[str, str]]:
    """Return the statements (variable, expression) that a step needs before it.

    Args:
        written: variables that there are already; those returned are added.
    """
    statements: list[tuple[str, str]] = []

    def add(variable: str, expression: str) -> None:
        if variable not in written:
            written.add(variable)
            statements.append((variable, expression))

    def add_lengths(names: StepNames) -> None:
        if names.before is not None:
            add_lengths(names.before)
            add(names.lengths, dialect.steps.changed(names))

    for kind, index in _PLACEHOLDER.findall(step.code.call):
        names = _names(step, index)
        add_lengths(names)
        if kind == "mask":
            add(names.mask, dialect.steps.mask(step.sources[int(index or 0)], names))
    return statements


def placeholders(step: Step) -> dict[str, str]:
    """Return what stands for the placeholders of lengths and masks in a step's call."""
    return {
        f"{kind}{index}": getattr(_names(step, index), kind)
        for kind, index in _PLACEHOLDER.findall(step.code.call)
    }


def _names(step: Step, index: str) -> StepNames:
    names = step.source_steps[int(index or 0)]
    if names is None:
        raise ValueError(f"{step.node.id} asks for the lengths of an input that does not vary")
    return names


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    taken.add(name)
    return name
