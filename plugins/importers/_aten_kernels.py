"""Convolutions, dense layers, normalisations and pools."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plugins.importers._values import Array, Pair, Value
from plugins.layers._windows import Window
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plugins.importers._aten import Call, Walk


def convolution(walk: Walk, call: Call) -> Value:
    """Add Conv or DepthwiseConv; what pads before it becomes part of it."""
    weight, bias = call["weight"], call["bias"]
    if not isinstance(weight, Array):
        raise NotCoveredError(f"{call.where} convolves with what it has computed.")
    rank = weight.tensor.dim() - 2
    value = walk.channels_first(call, call["input"])
    stride, dilation = _each(call["stride"], rank), _each(call["dilation"], rank)
    size = tuple(weight.tensor.shape[2:])
    windows = [Window(*axis) for axis in zip(size, stride, dilation, strict=True)]
    pads = _conv_pads(call, value, windows)
    params = {
        "kernel_size": _short(size),
        "stride": _short(stride),
        "dilation": _short(dilation),
        **_padding(value, windows, pads),
        "use_bias": bias is not None,
    }
    defaults = {"stride": _short((1,) * rank), "dilation": _short((1,) * rank), "use_bias": True}
    params = {key: given for key, given in params.items() if given != defaults.get(key)}
    groups, channels = call["groups"], value.shape[-1]
    is_depthwise = groups == channels > 1 and rank < 3
    kernel = weight.tensor
    if is_depthwise:
        params["multiplier"] = kernel.shape[0] // channels
        kernel = kernel.reshape(channels, -1, *size).movedim((0, 1), (-2, -1))
    else:
        params["filters"] = kernel.shape[0]
        if groups > 1:
            params["groups"] = groups
        kernel = kernel.movedim((0, 1), (-1, -2))
    kind = f"{'Depthwise' if is_depthwise else ''}Conv{rank}D"
    weights = {"kernel": kernel, "bias": _tensor(bias)}
    node = walk.node(call, kind, [value], params, weights=weights, arrays=[weight, bias])
    _note_computed(walk, weight, node)
    lengths = [w.positions(n, p) for w, n, p in zip(windows, value.shape[:-1], pads, strict=True)]
    return Value(node, (*lengths, weight.tensor.shape[0]), value.order)


def any_convolution(walk: Walk, call: Call) -> Value:
    """Add what a convolution without a rank in its name is."""
    if call["transposed"]:
        return transposed(walk, call)
    return convolution(walk, call)


def transposed(walk: Walk, call: Call) -> Value:
    """Add ConvTranspose, and what crops its output or fills it up.

    PyTorch's own padding crops as much before as behind; “same” crops all that the kernel reaches
    beyond the stride, the odd one behind.
    """
    weight, bias = call["weight"], call["bias"]
    if not isinstance(weight, Array):
        raise NotCoveredError(f"{call.where} convolves with what it has computed.")
    rank = weight.tensor.dim() - 2
    value = walk.channels_first(call, call.value("input"))
    if call["groups"] != 1:
        raise NotCoveredError(f"{call.where} is a transposed convolution in groups.")
    stride, dilation = _each(call["stride"], rank), _each(call["dilation"], rank)
    size = tuple(weight.tensor.shape[2:])
    pads, extra = _each(call["padding"], rank), _each(call["output_padding"], rank)
    windows = [Window(*axis) for axis in zip(size, stride, dilation, strict=True)]
    over = [max(w.reach - w.stride, 0) for w in windows]
    crops = [(pad, pad - more) for pad, more in zip(pads, extra, strict=True)]
    is_same = all((o // 2, o - o // 2) == crop for o, crop in zip(over, crops, strict=True))
    fills = [(0, max(w.stride - w.reach, 0)) for w in windows]  # what the layer adds by itself
    params: dict[str, Any] = {
        "filters": weight.tensor.shape[1],
        "kernel_size": _short(size),
        "stride": _short(stride),
        "dilation": _short(dilation),
        "padding": "same" if is_same else "valid",
        "use_bias": bias is not None,
    }
    defaults = {"dilation": _short((1,) * rank), "use_bias": True, "padding": "same"}
    params = {key: given for key, given in params.items() if given != defaults.get(key)}
    weights = {"kernel": weight.tensor.movedim((0, 1), (-1, -2)), "bias": _tensor(bias)}
    node = walk.node(
        call, f"ConvTranspose{rank}D", [value], params, weights=weights, arrays=[weight, bias]
    )
    lengths = [
        (n - 1) * w.stride + w.reach + fill[1] - (o if is_same else 0)
        for n, w, fill, o in zip(value.shape[:-1], windows, fills, over, strict=True)
    ]
    found = Value(node, (*lengths, weight.tensor.shape[1]), value.order)
    if is_same:
        return found
    taken = [(a, b + fill[1]) for (a, b), fill in zip(crops, fills, strict=True)]
    is_filled = any(b < 0 for _, b in taken)
    if is_filled and (bias is not None or any(min(pair) < 0 < max(pair) for pair in taken)):
        raise NotCoveredError(f"{call.where} fills its output up in a way that no layer does.")
    return cropped(walk, call, found, taken)


def cropped(walk: Walk, call: Call, value: Value, amounts: Sequence[Pair]) -> Value:
    """Return a value with so much off its edges, or zeros where that is negative."""
    rank = len(amounts)
    for kind, sign in (("Crop", 1), ("ZeroPad", -1)):
        pairs = [(max(sign * a, 0), max(sign * b, 0)) for a, b in amounts]
        if any(map(any, pairs)):
            params = {"amounts": pairs[0] if rank == 1 else pairs}
            node = walk.node(call, f"{kind}{rank}D", [value], params, name="fit")
            lengths = [n - sign * sum(pair) for n, pair in zip(value.shape, pairs, strict=False)]
            value = replace(value, node=node, shape=(*lengths, value.shape[-1]))
    return value


def linear(walk: Walk, call: Call) -> Value:
    """Add Dense; the rows of its kernel follow a picture laid out in one row."""
    value = call.settled(call["input"], any_batch=True)
    weight, bias = call["weight"], call["bias"]
    if value.batch == value.rank:
        raise NotCoveredError(f"{call.where} multiplies along the batch.")
    if not isinstance(weight, Array):
        raise NotCoveredError(f"{call.where} multiplies by what it has computed.")
    if value.rows is None:
        value = _last_axis_last(walk, call, value)
    kernel = weight.tensor.T
    if value.rows is not None:
        straight = kernel.new_empty(kernel.shape)
        straight[value.rows] = kernel
        kernel = straight
        walk.changed.append(
            f"The rows of {weight.names[0]} were put in the order height, width, channels."
        )
    params = {"units": kernel.shape[1], **({} if bias is not None else {"use_bias": False})}
    weights = {"kernel": kernel, "bias": _tensor(bias)}
    node = walk.node(call, "Dense", [value], params, weights=weights, arrays=[weight, bias])
    _note_computed(walk, weight, node)
    shape = (*value.shape[:-1], kernel.shape[1])
    return Value(node, shape, value.order, batch=value.batch)


def batch_norm(walk: Walk, call: Call) -> Value:
    """Add BatchNorm with PyTorch's rule for the running variance."""
    value = call.value("input")
    if value.rows is None:
        value = walk.channels_first(call, value)
    weight, bias = call["weight"], call["bias"]
    arrays = [weight, bias, call["running_mean"], call["running_var"]]
    if call["running_mean"] is None:
        raise NotCoveredError(f"{call.where} normalises by the batch even when it predicts.")
    momentum = float(call["momentum"]) or 0.1
    params = {
        "momentum": momentum,
        "epsilon": float(call["eps"]),
        "running_variance": "unbiased" if value.rank < 5 else "biased",
        **_affine(weight, bias),
    }
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    weights = {
        name: _in_rows(_tensor(array), value) for name, array in zip(names, arrays, strict=True)
    }
    return replace(
        value, node=walk.node(call, "BatchNorm", [value], params, weights=weights, arrays=arrays)
    )


