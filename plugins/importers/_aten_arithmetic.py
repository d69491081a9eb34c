"""Sums, products and bounds: of two branches, with a weight, or with a number."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plugins.importers._values import Array, Value
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from plugins.importers._aten import Call, Walk


def add(walk: Walk, call: Call) -> Value:
    """Return first + alpha · second."""
    return _linear(walk, call, call["self"], call["other"], call.arguments.get("alpha", 1))


def subtract(walk: Walk, call: Call) -> Value:
    """Return first - alpha · second."""
    first, second = call["self"], call["other"]
    alpha = call.arguments.get("alpha", 1)
    if isinstance(first, Value) and isinstance(second, Value) and alpha == 1:
        return _joined(walk, call, "Subtract", first, second)
    if isinstance(second, Value):  # a number or a weight minus a branch
        negative = _rescaled(walk, call, second, -alpha, 0.0)
        return _linear(walk, call, negative, first, 1)
    return _linear(walk, call, first, second, -alpha)


def reverse_subtract(walk: Walk, call: Call) -> Value:
    """Return second - alpha · first."""
    negative = _rescaled(walk, call, call["self"], -call.arguments.get("alpha", 1), 0.0)
    return _linear(walk, call, negative, call["other"], 1)


def multiply(walk: Walk, call: Call) -> Value:
    """Return the product of branches, or a branch scaled by a weight or a number."""
    first, second = call["self"], call["other"]
    if not isinstance(first, Value):
        first, second = second, first
    if isinstance(second, Value):
        return _joined(walk, call, "Multiply", first, second)
    if isinstance(second, Array):
        return _scaled(walk, call, first, second, "gamma")
    return _rescaled(walk, call, first, float(second), 0.0)


def divide(walk: Walk, call: Call) -> Value:
    """Return a branch divided by a number."""
    first, second = call["self"], call["other"]
    if not isinstance(first, Value) or not isinstance(second, int | float):
        raise NotCoveredError(
            f"{call.where} divides by what it has computed, for which there is no layer here."
        )
    return _rescaled(walk, call, first, 1.0 / float(second), 0.0)


def clamp(walk: Walk, call: Call, lowest: Any, highest: Any) -> Value:
    """Add ReLU or ReLU6; other bounds are not covered."""
    value = call.value("self")
    if lowest != 0 or highest not in (6, None):
        raise NotCoveredError(
            f"{call.where} bounds values to {lowest} … {highest}, for which there is no layer here."
        )
    node = walk.node(call, "ReLU" if highest is None else "ReLU6", [value])
    return replace(value, node=node)


def _linear(walk: Walk, call: Call, first: Any, second: Any, factor: float) -> Value:
    if not isinstance(first, Value):
        if factor != 1:
            raise NotCoveredError(f"{call.where} adds in a way that no layer here does.")
        first, second = second, first
    if isinstance(second, Value):
        if factor != 1:
            second = _rescaled(walk, call, second, float(factor), 0.0)
        return _joined(walk, call, "Add", first, second)
    if isinstance(second, Array):
        if factor != 1:
            raise NotCoveredError(f"{call.where} subtracts a weight, which no layer here does.")
        return _scaled(walk, call, first, second, "beta")
    return _rescaled(walk, call, first, 1.0, float(factor) * float(second))


def _rescaled(walk: Walk, call: Call, value: Value, scale: float, offset: float) -> Value:
    value = call.settled(value)
    if scale == 1 and offset == 0:
        return value
    params = {"scale": scale, "offset": offset}
    params = {name: number for name, number in params.items() if number != (name == "scale")}
    return replace(value, node=walk.node(call, "Rescale", [value], params))


def _joined(walk: Walk, call: Call, kind: str, first: Value, second: Value) -> Value:
    first, second = call.settled(first), call.settled(second)
    if first.rank != second.rank or _differ(first.rows, second.rows):
        raise NotCoveredError(
            f"{call.where} joins {first.torch_shape} and {second.torch_shape}, "
            "which no layer here does."
        )
    second = walk.ordered(call, second, first.order)
    shape = tuple(max(pair) for pair in zip(first.shape, second.shape, strict=True))
    return replace(first, node=walk.node(call, kind, [first, second]), shape=shape)


def _differ(first: Any, second: Any) -> bool:
    if first is None or second is None:
        return first is not second
    return bool((first != second).any())


def _scaled(walk: Walk, call: Call, value: Value, array: Array, name: str) -> Value:
    """Add Scale: a weight that has one number a channel, or one for all."""
    value = call.settled(value)
    shape = (1,) * (value.rank + 1 - array.tensor.dim()) + tuple(array.tensor.shape)
    wide = [place for place, size in enumerate(shape) if size > 1]
    fits = not wide or (len(wide) == 1 and wide[0] > 0)
    if not fits or value.rows is not None or len(shape) > value.rank + 1:
        raise NotCoveredError(
            f"{call.where} has a weight of {tuple(array.tensor.shape)} for each place, "
            "for which there is no layer here."
        )
    if wide and value.order[wide[0] - 1] != value.rank - 1:
        others = [axis for axis in range(1, value.rank + 1) if axis != wide[0]]
        order = [0] * value.rank
        for axis, place in enumerate((*others, wide[0])):
            order[place - 1] = axis
        value = walk.ordered(call, value, order)
    if not array.is_trained:
        walk.changed.append(f"{' and '.join(array.names) or 'A constant'} can be trained now.")
    params: dict[str, Any] = {"per_channel": bool(wide)}
    if name == "beta":
        params |= {"scale": False, "shift": True}
    params = {key: given for key, given in params.items() if key != "per_channel" or not given}
    weights = {name: array.tensor.reshape(-1)}
    return replace(
        value, node=walk.node(call, "Scale", [value], params, weights=weights, arrays=[array])
    )
