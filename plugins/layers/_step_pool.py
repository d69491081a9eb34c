"""One value of each feature from all real steps of a sample: source for both frameworks."""

from typing import Literal

from plugins.layers._source import call
from plugins.layers._steps import torch_real
from workbench.plugin_api.code import Code, Layout

Reduction = Literal["mean", "max", "first", "last"]

_REDUCED = '''\
@keras.saving.register_keras_serializable("workbench")
class StepReduction(layers.Layer):
    """The mean, the largest, the first or the last of the real steps of each sample.

    Takes a sequence and its mask.
    """

    def __init__(self, kind, **options):
        super().__init__(**options)
        self.kind = kind

    def call(self, inputs):
        x, mask = inputs
        real = ops.expand_dims(mask, -1)
        if self.kind == "first":
            return x[:, 0]
        if self.kind == "max":
            return ops.max(ops.where(real, x, float("-inf")), axis=1)
        count = ops.sum(ops.cast(real, x.dtype), axis=1)
        if self.kind == "last":
            places = ops.expand_dims(ops.arange(ops.shape(x)[1], dtype=x.dtype), 0)
            real = ops.expand_dims(places == count - 1, -1)
            count = ops.ones_like(count)
        return ops.sum(ops.where(real, x, ops.zeros_like(x)), axis=1) / count

    def compute_output_spec(self, inputs):
        batch, _, features = inputs[0].shape
        return keras.KerasTensor((batch, features), dtype=inputs[0].dtype)

    def get_config(self):
        return {**super().get_config(), "kind": self.kind}
'''


def torch_reduced(kind: Reduction, layout: Layout, keep: bool = False) -> str:
    """Return the reduction of a sequence whose samples differ in length."""
    time = 2 if layout == "channels_first" else 1
    keepdim = True if keep else None
    if kind == "max":
        lowest = torch_real(layout, 'float("-inf")')
        return call(f"{lowest}.amax", dim=time, keepdim=keepdim)
    total = call(f"{torch_real(layout)}.sum", dim=time, keepdim=keepdim)
    return f"{total} / {{lengths}}[:, None{', None' if keep else ''}]"


def keras_reduced(kind: Reduction) -> Code:
    """Return the same in Keras."""
    init = call("StepReduction", f'"{kind}"')
    return Code("{self}([{0}, {mask}])", init, helpers={"StepReduction": _REDUCED})
