"""Writes a network as a readable PyTorch module: the code that is shown, trained and exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.backends.pytorch.adapters import with_adapters
from plugins.backends.pytorch.names import attributes, class_name, variables
from plugins.backends.source.format import statement
from plugins.backends.source.lengths import StepCode, StepNames, placeholders, preparation
from plugins.backends.source.lines import (
    Lines,
    docstring,
    helpers_of,
    needed_imports,
    shape_words,
)
from plugins.backends.source.plan import Dialect, Step, Value, ends, needed, plan
from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.plugin_api.code import Bind, GeneratedCode, Layout
    from workbench.plugin_api.layer import Part
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.tensors import TensorType

_BODY = " " * 8
_IMPORTS = (
    ("from pathlib import Path", r"\bPath\("),
    ("import numpy as np", r"\bnp\."),
    ("import onnx", r"\bonnx\."),
    ("import onnxruntime", r"\bonnxruntime\."),
    ("import timm", r"\btimm\."),
    ("import torch", r"\btorch\."),
    ("import torch.nn.functional as F", r"\bF\."),
    ("import torchvision", r"\btorchvision\."),
    ("import transformers", r"\btransformers\."),
    ("from torch import nn", r"\bnn\."),
    ("from torch.nn.utils import parametrize", r"\bparametrize\."),
)


def boundary_layout(tensor: TensorType) -> Layout:
    """Return how the module takes and gives a tensor: pictures and volumes channels first."""
    return "channels_first" if tensor.rank >= 3 else "channels_last"


def _permuted(variable: str, order: Sequence[int]) -> str:
    return f"{variable}.permute({', '.join(map(str, order))})"


def _mask(value: Value, names: StepNames) -> str:
    time = 2 if value.rank > 1 and value.layout == "channels_first" else 1
    steps = f"torch.arange({value.variable}.shape[{time}], device={value.variable}.device)"
    return f"{steps} < {names.lengths}[:, None]"


def _changed(names: StepNames) -> str:
    """Return the expression of lengths after a layer; one step is left at least."""
    assert names.before is not None
    assert names.change is not None
    expression, change = names.before.lengths, names.change
    if change.offset:
        sign = "+" if change.offset > 0 else "-"
        expression = f"({expression} {sign} {abs(change.offset)})"
    if change.stride > 1:
        expression = f"({expression} // {change.stride})"
    return f"{expression}.clamp(min=1)"


PYTORCH = Dialect(
    code=lambda node, layout: with_adapters(node, node.layer.torch(node.input_types, layout)),
    boundary=boundary_layout,
    permuted=_permuted,
    attributes=attributes,
    variables=variables,
    steps=StepCode(_mask, _changed),
)


def generate(network: Network) -> GeneratedCode:
    """Return a module with one nn.Module class; it imports PyTorch and nothing else.

    The class takes pictures as N × channels × height × width, sequences as N × time × features and
    vectors as N × features, and gives its output alike (see `boundary_layout`). After the inputs it
    takes the lengths (N) of those that vary. Attributes are named after node ids. Layers that lead
    to no Output are made, so that their weights have a place, but not called.

    Raises:
        UserError: the network has no layers.
    """
    if not network.nodes:
        raise UserError("The network has no layers yet.", "Add an Input and what follows it.")
    steps = plan(network, PYTORCH)
    helpers = helpers_of(steps)
    name = class_name(network.name, helpers)
    lines = Lines()
    for source in helpers.values():
        lines.add("", "", *source.strip("\n").split("\n"))
    lines.add("", "", f"class {name}(nn.Module):", *docstring(network, boundary_layout))
    _write_init(lines, steps)
    _write_forward(lines, network, steps)
    return lines.finished(name, _IMPORTS)


def generate_probe(network: Network) -> str:
    """Return the source of `probe(model, x, wanted, given={}) -> {node id: tensor}`.

    It does what the module's forward does, statement for statement, and keeps the outputs of the
    nodes in `wanted`, batch × canonical shape; layers that lead to no Output included. What is
    `given` for a node, laid out alike, takes the place of its output. Execute it
    among the globals of the generated module, whose helpers it uses. `x` is a tuple of what the
    module takes where that is more than one tensor.
    """
    indent = " " * 4
    steps = plan(network, PYTORCH)
    lines = ["def probe(model, x, wanted, given={}):", f"{indent}found = {{}}"]
    parameters = _parameters(network, steps)
    if len(parameters) > 1:
        lines.append(f"{indent}{', '.join(parameters)} = x")
    written: set[str] = set()
    for step in steps:
        if not step.is_silent:
            for variable, expression in preparation(step, written, PYTORCH):
                lines += statement(f"{variable} = ", expression, indent)
            lines += statement(f"{step.value.variable} = ", _expression(step, "model"), indent)
        lines.append(f'{indent}if "{step.node.id}" in given:')
        replaced = Value(f'given["{step.node.id}"]', "channels_last", step.value.rank)
        laid_out = replaced.as_layout(step.value.layout, PYTORCH)
        lines.append(f"{indent * 2}{step.value.variable} = {laid_out}")
        canonical = step.value.as_layout("channels_last", PYTORCH)
        lines.append(f'{indent}if "{step.node.id}" in wanted:')
        lines.append(f'{indent * 2}found["{step.node.id}"] = {canonical}')
    body = "\n".join([*lines, f"{indent}return found", ""])
    return "\n".join([*needed_imports(body, _IMPORTS), "", "", body])


def torch_names(network: Network) -> dict[str, tuple[str, Bind]]:
    """Return for each weight "node/name" its dotted name in the module, and how it is laid out."""
    names = {}
    for step in plan(network, PYTORCH):
        for weight in step.node.weights:
            bind = step.code.binds[weight]
            names[f"{step.node.id}/{weight}"] = (f"{step.attribute}.{bind.attribute}", bind)
    return names


def inner_modules(network: Network) -> dict[str, tuple[str, Part]]:
    """Return the dotted name of each module inside a layer that can be watched, and what it is."""
    attributes = {step.node.id: step.attribute for step in plan(network, PYTORCH)}
    return {
        name: (f"{attributes[name.partition('.')[0]]}.network.{part.path}", part)
        for name, part in network.inner.items()
    }


def held_modules(network: Network) -> tuple[str, ...]:
    """Return the dotted names of inner modules that stay in evaluation mode."""
    return tuple(
        f"{step.attribute}.{path}" for step in plan(network, PYTORCH) for path in step.code.held
    )


def _expression(step: Step, owner: str) -> str:
    """Return the expression of a node's output; `owner` is what has the attributes, "self"."""
    if step.node.layer.id == "Input":
        return "x"
    owned = f"{owner}.{step.attribute}"
    return step.code.call.format(*step.arguments, self=owned, **placeholders(step))


