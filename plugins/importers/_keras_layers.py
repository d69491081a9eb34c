"""What each layer and operation of Keras is in the catalogue, whose conventions are Keras' own."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from plugins.importers._keras_graph import array
from plugins.importers._keras_pictures import PICTURES, VALUES
from plugins.importers._keras_sequences import SEQUENCES
from plugins.layers._activations import ActivationName
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from plugins.importers._keras_graph import KerasWalk, Step

    Handler = Callable[[KerasWalk, Step], str]

_NAMES = {"hard_silu": "hard_swish", "swish": "silu"}
_LAYER_OF = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "mish": "Mish",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "hard_sigmoid": "HardSigmoid",
    "hard_swish": "HardSwish",
}


def convolution(walk: KerasWalk, step: Step) -> str:
    """Add Conv, DepthwiseConv or SeparableConv."""
    layer = step.operation
    need_channels_last(step)
    params = {
        "kernel_size": bare(layer.kernel_size),
        "stride": bare(layer.strides),
        "dilation": bare(layer.dilation_rate),
        "padding": layer.padding,
        "use_bias": layer.use_bias,
        **fused(step),
    }
    if step.kind.startswith("Conv"):
        params |= {"filters": layer.filters}
        params |= {"groups": layer.groups} if layer.groups > 1 else {}
        params |= penalty(layer.kernel_regularizer)
        weights = {"kernel": layer.kernel}
    elif step.kind.startswith("Depthwise"):
        params |= {"multiplier": layer.depth_multiplier, **penalty(layer.depthwise_regularizer)}
        weights = {"kernel": layer.kernel}
    else:
        params |= {"filters": layer.filters, "multiplier": layer.depth_multiplier}
        same = penalty(layer.depthwise_regularizer)
        params |= same
        if same != penalty(layer.pointwise_regularizer):
            walk.changed.append(f"The penalties of {step.name} are those of its first kernel.")
        weights = {
            "depthwise_kernel": layer.depthwise_kernel,
            "pointwise_kernel": layer.pointwise_kernel,
        }
    if layer.use_bias:
        weights["bias"] = layer.bias
    return activated(walk, step, walk.node(step, step.kind, _short(params), weights=weights))


def dense(walk: KerasWalk, step: Step) -> str:
    """Add Dense."""
    layer = step.operation
    params = {
        "units": layer.units,
        "use_bias": layer.use_bias,
        **fused(step),
        **penalty(layer.kernel_regularizer),
    }
    weights = {"kernel": layer.kernel, **({"bias": layer.bias} if layer.use_bias else {})}
    return activated(walk, step, walk.node(step, "Dense", _short(params), weights=weights))


def batch_norm(walk: KerasWalk, step: Step) -> str:
    """Add BatchNorm; Keras' momentum is the weight of what was before."""
    layer = step.operation
    _need_last_axis(step, layer.axis)
    params = {
        "momentum": float(1 - Decimal(repr(float(layer.momentum)))),
        "epsilon": float(layer.epsilon),
        "scale": layer.scale,
        "center": layer.center,
    }
    weights = {
        **({"gamma": layer.gamma} if layer.scale else {}),
        **({"beta": layer.beta} if layer.center else {}),
        "moving_mean": layer.moving_mean,
        "moving_variance": layer.moving_variance,
    }
    return walk.node(step, "BatchNorm", _short(params), weights=weights)


def normalisation(walk: KerasWalk, step: Step) -> str:
    """Add LayerNorm or GroupNorm over the last axis."""
    layer = step.operation
    axis = layer.axis
    _need_last_axis(step, axis[0] if isinstance(axis, list | tuple) and len(axis) == 1 else axis)
    params = {"epsilon": float(layer.epsilon), "scale": layer.scale, "center": layer.center}
    kind = "LayerNorm"
    if step.kind == "GroupNormalization":
        kind = "GroupNorm"
        params["groups"] = layer.groups if layer.groups > 0 else step.shapes[0][-1]
    weights = {
        **({"gamma": layer.gamma} if layer.scale else {}),
        **({"beta": layer.beta} if layer.center else {}),
    }
    return walk.node(step, kind, _short(params), weights=weights)


def fixed_normalisation(walk: KerasWalk, step: Step) -> str:
    """Add a frozen Scale for what was learned of the data; nothing where it changes nothing."""
    layer = step.operation
    if layer.mean is None or layer.invert:
        raise NotCoveredError(f"{step.where} has not learned its mean, or works backwards.")
    mean, variance = array(layer.mean).reshape(-1), array(layer.variance).reshape(-1)
    if mean.size not in (1, step.shapes[0][-1]):
        raise NotCoveredError(f"{step.where} normalises each place by itself.")
    scale = 1 / np.maximum(np.sqrt(variance), 1e-7)
    if np.array_equal(mean, np.zeros_like(mean)) and np.array_equal(scale, np.ones_like(scale)):
        return step.inputs[0]
    return walk.constant_node(step, scale, -mean * scale)


