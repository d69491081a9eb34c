"""Recognises functions that an exporter has written out in parts, and puts them together again.

GELU is told by its erf or tanh, a hard swish by its bounds, a normalisation by its mean and root.
Patterns are trees over the operations of ATen; what matches is replaced in the exported graph.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plugins.importers._graphs import operation_of, sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

COMMUTATIVE = ("add", "mul", "maximum", "minimum")


@dataclass(frozen=True)
class Any_:
    """Stands for one value, the same one wherever it has this name."""

    name: str


@dataclass(frozen=True)
class Number:
    """Stands for a number near this one, or for any, which is kept under a name."""

    value: float | None = None
    name: str = ""


@dataclass(frozen=True)
class Op:
    """Stands for an operation of what other patterns stand for."""

    name: str
    parts: tuple[Any, ...]


X = Any_("x")


def op(name: str, *parts: Any) -> Op:
    """Return a pattern; numbers stand for numbers near them."""
    return Op(name, tuple(Number(p) if isinstance(p, int | float) else p for p in parts))


def _patterns() -> Iterator[tuple[Op, str, Callable[[Mapping[str, Any]], tuple[Any, ...]]]]:
    """Yield what is looked for, the operation it is, and that one's arguments."""
    one = lambda found: (found["x"],)  # noqa: E731
    third = op("clamp", op("add", X, 3), 0, 6)
    yield op("div", op("mul", X, third), 6), "hardswish", one
    yield op("mul", op("mul", X, third), 1 / 6), "hardswish", one
    yield op("mul", X, op("div", third, 6)), "hardswish", one
    yield op("mul", X, op("mul", third, 1 / 6)), "hardswish", one
    yield op("div", third, 6), "hardsigmoid", one
    yield op("mul", third, 1 / 6), "hardsigmoid", one
    lines = op("clamp", op("add", op("mul", X, 1 / 6), 0.5), 0, 1)
    yield op("mul", X, lines), "hardswish", one
    yield lines, "hardsigmoid", one
    yield op("mul", X, op("hardsigmoid", X)), "hardswish", one
    yield op("mul", X, op("sigmoid", X)), "silu", one
    yield op("mul", X, op("tanh", op("softplus", X))), "mish", one
    yield from _gelus()


def _gelus() -> Iterator[tuple[Op, str, Callable[[Mapping[str, Any]], tuple[Any, ...]]]]:
    one = lambda found: (found["x"],)  # noqa: E731
    root = math.sqrt(2)
    for inner in (op("div", X, root), op("mul", X, 1 / root)):
        share = op("add", op("erf", inner), 1)
        yield op("mul", op("mul", X, share), 0.5), "gelu", one
        yield op("mul", op("mul", X, 0.5), share), "gelu", one
        yield op("mul", X, op("mul", share, 0.5)), "gelu", one
    cubes = (op("pow", X, 3), op("mul", op("mul", X, X), X))
    slope = math.sqrt(2 / math.pi)
    for cube in cubes:
        inside = op("add", X, op("mul", cube, 0.044715))
        share = op("add", op("tanh", op("mul", inside, slope)), 1)
        yield op("mul", op("mul", X, 0.5), share), "gelu tanh", one
        yield op("mul", op("mul", X, share), 0.5), "gelu tanh", one
        yield op("mul", X, op("mul", share, 0.5)), "gelu tanh", one


def fuse(graph: Any) -> None:
    """Put together in place what was written out in parts."""
    _neutral(graph)
    for pattern, name, arguments in _patterns():
        for node in list(graph.nodes):
            found: dict[str, Any] = {}
            if node.op == "call_function" and node.users and _matches(pattern, node, found):
                _replace(graph, node, name, arguments(found))
    _means(graph)
    _rows(graph)
    _normalisations(graph)
    _biases(graph)
    sweep(graph)


_SHAPES = ("view", "reshape", "_unsafe_view")


def _rows(graph: Any) -> None:
    """Leave out that the steps of all samples are laid out in rows before a linear layer."""
    for node in list(graph.nodes):
        if node.op != "call_function" or operation_of(node) != "linear":
            continue
        laid = node.args[0]
        if operation_of(laid) not in _SHAPES or len(node.meta["val"].shape) != 2:
            continue
        x = laid.args[0]
        before, flat = x.meta["val"], laid.meta["val"]
        users = {operation_of(user) for user in node.users}
        if before.dim() < 3 or before.shape[-1] != flat.shape[-1] or not users <= set(_SHAPES):
            continue
        with graph.inserting_before(node):
            whole = graph.call_function(node.target, (x, *node.args[1:]), node.kwargs)
        whole.meta = dict(node.meta)
        whole.meta["val"] = node.meta["val"].reshape(*before.shape[:-1], -1)
        node.replace_all_uses_with(whole)


