"""Layers of Keras that make pictures larger, change them by chance or take values of axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugins.importers._keras_settings import (
    activated,
    bare,
    fused,
    need_channels_last,
    penalty,
)
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plugins.importers._keras_graph import KerasWalk, Step
    from plugins.importers._keras_layers import Handler

RANKS = ("1D", "2D", "3D")
AUGMENTATIONS = (
    *("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast"),
    *("RandomBrightness", "RandomHue", "RandomSaturation", "RandomSharpness", "RandomShear"),
    *("RandomErasing", "RandomGaussianBlur", "RandomGrayscale", "RandomInvert"),
    *("RandomPerspective", "RandomPosterization", "RandomColorJitter", "RandomColorDegeneration"),
    *("RandomElasticTransform", "Solarization", "AutoContrast", "Equalization", "AugMix"),
    *("RandAugment", "CutMix", "MixUp"),
)
"""Layers that change pictures while a model is trained, and do nothing when it is used."""
_ALWAYS = ("Solarization", "AutoContrast", "Equalization")


def transposed(walk: KerasWalk, step: Step) -> str:
    """Add ConvTranspose."""
    layer = step.operation
    need_channels_last(step)
    if any(amount is not None for amount in _each(layer.output_padding)):
        raise NotCoveredError(f"{step.where} pads its output in a way of its own.")
    params = {
        "filters": layer.filters,
        "kernel_size": bare(layer.kernel_size),
        "stride": bare(layer.strides),
        "dilation": bare(layer.dilation_rate),
        "padding": layer.padding,
        "use_bias": layer.use_bias,
        **fused(step),
        **penalty(layer.kernel_regularizer),
    }
    usual = {"padding": "same", "use_bias": True, "activation": "linear"}
    params = {key: value for key, value in params.items() if usual.get(key) != value}
    weights = {"kernel": layer.kernel, **({"bias": layer.bias} if layer.use_bias else {})}
    kind = f"ConvTranspose{step.kind[4:6]}"
    return activated(walk, step, walk.node(step, kind, params, weights=weights))


def larger(walk: KerasWalk, step: Step) -> str:
    """Add Upsample along one or three axes."""
    need_channels_last(step)
    size = step.operation.size
    return walk.node(step, f"Upsample{step.kind[-2:]}", {"factor": size})


def augmentation(walk: KerasWalk, step: Step) -> str:
    """Leave out what works while a model is trained alone."""
    if step.kind in _ALWAYS:
        raise NotCoveredError(f"{step.where} changes pictures as no layer here does.")
    walk.changed.append(
        f"{step.name} ({step.kind}) changed pictures while it was trained; choose that in the data "
        "settings, under augmentation."
    )
    return step.inputs[0]


def reduced(how: str) -> Handler:
    """Return the handler of a mean, sum or extreme value over axes."""

    def handle(walk: KerasWalk, step: Step) -> str:
        rank = len(step.shapes[0])
        axes = step.operation.axis
        if axes is None:
            raise NotCoveredError(f"{step.where} mixes the samples of a batch.")
        wanted = sorted((axis % (rank + 1) for axis in _each(axes)), reverse=True)
        if 0 in wanted:
            raise NotCoveredError(f"{step.where} mixes the samples of a batch.")
        node, kept = step.inputs[0], bool(step.operation.keepdims)
        for axis in wanted:  # from the last on, so that the others keep their places
            params: dict[str, Any] = {"how": how, "axis": axis}
            params |= {"keep_axis": True} if kept else {}
            node = walk.node(step, "Reduce", params, inputs=(node,))
        return node

    return handle


def function(name: str) -> Handler:
    """Return the handler of a function of each value."""
    return lambda walk, step: walk.node(step, "Function", {"function": name})


def _each(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


PICTURES: Mapping[str, Handler] = {
    **{f"Conv{rank}Transpose": transposed for rank in RANKS},
    **{f"UpSampling{rank}": larger for rank in ("1D", "3D")},
    **dict.fromkeys(AUGMENTATIONS, augmentation),
}
VALUES: Mapping[str, Handler] = {
    **{kind: reduced(kind.lower()) for kind in ("Mean", "Sum", "Max", "Min")},
    **{
        kind: function(kind.lower())
        for kind in ("Sqrt", "Rsqrt", "Square", "Exp", "Log", "Reciprocal", "Sin", "Cos", "Erf")
    },
    "Absolute": function("abs"),
    "Abs": function("abs"),
}