def _write_init(lines: Lines, steps: Sequence[Step]) -> None:
    made = [step for step in steps if step.code.init]
    if not made:
        return
    lines.add("", "    def __init__(self):", f"{_BODY}super().__init__()")
    for step in made:
        target = f"self.{step.attribute} = "
        lines.add(*statement(target, step.code.init, _BODY), node=step.node.id)


def _write_forward(lines: Lines, network: Network, steps: Sequence[Step]) -> None:
    lines.add("", f"    def forward(self, {', '.join(_parameters(network, steps))}):")
    called = needed(network)
    lengths: set[str] = set()
    for step in steps:
        if not step.is_silent and step.node.id in called:
            for variable, expression in preparation(step, lengths, PYTORCH):
                lines.add(*statement(f"{variable} = ", expression, _BODY), node=step.node.id)
            written = statement(
                f"{step.value.variable} = ",
                _expression(step, "self"),
                _BODY,
                shape_words(step.node.output, step.value.layout),
            )
            lines.add(*written, node=step.node.id)
    by_id = {step.node.id: step for step in steps}
    for_return = [by_id[node.id] for node in ends(network)]
    results = [
        step.value.as_layout(boundary_layout(step.node.output), PYTORCH) for step in for_return
    ]
    if len(results) == 1:
        lines.add(*statement("return ", results[0], _BODY), node=for_return[0].node.id)
    else:
        lines.add(f"{_BODY}return (", *(f"{_BODY}    {result}," for result in results), f"{_BODY})")


def _parameters(network: Network, steps: Sequence[Step]) -> list[str]:
    """Return what the module takes: its inputs, then the lengths of those that vary."""
    by_id = {step.node.id: step for step in steps}
    inputs = [by_id[node.id].value.variable for node in network.inputs]
    lengths = [names.lengths for node in network.varying if (names := by_id[node.id].steps)]
    return [*(inputs if len(inputs) > 1 else ["x"]), *lengths]
