"""What moves of values of ONNX are in PyTorch.

Definitions: https://onnx.ai/onnx/operators/.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.importers._aten import BATCH
from plugins.importers._onnx_resizing import resize

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from plugins.importers._onnx_step import Step


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


SHAPING: Mapping[str, Callable[..., Any]] = {
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
