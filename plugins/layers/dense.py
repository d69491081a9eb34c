"""The fully connected layer."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from plugins.layers._activations import activated
from plugins.layers._source import call, unless
from plugins.layers._weighted import Weighted
from workbench.plugin_api.code import Bind, Code, Layout
from workbench.plugin_api.layer import Projection, WeightSpec
from workbench.plugin_api.parameters import param
from workbench.plugin_api.tensors import ShapeError, TensorType


class Dense(Weighted, frozen=True, kw_only=True):
    """Every output is a weighted sum of all inputs along the last axis."""

    id = "Dense"
    title = "Dense"
    category = "Dense"
    help = (
        "Joins every input feature to every unit; works along the last axis, each step of a "
        "sequence alike."
    )
    reference = "https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html"
    keywords = ("linear", "fully connected", "fc", "mlp", "perceptron", "time distributed")

    units: Annotated[
        int, param("Units", "Number of output features", minimum=1, maximum=1_000_000)
    ] = 64

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return … × units; raises ShapeError unless the last axis has a known size."""
        tensor = inputs[0]
        if not tensor.shape or tensor.shape[-1] is None:
            raise ShapeError(
                f"Dense needs a known number of features along the last axis, but got {tensor}.",
                "Set the input's size, or pool over the varying axis first.",
            )
        return TensorType((*tensor.shape[:-1], self.units), tensor.axes)

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return kernel (features, units) and bias (units)."""
        features = inputs[0].shape[-1]
        kernel = self.kernel_spec((features, self.units), features, self.units)
        return {"kernel": kernel, **self.bias_spec(self.units, features)}

    def projections(self, inputs: Sequence[TensorType]) -> Mapping[str, Projection]:
        """Return the kernel."""
        return {"kernel": Projection()}

    def multiply_adds(self, inputs: Sequence[TensorType]) -> int:
        """Return values × units."""
        return inputs[0].size * self.units

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return nn.Linear; its weight is the kernel transposed."""
        tensor = inputs[0]
        binds = {"kernel": Bind("weight", transpose=(1, 0))}
        if self.use_bias:
            binds["bias"] = Bind("bias")
        bias = unless(self.use_bias, True)
        return Code(
            init=call("nn.Linear", tensor.shape[-1], self.units, bias=bias),
            call=activated("{self}({0})", self.activation, tensor.rank, "channels_last"),
            layout="channels_last",
            binds=binds,
        )

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return layers.Dense."""
        init = call("layers.Dense", self.units, **self.keras_options())
        return Code("{self}({0})", init, binds=self.keras_binds())

    def summary(self) -> str:
        """Return "64 units · relu"."""
        return self.words(f"{self.units} unit{'s' if self.units > 1 else ''}")
