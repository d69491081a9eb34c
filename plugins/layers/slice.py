"""A part of an axis."""

from collections.abc import Sequence
from typing import Annotated

from plugins.layers._axes import AxisSetting, axis_index
from plugins.layers._source import call
from plugins.layers._steps import refuse_varying
from workbench.plugin_api.code import Code, Layout
from workbench.plugin_api.layer import Layer, torch_axis
from workbench.plugin_api.parameters import Amount, Size, param
from workbench.plugin_api.tensors import ShapeError, TensorType

_KERAS = '''\
@keras.saving.register_keras_serializable("workbench")
class Slice(layers.Layer):
    """Values `start` to `stop` along an axis; the batch is axis 0."""

    def __init__(self, axis, start, stop, **options):
        super().__init__(**options)
        self.axis = axis
        self.start = start
        self.stop = stop

    def call(self, x):
        return x[(slice(None),) * self.axis + (slice(self.start, self.stop),)]

    def compute_output_shape(self, input_shape):
        shape = list(input_shape)
        shape[self.axis] = self.stop - self.start
        return tuple(shape)

    def get_config(self):
        own = {"axis": self.axis, "start": self.start, "stop": self.stop}
        return {**super().get_config(), **own}
'''


class Slice(Layer, frozen=True, kw_only=True):
    """Some of the values along one axis, in their order."""

    id = "Slice"
    title = "Slice"
    category = "Shape"
    help = "Keeps a part of an axis, by default of the channels, and leaves the rest out."
    reference = "https://arxiv.org/abs/1807.11164"
    keywords = ("split", "chunk", "part", "channels", "select", "narrow", "shufflenet")

    start: Annotated[Amount, param("From", "First value that is kept, counted from 0")] = 0
    stop: Annotated[Size | None, param("To", "First value after them; empty: to the end")] = None
    axis: AxisSetting = -1

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the type with a shorter axis; raises ShapeError when it has no such values."""
        tensor = inputs[0]
        axis = axis_index(self, self.axis, tensor)
        if axis == 0:
            refuse_varying(self, tensor, "Use axis -1, the features.")
        size = tensor.shape[axis]
        if size is None or not self.start < self._stop(size) <= size:
            raise ShapeError(
                f"Slice keeps {self.start} to {self.stop or 'the end'} along "
                f"{tensor.axes[axis]}, but the input has {size or 'an unknown number'} there.",
                "Choose places inside it.",
            )
        length = self._stop(size) - self.start
        return TensorType((*tensor.shape[:axis], length, *tensor.shape[axis + 1 :]), tensor.axes)

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return Tensor.narrow along the axis, wherever it lies at this point."""
        tensor = inputs[0]
        axis = axis_index(self, self.axis, tensor)
        dim = torch_axis(axis, tensor.rank, layout)
        length = self._stop(tensor.shape[axis]) - self.start
        return Code(call=call("{0}.narrow", dim, self.start, length))

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return a layer of its own."""
        tensor = inputs[0]
        axis = axis_index(self, self.axis, tensor)
        init = call("Slice", axis + 1, self.start, self._stop(tensor.shape[axis]))
        return Code("{self}({0})", init, helpers={"Slice": _KERAS})

    def summary(self) -> str:
        """Return "0 to 24", and the axis where it is not the last."""
        axis = "" if self.axis == -1 else f" · axis {self.axis}"
        return f"{self.start} to {self.stop or 'the end'}{axis}"

    def _stop(self, size: int) -> int:
        return size if self.stop is None else self.stop