def rescaling(walk: KerasWalk, step: Step) -> str:
    """Add Rescale, or a frozen Scale where channels differ."""
    layer = step.operation
    scale, offset = np.asarray(layer.scale), np.asarray(layer.offset)
    if scale.ndim or offset.ndim:
        return walk.constant_node(step, scale, offset)
    return _rescaled(walk, step, float(scale), float(offset))


def pool(walk: KerasWalk, step: Step) -> str:
    """Add MaxPool or AveragePool."""
    layer = step.operation
    need_channels_last(step)
    params = {
        "pool_size": bare(layer.pool_size),
        "stride": bare(layer.strides),
        "padding": layer.padding,
    }
    stride = params.pop("stride")
    if stride != params["pool_size"]:  # which is what pools here step by; `_short` knows of none
        return walk.node(step, kind_of_pool(step), {**_short(params), "stride": stride})
    return walk.node(step, kind_of_pool(step), _short(params))


def kind_of_pool(step: Step) -> str:
    """Return the name that a pool has here."""
    return step.kind.replace("Pooling", "Pool")


def global_pool(walk: KerasWalk, step: Step) -> str:
    """Add a global pool."""
    need_channels_last(step)
    kind = "GlobalMaxPool" if "Max" in step.kind else "GlobalAveragePool"
    return walk.node(step, kind, {"keep_axes": True} if step.operation.keepdims else {})


def edges(walk: KerasWalk, step: Step) -> str:
    """Add ZeroPad or Crop."""
    need_channels_last(step)
    layer = step.operation
    amounts = layer.padding if "Padding" in step.kind else layer.cropping
    rank = int(step.kind[-2])
    kind = f"{'ZeroPad' if 'Padding' in step.kind else 'Crop'}{rank}D"
    return walk.node(step, kind, {"amounts": amounts})


def upsampling(walk: KerasWalk, step: Step) -> str:
    """Add Upsample2D."""
    layer = step.operation
    need_channels_last(step)
    if layer.interpolation not in ("nearest", "bilinear"):
        raise NotCoveredError(f"{step.where} uses {layer.interpolation}, which no layer here does.")
    params = {"factor": layer.size, "interpolation": layer.interpolation}
    return walk.node(step, "Upsample2D", params)


def relu(walk: KerasWalk, step: Step) -> str:
    """Add ReLU, ReLU6 or LeakyReLU."""
    layer = step.operation
    slope, highest = float(layer.negative_slope or 0), layer.max_value
    if layer.threshold or (highest is not None and (slope or highest != 6)):
        raise NotCoveredError(f"{step.where} has a threshold or a largest value of its own.")
    if slope:
        return walk.node(step, "LeakyReLU", {"slope": slope})
    return walk.node(step, "ReLU" if highest is None else "ReLU6")


def prelu(walk: KerasWalk, step: Step) -> str:
    """Add PReLU with one slope a channel, or one for all."""
    layer = step.operation
    alpha = layer.alpha
    space = tuple(alpha.shape[:-1])
    if set(space) - {1}:
        raise NotCoveredError(f"{step.where} has a slope for each place, not for each channel.")
    per_channel = alpha.shape[-1] > 1 or step.shapes[0][-1] == 1
    params = {} if per_channel else {"per_channel": False}
    return walk.node(step, "PReLU", params, weights={"alpha": alpha})


def activation(walk: KerasWalk, step: Step) -> str:
    """Add the layer of an activation."""
    return _of_function(walk, step, step.operation.activation, step.inputs)


def softmax(walk: KerasWalk, step: Step) -> str:
    """Add Softmax."""
    axis = step.operation.axis
    if not isinstance(axis, int):
        raise NotCoveredError(f"{step.where} goes over several axes.")
    return walk.node(step, "Softmax", _axis(axis, step.shapes[0]))


def dropout(walk: KerasWalk, step: Step) -> str:
    """Add Dropout or SpatialDropout; nothing at rate 0."""
    rate = float(step.operation.rate)
    if not rate:
        return step.inputs[0]
    if getattr(step.operation, "noise_shape", None) and step.kind == "Dropout":
        walk.changed.append(
            f"{step.name} left out whole branches or channels; it leaves out single values now."
        )
    kind = "Dropout" if step.kind == "Dropout" else "SpatialDropout"
    return walk.node(step, kind, {"rate": rate})