def layer_norm(walk: Walk, call: Call) -> Value:
    """Add LayerNorm over the last axes."""
    count = len(call["normalized_shape"])
    value = _last_axis_last(walk, call, call.value("input"))
    if count > 1:
        value = walk.ordered(call, value, range(value.rank))
    weight, bias = call["weight"], call["bias"]
    params = {
        "epsilon": float(call["eps"]),
        **({"axes": count} if count > 1 else {}),
        **_affine(weight, bias),
    }
    weights = {"gamma": _tensor(weight), "beta": _tensor(bias)}
    node = walk.node(call, "LayerNorm", [value], params, weights=weights, arrays=[weight, bias])
    return replace(value, node=node)


def group_norm(walk: Walk, call: Call) -> Value:
    """Add GroupNorm."""
    value = walk.channels_first(call, call.value("input"))
    weight, bias = call["weight"], call["bias"]
    params = {
        "groups": call["num_groups"],
        "epsilon": float(call["eps"]),
        **_affine(weight, bias),
    }
    weights = {"gamma": _tensor(weight), "beta": _tensor(bias)}
    node = walk.node(call, "GroupNorm", [value], params, weights=weights, arrays=[weight, bias])
    return replace(value, node=node)


def max_pool(walk: Walk, call: Call) -> Value:
    """Add MaxPool; a rounded-up size becomes padding behind, which is never the largest."""
    if set(_each(call["dilation"], 1)) - {1}:
        raise NotCoveredError(f"{call.where} pools with gaps, for which there is no layer here.")
    return _pooled(walk, call, "MaxPool", counts_padding=False)


