"""What Keras' layers that pool, cut, fill up or lay out are in the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugins.importers._keras_settings import bare, need_channels_last, short
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from plugins.importers._keras_graph import KerasWalk, Step


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
    if stride != params["pool_size"]:  # which is what pools here step by; `short` knows of none
        return walk.node(step, kind_of_pool(step), {**short(params), "stride": stride})
    return walk.node(step, kind_of_pool(step), short(params))


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


def reshape(walk: KerasWalk, step: Step) -> str:
    """Add Reshape."""
    return walk.node(step, "Reshape", {"shape": step.operation.target_shape})


def permute(walk: KerasWalk, step: Step) -> str:
    """Add Permute."""
    return walk.node(step, "Permute", {"axes": step.operation.dims})


def _is_first(step: Step) -> bool:
    """Whether the branch stands before the constant."""
    node = step.operation._inbound_nodes[-1]
    first = node.arguments.args[0] if node.arguments.args else None
    return not isinstance(first, int | float)


def _no(step: Step) -> str:
    raise NotCoveredError(f"{step.where} is something for which there is no layer here.")
