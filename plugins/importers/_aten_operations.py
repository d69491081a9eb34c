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
    extreme,
    function,
    multiply,
    power,
    product,
    reverse_subtract,
    subtract,
)
from plugins.importers._aten_attention import attention, native
from plugins.importers._aten_kernels import (
    adaptive_average_pool,
    adaptive_max_pool,
    any_convolution,
    average_pool,
    batch_norm,
    convolution,
    embedding,
    group_norm,
    layer_norm,
    linear,
    max_pool,
    max_pool_with_places,
    rms_norm,
    transposed,
)
from plugins.importers._aten_recurrent import RECURRENT
from plugins.importers._aten_shaping import (
    concatenate,
    constant_pad,
    flipped,
    moved,
    part,
    parts,
    reduced,
    repeated,
    reshaped,
    stacked,
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
    value = _first(call)
    if call.shape == value.torch_shape:
        return value
    if set(call.users) - {"add", "sub", "mul", "div"}:
        raise NotCoveredError(f"{call.where} repeats values, for which there is no layer here.")
    return _first(call)


def elementwise(kind: str) -> Handler:
    """Return the handler of a function of each value alone, without settings."""

    def handle(walk: Walk, call: Call) -> Value:
        value = call.settled(next(iter(call.arguments.values())), any_batch=True)
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
        value = call.settled(call["self"], any_batch=True)
        if value.rows is not None:
            raise NotCoveredError(f"{call.where} uses {kind} on a picture laid out in one row.")
        axis = value.axis(call["dim"])
        if axis is None:
            raise NotCoveredError(f"{call.where} uses {kind} over the batch.")
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
    **dict.fromkeys(("convolution", "_convolution"), any_convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), transposed),
    "embedding": embedding,
    "linear": linear,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "group_norm": group_norm,
    "rms_norm": rms_norm,
    # pooling
    **dict.fromkeys(("max_pool1d", "max_pool2d", "max_pool3d"), max_pool),
    **dict.fromkeys(("max_pool2d_with_indices", "max_pool3d_with_indices"), max_pool_with_places),
    **dict.fromkeys(("avg_pool1d", "avg_pool2d", "avg_pool3d"), average_pool),
    **dict.fromkeys(
        ("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"), adaptive_average_pool
    ),
    **dict.fromkeys(("adaptive_max_pool1d", "adaptive_max_pool2d"), adaptive_max_pool),
    "mean": reduced("mean"),
    "sum": reduced("sum"),
    "amax": reduced("max"),
    "amin": reduced("min"),
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
    **{
        name: function(name)
        for name in ("sqrt", "rsqrt", "abs", "exp", "log", "reciprocal", "sin", "cos", "erf")
    },
    "pow": power,
    "maximum": extreme("Maximum"),
    "minimum": extreme("Minimum"),
    **dict.fromkeys(("matmul", "bmm", "mm"), product),
    "multi_head_attention": attention,
    "_native_multi_head_attention": native,
    # recurrent
    **RECURRENT,
    # shape
    **dict.fromkeys(
        ("flatten", "view", "reshape", "_unsafe_view", "squeeze", "unsqueeze", "unflatten"),
        reshaped,
    ),
    **dict.fromkeys(("permute", "transpose", "t", "movedim", "numpy_T"), moved),
    "cat": concatenate,
    "slice": part,
    "select": part,
    "narrow": part,
    **dict.fromkeys(("chunk", "split", "split_with_sizes"), parts),
    "constant_pad_nd": constant_pad,
    **dict.fromkeys(("pad", "reflection_pad1d", "reflection_pad2d"), constant_pad),
    "stack": stacked,
    "repeat": repeated,
    "flip": flipped,
    **dict.fromkeys(
        (
            *("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d"),
            *("_upsample_nearest_exact2d", "upsample_bilinear2d"),
        ),
        upsampled,
    ),
}
