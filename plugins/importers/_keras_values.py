"""What Keras' activations, sums, noise and functions of values are in the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plugins.importers._keras_settings import LAYER_OF, _of_function, axis_of
from plugins.importers._keras_shaping import _is_first, _no
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Callable

    from plugins.importers._keras_graph import KerasWalk, Step

    Handler = Callable[[KerasWalk, Step], str]


def rescaling(walk: KerasWalk, step: Step) -> str:
    """Add Rescale, or a frozen Scale where channels differ."""
    layer = step.operation
    scale, offset = np.asarray(layer.scale), np.asarray(layer.offset)
    if scale.ndim or offset.ndim:
        return walk.constant_node(step, scale, offset)
    return _rescaled(walk, step, float(scale), float(offset))


def relu(walk: KerasWalk, step: Step) -> str:
    """Add ReLU, ReLU6 or LeakyReLU."""
    layer = step.operation
    slope, highest = float(layer.negative_slope or 0), layer.max_value
    if layer.threshold or (highest is not None and (slope or highest != 6)):
        raise NotCoveredError(f"{step.where} has a threshold or a largest value of its own.")
    if slope:
        return walk.node(step, "LeakyReLU", {"slope": slope})
    return walk.node(step, "ReLU" if highest is None else "ReLU6")


def activation(walk: KerasWalk, step: Step) -> str:
    """Add the layer of an activation."""
    return _of_function(walk, step, step.operation.activation, step.inputs)


def softmax(walk: KerasWalk, step: Step) -> str:
    """Add Softmax."""
    axis = step.operation.axis
    if not isinstance(axis, int):
        raise NotCoveredError(f"{step.where} goes over several axes.")
    return walk.node(step, "Softmax", axis_of(axis, step.shapes[0]))


def dropout(walk: KerasWalk, step: Step) -> str:
    """Add Dropout or SpatialDropout; nothing at rate 0."""
    rate = float(step.operation.rate)
    if not rate:
        return step.inputs[0]
    if getattr(step.operation, "noise_shape", None) and step.kind == "Dropout":
        walk.changed.append(
            f"{step.name} left out whole branches or channels; it leaves out single values now."
        )
    kind = "Dropout" if step.kind == "Dropout" else "SpatialDropout"
    return walk.node(step, kind, {"rate": rate})


def noise(walk: KerasWalk, step: Step) -> str:
    """Add GaussianNoise."""
    return walk.node(step, "GaussianNoise", {"deviation": float(step.operation.stddev)})


def merge(walk: KerasWalk, step: Step) -> str:
    """Add the layer that joins branches by the same name."""
    return walk.node(step, step.kind)


def dropout_of_branches(walk: KerasWalk, step: Step) -> str:
    """Leave stochastic depth out: it works in training alone, and is no layer here."""
    return step.inputs[0]


def scaled_sum(walk: KerasWalk, step: Step) -> str:
    """Add Rescale and Add for x + y · scale, as Inception-ResNet has it."""
    branch = walk.node(
        step,
        "Rescale",
        {"scale": float(step.operation.scale), "offset": 0.0},
        inputs=step.inputs[1:],
        name="branch",
    )
    return walk.node(step, "Add", inputs=(step.inputs[0], branch))


def concatenate(walk: KerasWalk, step: Step) -> str:
    """Add Concatenate; one branch alone is nothing to join."""
    if len(step.inputs) == 1:
        return step.inputs[0]
    return walk.node(step, "Concatenate", axis_of(step.operation.axis, step.shapes[0]))


def named(kind: str, *settings: tuple[str, str]) -> Handler:
    """Return the handler of a layer whose settings (name here, name there) are plain numbers."""

    def handle(walk: KerasWalk, step: Step) -> str:
        params = {here: float(getattr(step.operation, there)) for here, there in settings}
        return walk.node(step, kind, params)

    return handle


def plain(walk: KerasWalk, step: Step) -> str:
    """Return the input: the layer does nothing but train or name."""
    return step.inputs[0]


def arithmetic(walk: KerasWalk, step: Step) -> str:
    """Add a sum or product of branches, or Rescale where a constant takes part."""
    if len(step.inputs) == 2:
        return walk.node(
            step, {"Divide": "", "TrueDivide": ""}.get(step.kind, step.kind) or _no(step)
        )
    if len(step.constants) != 1 or np.ndim(step.constants[0]):
        raise NotCoveredError(f"{step.where} computes with arrays, for which there is no layer.")
    number = float(step.constants[0])
    is_first = _is_first(step)
    if step.kind == "Add":
        return _rescaled(walk, step, 1.0, number)
    if step.kind == "Subtract":
        return _rescaled(walk, step, 1.0 if is_first else -1.0, -number if is_first else number)
    if step.kind == "Multiply":
        return _rescaled(walk, step, number, 0.0)
    return _rescaled(walk, step, 1 / number, 0.0) if is_first else _no(step)


def function(name: str) -> Handler:
    """Return the handler of an activation that is called as a function."""

    def handle(walk: KerasWalk, step: Step) -> str:
        return walk.node(step, LAYER_OF[name])

    return handle


def _rescaled(walk: KerasWalk, step: Step, scale: float, offset: float) -> str:
    if scale == 1 and offset == 0:
        return step.inputs[0]
    return walk.node(step, "Rescale", {"scale": scale, "offset": offset})
