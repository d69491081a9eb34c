"""Activation functions that other layers can apply to their output."""

from typing import Annotated, Literal

from workbench.plugin_api.code import Layout
from workbench.plugin_api.layer import torch_axis
from workbench.plugin_api.parameters import param

ActivationName = Literal[
    "linear",
    "relu",
    "relu6",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "sigmoid",
    "tanh",
    "softmax",
    "softplus",
    "softsign",
    "hard_sigmoid",
    "hard_swish",
]

Activation = Annotated[
    ActivationName, param("Activation", "Function applied to the output; linear leaves it as it is")
]

_TORCH = {
    "relu": "F.relu({})",
    "relu6": "F.relu6({})",
    "elu": "F.elu({})",
    "selu": "F.selu({})",
    "gelu": "F.gelu({})",
    "silu": "F.silu({})",
    "mish": "F.mish({})",
    "sigmoid": "torch.sigmoid({})",
    "tanh": "torch.tanh({})",
    "softmax": "F.softmax({}, dim=DIM)",
    "softplus": "F.softplus({})",
    "softsign": "F.softsign({})",
    "hard_sigmoid": "F.hardsigmoid({})",
    "hard_swish": "F.hardswish({})",
}


def keras_activation(name: ActivationName) -> str:
    """Return the source of Keras' activation; its names are ours but for one."""
    return '"hard_silu"' if name == "hard_swish" else f'"{name}"'


def activated(expression: str, name: ActivationName, rank: int, layout: Layout) -> str:
    """Return PyTorch source that applies an activation; softmax goes over the last axis."""
    if name == "linear":
        return expression
    dim = torch_axis(rank - 1, rank, layout) if layout == "channels_first" else -1
    return _TORCH[name].replace("{}", expression).replace("DIM", str(dim))
