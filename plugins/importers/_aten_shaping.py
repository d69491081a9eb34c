"""Operations that move values without computing, and means over axes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers._values import Value, reshaping
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plugins.importers._aten import Call, Walk


def reshaped(walk: Walk, call: Call) -> Value:
    """Give a value the shape of the result."""
    return to_shape(walk, call, call.value("self"), call.shape)


def to_shape(walk: Walk, call: Call, value: Value, wanted: Sequence[int]) -> Value:
    """Return a value with another PyTorch shape; nothing is added where only names change."""
    if tuple(wanted) == value.torch_shape:
        return value
    if value.rows is not None:
        raise NotCoveredError(f"{call.where} reshapes a picture laid out in one row.")
    plan = reshaping(value, wanted)
    if plan.first is not None and len(plan.shape) == 1:
        return _in_one_row(walk, call, value)
    if plan.first is not None:
        axes = [axis + 1 for axis in plan.first]
        node = walk.node(call, "Permute", [value], {"axes": axes}, name="permute")
        shape = tuple(value.shape[axis] for axis in plan.first)
        order = tuple(plan.first.index(axis) for axis in value.order)
        value = Value(node, shape, order)
    if plan.shape == value.shape:
        return replace(value, shape=plan.shape, order=plan.order)
    if len(plan.shape) == 1:
        node = walk.node(call, "Flatten", [value])
    else:
        node = walk.node(call, "Reshape", [value], {"shape": plan.shape}, name="reshape")
    return Value(node, plan.shape, plan.order)


def _in_one_row(walk: Walk, call: Call, value: Value) -> Value:
    """Flatten in the order of the document, and remember where PyTorch has each value."""
    places = np.arange(np.prod(value.shape)).reshape(value.shape)
    rows = places.transpose(value.order).reshape(-1)
    return Value(walk.node(call, "Flatten", [value]), (rows.size,), (0,), rows)


def moved(walk: Walk, call: Call) -> Value:
    """Give the axes other places, which adds nothing: only their names change."""
    value = call.value("self")
    places = list(range(value.rank + 1))
    if call.operation == "permute":
        places = [axis % len(places) for axis in call["dims"]]
    elif call.operation == "transpose":
        one, other = call["dim0"] % len(places), call["dim1"] % len(places)
        places[one], places[other] = places[other], places[one]
    if places[0] != 0:
        raise NotCoveredError(f"{call.where} moves the batch, which no layer here does.")
    return replace(value, order=tuple(value.order[place - 1] for place in places[1:]))


def concatenate(walk: Walk, call: Call) -> Value:
    """Add Concatenate."""
    values = call["tensors"]
    if not all(isinstance(value, Value) for value in values):
        raise NotCoveredError(
            f"{call.where} puts a weight beside what it has computed (a class token, say), for "
            "which there is no layer here."
        )
    values = [call.settled(value) for value in values]
    if len(values) == 1:
        return values[0]
    first = values[0]
    dim = call["dim"] % (first.rank + 1)
    if dim == 0:
        raise NotCoveredError(f"{call.where} puts batches together, which no layer here does.")
    values = [first, *(walk.ordered(call, value, first.order) for value in values[1:])]
    axis = first.order[dim - 1]
    sizes = [value.shape[axis] for value in values]
    params = {} if axis == first.rank - 1 else {"axis": axis + 1}
    node = walk.node(call, "Concatenate", values, params)
    shape = (*first.shape[:axis], sum(sizes), *first.shape[axis + 1 :])
    return Value(node, shape, first.order, _joined_rows(values))


def _joined_rows(values: Sequence[Value]) -> Any:
    if all(value.rows is None for value in values):
        return None
    parts, before = [], 0
    for value in values:
        own = np.arange(value.shape[0]) if value.rows is None else value.rows
        parts.append(own + before)
        before += value.shape[0]
    return np.concatenate(parts)


def part(walk: Walk, call: Call) -> Value:
    """Add Slice, or nothing where all is kept; `select` drops the axis as well."""
    value = call.value("self")
    dim = call["dim"] % (value.rank + 1)
    if dim == 0:
        if call.operation == "slice":
            call.shape  # noqa: B018 - says so where samples are left out
            return value
        raise NotCoveredError(f"{call.where} takes a sample out of the batch.")
    size = value.torch_shape[dim - 1]
    if call.operation == "select":
        index = call["index"] % size
        found = _sliced(walk, call, value, dim, (index, index + 1))
        return to_shape(walk, call, found, call.shape)
    if call.arguments.get("step", 1) != 1:
        raise NotCoveredError(f"{call.where} keeps every second value, which no layer here does.")
    start = call["start"] or 0
    start = start + size if start < 0 else min(start, size)
    return _sliced(walk, call, value, dim, (start, start + call.shape[dim - 1]))


def parts(walk: Walk, call: Call) -> list[Any]:
    """Return what makes each part, so that only those that are used are added."""
    value = call.value("self")
    dim = call["dim"] % (value.rank + 1)
    if dim == 0:
        raise NotCoveredError(f"{call.where} divides the batch, which no layer here does.")
    found, start = [], 0
    for result in call.result:
        stop = start + result.shape[dim]
        found.append(partial(_sliced, walk, call, value, dim, (start, stop)))
        start = stop
    return found


def _sliced(walk: Walk, call: Call, value: Value, dim: int, places: tuple[int, int]) -> Value:
    start, stop = places
    axis = value.order[dim - 1]
    size = value.shape[axis]
    if (start, stop) == (0, size):
        return value
    if value.rows is not None:
        raise NotCoveredError(f"{call.where} takes a part of a picture laid out in one row.")
    params: dict[str, Any] = {} if axis == value.rank - 1 else {"axis": axis + 1}
    params |= {"start": start} if start else {}
    params |= {"stop": stop} if stop < size else {}
    node = walk.node(call, "Slice", [value], params, name="part")
    shape = (*value.shape[:axis], stop - start, *value.shape[axis + 1 :])
    return Value(node, shape, value.order)


def constant_pad(walk: Walk, call: Call) -> Value:
    """Add ZeroPad2D, or leave the padding to the convolution or pool that follows."""
    value = call.value("self")
    if call.arguments.get("mode", "constant") != "constant":
        raise NotCoveredError(f"{call.where} pads by “{call['mode']}”, which no layer here does.")
    filling = float(call["value"] or 0)
    flat = call["pad"]
    pairs = {value.rank - 1 - i: (flat[2 * i], flat[2 * i + 1]) for i in range(len(flat) // 2)}
    value = walk.channels_first(call, value)
    amounts = [(0, 0)] * (value.rank - 1)
    for place, pair in pairs.items():
        axis = value.order[place]
        if axis == value.rank - 1 and any(pair):
            raise NotCoveredError(f"{call.where} pads channels, which no layer here does.")
        if axis < value.rank - 1:
            amounts[axis] = pair
    if not any(map(any, amounts)):
        return value
    follower = set(call.users)
    is_left = filling == 0 and follower == {"conv2d"} and len(call.users) == 1
    is_left |= filling == float("-inf") and follower == {"max_pool2d"} and len(call.users) == 1
    if is_left and min(min(pair) for pair in amounts) >= 0:
        return replace(value, pads=tuple(amounts))
    if filling or value.rank != 3 or min(min(pair) for pair in amounts) < 0:
        raise NotCoveredError(f"{call.where} pads by {filling}, for which there is no layer here.")
    lengths = [n + sum(pair) for n, pair in zip(value.shape[:-1], amounts, strict=True)]
    node = walk.node(call, "ZeroPad2D", [value], {"amounts": amounts}, name="pad")
    return replace(value, node=node, shape=(*lengths, value.shape[-1]))


def mean(walk: Walk, call: Call) -> Value:
    """Add a global average pool."""
    return _over_space(walk, call, "GlobalAveragePool", "means")


def largest(walk: Walk, call: Call) -> Value:
    """Add a global max pool."""
    return _over_space(walk, call, "GlobalMaxPool", "largest values")


def _over_space(walk: Walk, call: Call, kind: str, what: str) -> Value:
    value = call.value("self")
    dims = call.arguments.get("dim")
    dims = [dims] if isinstance(dims, int) else dims or []
    places = {dim % (value.rank + 1) for dim in dims}
    kept = [place for place in range(1, value.rank + 1) if place not in places]
    if 0 in places or not dims or len(kept) != 1 or value.rows is not None:
        raise NotCoveredError(
            f"{call.where} takes {what} over axes for which there is no layer here."
        )
    if value.order[kept[0] - 1] != value.rank - 1:  # the axis that stays must be the last one
        order = [0] * value.rank
        for axis, place in enumerate((*sorted(places), kept[0])):
            order[place - 1] = axis
        value = walk.ordered(call, value, order)
    keeps = bool(call["keepdim"])
    node = walk.node(call, kind, [value], {"keep_axes": True} if keeps else {})
    if keeps:
        return replace(value, node=node, shape=(*(1,) * (value.rank - 1), value.shape[-1]))
    return Value(node, value.shape[-1:], (0,))


def upsampled(walk: Walk, call: Call) -> Value:
    """Add Upsample2D for whole factors, else Resize."""
    value = walk.channels_first(call, call.settled(call.arguments.get("input") or call["self"]))
    if call.arguments.get("align_corners"):
        raise NotCoveredError(f"{call.where} resizes with aligned corners, which no layer does.")
    name = "nearest" if "nearest" in call.operation else "bilinear"
    size = call.shape[1:]
    lengths = value.shape[:-1]
    if all(new % old == 0 for new, old in zip(size, lengths, strict=True)):
        factor = [new // old for new, old in zip(size, lengths, strict=True)]
        params = {"factor": factor, "interpolation": name}
        node = walk.node(call, "Upsample2D", [value], params)
    elif name == "nearest":
        raise NotCoveredError(
            f"{call.where} resizes by a fraction, which layers here do otherwise."
        )
    else:
        params = {"height": size[0], "width": size[1], "interpolation": name}
        node = walk.node(call, "Resize", [value], params)
    return replace(value, node=node, shape=(*size, value.shape[-1]))
