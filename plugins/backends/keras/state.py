"""Everything that decides the next step of a Keras model besides the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugins.backends.running.optimizer_state import (
    SLOT,
    CarriedOver,
    carried_over,
    values_of,
)
from workbench.plugin_api.backend import ModelState

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from plugins.backends.keras.modules import LoadedModel
    from plugins.backends.keras.steps import Steps
    from plugins.backends.keras.updates import Updates
    from workbench.document.training import Optimizer


class StateKeeper:
    """Reads and writes the optimizer's slots and the states of layers that draw numbers.

    Args:
        backend: id of the backend: random states of another one mean nothing here.
    """

    def __init__(
        self,
        backend: str,
        settings: Optimizer,
        loaded: LoadedModel,
        updates: Updates,
        steps: Steps,
    ) -> None:
        self._backend = backend
        self._settings = settings
        self._loaded = loaded
        self._updates = updates
        self._steps = steps
        self._first = {name: steps.read(variable) for name, variable in loaded.random.items()}

    def capture(self, step: int, since: Mapping[str, int]) -> ModelState:
        """Return the state after `step` steps; see ModelState for the names."""
        arrays: dict[str, NDArray[Any]] = {}
        for index, weight in enumerate(self._loaded.trained):
            for number, slot in enumerate(self._updates.slots):
                value = self._steps.read_slot(index, number)
                canonical = self._loaded.canonical.to_canonical(weight.name, value)
                arrays[SLOT.format(weight=weight.name, slot=slot)] = canonical
        for name, variable in self._loaded.random.items():
            arrays[f"random/{name}"] = self._steps.read(variable)
        for name, value in self._steps.generators().items():
            arrays[f"random/{name}"] = value
        return ModelState(arrays, values_of(self._backend, self._settings, step, since))

    def restore(self, state: ModelState) -> CarriedOver:
        """Put back what `capture`, or another backend, returned; the rest begins anew."""
        names = [weight.name for weight in self._loaded.trained]
        found = carried_over(state, self._backend, self._settings, names)
        for index, name in enumerate(names):
            for number, slot in enumerate(self._updates.slots):
                value = self._slot(name, slot, found)
                self._steps.write_slot(index, number, value)
        for name, variable in self._loaded.random.items():
            saved = state.arrays.get(f"random/{name}") if found.is_own else None
            self._steps.write(variable, self._first[name] if saved is None else saved)
        if found.is_own:
            saved_names = {name: f"random/{name}" for name in self._steps.generators()}
            self._steps.set_generators(
                {
                    name: state.arrays[saved]
                    for name, saved in saved_names.items()
                    if saved in state.arrays
                }
            )
        return found

    def _slot(self, name: str, slot: str, found: CarriedOver) -> NDArray[np.float32]:
        import numpy as np

        if name in found.slots:
            value = found.slots[name][slot]
        else:
            value = np.full(self._loaded.canonical.shapes[name], self._updates.start(slot))
        return self._loaded.canonical.to_framework(name, value)
