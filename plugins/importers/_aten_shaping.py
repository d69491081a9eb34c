"""Operations that move values without computing, and means over axes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from math import isnan, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers._values import Array, Value, reshaping
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plugins.importers._aten import Call, Walk


def reshaped(walk: Walk, call: Call) -> Value:
    """Give a value the shape of the result; the batch stays an axis of its own."""
    value = call.settled(call["self"], any_batch=True)
    wanted, batch = _without_batch(call, value)
    return replace(to_shape(walk, call, value, wanted), batch=batch)


def _without_batch(call: Call, value: Value) -> tuple[list[int], int]:
    """Return the result's shape without the batch, and where that is."""
    wanted = list(call.result.shape)
    before = prod(value.torch_shape[: value.batch])
    for place, size in enumerate(wanted):
        if size == call.batch and prod(wanted[:place]) == before:
            return [*wanted[:place], *wanted[place + 1 :]], place
    call.shape  # noqa: B018 - says that the samples are mixed
    raise NotCoveredError(f"{call.where} moves the batch, which no layer here does.")


def to_shape(walk: Walk, call: Call, value: Value, wanted: Sequence[int]) -> Value:
    """Return a value with another PyTorch shape; nothing is added where only names change."""
    if tuple(wanted) == value.torch_shape:
        return value
    if not wanted:  # one number a sample: a row of one here, which only an output can be
        wanted = (1,)
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
        value = Value(node, shape, order, batch=value.batch)
    if plan.shape == value.shape:
        return replace(value, shape=plan.shape, order=plan.order)
    batch = value.batch
    if len(plan.shape) == 1:
        node = walk.node(call, "Flatten", [value])
    else:
        node = walk.node(call, "Reshape", [value], {"shape": plan.shape}, name="reshape")
    return Value(node, plan.shape, plan.order, batch=batch, dtype=value.dtype)


def _in_one_row(walk: Walk, call: Call, value: Value) -> Value:
    """Flatten in the order of the document, and remember where PyTorch has each value."""
    places = np.arange(np.prod(value.shape)).reshape(value.shape)
    rows = places.transpose(value.order).reshape(-1)
    return Value(walk.node(call, "Flatten", [value]), (rows.size,), (0,), rows)


def moved(walk: Walk, call: Call) -> Value:
    """Give the axes other places, which adds nothing: only their names change."""
    value = call.settled(call["self"], any_batch=True)
    places = list(range(value.rank + 1))
    if call.operation == "permute":
        places = [axis % len(places) for axis in call["dims"]]
    elif call.operation == "movedim":
        places = _shifted(places, call["source"], call["destination"])
    elif call.operation == "transpose":
        one, other = call["dim0"] % len(places), call["dim1"] % len(places)
        places[one], places[other] = places[other], places[one]
    else:
        places[-2:] = places[:-3:-1]
    axes: list[int | None] = list(value.order)
    axes.insert(value.batch, None)
    found = [axes[place] for place in places]
    order = tuple(axis for axis in found if axis is not None)
    return replace(value, order=order, batch=found.index(None))


def _shifted(places: list[int], sources: Any, targets: Any) -> list[int]:
    count = len(places)
    pairs = zip(
        *([given] if isinstance(given, int) else given for given in (sources, targets)), strict=True
    )
    taken = {target % count: source % count for source, target in pairs}
    rest = iter(place for place in places if place not in taken.values())
    return [taken[place] if place in taken else next(rest) for place in places]


def concatenate(walk: Walk, call: Call) -> Value:
    """Add Concatenate."""
    values = call["tensors"]
    if len(values) == 2 and isinstance(values[0], Array) and isinstance(values[1], Value):
        return _with_tokens(walk, call, *values)
    if not all(isinstance(value, Value) for value in values):
        raise NotCoveredError(
            f"{call.where} puts a weight beside what it has computed, for which there is no layer "
            "here."
        )
    values = [call.settled(value) for value in values if prod(value.shape)]
    return joined_along(walk, call, values, call["dim"] % (values[0].rank + 1))


def _with_tokens(walk: Walk, call: Call, tokens: Array, value: Value) -> Value:
    """Add ClassToken: the same steps before each sequence."""
    value = call.settled(value)
    rows = tokens.tensor
    if value.rank != 2 or call["dim"] % 3 != 1 or rows.dim() != 3 or (rows != rows[:1]).any():
        raise NotCoveredError(
            f"{call.where} puts a weight beside what it has computed, for which there is no layer "
            "here."
        )
    value = walk.ordered(call, value, (0, 1))
    count = rows.shape[1]
    params = {"count": count} if count > 1 else {}
    array = replace(tokens, is_computed=True)
    node = walk.node(
        call, "ClassToken", [value], params, weights={"tokens": rows[0]}, arrays=[array]
    )
    return replace(value, node=node, shape=(value.shape[0] + count, value.shape[1]))


