"""Everything that decides the next step besides the weights, as plain arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.plugin_api.backend import ModelState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


def capture(
    optimizer: Any, names: Sequence[str], buffers: Mapping[str, Any], scaler: Any, device_type: str
) -> ModelState:
    """Return optimizer state by canonical name, loose buffers, random states and the scaler.

    Args:
        names: canonical names in the order of the optimizer's parameters.
        buffers: tensors of the module that are no canonical weights.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for index, state in optimizer.state_dict()["state"].items():
        for key, value in state.items():
            if value is not None:
                arrays[f"optimizer/{names[index]}/{key}"] = _array(value)
    for name, tensor in buffers.items():
        arrays[f"buffer/{name}"] = _array(tensor)
    for kind, state in random_states(device_type).items():
        arrays[f"random/{kind}"] = _array(state)
    values: dict[str, Any] = {}
    if scaler is not None:
        values["scaler"] = scaler.state_dict()
    return ModelState(arrays, values)


def restore(
    state: ModelState,
    optimizer: Any,
    names: Sequence[str],
    buffers: Mapping[str, Any],
    scaler: Any,
) -> None:
    """Put back what `capture` returned; whatever it does not hold begins anew."""
    import torch

    numbers = {name: index for index, name in enumerate(names)}
    by_index: dict[int, dict[str, Any]] = {}
    random: dict[str, Any] = {}
    for name, array in state.arrays.items():
        kind, _, rest = name.partition("/")
        tensor = torch.from_numpy(np.array(array))
        if kind == "optimizer":
            owner, _, key = rest.rpartition("/")
            if owner in numbers:
                by_index.setdefault(numbers[owner], {})[key] = tensor
        elif kind == "buffer" and rest in buffers:
            buffers[rest].copy_(tensor)
        elif kind == "random":
            random[rest] = tensor
    groups = optimizer.state_dict()["param_groups"]
    if by_index:
        optimizer.load_state_dict({"state": by_index, "param_groups": groups})
    set_random_states(random)
    if scaler is not None and "scaler" in state.values:
        scaler.load_state_dict(dict(state.values["scaler"]))


def random_states(device_type: str) -> dict[str, Any]:
    """Return the states of PyTorch's generators, as byte tensors."""
    import torch

    states = {"cpu": torch.get_rng_state()}
    if device_type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state()
    elif device_type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def set_random_states(states: Mapping[str, Any]) -> None:
    """Put back what `random_states` returned, as far as the device is here."""
    import torch

    if "cpu" in states:
        torch.set_rng_state(states["cpu"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"])
    if "mps" in states and torch.backends.mps.is_available():
        torch.mps.set_rng_state(states["mps"])


def _array(tensor: Any) -> NDArray[Any]:
    array: NDArray[Any] = np.array(tensor.detach().cpu().numpy())
    return array
