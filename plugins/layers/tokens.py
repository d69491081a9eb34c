"""One step out of a sequence, one row that stands for all of them, or steps put before it."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

from plugins.layers._source import call, unless
from plugins.layers._step_pool import Reduction, keras_reduced, torch_reduced
from workbench.plugin_api.code import Bind, Code, Layout
from workbench.plugin_api.layer import Layer, WeightSpec, need_known, need_rank
from workbench.plugin_api.parameters import param
from workbench.plugin_api.tensors import TensorType

_CLASS_TOKEN = '''\
class ClassToken(nn.Module):
    """Puts trainable steps before a sequence."""

    def __init__(self, features, count=1):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(count, features).uniform_(-0.05, 0.05))

    def forward(self, x):
        return torch.cat((self.weight.expand(x.shape[0], -1, -1).to(x.dtype), x), 1)
'''

_KERAS_CLASS_TOKEN = '''\
@keras.saving.register_keras_serializable("workbench")
class ClassToken(layers.Layer):
    """Puts trainable steps before a sequence."""

    def __init__(self, count=1, **options):
        super().__init__(**options)
        self.count = count

    def build(self, input_shape):
        shape = (self.count, input_shape[-1])
        self.tokens = self.add_weight(shape, initializer="uniform", name="tokens")

    def call(self, x):
        rows = ops.cast(self.tokens, x.dtype)
        shape = (ops.shape(x)[0], self.count, x.shape[-1])
        return ops.concatenate([ops.broadcast_to(rows, shape), x], axis=1)

    def compute_output_shape(self, input_shape):
        batch, steps, features = input_shape
        return (batch, steps + self.count, features)

    def get_config(self):
        return {**super().get_config(), "count": self.count}
'''


class ClassToken(Layer, frozen=True, kw_only=True):
    """Trainable steps before all others, in which attention can gather what it finds."""

    id = "ClassToken"
    title = "Class token"
    category = "Attention"
    help = "Puts trainable steps before a sequence; a class is often read off the first of them."
    reference = "https://arxiv.org/abs/2010.11929"
    rank: ClassVar[int] = 1
    keywords = ("cls", "register", "vision transformer", "vit", "prefix")

    count: Annotated[int, param("Count", "How many steps", minimum=1, maximum=1024)] = 1

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return the longer sequence; raises ShapeError unless one of known length comes in."""
        tensor = inputs[0]
        need_rank(self, tensor, 2, "time × features", "Add Reshape before it.")
        need_known(self, tensor)
        return TensorType((tensor.shape[0] + self.count, tensor.shape[1]), tensor.axes)

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return tokens (count, features)."""
        shape = (self.count, inputs[0].shape[1])
        spec = WeightSpec(shape=shape, initializer="uniform", fan_in=shape[0], fan_out=shape[1])
        return {"tokens": spec}

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return a module of its own."""
        init = call("ClassToken", inputs[0].shape[1], count=unless(self.count, 1))
        helpers = {"ClassToken": _CLASS_TOKEN}
        return Code("{self}({0})", init, "channels_last", {"tokens": Bind("weight")}, helpers)

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return a layer of its own."""
        init = call("ClassToken", count=unless(self.count, 1))
        helpers = {"ClassToken": _KERAS_CLASS_TOKEN}
        return Code("{self}({0})", init, binds={"tokens": Bind("tokens")}, helpers=helpers)

    def summary(self) -> str:
        """Return "2 steps" where there is more than one."""
        return "" if self.count == 1 else f"{self.count} steps"


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