def max_pool_with_places(walk: Walk, call: Call) -> list[Value | None]:
    """Add the same; where the largest values lay is not covered."""
    return [max_pool(walk, call), None]


def average_pool(walk: Walk, call: Call) -> Value:
    """Add AveragePool, with zeros before it where padding counts."""
    if call.arguments.get("divisor_override") is not None:
        raise NotCoveredError(f"{call.where} divides a pool by a number of its own.")
    return _pooled(walk, call, "AveragePool", counts_padding=bool(call["count_include_pad"]))


def adaptive_average_pool(walk: Walk, call: Call) -> Value:
    """Add a global pool for size 1, else AdaptiveAveragePool2D; nothing where the size is that."""
    return _adaptive(walk, call, "GlobalAveragePool", "AdaptiveAveragePool2D", call.shape)


def adaptive_max_pool(walk: Walk, call: Call) -> list[Value | None]:
    """Add the same with the largest values; where they lay is not covered."""
    size = tuple(call.result[0].shape[1:])
    return [_adaptive(walk, call, "GlobalMaxPool", "AdaptiveMaxPool2D", size), None]


def embedding(walk: Walk, call: Call) -> Value:
    """Add Embedding."""
    weight, tokens = call["weight"], call.settled(call["indices"], any_batch=True)
    if tokens.dtype == "float32":
        raise NotCoveredError(f"{call.where} looks up rows by numbers that it has computed.")
    rows, features = weight.tensor.shape
    params = {"vocabulary": rows, "features": features, "padding_id": None}
    weights = {"embeddings": weight.tensor}
    node = walk.node(call, "Embedding", [tokens], params, weights=weights, arrays=[weight])
    order = (*tokens.order, tokens.rank)
    return Value(node, (*tokens.shape, features), order, batch=tokens.batch)


def rms_norm(walk: Walk, call: Call) -> Value:
    """Add RMSNorm over the last axis."""
    value = _last_axis_last(walk, call, call.value("input"))
    if len(call["normalized_shape"]) != 1 or call["eps"] is None:
        raise NotCoveredError(f"{call.where} normalises in a way that no layer here does.")
    weight = call["weight"]
    params = {"epsilon": float(call["eps"]), **({} if weight is not None else {"scale": False})}
    weights = {"gamma": _tensor(weight)}
    node = walk.node(call, "RMSNorm", [value], params, weights=weights, arrays=[weight])
    return replace(value, node=node)


def _adaptive(
    walk: Walk, call: Call, over_all: str, windowed: str, result: tuple[int, ...]
) -> Value:
    value = walk.channels_first(call, call.value("self"))
    size = result[1:]
    if size == value.shape[:-1] and set(size) != {1}:
        return value
    if set(size) == {1}:
        node = walk.node(call, over_all, [value], {"keep_axes": True})
    else:
        node = walk.node(call, windowed, [value], {"size": size})
    return replace(value, node=node, shape=(*size, value.shape[-1]))