def joined_along(walk: Walk, call: Call, values: Sequence[Value], dim: int) -> Value:
    """Add Concatenate along an axis of PyTorch, unless there is one value only."""
    first = values[0]
    if len(values) == 1:
        return first
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
    value = call.settled(call["self"], any_batch=True)
    dim = call["dim"] % (value.rank + 1)
    axis = value.axis(dim)
    if axis is None:
        if call.operation == "slice" and call.result.shape[dim] == call.batch:
            return value
        raise NotCoveredError(f"{call.where} takes samples out of the batch.")
    size = value.shape[axis]
    if call.operation == "select":
        index = call["index"] % size
        if size == walk.steps and axis == 0 and value.rank == 2:
            return _picked(walk, call, value, index)
        found = _sliced(walk, call, value, axis, (index, index + 1))
        left = list(found.torch_shape)
        del left[dim - (dim > value.batch)]
        batch = value.batch - (dim < value.batch)
        return replace(to_shape(walk, call, found, left), batch=batch)
    if call.arguments.get("step", 1) != 1:
        raise NotCoveredError(f"{call.where} keeps every second value, which no layer here does.")
    start = call["start"] or 0
    start = start + size if start < 0 else min(start, size)
    return _sliced(walk, call, value, axis, (start, start + call.result.shape[dim]))


def _picked(walk: Walk, call: Call, value: Value, index: int) -> Value:
    """Add PickToken: the first of as many steps as there are."""
    if index:
        raise NotCoveredError(f"{call.where} takes a step other than the first.")
    node = walk.node(call, "PickToken", [value], {"which": "first"}, name="first")
    return Value(node, value.shape[1:], (0,))


def parts(walk: Walk, call: Call) -> list[Any]:
    """Return what makes each part, so that only those that are used are added."""
    value = call.settled(call["self"], any_batch=True)
    dim = call["dim"] % (value.rank + 1)
    axis = value.axis(dim)
    if axis is None:
        raise NotCoveredError(f"{call.where} divides the batch, which no layer here does.")
    found, start = [], 0
    for result in call.result:
        stop = start + result.shape[dim]
        found.append(cache(partial(_sliced, walk, call, value, axis, (start, stop))))
        start = stop
    return found


def _sliced(walk: Walk, call: Call, value: Value, axis: int, places: tuple[int, int]) -> Value:
    start, stop = places
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
    return replace(value, node=node, shape=shape)


def constant_pad(walk: Walk, call: Call) -> Value:
    """Add ZeroPad2D, or leave the padding to the convolution or pool that follows."""
    value = call.value("self")
    mode = call.arguments.get("mode", "constant")
    if call.operation.startswith("reflection_pad"):
        mode = "reflect"
    if mode not in ("constant", "reflect"):
        raise NotCoveredError(f"{call.where} pads by “{mode}”, which no layer here does.")
    filling = float(call.arguments.get("value") or 0)
    flat = call["padding"] if "padding" in call.arguments else call["pad"]
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
    rank = value.rank - 1
    if mode == "reflect":
        return _reflected(walk, call, value, amounts)
    is_left = filling == 0 and follower == {f"conv{rank}d"} and len(call.users) == 1
    is_left |= filling == float("-inf") and follower == {f"max_pool{rank}d"}
    is_left |= isnan(filling) and follower == {f"avg_pool{rank}d"}  # padding that does not count
    if is_left and min(min(pair) for pair in amounts) >= 0:
        return replace(value, pads=tuple(amounts))
    if filling or value.rank not in (2, 3, 4):
        raise NotCoveredError(f"{call.where} pads by {filling}, for which there is no layer here.")
    lengths = [n + sum(pair) for n, pair in zip(value.shape[:-1], amounts, strict=True)]
    kinds = {"ZeroPad": [(max(a, 0), max(b, 0)) for a, b in amounts]}
    kinds["Crop"] = [(max(-a, 0), max(-b, 0)) for a, b in amounts]
    node = value.node
    for kind, pairs_ in kinds.items():
        if any(map(any, pairs_)):
            given = pairs_[0] if rank == 1 else pairs_
            node = walk.node(
                call, f"{kind}{rank}D", [replace(value, node=node)], {"amounts": given}, name="pad"
            )
    return replace(value, node=node, shape=(*lengths, value.shape[-1]))


def _reflected(walk: Walk, call: Call, value: Value, amounts: Sequence[tuple[int, int]]) -> Value:
    """Add ReflectPad."""
    rank = value.rank - 1
    if rank > 2 or min(min(pair) for pair in amounts) < 0:
        raise NotCoveredError(f"{call.where} mirrors in a way that no layer here does.")
    params = {"amounts": amounts[0] if rank == 1 else amounts}
    node = walk.node(call, f"ReflectPad{rank}D", [value], params, name="pad")
    lengths = [n + sum(pair) for n, pair in zip(value.shape[:-1], amounts, strict=True)]
    return replace(value, node=node, shape=(*lengths, value.shape[-1]))


