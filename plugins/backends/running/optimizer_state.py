"""The state of optimizers in the form that every backend writes and reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from workbench.document.training import SGD, Adagrad, Adam, AdamW, RMSprop

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from workbench.document.training import Optimizer
    from workbench.plugin_api.backend import ModelState

SLOT = "optimizer/{weight}/{slot}"
"""Name of the array that an optimizer keeps of a weight, in the weight's canonical layout."""


def slots_of(settings: Optimizer) -> tuple[str, ...]:
    """Return what an optimizer keeps of each weight.

    "momentum": running sum of gradients (SGD) or of scaled gradients (RMSprop), without the rate;
    "mean", "variance": first and second moment (Adam); "square": running mean of squares
    (RMSprop); "accumulator": sum of squares (Adagrad).
    """
    match settings:
        case SGD():
            return ("momentum",) if settings.momentum else ()
        case Adam() | AdamW():
            return ("mean", "variance")
        case RMSprop():
            return ("square", "momentum") if settings.momentum else ("square",)
        case Adagrad():
            return ("accumulator",)


def kind_of(settings: Optimizer) -> str:
    """Return the optimizer's type as documents write it: "sgd"."""
    return str(settings.__struct_config__.tag)


def values_of(
    backend: str, settings: Optimizer, step: int, since: Mapping[str, int]
) -> dict[str, Any]:
    """Return the values of a ModelState that all backends share.

    Args:
        since: weights that began to be trained later than the first step, and after which.
    """
    optimizer: dict[str, Any] = {"type": kind_of(settings), "step": step}
    return {
        "backend": backend,
        "optimizer": optimizer | ({"since": dict(since)} if since else {}),
    }


@dataclass(frozen=True)
class CarriedOver:
    """What of a saved state a run can go on from.

    Attributes:
        step: steps that the optimizer has done.
        slots: weight name to slot to canonical array; the rest begins anew.
        since: weight name to the step after which the optimizer began with it; others: the first.
        is_own: saved by the same backend, so that random states and buffers fit, too.
        notes: sentences on what begins anew.
    """

    step: int = 0
    slots: dict[str, dict[str, NDArray[Any]]] = field(default_factory=dict)
    is_own: bool = True
    notes: tuple[str, ...] = ()
    since: dict[str, int] = field(default_factory=dict)


def carried_over(
    state: ModelState, backend: str, settings: Optimizer, weights: Iterable[str]
) -> CarriedOver:
    """Return what of `state` fits an optimizer over the canonical `weights`."""
    saved = state.values.get("optimizer", {})
    origin, kind = state.values.get("backend", backend), saved.get("type", "")
    is_own = origin == backend
    notes = []
    if not is_own:
        notes.append(
            f"The checkpoint was made by the backend “{origin}”: its weights are taken over "
            "exactly, random numbers begin anew."
        )
    if kind != kind_of(settings):
        if kind or any(name.startswith("optimizer/") for name in state.arrays):
            notes.append(
                f"The optimizer begins anew: the checkpoint was trained with "
                f"{kind or 'another one'}, this run trains with {kind_of(settings)}."
            )
        return CarriedOver(is_own=is_own, notes=tuple(notes))
    step = int(saved["step"])
    slots, lacking = _slots(state.arrays, slots_of(settings), weights)
    if lacking and step:
        notes.append(
            f"The checkpoint holds no optimizer state that fits {lacking[0]}"
            f"{f' and {len(lacking) - 1} more' if lacking[1:] else ''}; there it begins anew."
        )
    since = {name: int(saved.get("since", {}).get(name, 0)) for name in slots}
    since |= dict.fromkeys(lacking, step)
    later = {name: began for name, began in since.items() if began}
    return CarriedOver(step, slots, is_own, tuple(notes), later)


def _slots(
    arrays: Mapping[str, NDArray[Any]], wanted: tuple[str, ...], weights: Iterable[str]
) -> tuple[dict[str, dict[str, NDArray[Any]]], list[str]]:
    found, lacking = {}, []
    for weight in weights:
        names = {slot: SLOT.format(weight=weight, slot=slot) for slot in wanted}
        if all(name in arrays for name in names.values()):
            found[weight] = {slot: arrays[name] for slot, name in names.items()}
        else:
            lacking.append(weight)
    return found, lacking
