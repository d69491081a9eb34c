"""What layers share that look across the steps of samples that differ in length."""

from plugins.layers._source import call
from workbench.plugin_api.code import Layout
from workbench.plugin_api.layer import Layer
from workbench.plugin_api.tensors import ShapeError, TensorType

_MASKED = '''\
@keras.saving.register_keras_serializable("workbench")
class {prefix}{name}({base}):
    """{name} that keeps its mask to itself; other layers would take it for something else."""

    def compute_mask(self, *inputs):
        return None
'''

_REAL_STEPS = '''\
@keras.saving.register_keras_serializable("workbench")
class RealSteps(layers.Layer):
    """Zero at every step that is not real; takes a sequence and its mask."""

    def call(self, inputs):
        x, mask = inputs
        return ops.where(ops.expand_dims(mask, -1), x, ops.zeros_like(x))

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs[0].shape, dtype=inputs[0].dtype)
'''

REAL_STEPS = {"RealSteps": _REAL_STEPS}


def masked_layer(name: str, base: str = "") -> dict[str, str]:
    """Return the helper of a Keras layer that takes a mask and hands none on: "MaskedLSTM"."""
    source = _MASKED.format(prefix="Masked", name=name, base=base or f"layers.{name}")
    return {f"Masked{name}": source}


def torch_real(layout: Layout, value: str = "0") -> str:
    """Return the input with `value` at every step that is not real."""
    axes = "[:, None]" if layout == "channels_first" else "[..., None]"
    return call("{0}.masked_fill", "~{mask}" + axes, value)


def keras_real() -> str:
    """Return the input with zero at every step that is not real; needs REAL_STEPS."""
    return 'RealSteps(name="{name}.real")([{0}, {mask}])'


def need_series(layer: Layer, tensor: TensorType) -> None:
    """Raise a ShapeError where steps vary and a step holds more than a row of features."""
    if tensor.varies and tensor.rank != 2:
        raise ShapeError(
            f"{layer.title} takes samples that differ in length only as time × features, but got "
            f"{tensor.in_words()} ({tensor}).",
            "Let the preprocessing give all samples one length.",
        )


def refuse_varying(layer: Layer, tensor: TensorType, hint: str) -> None:
    """Raise a ShapeError where samples differ in length."""
    if tensor.varies:
        raise ShapeError(
            f"{layer.title} cannot work along time, as samples differ in length ({tensor}).", hint
        )
