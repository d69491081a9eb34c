"""The running average of weights: how much of the new ones goes into it at each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.plugin_api.backend import ModelState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

RAW = "raw/{weight}"
"""Name of the array of a ModelState that holds a weight as training has it, not averaged."""


def share_of_new(decay: float, step: int) -> float:
    """Return the share of the new weights at a step (from 1).

    At first less of the old ones is kept, so that the average soon forgets where training began:
    the decay is (1 + n) / (10 + n) after n steps, `decay` at most, as in TensorFlow's
    ExponentialMovingAverage.
    """
    return 1.0 - min(decay, (1.0 + step) / (10.0 + step))


def with_raw(state: ModelState, raw: Mapping[str, NDArray[Any]]) -> ModelState:
    """Return the state with the weights that training has, canonical, by name."""
    named = {RAW.format(weight=name): array for name, array in raw.items()}
    return ModelState({**state.arrays, **named}, state.values)


def raw_of(state: ModelState, names: Iterable[str]) -> dict[str, NDArray[Any]]:
    """Return the weights that training had; those that are not kept are the average's."""
    wanted = {name: RAW.format(weight=name) for name in names}
    return {name: state.arrays[kept] for name, kept in wanted.items() if kept in state.arrays}
