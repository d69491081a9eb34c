"""Recurrent layers: they read a sequence step by step and remember."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from plugins.layers import _recurrent_torch as torch_source
from plugins.layers._recurrent_keras import masked_classes, stacked_class
from plugins.layers._source import call, unless
from workbench.plugin_api.code import Bind, Code, Layout
from workbench.plugin_api.layer import Initializer, Layer, WeightSpec, need_rank
from workbench.plugin_api.parameters import param
from workbench.plugin_api.tensors import ShapeError, TensorType

_KERAS_MERGES = {"concat": "concat", "sum": "sum", "multiply": "mul", "average": "ave"}


class _Recurrent(Layer, frozen=True, kw_only=True):
    """What all recurrent layers share."""

    category = "Recurrent"
    rank: ClassVar[int] = 1
    gates: ClassVar[int] = 1
    gate_order: ClassVar[tuple[int, ...] | None] = None
    """Place of PyTorch's gates among the canonical ones, where they differ."""

    units: Annotated[int, param("Units", "Size of the memory", minimum=1, maximum=100_000)] = 64
    sequences: Annotated[
        bool,
        param("Every step", "Give the state at every step; else only the last one of each sample"),
    ] = False
    direction: Annotated[
        Literal["forward", "backward", "both"],
        param(
            "Direction",
            "forward: from first to last step; backward: from each sample's last to its first; "
            "both: two layers, whose states are joined",
        ),
    ] = "forward"
    merge: Annotated[
        Literal["concat", "sum", "multiply", "average"],
        param("Join", "How the two directions become one", shown_if=("direction", ("both",))),
    ] = "concat"
    layers: Annotated[int, param("Layers", "How many, one upon another", minimum=1, maximum=16)] = 1
    dropout: Annotated[
        float,
        param(
            "Dropout",
            "Share of values set to zero between two layers while training",
            minimum=0,
            below=1,
        ),
    ] = 0.0
    use_bias: Annotated[bool, param("Use bias", advanced=True)] = True
    kernel_initializer: Annotated[
        Initializer, param("Initialiser", "Of the kernel on the input", advanced=True)
    ] = "glorot_uniform"
    recurrent_initializer: Annotated[
        Initializer, param("Recurrent initialiser", "Of the kernel on the state", advanced=True)
    ] = "orthogonal"

    @property
    def is_random(self) -> bool:  # type: ignore[override]
        """Whether it draws numbers while training."""
        return self.layers > 1 and self.dropout > 0

    def output(self, inputs: Sequence[TensorType]) -> TensorType:
        """Return time × features or features; raises ShapeError unless a sequence comes in."""
        tensor = inputs[0]
        hint = "Add an Embedding before it." if tensor.rank == 1 else "Add Reshape before it."
        need_rank(self, tensor, 2, "time × features", hint)
        if tensor.shape[1] is None:
            raise ShapeError(f"{self.title} needs a known number of features, but got {tensor}.")
        joined = self.direction == "both" and self.merge == "concat"
        width = self.units * (2 if joined else 1)
        return TensorType((tensor.shape[0], width) if self.sequences else (width,))

    def weights(self, inputs: Sequence[TensorType]) -> Mapping[str, WeightSpec]:
        """Return kernel (features, gates · units), recurrent_kernel and bias a layer, direction."""
        found = {}
        for layer, prefix, features in self._parts(inputs):
            width = self.gates * self.units
            for kind, rows, rule in (
                ("kernel", features, self.kernel_initializer),
                ("recurrent_kernel", self.units, self.recurrent_initializer),
            ):
                found[_name(prefix, kind, layer)] = WeightSpec(
                    shape=(rows, width), initializer=rule, fan_in=rows, fan_out=width
                )
            if self.use_bias:
                found[_name(prefix, "bias", layer)] = self.bias_spec()
        return found

    def bias_spec(self) -> WeightSpec:
        """Describe the bias of one layer in one direction."""
        return WeightSpec(shape=(self.gates * self.units,), initializer="zeros")

    def multiply_adds(self, inputs: Sequence[TensorType]) -> int:
        """Return steps × both kernels, of every layer and direction."""
        steps = inputs[0].shape[0] or 1
        kernels = (
            (features + self.units) * self.gates * self.units
            for _, _, features in self._parts(inputs)
        )
        return steps * sum(kernels)

    def torch(self, inputs: Sequence[TensorType], layout: Layout) -> Code:
        """Return a module around PyTorch's fused kernels, one bias a layer."""
        kind = self._torch_class()
        direction = unless(f'"{self.direction}"', '"forward"')
        bias = unless(self.use_bias, True)
        modules = [
            call(kind, features, self.units, direction=direction, bias=bias)
            for layer, prefix, features in self._parts(inputs)
            if prefix != "backward_" or self.direction != "both"
        ]
        lengths = "{lengths}" if inputs[0].varies else None
        helpers = self._torch_helpers()
        if self.layers == 1:
            init, expression = modules[0], call("{self}", "{0}", *([lengths] if lengths else []))
        else:
            init = f"nn.ModuleList([{', '.join(modules)}])"
            dropout = unless(self.dropout, 0.0)
            expression = call("stacked", "{self}", "{0}", lengths=lengths, dropout=dropout)
            helpers |= torch_source.STACKED
        if not self.sequences:
            given = [expression, f'"{self.direction}"', *([lengths] if lengths else [])]
            expression = call("last_steps", *given)
            helpers |= torch_source.LAST
        if self.direction == "both" and self.merge != "concat":
            expression += f".unflatten(-1, (2, {self.units})){torch_source.MERGED[self.merge]}"
        return Code(expression, init, "channels_last", self._torch_binds(inputs), helpers)

    def keras(self, inputs: Sequence[TensorType]) -> Code:
        """Return Keras' layer, or one of our own around several of them."""
        mask = ", mask={mask}" if inputs[0].varies else ""
        settings = self.keras_settings()
        sequences = unless(self.sequences, False)
        merge = unless(f'"{_KERAS_MERGES[self.merge]}"', '"concat"')
        helpers = masked_classes(self.id) if inputs[0].varies else {}
        stock = "Masked" if inputs[0].varies else "layers."
        if self.layers == 1 and self.direction != "backward":
            init = call(f"{stock}{self.id}", self.units, return_sequences=sequences, **settings)
            if self.direction == "both":
                init = call(f"{stock}Bidirectional", init, merge_mode=merge)
            else:
                helpers.pop("MaskedBidirectional", None)
        else:
            helpers = stacked_class(self.id)
            items = ", ".join(f'"{key}": {value}' for key, value in settings.items() if value)
            init = call(
                f"Stacked{self.id}",
                self.units,
                count=unless(self.layers, 1),
                direction=unless(f'"{self.direction}"', '"forward"'),
                merge_mode=merge,
                dropout=unless(self.dropout, 0.0),
                return_sequences=sequences,
                settings=f"{{{items}}}" if items else None,
            )
        return Code(
            "{self}({0}" + mask + ")", init, binds=self._keras_binds(inputs), helpers=helpers
        )

    def keras_settings(self) -> dict[str, str | None]:
        """Return the options of one Keras layer, as source."""
        return {"use_bias": None if self.use_bias else "False"}

    def summary(self) -> str:
        """Return "64 units · both ways · 2 layers · every step"."""
        ways = {"forward": "", "backward": "backward", "both": "both ways"}[self.direction]
        words = (
            f"{self.units} unit{'s' if self.units > 1 else ''}",
            ways,
            f"{self.layers} layers" if self.layers > 1 else "",
            "every step" if self.sequences else "",
        )
        return " · ".join(word for word in words if word)

    def _torch_class(self) -> str:
        return self.id

    def _torch_helpers(self) -> dict[str, str]:
        raise NotImplementedError

    def _parts(self, inputs: Sequence[TensorType]) -> list[tuple[int, str, int]]:
        """Return layer, prefix of the direction's weights and width of the input, each in turn."""
        prefixes = ("forward_", "backward_") if self.direction == "both" else ("",)
        features = inputs[0].shape[1]
        return [
            (layer, prefix, features if layer == 0 else len(prefixes) * self.units)
            for layer in range(self.layers)
            for prefix in prefixes
        ]

    def _torch_binds(self, inputs: Sequence[TensorType]) -> dict[str, Bind]:
        binds = {}
        for layer, prefix, _ in self._parts(inputs):
            is_reverse = prefix == "backward_" or self.direction == "backward"
            before, end = f"{layer}." * (self.layers > 1), "_reverse" * is_reverse
            for kind, attribute in (("kernel", "weight_ih"), ("recurrent_kernel", "weight_hh")):
                binds[_name(prefix, kind, layer)] = Bind(
                    f"{before}{attribute}{end}", transpose=(1, 0), blocks=self.gate_order
                )
            if self.use_bias:
                bias = Bind(f"{before}bias{end}", blocks=self.gate_order)
                binds[_name(prefix, "bias", layer)] = bias
        return binds

    def _keras_binds(self, inputs: Sequence[TensorType]) -> dict[str, Bind]:
        is_stock = self.layers == 1 and self.direction != "backward"
        kinds = ("kernel", "recurrent_kernel", *(("bias",) if self.use_bias else ()))
        binds = {}
        for layer, prefix, _ in self._parts(inputs):
            stack = "" if is_stock else f"layer{layer + 1}."
            way = f"{prefix}layer." if prefix else ""
            for kind in kinds:
                binds[_name(prefix, kind, layer)] = Bind(f"{stack}{way}cell.{kind}")
        return binds


