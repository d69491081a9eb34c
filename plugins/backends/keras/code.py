"""Writes a network as a readable Keras module: the code that is shown, trained and exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.backends.keras.names import layer_names, model_name, variables
from plugins.backends.source.format import statement
from plugins.backends.source.lines import Lines, docstring, helpers_of, shape_words
from plugins.backends.source.plan import Dialect, Step, ends, needed, plan
from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.plugin_api.code import Bind, GeneratedCode, Layout
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.tensors import TensorType

FUNCTION = "make_model"
_INDENT = " " * 4
_IMPORTS = (
    ("import keras", r"\bkeras\."),
    ("from keras import layers, ops", r"\bops\."),
    ("from keras import layers", r"(?s)\A(?!.*\bops\.).*\blayers\."),
)


def _boundary(tensor: TensorType) -> Layout:
    return "channels_last"


def _never_permuted(variable: str, order: Sequence[int]) -> str:
    raise ValueError(f"Keras code is channels last throughout, but {variable} is not")


KERAS = Dialect(
    code=lambda node, layout: node.layer.keras(node.input_types),
    boundary=_boundary,
    permuted=_never_permuted,
    attributes=layer_names,
    variables=variables,
    keeps_inputs=True,
)


def generate(network: Network) -> GeneratedCode:
    """Return a module with `make_model()`, by Keras' functional API; it imports Keras alone.

    The model takes and gives canonical arrays: batch first, features or channels last. Layers are
    named after node ids (see `layer_names`). Layers that lead to no Output are left out.

    Raises:
        UserError: the network has no layers.
    """
    if not network.nodes:
        raise UserError("The network has no layers yet.", "Add an Input and what follows it.")
    called = needed(network)
    steps = [step for step in plan(network, KERAS) if step.node.id in called]
    lines = Lines()
    for source in helpers_of(steps).values():
        lines.add("", "", *source.strip("\n").split("\n"))
    lines.add("", "", f"def {FUNCTION}():", *docstring(network, _boundary))
    by_id = {step.node.id: step for step in steps}
    for step in steps:
        _write_step(lines, step)
    inputs = [by_id[node.id].value.variable for node in network.inputs]
    outputs = [by_id[node.id].value.variable for node in ends(network)]
    first = f"{_listed(inputs)}, {_listed(outputs)}"
    made = f'keras.Model({first}, name="{model_name(network.name)}")'
    lines.add(*statement("return ", made, _INDENT), node=ends(network)[0].id)
    return lines.finished(FUNCTION, _IMPORTS)


def keras_names(network: Network) -> dict[str, tuple[str, Bind]]:
    """Return for each weight "node/name" its layer's name in the model, and its Bind.

    `Bind.attribute` is the dotted path from the layer to its keras.Variable. Weights of layers
    that lead to no Output are not in the model, nor here.
    """
    called = needed(network)
    return {
        f"{step.node.id}/{weight}": (step.attribute, step.code.binds[weight])
        for step in plan(network, KERAS)
        if step.node.id in called
        for weight in step.node.weights
    }


def tapped_layers(network: Network) -> dict[str, str]:
    """Return for each node of the model the name of the layer whose output is the node's."""
    called = needed(network)
    steps = [step for step in plan(network, KERAS) if step.node.id in called]
    names: dict[str, str] = {}
    for step in steps:
        is_passed_on = step.node.inputs and step.code.call == "{0}"
        names[step.node.id] = names[step.node.inputs[0]] if is_passed_on else step.attribute
    return names


def _write_step(lines: Lines, step: Step) -> None:
    comment = shape_words(step.node.output, "channels_last")
    if step.node.layer.id == "Input":
        sizes = ", ".join(str(size) for size in step.node.output.shape)
        comma = "," if step.node.output.rank == 1 else ""
        value = f'keras.Input(({sizes}{comma}), name="{step.attribute}")'
        lines.add(*statement(f"{step.value.variable} = ", value, _INDENT), node=step.node.id)
    elif not step.is_silent:
        written = statement(f"{step.value.variable} = ", _expression(step), _INDENT, comment)
        lines.add(*written, node=step.node.id)


def _expression(step: Step) -> str:
    """Return the expression of a node's output: its layer made and called in one go."""
    made = step.code.init.removesuffix(")")
    separator = "" if made.endswith("(") else ", "
    layer = f'{made}{separator}name="{step.attribute}")'
    return step.code.call.format(*step.arguments, self=layer, name=step.attribute)


def _listed(variables_: Sequence[str]) -> str:
    return variables_[0] if len(variables_) == 1 else f"[{', '.join(variables_)}]"
