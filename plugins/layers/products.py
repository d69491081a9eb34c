"""Products of branches along an axis, and what is left of an axis that is summed up."""

from collections.abc import Sequence
from typing import Annotated, Literal

from plugins.layers._axes import AxisSetting, axis_index
from plugins.layers._keras import joined
from plugins.layers._source import call, unless
from plugins.layers._steps import refuse_varying
from workbench.plugin_api.code import Code, Layout
from workbench.plugin_api.layer import Layer, need_known, torch_axis
from workbench.plugin_api.parameters import param
from workbench.plugin_api.tensors import ShapeError, TensorType

_MATMUL = '''\
@keras.saving.register_keras_serializable("workbench")
class MatrixProduct(layers.Layer):
    """Product of matrices, those of the last two axes; the second one may be turned before."""

    def __init__(self, turned=False, **options):
        super().__init__(**options)
        self.turned = turned

    def call(self, inputs):
        x, y = inputs
        return ops.matmul(x, ops.swapaxes(y, -2, -1) if self.turned else y)

    def compute_output_spec(self, inputs):
        x, y = inputs
        shape = (*x.shape[:-1], y.shape[-2 if self.turned else -1])
        return keras.KerasTensor(shape, dtype=x.dtype)

    def get_config(self):
        return {**super().get_config(), "turned": self.turned}
'''

_REDUCE = '''\
@keras.saving.register_keras_serializable("workbench")
class Reduce(layers.Layer):
    """Sum, mean, largest or smallest value along an axis; the batch is axis 0."""

    def __init__(self, how, axis, keepdims=False, **options):
        super().__init__(**options)
        self.how = how
        self.axis = axis
        self.keepdims = keepdims

    def call(self, x):
        return getattr(keras.ops, self.how)(x, axis=self.axis, keepdims=self.keepdims)

    def get_config(self):
        own = {"how": self.how, "axis": self.axis, "keepdims": self.keepdims}
        return {**super().get_config(), **own}
'''


class MatMul(Layer, frozen=True, kw_only=True):
    """First branch times the second, as matrices of the last two axes."""

    id = "MatMul"
    title = "Matrix product"
    category = "Merge"
    help = "Multiplies two branches as matrices: each row of one by each column of the other."
    keywords = ("dot", "attention", "bmm", "batch", "similarity")
    inputs = (2, 2)

    turned: Annotated[
        bool,
        param("Turn the second", "Multiply by each row of the second branch, not by each column"),
    ] = True

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return … × rows × columns; raises ShapeError where they do not go together."""
        first, second = inputs
        for tensor in inputs:
            need_known(self, tensor)
        if first.rank != second.rank or first.rank < 2 or first.shape[:-2] != second.shape[:-2]:
            raise ShapeError(
                f"{self.title} needs two branches of matrices, as many of one as of the other, "
                f"but got {first} and {second}.",
                "Reshape one of them.",
            )
        rows, columns = second.shape[-2:] if not self.turned else second.shape[-2:][::-1]
        if first.shape[-1] != rows:
            raise ShapeError(
                f"{self.title} multiplies rows of {first.shape[-1]} values by columns of {rows}.",
                "Turn the second branch, or give both as many features.",
            )
        return TensorType((*first.shape[:-1], columns))

    def multiply_adds(self, inputs: Sequence[TensorType]) -> int:
        """Return output values × the length of a row."""
        return self.output(inputs).size * (inputs[0].shape[-1] or 1)

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return the product."""
        return Code(call="{0} @ {1}.mT" if self.turned else "{0} @ {1}", layout="channels_last")

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return a layer of its own."""
        init = call("MatrixProduct", turned=unless(self.turned, False))
        return Code(joined(2), init, helpers={"MatrixProduct": _MATMUL})

    def summary(self) -> str:
        """Return whether the second is turned."""
        return "second turned" if self.turned else "as it is"


class Reduce(Layer, frozen=True, kw_only=True):
    """One value of an axis: its mean, sum, largest or smallest."""

    id = "Reduce"
    title = "Reduce"
    category = "Pooling"
    help = "Takes the mean, the sum, the largest or the smallest value along one axis."
    keywords = ("mean", "sum", "max", "min", "average", "axis")

    how: Annotated[Literal["mean", "sum", "max", "min"], param("Which value")] = "mean"
    axis: AxisSetting = -1
    keep_axis: Annotated[bool, param("Keep axis", "Leave the axis with size 1")] = False

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the type without the axis; raises ShapeError where nothing would be left."""
        tensor = inputs[0]
        need_known(self, tensor)
        axis = axis_index(self, self.axis, tensor)
        if axis == 0:
            refuse_varying(self, tensor, "Use Pick token.")
        if self.keep_axis:
            shape = (*tensor.shape[:axis], 1, *tensor.shape[axis + 1 :])
            return TensorType(shape, tensor.axes)
        if tensor.rank == 1:
            raise ShapeError(f"{self.title} would leave no axis of {tensor}.", "Keep the axis.")
        return TensorType((*tensor.shape[:axis], *tensor.shape[axis + 1 :]))

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return the tensor's method; features stay last where an axis goes."""
        tensor = inputs[0]
        axis = axis_index(self, self.axis, tensor)
        name = {"mean": "mean", "sum": "sum", "max": "amax", "min": "amin"}[self.how]
        if self.keep_axis:
            dim = torch_axis(axis, tensor.rank, layout)
            return Code(call=call(f"{{0}}.{name}", dim=dim, keepdim=True))
        return Code(call=call(f"{{0}}.{name}", dim=axis + 1), layout="channels_last")

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return a layer of its own."""
        axis = axis_index(self, self.axis, inputs[0]) + 1
        keeps = unless(self.keep_axis, False)
        init = call("Reduce", f'"{self.how}"', axis, keepdims=keeps)
        return Code("{self}({0})", init, helpers={"Reduce": _REDUCE})

    def summary(self) -> str:
        """Return "mean", and the axis where it is not the last."""
        return self.how if self.axis == -1 else f"{self.how} · axis {self.axis}"
