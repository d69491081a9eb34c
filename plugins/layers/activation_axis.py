"""Activation functions of all values along an axis."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from plugins.layers._axes import AxisSetting, axis_index
from plugins.layers._source import call, unless
from plugins.layers._steps import refuse_varying
from workbench.plugin_api.code import Code, Layout
from workbench.plugin_api.layer import Layer, torch_axis
from workbench.plugin_api.tensors import ShapeError, TensorType

_LOG_SOFTMAX = '''\
@keras.saving.register_keras_serializable("workbench")
class LogSoftmax(layers.Layer):
    """Logarithm of the softmax along any axis."""

    def __init__(self, axis, **options):
        super().__init__(**options)
        self.axis = axis

    def call(self, x):
        return ops.log_softmax(x, axis=self.axis)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}
'''

_GLU = '''\
@keras.saving.register_keras_serializable("workbench")
class GLU(layers.Layer):
    """Gates the first half of an axis by the sigmoid of the second."""

    def __init__(self, axis=-1, **options):
        super().__init__(**options)
        self.axis = axis

    def call(self, x):
        return ops.glu(x, axis=self.axis)

    def compute_output_shape(self, input_shape):
        shape = list(input_shape)
        shape[self.axis] //= 2
        return tuple(shape)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}
'''


class _AlongAxis(Layer, frozen=True, kw_only=True):
    """A function of all values along one axis."""

    category = "Activation"
    function: ClassVar[Literal["F.softmax", "F.log_softmax", "F.glu"]]

    axis: AxisSetting = -1

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the input's type; raises ShapeError when there is no such axis."""
        if axis_index(self, self.axis, inputs[0]) == 0:
            refuse_varying(self, inputs[0], "Use axis -1, the features.")
        return inputs[0]

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return PyTorch's function along the axis, wherever it lies at this point."""
        axis = axis_index(self, self.axis, inputs[0])
        dim = torch_axis(axis, inputs[0].rank, layout)
        return Code(call=call(self.function, "{0}", dim=dim))

    def summary(self) -> str:
        """Return "axis 1" where it is not the last."""
        return "" if self.axis == -1 else f"axis {self.axis}"


class Softmax(_AlongAxis, frozen=True, kw_only=True):
    """exp(x) divided by its sum."""

    id = "Softmax"
    title = "Softmax"
    help = (
        "Turns scores into probabilities that add up to 1. Classification adds it by itself: "
        "leave it out before Output."
    )
    keywords = ("probability", "classes")
    function = "F.softmax"

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.Softmax; its axes count the batch, so that ours have the same numbers."""
        return Code("{self}({0})", call("layers.Softmax", axis=unless(self.axis, -1)))


class LogSoftmax(_AlongAxis, frozen=True, kw_only=True):
    """Logarithm of softmax."""

    id = "LogSoftmax"
    title = "Log softmax"
    help = "Logarithms of the probabilities that Softmax would give; numerically safer."
    keywords = ("probability", "classes", "likelihood")
    function = "F.log_softmax"

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return Keras' activation, or a layer of its own for another axis than the last."""
        if axis_index(self, self.axis, inputs[0]) == inputs[0].rank - 1:
            return Code("{self}({0})", call("layers.Activation", '"log_softmax"'))
        init = call("LogSoftmax", axis=self.axis)
        return Code("{self}({0})", init, helpers={"LogSoftmax": _LOG_SOFTMAX})


class GLU(_AlongAxis, frozen=True, kw_only=True):
    """First half times the sigmoid of the second."""

    id = "GLU"
    title = "GLU"
    help = "Splits an axis in half and gates the first half by the sigmoid of the second."
    reference = "https://arxiv.org/abs/1612.08083"
    keywords = ("gated linear unit", "gate")
    function = "F.glu"

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the type with the axis halved; raises ShapeError for an odd one."""
        tensor = inputs[0]
        axis = axis_index(self, self.axis, tensor)
        size = tensor.shape[axis]
        if size is None or size % 2:
            found = "it varies" if size is None else f"it is {size}"
            raise ShapeError(
                f"GLU needs an even size along {tensor.axes[axis]}, but {found}.",
                "Give the layer before it an even number of filters or units.",
            )
        shape = (*tensor.shape[:axis], size // 2, *tensor.shape[axis + 1 :])
        return TensorType(shape, tensor.axes)

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return a layer of its own: Keras' activation "glu" reports the whole axis."""
        init = call("GLU", axis=unless(self.axis, -1))
        return Code("{self}({0})", init, helpers={"GLU": _GLU})
