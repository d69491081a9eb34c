"""What activations and arithmetic of ONNX are in PyTorch.

Definitions: https://onnx.ai/onnx/operators/.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from plugins.importers._onnx_step import Step


def clip(step: Step, x: Any, *_: Any) -> Any:
    """Return Clip, whose bounds were attributes before version 11."""
    lowest, highest = step.number("min", 1), step.number("max", 2)
    far = 1e30
    lowest = None if lowest is None or lowest < -far else lowest
    highest = None if highest is None or highest > far else highest
    return x if lowest is None and highest is None else x.clamp(lowest, highest)


def hard_sigmoid(step: Step, x: Any) -> Any:
    """Return HardSigmoid, whose slope is 0.2 unless it says otherwise."""
    alpha, beta = step.get("alpha", 0.2), step.get("beta", 0.5)
    if math.isclose(alpha, 1 / 6, rel_tol=1e-4) and beta == 0.5:
        return step.F.hardsigmoid(x)
    return (x * alpha + beta).clamp(0, 1)


def elu(step: Step, x: Any) -> Any:
    """Return Elu."""
    return step.F.elu(x, step.get("alpha", 1.0))


def selu(step: Step, x: Any) -> Any:
    """Return Selu with the numbers of the paper, or a scaled ELU."""
    alpha, gamma = step.get("alpha", 1.6732632), step.get("gamma", 1.0507010)
    if math.isclose(alpha, 1.6732632, rel_tol=1e-4) and math.isclose(gamma, 1.050701, rel_tol=1e-4):
        return step.F.selu(x)
    return step.F.elu(x, alpha) * gamma


def prelu(step: Step, x: Any, slope: Any) -> Any:
    """Return PRelu with one slope a channel, or one for all."""
    if slope.numel() == 1:
        return step.F.prelu(x, slope.reshape(1))
    wide = [axis - slope.dim() for axis, size in enumerate(slope.shape) if size > 1]
    if len(wide) == 1 and wide[0] + x.dim() == 1:
        return step.F.prelu(x, slope.reshape(-1))
    if len(wide) == 1 and wide[0] == -1:  # channels last: they go to the second axis and back
        moved = step.F.prelu(x.movedim(-1, 1), slope.reshape(-1))
        return moved.movedim(1, -1)
    raise step.refuse("has a slope for each place")


def gelu(step: Step, x: Any, bias: Any = None) -> Any:
    """Return Gelu."""
    x = x if bias is None else x + bias
    return step.F.gelu(x, approximate="tanh" if step.get("approximate") == "tanh" else "none")


def softmax(step: Step, x: Any) -> Any:
    """Return Softmax or LogSoftmax; before version 13 over all axes from `axis` on."""
    function = step.F.softmax if step.kind == "Softmax" else step.F.log_softmax
    if step.opset >= 13:
        return function(x, step.get("axis", -1))
    axis = step.get("axis", 1) % x.dim()
    if all(size == 1 for size in x.shape[axis + 1 :]) or axis == x.dim() - 1:
        return function(x, axis)
    return function(x.flatten(axis), axis).reshape(x.shape)


def power(step: Step, x: Any, exponent: Any) -> Any:
    """Return Pow of what was computed; the exponent must be one number."""
    if not isinstance(exponent, int | float):
        raise step.refuse("raises to a power of what it has computed")
    return x if exponent == 1 else x**exponent


def modulo(step: Step, x: Any, other: Any) -> Any:
    """Refuse: only whole numbers known beforehand have remainders here."""
    raise step.refuse("takes remainders")


def reduced(how: str) -> Callable[..., Any]:
    """Return the handler of a reduction over axes, all of them where none are named."""

    def handle(step: Step, x: Any, *_: Any) -> Any:
        axes = step.ints("axes", 1)
        keeps = bool(step.get("keepdims", 1))
        if not axes:
            if step.get("noop_with_empty_axes", 0):
                return x
            axes = list(range(x.dim()))
        axes = [axis % x.dim() for axis in axes]
        if how == "l2":
            return (x * x).sum(axes, keepdim=keeps) ** 0.5
        if how == "l1":
            return x.abs().sum(axes, keepdim=keeps)
        if how == "sum_square":
            return (x * x).sum(axes, keepdim=keeps)
        return getattr(x, how)(axes, keepdim=keeps)

    return handle


def many(join: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """Return the handler of an operation on any number of values."""
    return lambda step, *values: reduce(join, values)


def mean(step: Step, *values: Any) -> Any:
    """Return Mean of several values."""
    return reduce(lambda a, b: a + b, values) / len(values)


def maximum(a: Any, b: Any) -> Any:
    """Return the larger one at each place."""
    if isinstance(b, int | float):
        return a.clamp(min=b)
    return b.clamp(min=a) if isinstance(a, int | float) else a.maximum(b)


def minimum(a: Any, b: Any) -> Any:
    """Return the smaller one at each place."""
    if isinstance(b, int | float):
        return a.clamp(max=b)
    return b.clamp(max=a) if isinstance(a, int | float) else a.minimum(b)


def einsum(step: Step, *values: Any) -> Any:
    """Return Einsum."""
    from torch import einsum as summed

    return summed(step.get("equation"), *values)


def _method(name: str) -> Callable[..., Any]:
    return lambda step, x: getattr(x, name)()


def _function(name: str) -> Callable[..., Any]:
    return lambda step, x: getattr(step.F, name)(x)


def negative_slope(step: Step, x: Any) -> Any:
    """Return LeakyRelu."""
    return step.F.leaky_relu(x, step.get("alpha", 0.01))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    # activations
    "Relu": _method("relu"),
    "Sigmoid": _method("sigmoid"),
    "Tanh": _method("tanh"),
    "LeakyRelu": negative_slope,
    "Elu": elu,
    "Selu": selu,
    "Celu": lambda step, x: step.F.celu(x, step.get("alpha", 1.0)),
    "PRelu": prelu,
    "Gelu": gelu,
    "FastGelu": lambda step, x, b=None: step.F.gelu(x if b is None else x + b, approximate="tanh"),
    "BiasGelu": gelu,
    "QuickGelu": lambda step, x: x * (x * step.get("alpha", 1.702)).sigmoid(),
    "HardSigmoid": hard_sigmoid,
    "HardSwish": _function("hardswish"),
    "Swish": _function("silu"),
    "Mish": _function("mish"),
    "Softplus": _function("softplus"),
    "Softsign": _function("softsign"),
    "ThresholdedRelu": lambda step, x: step.F.threshold(x, step.get("alpha", 1.0), 0.0),
    "Clip": clip,
    "Softmax": softmax,
    "LogSoftmax": softmax,
    # arithmetic
    "Add": lambda step, a, b: a + b,
    "Sub": lambda step, a, b: a - b,
    "Mul": lambda step, a, b: a * b,
    "Div": lambda step, a, b: a / b,
    "Pow": power,
    "Neg": lambda step, x: x * -1.0,
    "Max": many(maximum),
    "Min": many(minimum),
    "Sum": many(lambda a, b: a + b),
    "Mean": mean,
    **{
        name: _method(name.lower())
        for name in (
            "Sqrt",
            "Exp",
            "Log",
            "Abs",
            "Erf",
            "Sin",
            "Cos",
            "Floor",
            "Ceil",
            "Reciprocal",
        )
    },
    "Mod": modulo,
    "ReduceMean": reduced("mean"),
    "ReduceSum": reduced("sum"),
    "ReduceMax": reduced("amax"),
    "ReduceMin": reduced("amin"),
    "ReduceL1": reduced("l1"),
    "ReduceL2": reduced("l2"),
    "ReduceSumSquare": reduced("sum_square"),
    "Einsum": einsum,
}