def _means(graph: Any) -> None:
    """Make means of sums that are divided by as many as were summed up."""
    import torch

    for node in list(graph.nodes):
        if node.op != "call_function" or operation_of(node) not in ("div", "mul"):
            continue
        total, number = (*node.args, None)[:2]
        if not isinstance(number, int | float) or operation_of(total) != "sum" or not number:
            continue
        if len(total.args) < 2 or not total.args[1]:
            continue
        shape, axes = total.args[0].meta["val"].shape, total.args[1]
        count = math.prod(shape[axis] for axis in axes)
        divisor = number if operation_of(node) == "div" else 1 / number
        if not math.isclose(divisor, count, rel_tol=1e-5):
            continue
        with graph.inserting_before(node):
            mean = graph.call_function(torch.ops.aten.mean.dim, total.args, total.kwargs)
        mean.meta = dict(node.meta)
        node.replace_all_uses_with(mean)


_NEUTRAL = {"add": 0, "sub": 0, "mul": 1, "div": 1, "pow": 1}


def _neutral(graph: Any) -> None:
    """Leave out sums with zero and products with one."""
    for node in list(graph.nodes):
        number = _NEUTRAL.get(operation_of(node)) if node.op == "call_function" else None
        given = node.args[1] if len(node.args) > 1 else None
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        if number is not None and is_number and given == number and not node.kwargs:
            node.replace_all_uses_with(node.args[0])


def _replace(graph: Any, node: Any, name: str, arguments: tuple[Any, ...]) -> Any:
    import torch

    plain, _, kind = name.partition(" ")
    target = getattr(torch.ops.aten, plain).default
    with graph.inserting_before(node):
        options = {"approximate": kind} if kind else {}
        new = graph.call_function(target, arguments, options)
    new.meta = dict(node.meta)
    node.replace_all_uses_with(new)
    return new


def _matches(pattern: Any, value: Any, found: dict[str, Any]) -> bool:
    """Say whether a value is what a pattern stands for, and keep what its names stand for."""
    if isinstance(pattern, Any_):
        known = found.setdefault(pattern.name, value)
        return known is value
    if isinstance(pattern, Number):
        if not isinstance(value, int | float) or isinstance(value, bool):
            return False
        if pattern.value is None:
            return found.setdefault(pattern.name, value) == value
        return math.isclose(value, pattern.value, rel_tol=2e-3, abs_tol=1e-9)
    if not hasattr(value, "op") or value.op != "call_function":
        return False
    name = operation_of(value)
    given = [item for item in value.args if item is not None]
    if name == "relu" and pattern.name == "clamp":
        name, given = "clamp", [*given, 0.0]
    if name != pattern.name or len(given) < len(pattern.parts):
        return False
    if name == "add" and value.kwargs.get("alpha", 1) != 1:
        return False
    orders = [given[: len(pattern.parts)]]
    if name in COMMUTATIVE:
        orders.append(orders[0][::-1])
    for order in orders:
        trial = dict(found)
        pairs = zip(pattern.parts, order, strict=True)
        if all(_matches(part, item, trial) for part, item in pairs):
            found.update(trial)
            return True
    return False


def _normalisations(graph: Any) -> None:
    """Put layer and RMS normalisations together: told by the root of a mean of squares."""
    import torch

    epsilon = Number(name="epsilon")
    centred = op("sub", X, Op("mean", (X, Any_("axes"), Any_("keeps"))))
    squares = (op("pow", Any_("d"), 2), op("mul", Any_("d"), Any_("d")))
    for node in list(graph.nodes):
        if node.op != "call_function" or not node.users:
            continue
        for square in squares:
            spread = op("add", Op("mean", (square, Any_("axes"), Any_("keeps"))), epsilon)
            roots = (op("sqrt", spread), op("pow", spread, 0.5))
            inverse = (op("rsqrt", spread), op("pow", spread, -0.5))
            whole = [op("div", Any_("y"), root) for root in roots]
            whole += [op("mul", Any_("y"), part) for part in inverse]
            whole += [op("mul", Any_("y"), op("reciprocal", root)) for root in roots]
            for pattern in whole:
                found: dict[str, Any] = {}
                if not _matches(pattern, node, found):
                    continue
                y, d = found["y"], found["d"]
                axes = _last(found["axes"], d)
                inner: dict[str, Any] = {}
                same = y is d or _equal(y, d)
                if axes is None or not same or not found["keeps"]:
                    continue
                arguments: tuple[Any, ...]
                if _matches(centred, d, inner) and _last(inner["axes"], d) == axes:
                    shape = tuple(d.meta["val"].shape[-axes:])
                    arguments = (inner["x"], shape, None, None, float(found["epsilon"]))
                    target = torch.ops.aten.layer_norm.default
                elif axes == 1:
                    shape = tuple(d.meta["val"].shape[-1:])
                    arguments = (d, shape, None, float(found["epsilon"]))
                    target = torch.ops.aten.rms_norm.default
                else:
                    continue
                _affine(graph, node, target, arguments)
                break


