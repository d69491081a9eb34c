"""Decides, before any code is written, how each value is laid out and which variable holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from plugins.backends.source.lengths import RESERVED, StepCode, StepNames, step_names
from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from workbench.plugin_api.code import Code, Layout
    from workbench.plugin_api.network import Network, ResolvedNode
    from workbench.plugin_api.tensors import TensorType


@dataclass(frozen=True)
class Dialect:
    """What a framework decides of a plan.

    Attributes:
        code: a node's code, given the layout that reaches its first input.
        boundary: how the network takes and gives a tensor.
        permuted: expression of a variable with its axes in another order.
        attributes: a name for the framework's object of each node id.
        variables: a local variable for each node id; the second argument are names of helpers.
        steps: how it writes lengths and masks.
        keeps_inputs: whether the code needs the Inputs' variables again at its end.
    """

    code: Callable[[ResolvedNode, Layout], Code]
    boundary: Callable[[TensorType], Layout]
    permuted: Callable[[str, Sequence[int]], str]
    attributes: Callable[[Iterable[str]], dict[str, str]]
    variables: Callable[[Iterable[str], Iterable[str]], dict[str, str]]
    steps: StepCode
    keeps_inputs: bool = False


@dataclass(frozen=True)
class Value:
    """A node's output in the generated code.

    Attributes:
        variable: name that holds it.
        layout: how it is laid out; vectors are alike in either.
        rank: number of its axes without the batch.
    """

    variable: str
    layout: Layout
    rank: int

    def as_layout(self, wanted: Layout, dialect: Dialect) -> str:
        """Return an expression of the value in another layout."""
        if self.rank < 2 or wanted == self.layout:
            return self.variable
        if wanted == "channels_first":
            order = (0, self.rank, *range(1, self.rank))
        else:
            order = (0, *range(2, self.rank + 1), 1)
        return dialect.permuted(self.variable, order)


@dataclass(frozen=True)
class Step:
    """One node: what it computes, from what, and where the result goes.

    Attributes:
        arguments: expressions of its inputs in the layout that it wants.
        value: its output.
        attribute: name of its object; it has one only if `code.init` says how to make it.
        is_silent: the output is in its variable already, so that no statement is needed.
        sources: its inputs as they are.
        source_steps: names of their lengths; None for an input that does not vary.
        steps: names of the output's lengths, if it varies.
    """

    node: ResolvedNode
    code: Code
    arguments: tuple[str, ...]
    value: Value
    attribute: str
    is_silent: bool
    sources: tuple[Value, ...]
    source_steps: tuple[StepNames | None, ...]
    steps: StepNames | None


def plan(network: Network, dialect: Dialect) -> tuple[Step, ...]:
    """Return one step a node, branch after branch."""
    nodes = _by_branch(network)
    codes, layouts = _layouts(nodes, dialect)
    origins = _origins(nodes, codes, layouts)
    ids = [node.id for node in nodes]
    reserved = {name for code in codes.values() for name in code.helpers}
    if network.varying:
        reserved |= RESERVED
    attribute_of, variable_of = dialect.attributes(ids), dialect.variables(ids, reserved)
    steps_at = step_names(network, nodes, codes, variable_of, attribute_of, reserved=reserved)
    several = len(network.inputs) > 1
    in_x = _in_x(nodes, origins, several or dialect.keeps_inputs)
    values: dict[str, Value] = {}
    steps = []
    for node in nodes:
        origin = origins[node.id]
        variable = "x" if origin in in_x else variable_of[origin]
        values[node.id] = Value(variable, layouts[node.id], node.output.rank)
        arguments = tuple(
            values[source].as_layout(layouts[node.id], dialect) for source in node.inputs
        )
        is_given = node.layer.id == "Input" and (several or variable == "x")
        silent = is_given or origin != node.id
        steps.append(
            Step(
                node=node,
                code=codes[node.id],
                arguments=arguments,
                value=values[node.id],
                attribute=attribute_of[node.id],
                is_silent=silent,
                sources=tuple(values[source] for source in node.inputs),
                source_steps=tuple(steps_at.get(source) for source in node.inputs),
                steps=steps_at.get(node.id),
            )
        )
    return tuple(steps)


def lengths_at(network: Network, dialect: Dialect) -> dict[str, StepNames]:
    """Return for each node whose output varies what its lengths follow from."""
    return {step.node.id: step.steps for step in plan(network, dialect) if step.steps is not None}


def needed(network: Network) -> frozenset[str]:
    """Return the nodes that an output depends on; all of them while there is no Output yet."""
    if not network.outputs:
        return frozenset(node.id for node in network.nodes)
    by_id = {node.id: node for node in network.nodes}
    waiting = [node.id for node in (*network.outputs, *network.inputs)]
    seen: set[str] = set()
    while waiting:
        node_id = waiting.pop()
        if node_id not in seen:
            seen.add(node_id)
            waiting.extend(by_id[node_id].inputs)
    return frozenset(seen)


def ends(network: Network) -> tuple[ResolvedNode, ...]:
    """Return the Output nodes, or while there is none the nodes that nothing follows."""
    used = {source for node in network.nodes for source in node.inputs}
    return network.outputs or tuple(node for node in network.nodes if node.id not in used)


def _by_branch(network: Network) -> tuple[ResolvedNode, ...]:
    """Order the nodes so that a branch is finished before the next one begins."""
    successors: dict[str, list[ResolvedNode]] = {}
    missing: dict[str, int] = {}
    for node in network.nodes:
        sources = dict.fromkeys(node.inputs)
        missing[node.id] = len(sources)
        for source in sources:
            successors.setdefault(source, []).append(node)
    ready = [node for node in reversed(network.nodes) if not missing[node.id]]
    ordered: list[ResolvedNode] = []
    while ready:
        node = ready.pop()
        ordered.append(node)
        for successor in reversed(successors.get(node.id, ())):
            missing[successor.id] -= 1
            if not missing[successor.id]:
                ready.append(successor)
    return tuple(ordered)


def _layouts(
    nodes: Sequence[ResolvedNode], dialect: Dialect
) -> tuple[dict[str, Code], dict[str, Layout]]:
    """Ask each layer for its code, given the layout that reaches it, and follow what it leaves."""
    codes: dict[str, Code] = {}
    layouts: dict[str, Layout] = {}
    for node in nodes:
        if node.layer.id == "Input":
            arriving = dialect.boundary(node.output)
        else:
            pairs = zip(node.inputs, node.input_types, strict=True)
            with_order = (layouts[source] for source, tensor in pairs if tensor.rank >= 2)
            arriving = next(with_order, "channels_last")
        code = _code(node, arriving, dialect)
        codes[node.id] = code
        layouts[node.id] = arriving if code.layout == "same" else code.layout
    return codes, layouts


def _code(node: ResolvedNode, arriving: Layout, dialect: Dialect) -> Code:
    """Ask a layer for its code.

    Raises:
        UserError: it has none for this framework, or a fault.
    """
    try:
        return dialect.code(node, arriving)
    except UserError:
        raise
    except NotImplementedError as error:
        raise UserError(f"{node.id}: {error}.", "Choose another backend or layer.") from error
    except Exception as error:
        raise UserError(
            f"The plug-in of {node.id} has a fault: {type(error).__name__}: {error}.",
            "Update the plug-in, or replace the layer.",
        ) from error


def _origins(
    nodes: Sequence[ResolvedNode], codes: Mapping[str, Code], layouts: Mapping[str, Layout]
) -> dict[str, str]:
    """Return for each node the one that computes its output: itself, unless it passes it on."""
    origins: dict[str, str] = {}
    for node in nodes:
        origins[node.id] = node.id
        if node.inputs and codes[node.id].call == "{0}":
            source = node.inputs[0]
            if node.input_types[0].rank < 2 or layouts[source] == layouts[node.id]:
                origins[node.id] = origins[source]
    return origins


def _in_x(
    nodes: Sequence[ResolvedNode], origins: Mapping[str, str], keeps_inputs: bool
) -> frozenset[str]:
    """Return the nodes whose output may be called `x`: the next statement alone uses it."""
    computing = [n for n in nodes if origins[n.id] == n.id and n.layer.id != "Input"]
    place = {node.id: index for index, node in enumerate(computing)}
    used = {source for node in nodes for source in node.inputs}
    users: dict[str, set[int]] = {node.id: set() for node in nodes}
    for node in nodes:
        if node.id in place:
            for source in node.inputs:
                users[origins[source]].add(place[node.id])
        if node.id not in used or node.layer.id == "Output":
            users[origins[node.id]].add(len(computing))
    return frozenset(
        node.id
        for node in nodes
        if users[node.id] == {place.get(node.id, -1) + 1}
        and not (keeps_inputs and node.layer.id == "Input")
    )
