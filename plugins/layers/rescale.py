"""A fixed scale and offset."""

from collections.abc import Sequence
from typing import Annotated

from plugins.layers._source import call, number, unless
from workbench.plugin_api.code import Code, Layout
from workbench.plugin_api.layer import Layer
from workbench.plugin_api.parameters import param
from workbench.plugin_api.tensors import TensorType


class Rescale(Layer, frozen=True, kw_only=True):
    """x·scale + offset with fixed numbers."""

    id = "Rescale"
    title = "Rescale"
    category = "Normalisation"
    help = "Multiplies every value by a fixed number and adds another: 1/127.5 and -1, say."
    keywords = ("rescaling", "multiply", "offset", "linear")

    scale: Annotated[float, param("Scale", minimum=-1e30, maximum=1e30)] = 1.0
    offset: Annotated[float, param("Offset", minimum=-1e30, maximum=1e30)] = 0.0

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return the arithmetic as it is written."""
        parts = ["{0}"]
        if self.scale != 1:
            parts.append(f"* {number(self.scale)}")
        if self.offset:
            parts.append(f"{'-' if self.offset < 0 else '+'} {number(abs(self.offset))}")
        return Code(call=" ".join(parts))

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.Rescaling, or nothing where nothing changes."""
        if self.scale == 1 and not self.offset:
            return Code("{0}")
        init = call("layers.Rescaling", self.scale, offset=unless(self.offset, 0))
        return Code("{self}({0})", init)

    def summary(self) -> str:
        """Return "× 0.5 + 1"."""
        return f"× {self.scale:g} {'-' if self.offset < 0 else '+'} {abs(self.offset):g}"