def reduced(how: str) -> Any:
    """Return the handler of a mean, a sum or an extreme over axes."""

    def handle(walk: Walk, call: Call) -> Value:
        value = call.value("self")
        if value.rows is not None:
            raise NotCoveredError(f"{call.where} takes a {how} of a picture laid out in one row.")
        dims = call.arguments.get("dim")
        dims = [dims] if isinstance(dims, int) else dims or list(range(value.rank + 1))
        places = sorted({dim % (value.rank + 1) for dim in dims})
        if 0 in places:
            raise NotCoveredError(f"{call.where} takes a {how} over the batch.")
        keeps = bool(call.arguments.get("keepdim", False))
        kept = [place for place in range(1, value.rank + 1) if place not in places]
        pools = {"mean": "GlobalAveragePool", "max": "GlobalMaxPool"}
        if how in pools and len(kept) == 1 and value.rank > 1:
            return _over_space(walk, call, value, pools[how], kept[0])
        found = _over_axes(walk, call, value, how, places)
        if keeps:
            return found
        left = [n for place, n in enumerate(value.torch_shape, start=1) if place not in places]
        return to_shape(walk, call, found, left)

    return handle


def _over_space(walk: Walk, call: Call, value: Value, kind: str, kept: int) -> Value:
    """Add a global pool, of which one axis is left."""
    if value.order[kept - 1] != value.rank - 1:  # the axis that stays must be the last one
        places = [place for place in range(1, value.rank + 1) if place != kept]
        order = [0] * value.rank
        for axis, place in enumerate((*places, kept)):
            order[place - 1] = axis
        value = walk.ordered(call, value, order)
    if not call.arguments.get("keepdim", False):
        return Value(walk.node(call, kind, [value]), value.shape[-1:], (0,))
    node = walk.node(call, kind, [value], {"keep_axes": True})
    return replace(value, node=node, shape=(*(1,) * (value.rank - 1), value.shape[-1]))


def _over_axes(walk: Walk, call: Call, value: Value, how: str, places: Sequence[int]) -> Value:
    """Add Reduce for each axis in turn; they stay with a size of 1."""
    for place in places:
        axis = value.order[place - 1]
        params = {"how": how, "axis": -1 if axis == value.rank - 1 else axis + 1, "keep_axis": True}
        params = {key: given for key, given in params.items() if given not in (-1, "mean")}
        shape = (*value.shape[:axis], 1, *value.shape[axis + 1 :])
        value = replace(value, node=walk.node(call, "Reduce", [value], params), shape=shape)
    return value


def upsampled(walk: Walk, call: Call) -> Value:
    """Add Upsample for whole factors, else Resize."""
    given = call.arguments.get("input")
    value = walk.channels_first(call, call.settled(call["self"] if given is None else given))
    rank = value.rank - 1
    if call.arguments.get("align_corners"):
        raise NotCoveredError(f"{call.where} resizes with aligned corners, which no layer does.")
    name = "nearest" if "nearest" in call.operation else "bilinear"
    size, lengths = call.shape[1:], value.shape[:-1]
    factor = [new // old for new, old in zip(size, lengths, strict=True)]
    is_whole = all(new % old == 0 for new, old in zip(size, lengths, strict=True))
    if is_whole and (name == "nearest" or rank == 2):
        params: dict[str, Any] = {"factor": factor[0] if rank == 1 else factor}
        params |= {"interpolation": name} if name != "nearest" else {}
        node = walk.node(call, f"Upsample{rank}D", [value], params)
    elif rank == 2 and (name == "bilinear" or "exact" in call.operation):
        params = {"height": size[0], "width": size[1], "interpolation": name}
        node = walk.node(call, "Resize", [value], params)
    else:
        raise NotCoveredError(
            f"{call.where} resizes by a fraction, which layers here do otherwise."
        )
    return replace(value, node=node, shape=(*size, value.shape[-1]))


def flipped(walk: Walk, call: Call) -> Value:
    """Turn time around, which a recurrent layer does by itself; nobody else can take it."""
    value = call.settled(call["self"], any_batch=True, any_direction=True)
    (dim,) = call["dims"]
    dim %= value.rank + 1
    axes: list[int | None] = list(value.order)
    axes.insert(value.batch, None)
    if axes[dim] != 0:
        raise NotCoveredError(f"{call.where} turns an axis around, which no layer here does.")
    return replace(value, is_turned=not value.is_turned)


def stacked(walk: Walk, call: Call) -> Value:
    """Add Concatenate of values with a new axis of size 1."""
    values = [call.settled(value) for value in call["tensors"]]
    dim = call["dim"] % (values[0].rank + 2)
    if dim == 0:
        raise NotCoveredError(f"{call.where} puts batches together, which no layer here does.")
    wide = []
    for value in values:
        lengths = list(value.torch_shape)
        lengths.insert(dim - 1, 1)
        wide.append(to_shape(walk, call, value, lengths))
    return joined_along(walk, call, wide, dim)


def repeated(walk: Walk, call: Call) -> Value:
    """Add Concatenate of a value with itself along each axis that is repeated."""
    value = call.value("self")
    counts = list(call["repeats"])
    if len(counts) != value.rank + 1 or counts[0] != 1:
        raise NotCoveredError(f"{call.where} repeats the batch, which no layer here does.")
    for dim, count in enumerate(counts):
        if count > 16:
            raise NotCoveredError(f"{call.where} repeats values {count} times.")
        if count > 1:
            value = joined_along(walk, call, [value] * count, dim)
    return value
