"""What Keras' layers with weights are in the catalogue."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from plugins.importers._keras_graph import array
from plugins.importers._keras_settings import (
    activated,
    bare,
    fused,
    need_channels_last,
    need_last_axis,
    penalty,
    short,
)
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from plugins.importers._keras_graph import KerasWalk, Step


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
    return activated(walk, step, walk.node(step, step.kind, short(params), weights=weights))


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
    return activated(walk, step, walk.node(step, "Dense", short(params), weights=weights))


def batch_norm(walk: KerasWalk, step: Step) -> str:
    """Add BatchNorm; Keras' momentum is the weight of what was before."""
    layer = step.operation
    need_last_axis(step, layer.axis)
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
    return walk.node(step, "BatchNorm", short(params), weights=weights)


def normalisation(walk: KerasWalk, step: Step) -> str:
    """Add LayerNorm or GroupNorm over the last axis."""
    layer = step.operation
    axis = layer.axis
    need_last_axis(step, axis[0] if isinstance(axis, list | tuple) and len(axis) == 1 else axis)
    params = {"epsilon": float(layer.epsilon), "scale": layer.scale, "center": layer.center}
    kind = "LayerNorm"
    if step.kind == "GroupNormalization":
        kind = "GroupNorm"
        params["groups"] = layer.groups if layer.groups > 0 else step.shapes[0][-1]
    weights = {
        **({"gamma": layer.gamma} if layer.scale else {}),
        **({"beta": layer.beta} if layer.center else {}),
    }
    return walk.node(step, kind, short(params), weights=weights)


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


def layer_scale(walk: KerasWalk, step: Step) -> str:
    """Add Scale for a trainable number a channel, as ConvNeXt has it."""
    return walk.node(step, "Scale", weights={"gamma": step.operation.gamma})