def _pooled(walk: Walk, call: Call, kind: str, *, counts_padding: bool) -> Value:
    value = walk.channels_first(call, call["self"])
    rank = value.rank - 1
    kind = f"{kind}{rank}D"
    size = _each(call["kernel_size"], rank)
    stride = _each(call["stride"] or size, rank)
    own = [(amount, amount) for amount in _each(call["padding"], rank)]
    windows = [Window(*axis) for axis in zip(size, stride, strict=True)]
    if counts_padding and any(map(any, own)):
        if value.pads:
            raise NotCoveredError(f"{call.where} pads twice before a pool.")
        value = cropped(walk, call, value, [(-a, -b) for a, b in own])
        own = [(0, 0)] * rank
    if value.pads:
        own = [(a + c, b + d) for (a, b), (c, d) in zip(own, value.pads, strict=True)]
    if call["ceil_mode"]:
        axes = zip(windows, value.shape[:-1], own, strict=True)
        own = [_rounded_up(*axis) for axis in axes]
    params = {"pool_size": _short(size), **_padding(value, windows, own)}
    if stride != size:
        params["stride"] = _short(stride)
    node = walk.node(call, kind, [value], params)
    lengths = [w.positions(n, p) for w, n, p in zip(windows, value.shape[:-1], own, strict=True)]
    return Value(node, (*lengths, value.shape[-1]), value.order)


def _rounded_up(window: Window, length: int, pads: Pair) -> Pair:
    """Return the pads that make room for a last window that sticks out.

    It has to begin inside the input or the padding before it (torch.nn.MaxPool2d).
    """
    span = length + sum(pads) - window.kernel
    positions = -(-span // window.stride) + 1
    if (positions - 1) * window.stride >= length + pads[0]:
        positions -= 1
    missing = (positions - 1) * window.stride - span
    return pads[0], pads[1] + max(missing, 0)


def _conv_pads(call: Call, value: Value, windows: Sequence[Window]) -> list[Pair]:
    given = call["padding"]
    if given == "valid":
        own = [(0, 0)] * len(windows)
    elif given == "same":
        own = [((w.reach - 1) // 2, w.reach - 1 - (w.reach - 1) // 2) for w in windows]
    else:
        own = [(amount, amount) for amount in _each(given, len(windows))]
    if not value.pads:
        return own
    return [(a + c, b + d) for (a, b), (c, d) in zip(own, value.pads, strict=True)]


def _padding(value: Value, windows: Sequence[Window], pads: Sequence[Pair]) -> dict[str, Any]:
    """Return the padding's settings: the rule “same” where it means these pads at any size."""
    if not any(map(any, pads)):
        return {}
    lengths = value.shape[:-1]
    same = [w.same_pads(n) for w, n in zip(windows, lengths, strict=True)]
    is_rule = bool(value.pads) or all(window.stride == 1 for window in windows)
    if is_rule and list(pads) == same:
        return {"padding": "same"}
    return {"padding": "explicit", "pads": pads[0] if len(pads) == 1 else list(pads)}


def _affine(weight: Array | None, bias: Array | None) -> dict[str, bool]:
    missing = {"scale": weight is None, "center": bias is None}
    return {name: False for name, is_missing in missing.items() if is_missing}


def _last_axis_last(walk: Walk, call: Call, value: Value) -> Value:
    """Return a value whose last axis in PyTorch is the last one here, too."""
    if value.rows is not None:
        raise NotCoveredError(f"{call.where} takes a picture laid out in one row.")
    last = value.order[-1]
    if last == value.rank - 1:
        return value
    order = tuple(axis - (axis > last) for axis in value.order[:-1])
    return walk.ordered(call, value, (*order, value.rank - 1))


def _in_rows(tensor: Any, value: Value) -> Any:
    """Return one number a feature in the order that a flattened picture has here."""
    if tensor is None or value.rows is None:
        return tensor
    straight = tensor.new_empty(tensor.shape)
    straight[value.rows] = tensor
    return straight


def _note_computed(walk: Walk, weight: Array, node: str) -> None:
    if weight.is_computed:
        walk.changed.append(
            f"The kernel of {node} is kept as the network computes it from {weight.names[0]}; "
            "training changes it directly."
        )


def _tensor(array: Array | None) -> Any:
    return None if array is None else array.tensor


def _each(setting: Any, rank: int) -> tuple[int, ...]:
    given = [setting] if isinstance(setting, int) else list(setting)
    return tuple(given * rank if len(given) == 1 else given)


def _short(values: Sequence[int]) -> int | tuple[int, ...]:
    """Return settings as layers have them: bare along one axis."""
    return values[0] if len(values) == 1 else tuple(values)
