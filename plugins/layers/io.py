"""Where samples come in, and what the network gives."""

from collections.abc import Sequence
from typing import Annotated

from workbench.plugin_api.code import Code, Layout
from workbench.plugin_api.layer import Layer
from workbench.plugin_api.parameters import Size, param
from workbench.plugin_api.tensors import ShapeError, TensorType


class Input(Layer, frozen=True, kw_only=True):
    """Stands for one prepared sample."""

    id = "Input"
    title = "Input"
    category = "Input and output"
    help = "Takes in the prepared samples; its shape comes from the data unless you set it."
    keywords = ("start", "data", "source")
    inputs = (0, 0)
    takes = "anything"

    shape: Annotated[
        tuple[Size, ...] | None,
        param("Shape", "Height × width × channels of a picture; empty: what the data have"),
    ] = None

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the data's type; `inputs` is that type alone, or empty when it is unknown."""
        if not inputs:
            if not self.shape:
                raise ShapeError(
                    "Input does not know the shape of the data yet.",
                    "Choose data in the Data panel, or set the Input's shape.",
                )
            return TensorType(self.shape)
        (data,) = inputs
        if self.shape and not _fits(self.shape, data):
            raise ShapeError(
                f"Input is set to {TensorType(self.shape)}, but the data are {data}.",
                "Leave its shape empty to take that of the data, or change the preprocessing.",
            )
        return data

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return nothing to compute: the value is the module's argument."""
        return Code(call="{0}")

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return nothing to compute: the generator writes keras.Input."""
        return Code(call="{0}")


class Output(Layer, frozen=True, kw_only=True):
    """Marks what the network gives."""

    id = "Output"
    title = "Output"
    category = "Input and output"
    help = "Marks the network's output; the task trains and judges what arrives here."
    keywords = ("end", "result", "head", "target")
    takes = "anything"

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return the input as it is."""
        return Code(call="{0}")

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return the input as it is."""
        return Code(call="{0}")


def _fits(shape: tuple[int, ...], data: TensorType) -> bool:
    return len(shape) == data.rank and all(
        known is None or known == size for known, size in zip(data.shape, shape, strict=True)
    )
