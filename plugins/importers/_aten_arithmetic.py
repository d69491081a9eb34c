"""Sums, products and bounds: of two branches, with a weight, or with a number."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plugins.importers._aten_kernels import linear
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
    """Return a branch divided by another one, by a weight or by a number."""
    first, second = call["self"], call["other"]
    if isinstance(first, Value) and isinstance(second, Value):
        return _joined(walk, call, "Divide", first, second)
    if isinstance(first, Value) and isinstance(second, Array):
        share = replace(second, tensor=1 / second.tensor, is_computed=True)
        return _scaled(walk, call, first, share, "gamma")
    if not isinstance(first, Value):  # a number or a weight over a branch
        value = call.settled(second)
        over = replace(value, node=walk.node(call, "Function", [value], {"function": "reciprocal"}))
        if isinstance(first, Array):
            return _scaled(walk, call, over, first, "gamma")
        return _rescaled(walk, call, over, float(first), 0.0)
    return _rescaled(walk, call, first, 1.0 / float(second), 0.0)


def extreme(kind: str) -> Any:
    """Return the handler of the larger or smaller of two branches."""

    def handle(walk: Walk, call: Call) -> Value:
        first, second = call["self"], call["other"]
        if isinstance(first, Value) and isinstance(second, Value):
            return _joined(walk, call, kind, first, second)
        raise NotCoveredError(f"{call.where} compares with a weight, which no layer here does.")

    return handle


def clamp(walk: Walk, call: Call, lowest: Any, highest: Any) -> Value:
    """Add ReLU or ReLU6, or Clip for other bounds."""
    value = call.value("self")
    if any(isinstance(bound, Value | Array) for bound in (lowest, highest)):
        raise NotCoveredError(f"{call.where} bounds values by others, which no layer here does.")
    if lowest == 0 and highest in (6, None):
        node = walk.node(call, "ReLU" if highest is None else "ReLU6", [value])
    else:
        params = {"lowest": lowest, "highest": highest}
        params = {key: None if b is None else float(b) for key, b in params.items()}
        node = walk.node(call, "Clip", [value], params)
    return replace(value, node=node)


def function(name: str) -> Any:
    """Return the handler of a function of each value."""

    def handle(walk: Walk, call: Call) -> Value:
        value = call.settled(call["self"], any_batch=True)
        params = {} if name == "sqrt" else {"function": name}
        return replace(value, node=walk.node(call, "Function", [value], params))

    return handle


_POWERS = {2: "square", 0.5: "sqrt", -0.5: "rsqrt", -1: "reciprocal"}


def power(walk: Walk, call: Call) -> Value:
    """Add Function for squares and roots, and products for other small whole powers."""
    value, exponent = call.value("self"), call["exponent"]
    if exponent in _POWERS:
        return function(_POWERS[exponent])(walk, call)
    if exponent in (3, 4):
        square = function("square")(walk, call)
        other = value if exponent == 3 else square
        return _joined(walk, call, "Multiply", square, other)
    raise NotCoveredError(
        f"{call.where} raises to the power {exponent}, for which there is no layer here."
    )


def product(walk: Walk, call: Call) -> Value:
    """Add MatMul of two branches, or Dense where the second is a matrix of weights."""
    first, second = [call.arguments[name] for name in list(call.arguments)[:2]]
    if isinstance(first, Value) and isinstance(second, Array) and second.tensor.dim() == 2:
        turned = replace(second, tensor=second.tensor.T)
        given = {"input": first, "weight": turned, "bias": None}
        return linear(walk, replace(call, arguments=given))
    if not isinstance(first, Value) or not isinstance(second, Value):
        raise NotCoveredError(f"{call.where} multiplies a table of weights by values.")
    first, second = call.settled(first), call.settled(second)
    if first.rank != second.rank or first.rank < 2:
        raise NotCoveredError(
            f"{call.where} multiplies matrices of {first.torch_shape} and {second.torch_shape}."
        )
    order = tuple(range(first.rank))
    last_swapped = (*order[:-2], order[-1], order[-2])
    is_turned = second.order == last_swapped
    first = walk.ordered(call, first, order)
    second = second if is_turned else walk.ordered(call, second, order)
    params = {} if is_turned else {"turned": False}
    node = walk.node(call, "MatMul", [first, second], params)
    columns = second.shape[-2] if is_turned else second.shape[-1]
    return Value(node, (*first.shape[:-1], columns), order)


def _linear(walk: Walk, call: Call, first: Any, second: Any, factor: float) -> Value:
    if not isinstance(first, Value):
        if factor != 1:
            second = _rescaled(walk, call, second, float(factor), 0.0)
            factor = 1
        first, second = second, first
    if isinstance(second, Value):
        if factor != 1:
            second = _rescaled(walk, call, second, float(factor), 0.0)
        return _joined(walk, call, "Add", first, second)
    if isinstance(second, Array):
        if factor != 1:
            second = replace(second, tensor=second.tensor * factor, is_computed=True)
        return _scaled(walk, call, first, second, "beta")
    return _rescaled(walk, call, first, 1.0, float(factor) * float(second))


def _rescaled(walk: Walk, call: Call, value: Value, scale: float, offset: float) -> Value:
    value = call.settled(value, any_batch=True)
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
    if not array.names and array.tensor.numel() == 1:
        number = float(array.tensor)
        numbers = (number, 0.0) if name == "gamma" else (1.0, number)
        return _rescaled(walk, call, value, *numbers)
    shape = (1,) * (value.rank + 1 - array.tensor.dim()) + tuple(array.tensor.shape)
    wide = [place for place, size in enumerate(shape) if size > 1]
    if name == "beta" and value.rank == 2 and wide == [1, 2] and value.rows is None:
        return _positions(walk, call, value, array)
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


def _positions(walk: Walk, call: Call, value: Value, array: Array) -> Value:
    """Add LearnedPositions: a row for each step, the same in each sample."""
    value = walk.ordered(call, value, (0, 1))
    rows = array.tensor.reshape(array.tensor.shape[-2:])
    if not array.is_trained:
        walk.changed.append(f"{' and '.join(array.names) or 'A constant'} can be trained now.")
    params = {"positions": rows.shape[0]}
    weights = {"embeddings": rows}
    node = walk.node(call, "LearnedPositions", [value], params, weights=weights, arrays=[array])
    return replace(value, node=node)
