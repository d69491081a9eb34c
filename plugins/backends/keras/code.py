"""Writes a network as a readable Keras module: the code that is shown, trained and exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.backends.keras.adapters import adapting, with_adapters
from plugins.backends.keras.names import layer_names, model_name, variables
from plugins.backends.source.format import statement
from plugins.backends.source.lengths import StepCode, StepNames, placeholders, preparation
from plugins.backends.source.lines import Lines, docstring, helpers_of, shape_words
from plugins.backends.source.plan import Dialect, Step, Value, ends, needed, plan
from workbench.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.plugin_api.code import Bind, GeneratedCode, Layout
    from workbench.plugin_api.network import Network
    from workbench.plugin_api.tensors import TensorType

FUNCTION = "make_model"
_INDENT = " " * 4
_IMPORTS = (
    ("import operator", r"\boperator\."),
    ("", r"\boperator\."),
    ("import keras", r"\bkeras\."),
    ("import numpy as np", r"\bnp\."),
    ("from keras import layers, ops", r"\bops\."),
    ("from keras import layers", r"(?s)\A(?!.*\bops\.).*\blayers\."),
)

_STEP_MASK = '''\
@keras.saving.register_keras_serializable("workbench")
class StepMask(layers.Layer):
    """True where a step is real, batch × time; made of a value and the lengths of its samples."""

    def call(self, inputs):
        x, lengths = inputs
        return ops.arange(ops.shape(x)[1], dtype="int32") < ops.expand_dims(lengths, 1)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs[0].shape[:2], dtype="bool")
'''

_STEP_COUNT = '''\
@keras.saving.register_keras_serializable("workbench")
class StepCount(layers.Layer):
    """Lengths after a layer that changes them: (lengths + offset) // stride, 1 at least."""

    def __init__(self, offset=0, stride=1, **options):
        super().__init__(**options)
        self.offset = offset
        self.stride = stride

    def call(self, lengths):
        return ops.maximum((lengths + self.offset) // self.stride, 1)

    def compute_output_spec(self, lengths):
        return keras.KerasTensor(lengths.shape, dtype=lengths.dtype)

    def get_config(self):
        return {**super().get_config(), "offset": self.offset, "stride": self.stride}
'''
_STEP_HELPERS = {"StepMask": _STEP_MASK, "StepCount": _STEP_COUNT}


def _boundary(tensor: TensorType) -> Layout:
    return "channels_last"


def _never_permuted(variable: str, order: Sequence[int]) -> str:
    raise ValueError(f"Keras code is channels last throughout, but {variable} is not")


def _mask(value: Value, names: StepNames) -> str:
    made = f'StepMask(name="{names.attribute}.mask")'
    return f"{made}([{value.variable}, {names.lengths}])"


def _changed(names: StepNames) -> str:
    assert names.before is not None
    assert names.change is not None
    settings = f"{names.change.offset}, {names.change.stride}"
    made = f'StepCount({settings}, name="{names.attribute}.lengths")'
    return f"{made}({names.before.lengths})"


KERAS = Dialect(
    code=lambda node, layout: with_adapters(node, node.layer.keras(node.input_types)),
    boundary=_boundary,
    permuted=_never_permuted,
    attributes=layer_names,
    variables=variables,
    steps=StepCode(_mask, _changed),
    keeps_inputs=True,
)


def generate(network: Network) -> GeneratedCode:
    """Return a module with `make_model()`, by Keras' functional API; it imports Keras alone.

    The model takes and gives canonical arrays: batch first, features or channels last. Layers are
    named after node ids (see `layer_names`). Layers that lead to no Output are left out. After its
    inputs the model takes the lengths (batch, int32) of those that vary, see `length_inputs`.

    Raises:
        UserError: the network has no layers.
    """
    if not network.nodes:
        raise UserError("The network has no layers yet.", "Add an Input and what follows it.")
    called = needed(network)
    steps = [step for step in plan(network, KERAS) if step.node.id in called]
    written: set[str] = set()
    before = {step.node.id: preparation(step, written, KERAS) for step in steps}
    lines = Lines()
    for source in [*_step_helpers(before), *helpers_of(steps).values()]:
        lines.add("", "", *source.strip("\n").split("\n"))
    lines.add("", "", f"def {FUNCTION}():", *docstring(network, _boundary))
    by_id = {step.node.id: step for step in steps}
    lengths_of = length_inputs(network)
    for step in steps:
        for variable, expression in before[step.node.id]:
            lines.add(*statement(f"{variable} = ", expression, _INDENT), node=step.node.id)
        _write_step(lines, step)
        if step.node.id in lengths_of and step.steps:
            made = f'keras.Input((), dtype="int32", name="{lengths_of[step.node.id]}")'
            lines.add(f"{_INDENT}{step.steps.lengths} = {made}", node=step.node.id)
    inputs = [by_id[node.id].value.variable for node in network.inputs]
    inputs += [names.lengths for node in network.varying if (names := by_id[node.id].steps)]
    outputs = [by_id[node.id].value.variable for node in ends(network)]
    first = f"{_listed(inputs)}, {_listed(outputs)}"
    made = f'keras.Model({first}, name="{model_name(network.name)}")'
    _write_end(lines, steps, made, ends(network)[0].id)
    return lines.finished(FUNCTION, _IMPORTS)


def _write_end(lines: Lines, steps: Sequence[Step], made: str, end: str) -> None:
    """Return the model; where layers have adapters, these need the layers built."""
    adapted = [step for step in steps if step.node.adapters]
    lines.add(*statement("model = " if adapted else "return ", made, _INDENT), node=end)
    for step in adapted:
        added = adapting(step.node, step.code, step.attribute)
        lines.add(*statement("", added, _INDENT), node=step.node.id)
    if adapted:
        lines.add(f"{_INDENT}return model", node=end)


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


def length_inputs(network: Network) -> dict[str, str]:
    """Return for each Input that varies the name of the keras.Input of its lengths, in order."""
    attributes = layer_names(node.id for node in network.nodes)
    taken, found = set(attributes.values()), {}
    for node in network.varying:
        name = "lengths" if len(network.varying) == 1 else f"{attributes[node.id]}_lengths"
        while name in taken:
            name += "_"
        taken.add(name)
        found[node.id] = name
    return found


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
        integers = ', dtype="int32"' if step.node.output.dtype.startswith("int") else ""
        value = f'keras.Input(({sizes}{comma}){integers}, name="{step.attribute}")'
        lines.add(*statement(f"{step.value.variable} = ", value, _INDENT), node=step.node.id)
    elif not step.is_silent:
        written = statement(f"{step.value.variable} = ", _expression(step), _INDENT, comment)
        lines.add(*written, node=step.node.id)


def _expression(step: Step) -> str:
    """Return the expression of a node's output: its layer made and called in one go."""
    made = step.code.init.removesuffix(")")
    separator = "" if made.endswith("(") else ", "
    layer = f'{made}{separator}name="{step.attribute}")'
    names = {"self": layer, "name": step.attribute, **placeholders(step)}
    return step.code.call.format(*step.arguments, **names)


def _step_helpers(before: Mapping[str, Sequence[tuple[str, str]]]) -> list[str]:
    """Return the classes that statements about lengths use."""
    written = [expression for pairs in before.values() for _, expression in pairs]
    return [
        source
        for name, source in _STEP_HELPERS.items()
        if any(expression.startswith(name) for expression in written)
    ]


def _listed(variables_: Sequence[str]) -> str:
    return variables_[0] if len(variables_) == 1 else f"[{', '.join(variables_)}]"
