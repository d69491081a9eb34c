"""What each ATen operation is in the catalogue.

A handler takes the walk and one operation, adds what nodes are needed, and returns the Value that
later operations see. Definitions: https://docs.pytorch.org/docs/stable/nn.functional.html.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plugins.importers._aten_arithmetic import (
    add,
    clamp,
    divide,
    multiply,
    reverse_subtract,
    subtract,
)
from plugins.importers._aten_kernels import (
    adaptive_average_pool,
    adaptive_max_pool,
    average_pool,
    batch_norm,
    convolution,
    group_norm,
    layer_norm,
    linear,
    max_pool,
)
from plugins.importers._aten_shaping import (
    concatenate,
    constant_pad,
    largest,
    mean,
    moved,
    part,
    parts,
    reshaped,
    upsampled,
)
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from plugins.importers._aten import Call, Walk
    from plugins.importers._values import Value

    Handler = Callable[[Walk, Call], Any]


def same(walk: Walk, call: Call) -> Value:
    """Return the value as it is."""
    return _first(call)


def stretched(walk: Walk, call: Call) -> Value:
    """Return the value as it is where sums and products stretch it by themselves."""
    if set(call.users) - {"add", "sub", "mul"}:
        raise NotCoveredError(f"{call.where} repeats values, for which there is no layer here.")
    return _first(call)


def elementwise(kind: str) -> Handler:
    """Return the handler of a function of each value alone, without settings."""

    def handle(walk: Walk, call: Call) -> Value:
        value = _first(call)
        return _replaced(value, walk.node(call, kind, [value]))

    return handle


def dropout(walk: Walk, call: Call) -> Value:
    """Add Dropout, which does nothing where its rate is zero."""
    value, rate = _first(call), float(call["p"])
    if rate <= 0:
        return value
    return _replaced(value, walk.node(call, "Dropout", [value], {"rate": min(rate, 0.999)}))


def spatial_dropout(walk: Walk, call: Call) -> Value:
    """Add SpatialDropout, of whole channels."""
    value, rate = walk.channels_first(call, _first(call)), float(call["p"])
    if rate <= 0:
        return value
    params = {"rate": min(rate, 0.999)}
    return _replaced(value, walk.node(call, "SpatialDropout", [value], params))


def leaky_relu(walk: Walk, call: Call) -> Value:
    """Add LeakyReLU with its slope."""
    value = _first(call)
    params = {"slope": float(call["negative_slope"])}
    return _replaced(value, walk.node(call, "LeakyReLU", [value], params))


def elu(walk: Walk, call: Call) -> Value:
    """Add ELU; its variants with other scales are not covered."""
    value = _first(call)
    if call["scale"] != 1 or call["input_scale"] != 1:
        raise NotCoveredError(f"{call.where} uses a scaled ELU, for which there is no layer here.")
    return _replaced(value, walk.node(call, "ELU", [value], {"alpha": float(call["alpha"])}))


def gelu(walk: Walk, call: Call) -> Value:
    """Add GELU, exact or by the tanh formula."""
    value = _first(call)
    params = {"approximate": True} if call["approximate"] == "tanh" else {}
    return _replaced(value, walk.node(call, "GELU", [value], params))


def softplus(walk: Walk, call: Call) -> Value:
    """Add Softplus with its usual steepness."""
    value = _first(call)
    if call["beta"] != 1:
        raise NotCoveredError(f"{call.where} uses Softplus with a beta, which is no layer here.")
    return _replaced(value, walk.node(call, "Softplus", [value]))


def hardtanh(walk: Walk, call: Call) -> Value:
    """Add ReLU6; other bounds are not covered."""
    return clamp(walk, call, call["min_val"], call["max_val"])


def along_axis(kind: str) -> Handler:
    """Return the handler of a function of all values along one axis."""

    def handle(walk: Walk, call: Call) -> Value:
        value = _first(call)
        if value.rows is not None:
            raise NotCoveredError(f"{call.where} uses {kind} on a picture laid out in one row.")
        places = value.rank + 1
        dim = call["dim"] % places
        if dim == 0:
            raise NotCoveredError(f"{call.where} uses {kind} over the batch.")
        axis = value.order[dim - 1]
        params = {} if axis == value.rank - 1 else {"axis": axis + 1}
        return _replaced(value, walk.node(call, kind, [value], params))

    return handle


def prelu(walk: Walk, call: Call) -> Value:
    """Add PReLU, with one slope a channel or one for all."""
    value, weight = walk.channels_first(call, _first(call)), call["weight"]
    count = weight.tensor.numel()
    shape = (*(1,) * (value.rank - 1), count)
    params = {"per_channel": count > 1 or value.shape[-1] == 1}
    weights = {"alpha": weight.tensor.reshape(shape)}
    return _replaced(
        value, walk.node(call, "PReLU", [value], params, weights=weights, arrays=[weight])
    )


def _first(call: Call) -> Value:
    return call.settled(next(iter(call.arguments.values())))


def _replaced(value: Value, node: str) -> Value:
    return replace(value, node=node)


OPERATIONS: Mapping[str, Handler] = {
    # as they are
    **dict.fromkeys(("alias", "clone", "contiguous", "detach", "to", "_to_copy", "lift"), same),
    **dict.fromkeys(("expand", "expand_as"), stretched),
    # kernels and normalisations
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), convolution),
    "linear": linear,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    # pooling
    "max_pool2d": max_pool,
    "avg_pool2d": average_pool,
    "adaptive_avg_pool2d": adaptive_average_pool,
    "adaptive_max_pool2d": adaptive_max_pool,
    "mean": mean,
    "amax": largest,
    # activations
    "relu": elementwise("ReLU"),
    "relu6": elementwise("ReLU6"),
    "hardtanh": hardtanh,
    "clamp": lambda walk, call: clamp(walk, call, call["min"], call["max"]),
    "clamp_min": lambda walk, call: clamp(walk, call, call["min"], None),
    "silu": elementwise("SiLU"),
    "mish": elementwise("Mish"),
    "sigmoid": elementwise("Sigmoid"),
    "hardsigmoid": elementwise("HardSigmoid"),
    "hardswish": elementwise("HardSwish"),
    "tanh": elementwise("Tanh"),
    "selu": elementwise("SELU"),
    "leaky_relu": leaky_relu,
    "elu": elu,
    "gelu": gelu,
    "softplus": softplus,
    "prelu": prelu,
    "softmax": along_axis("Softmax"),
    "log_softmax": along_axis("LogSoftmax"),
    # regularisation
    "dropout": dropout,
    "feature_dropout": spatial_dropout,
    # arithmetic
    "add": add,
    "sub": subtract,
    "rsub": reverse_subtract,
    "mul": multiply,
    "div": divide,
    # shape
    **dict.fromkeys(
        ("flatten", "view", "reshape", "_unsafe_view", "squeeze", "unsqueeze", "unflatten"),
        reshaped,
    ),
    **dict.fromkeys(("permute", "transpose", "t"), moved),
    "cat": concatenate,
    "slice": part,
    "select": part,
    "narrow": part,
    **dict.fromkeys(("chunk", "split", "split_with_sizes"), parts),
    "constant_pad_nd": constant_pad,
    "pad": constant_pad,
    **dict.fromkeys(("upsample_nearest2d", "upsample_bilinear2d"), upsampled),
}
