"""What the settings of Keras' layers are here: activations, penalties, axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from plugins.layers._activations import ActivationName
from workbench.plugin_api.importer import NotCoveredError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plugins.importers._keras_graph import KerasWalk, Step


_NAMES = {"hard_silu": "hard_swish", "swish": "silu"}
LAYER_OF = {
    "relu": "ReLU",
    "relu6": "ReLU6",
    "elu": "ELU",
    "selu": "SELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "mish": "Mish",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
    "softplus": "Softplus",
    "softsign": "Softsign",
    "hard_sigmoid": "HardSigmoid",
    "hard_swish": "HardSwish",
}


def function_name(function: Any) -> str:
    """Return what layers here call an activation."""
    found = getattr(function, "__name__", type(function).__name__)
    return _NAMES.get(found, found)


def fused(step: Step) -> dict[str, Any]:
    """Return the activation as a setting, where layers here have it as one."""
    name = function_name(step.operation.activation)
    return {"activation": name} if name in get_args(ActivationName) else {}


def activated(walk: KerasWalk, step: Step, node: str) -> str:
    """Add the activation as a layer of its own where it is no setting."""
    name = function_name(step.operation.activation)
    if name in get_args(ActivationName):
        return node
    return _of_function(walk, step, step.operation.activation, [node], name="activation")


def _of_function(
    walk: KerasWalk, step: Step, function: Any, inputs: Sequence[str], name: str = ""
) -> str:
    found = function_name(function)
    if found == "linear":
        return inputs[0]
    if found == "leaky_relu":  # keras.activations.leaky_relu has this slope
        return walk.node(step, "LeakyReLU", {"slope": 0.2}, inputs=inputs, name=name)
    if found not in LAYER_OF:
        raise NotCoveredError(f"{step.where} uses “{found}”, for which there is no layer here.")
    return walk.node(step, LAYER_OF[found], inputs=inputs, name=name)


def penalty(regulariser: Any) -> dict[str, float]:
    """Return the penalty on a kernel as settings; raises NotCoveredError for another kind."""
    if regulariser is None:
        return {}
    kind = type(regulariser).__name__
    if kind not in ("L1", "L2", "L1L2"):
        raise NotCoveredError(f"The penalty {kind} is none that layers here have.")
    found = {f"kernel_{n}": float(getattr(regulariser, n, 0) or 0) for n in ("l1", "l2")}
    return {name: value for name, value in found.items() if value}


def need_channels_last(step: Step) -> None:
    """Raise NotCoveredError for a layer that has channels first."""
    if getattr(step.operation, "data_format", "channels_last") == "channels_first":
        raise NotCoveredError(f"{step.where} has channels first; only channels last are read.")


def need_last_axis(step: Step, axis: Any) -> None:
    """Raise NotCoveredError for a layer that works along another axis than the last."""
    if axis not in (-1, len(step.shapes[0])):
        raise NotCoveredError(f"{step.where} normalises along another axis than the last.")


def axis_of(axis: int, shape: tuple[int, ...]) -> dict[str, int]:
    """Return an axis as a setting where it is not the last; raises NotCoveredError for samples."""
    if axis == 0:
        raise NotCoveredError("A layer joins whole batches, which no layer here does.")
    return {} if axis in (-1, len(shape)) else {"axis": axis}


def bare(values: Any) -> Any:
    """Return settings as layers have them: bare along one axis."""
    return values[0] if isinstance(values, list | tuple) and len(values) == 1 else values


_DEFAULTS: Mapping[str, tuple[Any, ...]] = {
    "stride": (1, (1, 1), (1, 1, 1)),
    "dilation": (1, (1, 1), (1, 1, 1)),
    "padding": ("valid",),
    "use_bias": (True,),
    "activation": ("linear",),
    "multiplier": (1,),
    "scale": (True,),
    "center": (True,),
}


def short(params: dict[str, Any]) -> dict[str, Any]:
    """Leave out what layers here take anyway."""
    return {key: value for key, value in params.items() if value not in _DEFAULTS.get(key, ())}
