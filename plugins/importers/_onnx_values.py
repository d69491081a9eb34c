"""What arithmetic, activations and moves of values of ONNX are in PyTorch.

Definitions: https://onnx.ai/onnx/operators/.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers._aten import BATCH

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


def reshape(step: Step, x: Any, *_: Any) -> Any:
    """Return Reshape; a batch that the file was written for becomes any."""
    wanted = step.ints("shape", 1)
    if wanted is None:
        raise step.refuse("takes a shape that depends on the samples")
    if not step.get("allowzero", 0):
        wanted = [x.shape[i] if size == 0 else size for i, size in enumerate(wanted)]
    return x.reshape(_of_any_batch(step, x, wanted))


def _of_any_batch(step: Step, x: Any, wanted: list[int]) -> list[int]:
    """Return a shape that a file wrote down for its own batch, for the batch that is traced.

    The place that holds the batch is that before which lie as many values as before the batch in
    what is reshaped.
    """
    place = next((i for i, size in enumerate(x.shape) if size % BATCH == 0), None)
    if not step.batch or place is None or any(size > 0 and size % BATCH == 0 for size in wanted):
        return wanted
    known = math.prod(size for size in wanted if size != -1)
    each = x.numel() // BATCH * step.batch
    if each % known:
        raise step.refuse(f"makes {step.batch} samples one with their values")
    found = [each // known if size == -1 else size for size in wanted]
    own = [index for index, size in enumerate(found) if size == step.batch]
    if len(own) == 1 and x.shape[place] != BATCH:  # samples that were rows come apart again
        return [BATCH if index == own[0] else size for index, size in enumerate(found)]
    before, count = math.prod(x.shape[:place]), 1
    for index, size in enumerate(found):
        if count == before and size % step.batch == 0:
            index -= len(found) == 2 and index == 1  # rows of a matrix: one for each sample
            return [*found[:index], found[index] // step.batch * BATCH, *found[index + 1 :]]
        count *= size
    raise step.refuse(f"makes {step.batch} samples one with their values")


def flatten(step: Step, x: Any) -> Any:
    """Return Flatten into two axes."""
    axis = step.get("axis", 1)
    axis += x.dim() if axis < 0 else 0
    if axis == 0:
        return x.reshape(1, -1)
    return x.reshape(math.prod(x.shape[:axis]), -1) if axis > 1 else x.flatten(1)


def squeeze(step: Step, x: Any, *_: Any) -> Any:
    """Return Squeeze."""
    axes = step.ints("axes", 1)
    if axes is None:
        axes = [axis for axis, size in enumerate(x.shape) if size == 1 and axis > 0]
    kept = {axis % x.dim() for axis in axes}
    return x.reshape([size for axis, size in enumerate(x.shape) if axis not in kept])


def unsqueeze(step: Step, x: Any, *_: Any) -> Any:
    """Return Unsqueeze; axes count in the result."""
    axes = step.ints("axes", 1) or []
    rank = x.dim() + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


def transpose(step: Step, x: Any) -> Any:
    """Return Transpose."""
    return x.permute(step.get("perm") or list(range(x.dim()))[::-1])


def concatenate(step: Step, *values: Any) -> Any:
    """Return Concat."""
    from torch import cat

    axis = step.get("axis", 1)
    longest = max(value.shape[0] for value in values)
    if axis and step.batch:  # rows that stand before each sample of a batch of one
        values = tuple(
            value.expand(longest, *value.shape[1:]) if value.shape[0] == 1 else value
            for value in values
        )
    return cat(values, axis)


def sliced(step: Step, x: Any, *_: Any) -> Any:
    """Return Slice, also backward."""
    starts, ends = step.ints("starts", 1), step.ints("ends", 2)
    axes = step.ints("axes", 3) or list(range(len(starts or ())))
    steps = step.ints("steps", 4) or [1] * len(axes)
    if starts is None or ends is None:
        raise step.refuse("cuts at places that depend on the samples")
    for axis, start, end, stride in zip(axes, starts, ends, steps, strict=True):
        size = x.shape[axis]
        found = range(size)[start:end:stride]
        if stride < 0:
            if len(found) != size:
                raise step.refuse("turns a part of an axis around")
            x = x.flip(axis)
        elif stride > 1:
            x = x[(slice(None),) * (axis % x.dim()) + (slice(found.start, found.stop, stride),)]
        else:
            x = x.narrow(axis, found.start, len(found))
    return x


def split(step: Step, x: Any, *_: Any) -> Any:
    """Return Split, into equal parts where no sizes are named."""
    axis = step.get("axis", 0)
    sizes = step.ints("split", 1)
    if sizes is None:
        count = step.get("num_outputs") or step.outputs
        each = -(-x.shape[axis] // count)
        sizes = [each] * (count - 1) + [x.shape[axis] - each * (count - 1)]
    return x.split(sizes, axis)


def gather(step: Step, x: Any, index: Any) -> Any:
    """Return Gather of one place or of neighbours; of rows of a weight, an embedding."""
    axis = step.get("axis", 0)
    known = step.known[1]
    if known is None:
        if axis == 0 and step.known[0] is not None and x.dim() == 2:
            return step.F.embedding(index, x)
        raise step.refuse("looks up places that depend on the samples")
    if known.ndim == 0:
        return x.select(axis, int(known) % x.shape[axis])
    places = [int(place) % x.shape[axis] for place in known.ravel()]
    if known.ndim > 1:
        raise step.refuse("looks up a table of places")
    first, count = places[0], len(places)
    if places == list(range(first, first + count)):
        return x.narrow(axis, first, count)
    if places == list(range(x.shape[axis]))[::-1]:
        return x.flip(axis)
    from torch import cat

    return cat([x.narrow(axis, place, 1) for place in places], axis)


def pad(step: Step, x: Any, *_: Any) -> Any:
    """Return Pad by any of its modes."""
    flat = step.ints("pads", 1)
    if flat is None:
        flat = step.ints("paddings", -1)
    if flat is None:
        raise step.refuse("pads by as much as the samples say")
    axes = step.ints("axes", 3) or list(range(x.dim()))
    half = len(flat) // 2
    pairs = [(0, 0)] * x.dim()
    for place, axis in enumerate(axes):
        pairs[axis] = (flat[place], flat[place + half])
    while len(pairs) > 1 and not any(pairs[0]):
        pairs = pairs[1:]
    if not any(map(any, pairs)):
        return x
    mode = step.get("mode", "constant")
    amounts = [amount for pair in reversed(pairs) for amount in pair]
    if mode == "constant":
        filling = step.number("value", 2, 0.0)
        return step.F.pad(x, amounts, value=float(filling))
    if mode != "reflect" or len(pairs) > 2 or len(pairs) == x.dim():
        raise step.refuse(f"pads by “{mode}”")
    if len(pairs) == x.dim() - 1:  # PyTorch wants channels
        return step.F.pad(x.unsqueeze(1), amounts, mode=mode).squeeze(1)
    return step.F.pad(x, amounts, mode=mode)


def resize(step: Step, x: Any, *_: Any) -> Any:
    """Return Resize or Upsample of space, by nearest or linear values.

    Raises:
        NotCoveredError: values between the old ones are found in a way that no layer knows.
    """
    index = 1 if step.kind == "Upsample" or step.opset < 11 else 2
    scales, sizes = step.known[index] if index < len(step.known) else None, step.ints("sizes", 3)
    if step.get("scales") is not None:
        scales = np.asarray(step.get("scales"))
    axes = step.get("axes") or list(range(x.dim()))
    if sizes and (scales is None or not scales.size):
        lengths = dict(zip(axes, sizes, strict=True))
    elif scales is not None and scales.size:
        lengths = {a: math.floor(x.shape[a] * s + 1e-6) for a, s in zip(axes, scales, strict=True)}
    else:
        raise step.refuse("brings pictures to a size that depends on the samples")
    wanted = [lengths.get(axis, x.shape[axis]) for axis in range(x.dim())]
    if wanted[1:2] != [x.shape[1]] and wanted[-1] == x.shape[-1]:  # channels last
        order = [0, x.dim() - 1, *range(1, x.dim() - 1)]
        back = [0, *range(2, x.dim()), 1]
        return _resized(step, x.permute(order), wanted[1:-1]).permute(back)
    if wanted[1] != x.shape[1]:
        raise step.refuse("resizes channels")
    return _resized(step, x, wanted[2:])


def _resized(step: Step, x: Any, size: list[int]) -> Any:
    if list(x.shape[2:]) == size:
        return x
    mode = step.get("mode", "nearest")
    is_old = step.kind == "Upsample" or step.opset < 11
    rule = "asymmetric" if is_old else step.get("coordinate_transformation_mode", "half_pixel")
    is_whole = all(new % old == 0 for new, old in zip(size, x.shape[2:], strict=True))
    if mode == "nearest":
        rounding = step.get("nearest_mode", "floor" if is_old else "round_prefer_floor")
        is_plain = rule == "asymmetric" and rounding == "floor"
        if is_plain or (is_whole and rounding in _SAME_WHEN_WHOLE.get(rule, ())):
            return step.F.interpolate(x, size)
        if rule in ("half_pixel", "pytorch_half_pixel"):
            return step.F.interpolate(x, size, mode="nearest-exact")
        raise step.refuse(f"takes the nearest value by “{rule}” and “{rounding}”")
    if mode not in ("linear", "bilinear") or step.get("antialias", 0):
        raise step.refuse(f"resizes by “{mode}”")
    name = {3: "linear", 4: "bilinear", 5: "trilinear"}[x.dim()]
    if rule == "align_corners":
        return step.F.interpolate(x, size, mode=name, align_corners=True)
    if rule in ("half_pixel", "pytorch_half_pixel") and (rule == "half_pixel" or min(size) > 1):
        return step.F.interpolate(x, size, mode=name, align_corners=False)
    raise step.refuse(f"resizes by “{rule}”")


_SAME_WHEN_WHOLE = {
    "asymmetric": ("floor",),
    "half_pixel": ("round_prefer_floor", "round_prefer_ceil", "floor"),
    "pytorch_half_pixel": ("round_prefer_floor", "round_prefer_ceil"),
}


def expand(step: Step, x: Any, *_: Any) -> Any:
    """Return Expand."""
    wanted = step.ints("shape", 1)
    if wanted is None:
        raise step.refuse("stretches to a shape that depends on the samples")
    shape = np.broadcast_shapes(tuple(x.shape), tuple(wanted)) if 1 in wanted else None
    if shape is None:
        rank = max(len(wanted), x.dim())
        lengths = [1] * (rank - x.dim()) + list(x.shape)
        given = [1] * (rank - len(wanted)) + wanted
        shape = tuple(a if b in (1, step.batch) else b for a, b in zip(lengths, given, strict=True))
    return x if tuple(shape) == tuple(x.shape) else x.expand(shape)


def cast(step: Step, x: Any) -> Any:
    """Return Cast; between kinds of float nothing is left to do."""
    from onnx import TensorProto

    wanted = step.get("to")
    if x.dtype.is_floating_point and wanted == TensorProto.FLOAT:
        return x
    if not x.dtype.is_floating_point and wanted in (TensorProto.INT64, TensorProto.INT32):
        return x
    raise step.refuse("makes numbers of another kind of what it has computed")


def depth_to_space(step: Step, x: Any) -> Any:
    """Return DepthToSpace, by either order of the channels."""
    size = step.get("blocksize")
    batch, channels, height, width = x.shape
    if step.get("mode", "DCR") == "CRD":
        return step.F.pixel_shuffle(x, size)
    parts = x.reshape(batch, size, size, channels // size**2, height, width)
    parts = parts.permute(0, 3, 4, 1, 5, 2)
    return parts.reshape(batch, channels // size**2, height * size, width * size)


def space_to_depth(step: Step, x: Any) -> Any:
    """Return SpaceToDepth."""
    size = step.get("blocksize")
    batch, channels, height, width = x.shape
    parts = x.reshape(batch, channels, height // size, size, width // size, size)
    parts = parts.permute(0, 3, 5, 1, 2, 4)
    return parts.reshape(batch, channels * size**2, height // size, width // size)


def tile(step: Step, x: Any, *_: Any) -> Any:
    """Return Tile."""
    repeats = step.ints("repeats", 1)
    if repeats is None:
        raise step.refuse("repeats as often as the samples say")
    return x if set(repeats) == {1} else x.repeat(repeats)


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


def refuse(words: str) -> Callable[..., Any]:
    """Return the handler of what is known, but done by no layer."""

    def handle(step: Step, *_: Any) -> Any:
        raise step.refuse(words)

    return handle


VALUES: Mapping[str, Callable[..., Any]] = {
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
    # shape
    "Identity": lambda step, x: x,
    "Dropout": lambda step, x, *_: step.F.dropout(x, step.number("ratio", 1, 0.5), False),
    "Cast": cast,
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Concat": concatenate,
    "Slice": sliced,
    "Split": split,
    "Gather": gather,
    "Pad": pad,
    "Resize": resize,
    "Upsample": resize,
    "Expand": expand,
    "Tile": tile,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
}
