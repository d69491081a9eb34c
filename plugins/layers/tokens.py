"""One step out of a sequence, or one row that stands for all of them."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

from plugins.layers._step_pool import Reduction, keras_reduced, torch_reduced
from workbench.plugin_api.code import Code, Layout
from workbench.plugin_api.layer import Layer, need_rank
from workbench.plugin_api.parameters import param
from workbench.plugin_api.tensors import TensorType


class PickToken(Layer, frozen=True, kw_only=True):
    """The first, the last, the mean or the largest of a sample's steps."""

    id = "PickToken"
    title = "Pick token"
    category = "Attention"
    help = "Makes one row of features out of a sequence: its first, last, mean or largest step."
    reference = "https://arxiv.org/abs/1810.04805"
    rank: ClassVar[int] = 1
    keywords = ("class token", "last step", "pooling", "cls", "sequence", "time")

    which: Annotated[
        Reduction,
        param("Which", "mean and max are taken over the steps a sample really has"),
    ] = "mean"

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return features; raises ShapeError unless a sequence comes in."""
        need_rank(self, inputs[0], 2, "time × features", "Add it where time is still there.")
        return TensorType(inputs[0].shape[1:])

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return an index or a reduction."""
        if self.which == "first":
            return Code("{0}[:, 0]", layout="channels_last")
        if not inputs[0].varies:
            plain = {"last": "{0}[:, -1]", "mean": "{0}.mean(dim=1)", "max": "{0}.amax(dim=1)"}
            return Code(plain[self.which], layout="channels_last")
        if self.which == "last":
            rows = "torch.arange({0}.shape[0], device={0}.device)"
            return Code(f"{{0}}[{rows}, {{lengths}} - 1]", layout="channels_last")
        return Code(torch_reduced(self.which, "channels_last"), layout="channels_last")

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return a layer of its own, or Keras' global pooling."""
        if inputs[0].varies:
            return keras_reduced(self.which)
        if self.which in ("mean", "max"):
            name = {"mean": "Average", "max": "Max"}[self.which]
            return Code("{self}({0})", f"layers.Global{name}Pooling1D()")
        cropped = (0, inputs[0].shape[0] - 1)
        if self.which == "last":
            cropped = cropped[::-1]
        crop = f'layers.Cropping1D({cropped}, name="{{name}}.crop")'
        return Code(f"{{self}}({crop}({{0}}))", f"layers.Reshape(({inputs[0].shape[1]},))")

    def summary(self) -> str:
        """Return "mean"."""
        return self.which