def noise(walk: KerasWalk, step: Step) -> str:
    """Add GaussianNoise."""
    return walk.node(step, "GaussianNoise", {"deviation": float(step.operation.stddev)})


def reshape(walk: KerasWalk, step: Step) -> str:
    """Add Reshape."""
    return walk.node(step, "Reshape", {"shape": step.operation.target_shape})


def permute(walk: KerasWalk, step: Step) -> str:
    """Add Permute."""
    return walk.node(step, "Permute", {"axes": step.operation.dims})


def merge(walk: KerasWalk, step: Step) -> str:
    """Add the layer that joins branches by the same name."""
    return walk.node(step, step.kind)


def dropout_of_branches(walk: KerasWalk, step: Step) -> str:
    """Leave stochastic depth out: it works in training alone, and is no layer here."""
    return step.inputs[0]


def layer_scale(walk: KerasWalk, step: Step) -> str:
    """Add Scale for a trainable number a channel, as ConvNeXt has it."""
    return walk.node(step, "Scale", weights={"gamma": step.operation.gamma})


def scaled_sum(walk: KerasWalk, step: Step) -> str:
    """Add Rescale and Add for x + y · scale, as Inception-ResNet has it."""
    branch = walk.node(
        step,
        "Rescale",
        {"scale": float(step.operation.scale), "offset": 0.0},
        inputs=step.inputs[1:],
        name="branch",
    )
    return walk.node(step, "Add", inputs=(step.inputs[0], branch))


def concatenate(walk: KerasWalk, step: Step) -> str:
    """Add Concatenate; one branch alone is nothing to join."""
    if len(step.inputs) == 1:
        return step.inputs[0]
    return walk.node(step, "Concatenate", _axis(step.operation.axis, step.shapes[0]))


def named(kind: str, *settings: tuple[str, str]) -> Handler:
    """Return the handler of a layer whose settings (name here, name there) are plain numbers."""

    def handle(walk: KerasWalk, step: Step) -> str:
        params = {here: float(getattr(step.operation, there)) for here, there in settings}
        return walk.node(step, kind, params)

    return handle


def plain(walk: KerasWalk, step: Step) -> str:
    """Return the input: the layer does nothing but train or name."""
    return step.inputs[0]


def arithmetic(walk: KerasWalk, step: Step) -> str:
    """Add a sum or product of branches, or Rescale where a constant takes part."""
    if len(step.inputs) == 2:
        return walk.node(
            step, {"Divide": "", "TrueDivide": ""}.get(step.kind, step.kind) or _no(step)
        )
    if len(step.constants) != 1 or np.ndim(step.constants[0]):
        raise NotCoveredError(f"{step.where} computes with arrays, for which there is no layer.")
    number = float(step.constants[0])
    is_first = _is_first(step)
    if step.kind == "Add":
        return _rescaled(walk, step, 1.0, number)
    if step.kind == "Subtract":
        return _rescaled(walk, step, 1.0 if is_first else -1.0, -number if is_first else number)
    if step.kind == "Multiply":
        return _rescaled(walk, step, number, 0.0)
    return _rescaled(walk, step, 1 / number, 0.0) if is_first else _no(step)


def function(name: str) -> Handler:
    """Return the handler of an activation that is called as a function."""

    def handle(walk: KerasWalk, step: Step) -> str:
        return walk.node(step, _LAYER_OF[name])

    return handle


def _is_first(step: Step) -> bool:
    """Whether the branch stands before the constant."""
    node = step.operation._inbound_nodes[-1]
    first = node.arguments.args[0] if node.arguments.args else None
    return not isinstance(first, int | float)


def _no(step: Step) -> str:
    raise NotCoveredError(f"{step.where} is something for which there is no layer here.")


def _rescaled(walk: KerasWalk, step: Step, scale: float, offset: float) -> str:
    if scale == 1 and offset == 0:
        return step.inputs[0]
    return walk.node(step, "Rescale", {"scale": scale, "offset": offset})


def function_name(function: Any) -> str:
    """Return what layers here call an activation."""
    found = getattr(function, "__name__", type(function).__name__)
    return _NAMES.get(found, found)


def fused(step: Step) -> dict[str, Any]:
    """Return the activation as a setting, where layers here have it as one."""
    name = function_name(step.operation.activation)
    return {"activation": name} if name in get_args(ActivationName) else {}


def activated(walk: KerasWalk, step: Step, node: str) -> str:
    """Add the activation as a layer of its own where it is no setting."""
    name = function_name(step.operation.activation)
    if name in get_args(ActivationName):
        return node
    return _of_function(walk, step, step.operation.activation, [node], name="activation")