_WITH_BIAS = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), (2, 1)),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), (2, 1)),
    "linear": (2, -1),
}
"""Where an operation takes its bias, and the axis of its channels."""


def _biases(graph: Any) -> None:
    """Give convolutions and products the weight that is added right after them."""
    for node in list(graph.nodes):
        if node.op != "call_function" or operation_of(node) not in _WITH_BIAS:
            continue
        place, axis = _WITH_BIAS[operation_of(node)]
        if len(node.args) > place and node.args[place] is not None:
            continue
        result = node.meta["val"]
        shape = [1] * result.dim()
        shape[axis] = result.shape[axis]
        users = list(node.users)
        if len(users) != 1 or operation_of(users[0]) != "add" or users[0].kwargs:
            continue
        other = [item for item in users[0].args if item is not node]
        if len(other) != 1 or getattr(other[0], "op", "") != "placeholder":
            continue
        found = list(other[0].meta["val"].shape)
        padded = [1] * (result.dim() - len(found)) + found
        if padded != shape:
            continue
        _give_bias(graph, node, users[0], other[0])


def _give_bias(graph: Any, node: Any, total: Any, bias: Any) -> None:
    import torch

    place = _WITH_BIAS[operation_of(node)][0]
    with graph.inserting_before(total):
        flat = graph.call_function(torch.ops.aten.view.default, (bias, [-1]))
        flat.meta = {"val": bias.meta["val"].reshape(-1)}
        arguments = [*node.args, *[None] * place][: max(place, len(node.args))]
        arguments = [*arguments[:place], flat, *node.args[place + 1 :]]
        new = graph.call_function(node.target, tuple(arguments), node.kwargs)
    new.meta = dict(node.meta)
    total.replace_all_uses_with(new)


def _equal(one: Any, other: Any) -> bool:
    """Say whether two values are the same operation of the same values, written out twice."""
    return (
        getattr(one, "op", "") == getattr(other, "op", "") == "call_function"
        and one.target == other.target
        and len(one.args) == len(other.args)
        and all(
            a is b or _equal(a, b) or (isinstance(a, int | float | list) and a == b)
            for a, b in zip(one.args, other.args, strict=True)
        )
    )


def _last(axes: Any, value: Any) -> int | None:
    """Return how many of the last axes these are; None where they are others."""
    rank = value.meta["val"].dim()
    found = sorted(axis % rank for axis in ([axes] if isinstance(axes, int) else axes))
    return len(found) if found == list(range(rank - len(found), rank)) else None


def _affine(graph: Any, node: Any, target: Any, arguments: tuple[Any, ...]) -> None:
    """Replace a normalisation by one operation, with the scale and shift that follow it."""
    shape = list(arguments[1])
    end, scale = _follows(node, "mul", shape)
    given = list(arguments)
    given[2] = scale
    if len(given) == 5:
        end, given[3] = _follows(end, "add", shape)
    with graph.inserting_before(end):
        new = graph.call_function(target, tuple(given))
    new.meta = dict(node.meta)
    end.replace_all_uses_with(new)


def _follows(node: Any, name: str, shape: list[int]) -> tuple[Any, Any]:
    """Return the only user of a value where it joins it with a weight, and that weight."""
    users = list(node.users)
    if len(users) != 1 or operation_of(users[0]) != name:
        return node, None
    other = [item for item in users[0].args[:2] if item is not node]
    if len(other) != 1 or not hasattr(other[0], "op") or other[0].op != "placeholder":
        return node, None
    if list(other[0].meta["val"].shape) != shape:
        return node, None
    return users[0], other[0]
