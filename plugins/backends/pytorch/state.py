"""Everything that decides the next step besides the weights, as plain arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from plugins.backends.running.optimizer_state import (
    SLOT,
    CarriedOver,
    carried_over,
    slots_of,
    values_of,
)
from workbench.document.training import SGD, Adagrad, Adam, AdamW, RMSprop
from workbench.plugin_api.backend import ModelState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from plugins.backends.pytorch.weights import WeightTable
    from workbench.document.training import Optimizer

BACKEND = "torch"


class StateKeeper:
    """Reads and writes the state of an optimizer, loose buffers, generators and the scaler.

    Args:
        names: canonical names in the order of the optimizer's parameters.
    """

    def __init__(
        self,
        settings: Optimizer,
        optimizer: Any,
        names: Sequence[str],
        table: WeightTable,
        *,
        scaler: Any,
        device_type: str,
    ) -> None:
        self._settings = settings
        self._optimizer = optimizer
        self._names = names
        self._table = table
        self._scaler = scaler
        self._device_type = device_type

    def capture(self, step: int) -> ModelState:
        """Return the state after `step` steps; see ModelState for the names."""
        keys = torch_keys(self._settings)
        arrays: dict[str, NDArray[Any]] = {}
        steps: dict[str, int] = {}
        for index, kept in self._optimizer.state_dict()["state"].items():
            weight = self._names[index]
            steps[weight] = int(kept.get("step", step))
            for slot in slots_of(self._settings):
                value = self._table.canonical.to_canonical(weight, _array(kept[keys[slot]]))
                arrays[SLOT.format(weight=weight, slot=slot)] = value
        for name, tensor in self._table.loose.items():
            arrays[f"buffer/{name}"] = _array(tensor)
        for kind, state in random_states(self._device_type).items():
            arrays[f"random/{kind}"] = _array(state)
        most = max(steps.values(), default=step)  # fewer than `step` where the scaler skipped some
        since = {weight: most - done for weight, done in steps.items() if done < most}
        values = values_of(BACKEND, self._settings, most, since)
        if self._scaler is not None:
            values["scaler"] = self._scaler.state_dict()
        return ModelState(arrays, values)

    def restore(self, state: ModelState) -> CarriedOver:
        """Put back what `capture`, or another backend, returned; the rest begins anew."""
        found = carried_over(state, BACKEND, self._settings, self._names)
        self._restore_optimizer(found)
        if found.is_own:
            self._restore_loose(state)
        if self._scaler is not None and "scaler" in state.values:
            self._scaler.load_state_dict(dict(state.values["scaler"]))
        return found

    def _restore_optimizer(self, found: CarriedOver) -> None:
        import torch

        keys = torch_keys(self._settings)
        before = self._optimizer.state_dict()
        # Adagrad's state is there from the start; the others make theirs in the first step.
        by_index = before["state"] if isinstance(self._settings, Adagrad) else {}
        for index, weight in enumerate(self._names):
            if weight in found.slots:
                by_index[index] = {
                    keys[slot]: self._like_weight(weight, value)
                    for slot, value in found.slots[weight].items()
                }
                done = found.step - found.since.get(weight, 0)
                by_index[index]["step"] = torch.tensor(float(done))
            elif found.slots and "momentum" in keys and isinstance(self._settings, SGD):
                # A fused step takes no group of which only some have begun; zeros begin alike.
                parameter = self._table.tensors[weight]
                by_index[index] = {keys["momentum"]: torch.zeros_like(parameter)}
        groups = before["param_groups"]
        self._optimizer.load_state_dict({"state": by_index, "param_groups": groups})

    def _like_weight(self, weight: str, value: NDArray[Any]) -> Any:
        """Return a tensor that lies in memory as the weight does, which fused kernels rely on."""
        import torch

        parameter = self._table.tensors[weight]
        array = self._table.canonical.to_framework(weight, value)
        return torch.empty_like(parameter).copy_(torch.from_numpy(array).reshape(parameter.shape))

    def _restore_loose(self, state: ModelState) -> None:
        import torch

        random: dict[str, Any] = {}
        for name, array in state.arrays.items():
            kind, _, rest = name.partition("/")
            if kind == "buffer" and rest in self._table.loose:
                self._table.loose[rest].copy_(torch.from_numpy(np.array(array)))
            elif kind == "random":
                random[rest] = torch.from_numpy(np.array(array))
        set_random_states(random)


def torch_keys(settings: Optimizer) -> dict[str, str]:
    """Return what PyTorch's optimizer calls each slot."""
    match settings:
        case SGD():
            return {"momentum": "momentum_buffer"}
        case Adam() | AdamW():
            return {"mean": "exp_avg", "variance": "exp_avg_sq"}
        case RMSprop():
            return {"square": "square_avg", "momentum": "momentum_buffer"}
        case Adagrad():
            return {"accumulator": "sum"}


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