class SimpleRNN(_Recurrent, frozen=True, kw_only=True):
    """tanh(W x + U h + b)."""

    id = "SimpleRNN"
    title = "Simple RNN"
    help = "Reads a sequence step by step with a memory that is rewritten at every step."
    reference = "https://doi.org/10.1207/s15516709cog1402_1"
    keywords = ("recurrent", "elman", "sequence", "time")

    activation: Annotated[
        Literal["tanh", "relu"], param("Activation", "Of the new state", advanced=True)
    ] = "tanh"

    def keras_settings(self) -> dict[str, str | None]:
        """Return the options of one Keras layer, as source."""
        activation = None if self.activation == "tanh" else f'"{self.activation}"'
        return {"activation": activation, **super().keras_settings()}

    def _torch_class(self) -> str:
        return "RNN" if self.activation == "tanh" else "ReluRNN"

    def _torch_helpers(self) -> dict[str, str]:
        return torch_source.kernel_class(self._torch_class(), f"rnn_{self.activation}", 1)


class LSTM(_Recurrent, frozen=True, kw_only=True):
    """Long short-term memory."""

    id = "LSTM"
    title = "LSTM"
    help = "Reads a sequence step by step; gates decide what its memory keeps, takes in and shows."
    reference = "https://doi.org/10.1162/neco.1997.9.8.1735"
    keywords = ("recurrent", "long short-term memory", "bilstm", "bidirectional", "text", "time")
    gates = 4

    forget_bias: Annotated[
        bool,
        param("Forget bias 1", "Start with a gate that keeps what it remembers", advanced=True),
    ] = True

    def bias_spec(self) -> WeightSpec:
        """Describe the bias: zeros, and ones for the forget gate (Jozefowicz et al., 2015)."""
        rule: Literal["forget_gate", "zeros"] = "forget_gate" if self.forget_bias else "zeros"
        return WeightSpec(shape=(4 * self.units,), initializer=rule)

    def _torch_helpers(self) -> dict[str, str]:
        return torch_source.kernel_class("LSTM", "lstm", 4, has_cell=True)


class GRU(_Recurrent, frozen=True, kw_only=True):
    """Gated recurrent unit, with the reset gate after the product as in cuDNN."""

    id = "GRU"
    title = "GRU"
    help = "Reads a sequence step by step with two gates; a lighter LSTM."
    reference = "https://arxiv.org/abs/1406.1078"
    keywords = ("recurrent", "gated recurrent unit", "bidirectional", "text", "time")
    gates = 3
    gate_order = (1, 0, 2)

    def bias_spec(self) -> WeightSpec:
        """Describe the biases of input and state (2, 3 · units)."""
        return WeightSpec(shape=(2, 3 * self.units), initializer="zeros")

    def _torch_helpers(self) -> dict[str, str]:
        return torch_source.kernel_class("GRU", "gru", 3)


def _name(prefix: str, kind: str, layer: int) -> str:
    """Return a weight's name: "kernel", "forward_bias", "kernel_2"."""
    return f"{prefix}{kind}{f'_{layer + 1}' if layer else ''}"