def _of_function(
    walk: KerasWalk, step: Step, function: Any, inputs: Sequence[str], name: str = ""
) -> str:
    found = function_name(function)
    if found == "linear":
        return inputs[0]
    if found == "leaky_relu":  # keras.activations.leaky_relu has this slope
        return walk.node(step, "LeakyReLU", {"slope": 0.2}, inputs=inputs, name=name)
    if found not in _LAYER_OF:
        raise NotCoveredError(f"{step.where} uses “{found}”, for which there is no layer here.")
    return walk.node(step, _LAYER_OF[found], inputs=inputs, name=name)


def penalty(regulariser: Any) -> dict[str, float]:
    """Return the penalty on a kernel as settings; raises NotCoveredError for another kind."""
    if regulariser is None:
        return {}
    kind = type(regulariser).__name__
    if kind not in ("L1", "L2", "L1L2"):
        raise NotCoveredError(f"The penalty {kind} is none that layers here have.")
    found = {f"kernel_{n}": float(getattr(regulariser, n, 0) or 0) for n in ("l1", "l2")}
    return {name: value for name, value in found.items() if value}


def need_channels_last(step: Step) -> None:
    """Raise NotCoveredError for a layer that has channels first."""
    if getattr(step.operation, "data_format", "channels_last") == "channels_first":
        raise NotCoveredError(f"{step.where} has channels first; only channels last are read.")


def _need_last_axis(step: Step, axis: Any) -> None:
    if axis not in (-1, len(step.shapes[0])):
        raise NotCoveredError(f"{step.where} normalises along another axis than the last.")


def _axis(axis: int, shape: tuple[int, ...]) -> dict[str, int]:
    if axis == 0:
        raise NotCoveredError("A layer joins whole batches, which no layer here does.")
    return {} if axis in (-1, len(shape)) else {"axis": axis}


def bare(values: Any) -> Any:
    """Return settings as layers have them: bare along one axis."""
    return values[0] if isinstance(values, list | tuple) and len(values) == 1 else values


_DEFAULTS: Mapping[str, tuple[Any, ...]] = {
    "stride": (1, (1, 1), (1, 1, 1)),
    "dilation": (1, (1, 1), (1, 1, 1)),
    "padding": ("valid",),
    "use_bias": (True,),
    "activation": ("linear",),
    "multiplier": (1,),
    "scale": (True,),
    "center": (True,),
}


def _short(params: dict[str, Any]) -> dict[str, Any]:
    """Leave out what layers here take anyway."""
    return {key: value for key, value in params.items() if value not in _DEFAULTS.get(key, ())}


_RANKS = ("1D", "2D", "3D")
LAYERS: Mapping[str, Handler] = {
    **{f"Conv{rank}": convolution for rank in _RANKS},
    **{
        f"{kind}{rank}": convolution
        for kind in ("DepthwiseConv", "SeparableConv")
        for rank in _RANKS[:2]
    },
    "Dense": dense,
    "BatchNormalization": batch_norm,
    "LayerNormalization": normalisation,
    "GroupNormalization": normalisation,
    "Normalization": fixed_normalisation,
    "Rescaling": rescaling,
    **{f"{kind}Pooling{rank}": pool for kind in ("Max", "Average") for rank in _RANKS},
    **{f"Global{kind}Pooling{rank}": global_pool for kind in ("Max", "Average") for rank in _RANKS},
    **{f"{kind}{rank}": edges for kind in ("ZeroPadding", "Cropping") for rank in _RANKS},
    "UpSampling2D": upsampling,
    "ReLU": relu,
    "LeakyReLU": named("LeakyReLU", ("slope", "negative_slope")),
    "ELU": named("ELU", ("alpha", "alpha")),
    "PReLU": prelu,
    "Activation": activation,
    "Softmax": softmax,
    "Dropout": dropout,
    **{f"SpatialDropout{rank}": dropout for rank in _RANKS},
    "GaussianNoise": noise,
    "ActivityRegularization": plain,
    "Flatten": lambda walk, step: walk.node(step, "Flatten"),
    "Reshape": reshape,
    "Permute": permute,
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), merge),
    "Concatenate": concatenate,
    "LayerScale": layer_scale,
    "CustomScaleLayer": scaled_sum,
    "StochasticDepth": dropout_of_branches,
    **SEQUENCES,
    **PICTURES,
}
OPERATIONS: Mapping[str, Handler] = {
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Divide", "TrueDivide"), arithmetic),
    "Relu": function("relu"),
    "Relu6": function("relu6"),
    "Sigmoid": function("sigmoid"),
    "Silu": function("silu"),
    "Tanh": function("tanh"),
    "HardSigmoid": function("hard_sigmoid"),
    "HardSilu": function("hard_swish"),
    **VALUES,
}
