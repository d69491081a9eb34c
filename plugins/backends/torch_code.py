"""Writes a network as a readable PyTorch module: the code that is shown, trained and exported."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from plugins.backends.torch_format import statement
from plugins.backends.torch_names import class_name
from plugins.backends.torch_plan import Step, boundary_layout, ends, needed, plan
from workbench.errors import UserError
from workbench.plugin_api.code import Bind, GeneratedCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.plugin_api.code import Layout
    from workbench.plugin_api.network import Network, ResolvedNode
    from workbench.plugin_api.tensors import TensorType

_BODY = " " * 8
_IMPORTS = (
    ("import torch", r"\btorch\."),
    ("import torch.nn.functional as F", r"\bF\."),
    ("from torch import nn", r"\bnn\."),
)


def generate(network: Network) -> GeneratedCode:
    """Return a module with one nn.Module class; it imports PyTorch and nothing else.

    The class takes pictures as N × channels × height × width, sequences as N × time × features and
    vectors as N × features, and gives its output alike (see `boundary_layout`). Attributes are
    named after node ids. Layers that lead to no Output are made, so that their weights have a
    place, but not called.

    Raises:
        UserError: the network has no layers.
    """
    if not network.nodes:
        raise UserError("The network has no layers yet.", "Add an Input and what follows it.")
    steps = plan(network)
    helpers = _helpers(steps)
    name = class_name(network.name, helpers)
    lines = _Lines()
    for source in helpers.values():
        lines.add("", "", *source.strip("\n").split("\n"))
    lines.add("", "", f"class {name}(nn.Module):", *_docstring(network))
    _write_init(lines, steps)
    _write_forward(lines, network, steps)
    return lines.finished(name)


def generate_probe(network: Network) -> str:
    """Return the source of `probe(model, x, wanted) -> {node id: tensor}`.

    It does what the module's forward does, statement for statement, and keeps the outputs of the
    nodes in `wanted`, batch × canonical shape; layers that lead to no Output included. Execute it
    among the globals of the generated module, whose helpers it uses. With several Inputs, `x` is a
    tuple in their order.
    """
    indent = " " * 4
    steps = plan(network)
    lines = ["def probe(model, x, wanted):", f"{indent}found = {{}}"]
    if len(network.inputs) > 1:
        given = ", ".join(step.value.variable for step in _inputs(network, steps))
        lines.append(f"{indent}{given} = x")
    for step in steps:
        if not step.is_silent:
            lines += statement(f"{step.value.variable} = ", step.expression("model"), indent)
        lines.append(f'{indent}if "{step.node.id}" in wanted:')
        lines.append(
            f'{indent * 2}found["{step.node.id}"] = {step.value.as_layout("channels_last")}'
        )
    body = "\n".join([*lines, f"{indent}return found", ""])
    return "\n".join([*_imports(body), "", "", body])


def torch_names(network: Network) -> dict[str, tuple[str, Bind]]:
    """Return for each weight "node/name" its dotted name in the module, and how it is laid out."""
    names = {}
    for step in plan(network):
        for weight in step.node.weights:
            bind = step.code.binds[weight]
            names[f"{step.node.id}/{weight}"] = (f"{step.attribute}.{bind.attribute}", bind)
    return names


@dataclass
class _Lines:
    """Source under construction, with the node that each line was written for."""

    text: list[str] = field(default_factory=list)
    nodes: dict[int, str] = field(default_factory=dict)

    def add(self, *lines: str, node: str = "") -> None:
        for line in lines:
            if node:
                self.nodes[len(self.text)] = node
            self.text.append(line)

    def finished(self, name: str) -> GeneratedCode:
        """Put the imports in front, and end the file."""
        body = "\n".join(self.text)
        imports = _imports(body)
        numbered = {index + len(imports) + 1: node for index, node in self.nodes.items()}
        return GeneratedCode("\n".join([*imports, body, ""]), name, numbered)


def _imports(body: str) -> list[str]:
    return [line for line, pattern in _IMPORTS if re.search(pattern, body)]


def _helpers(steps: Sequence[Step]) -> dict[str, str]:
    found: dict[str, str] = {}
    for step in steps:
        for name, source in step.code.helpers.items():
            if found.setdefault(name, source) != source:
                raise ValueError(f"two layers bring different helpers called {name}")
    return found


def _docstring(network: Network) -> list[str]:
    parameters, operations = f"{network.parameters:,}", f"{network.multiply_adds:,}"
    counts = f"{parameters} parameters and {operations} multiply-adds".replace(",", " ")
    return [
        f'    """A network of {counts} a sample.',
        "",
        *(f"    Input: {_boundary(node)}" for node in network.inputs),
        *(f"    Output: {_boundary(node)}" for node in ends(network)),
        '    """',
    ]


def _write_init(lines: _Lines, steps: Sequence[Step]) -> None:
    made = [step for step in steps if step.code.init]
    if not made:
        return
    lines.add("", "    def __init__(self):", f"{_BODY}super().__init__()")
    for step in made:
        target = f"self.{step.attribute} = "
        lines.add(*statement(target, step.code.init, _BODY), node=step.node.id)


def _write_forward(lines: _Lines, network: Network, steps: Sequence[Step]) -> None:
    inputs = _inputs(network, steps)
    several = len(inputs) > 1
    parameters = ", ".join(step.value.variable for step in inputs) if several else "x"
    lines.add("", f"    def forward(self, {parameters}):")
    called = needed(network)
    for step in steps:
        if not step.is_silent and step.node.id in called:
            written = statement(
                f"{step.value.variable} = ",
                step.expression("self"),
                _BODY,
                _shape(step.node.output, step.value.layout),
            )
            lines.add(*written, node=step.node.id)
    by_id = {step.node.id: step for step in steps}
    for_return = [by_id[node.id] for node in ends(network)]
    results = [step.value.as_layout(boundary_layout(step.node.output)) for step in for_return]
    if len(results) == 1:
        lines.add(*statement("return ", results[0], _BODY), node=for_return[0].node.id)
    else:
        lines.add(f"{_BODY}return (", *(f"{_BODY}    {result}," for result in results), f"{_BODY})")


def _inputs(network: Network, steps: Sequence[Step]) -> list[Step]:
    by_id = {step.node.id: step for step in steps}
    return [by_id[node.id] for node in network.inputs]


def _boundary(node: ResolvedNode) -> str:
    """Return a tensor at the module's boundary, "(N, 1, 8, 8), batch × channels × …"."""
    tensor, layout = node.output, boundary_layout(node.output)
    names = [re.sub(r"[^\w ]", "", axis) for axis in tensor.axes]
    if layout == "channels_first":
        names = [names[-1], *names[:-1]]
    return f"{_shape(tensor, layout)}, {' × '.join(['batch', *names])}"


def _shape(tensor: TensorType, layout: Layout) -> str:
    """Return a tensor's shape as PyTorch has it, "(N, 32, 28, 28)"."""
    sizes = ["?" if size is None else str(size) for size in tensor.shape]
    if layout == "channels_first" and len(sizes) > 1:
        sizes = [sizes[-1], *sizes[:-1]]
    return f"({', '.join(['N', *sizes])})"
