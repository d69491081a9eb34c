"""The part of an exported script that reads windows from a file and undoes their scale."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from workbench.plugin_api import time_steps, time_table, windows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType


def script(constants: Mapping[str, Any], scale: str) -> str:
    """Return source of `load(path)`, `next_steps(path)` and `restored(values, path)`.

    Args:
        constants: what it is written with, by name. scale: expression of offset and scale.
    """
    parts = [_source(module) for module in (time_steps, time_table, windows)]
    written = "\n".join(f"{name} = {value!r}" for name, value in constants.items())
    return "\n\n\n".join([*parts, written, _LOAD.format(scale=scale).strip()]) + "\n"


def _source(module: ModuleType) -> str:
    """Return a module's source without the imports from here: everything ends in one file."""
    lines = inspect.getsource(module).splitlines()
    return "\n".join(line for line in lines if not line.startswith("from workbench"))


_LOAD = '''
def load(path: str) -> np.ndarray:
    """Read the last window of each series of a file as the network takes it."""
    raw, _ = last_windows(path)
    inputs = window_inputs(raw, len(CHANNELS), LOG, LAG, MISSING_RULE)
    offset, spread = {scale}
    return ((inputs - offset) / spread).astype(np.float32)


def last_windows(path: str) -> tuple[np.ndarray, list[tuple[str, list[str]]]]:
    """Read the last steps of each series, and tell its name and the times to come."""
    table, reach = read_time_table(path, TABLE), WINDOW + LAG
    begins, unit, size = table["begins"], table["unit"], table["size"]
    ends = known_ends(table["values"], begins, len(CHANNELS)) if AHEAD else begins[1:]
    values = with_foreseen(
        table["values"], table["times"], begins, places=AHEAD, cycles=CYCLES, horizon=HORIZON
    )
    first = table["values"].shape[1]
    windows, told = [], []
    for name, begin, end in zip(table["names"], begins[:-1], ends, strict=True):
        if end - begin < reach:
            continue
        if AHEAD and not np.isfinite(
            values[end - HORIZON : end, first : first + len(AHEAD)]
        ).all():
            raise ValueError("it lacks what is known ahead for the steps to come")
        last = table["times"][end - reach : end]
        step = size if unit else float(np.median(np.diff(last)))
        after = following(last[-1], HORIZON, unit or "numbers", step)
        told.append((name, [time_text(t, unit, size, TABLE["dated"]) for t in after.tolist()]))
        windows.append(values[end - reach : end])
    if not windows:
        raise ValueError(f"it has too few steps: a forecast looks back at {{reach}}")
    return np.stack(windows), told


def next_steps(path: str) -> list[tuple[str, list[str]]]:
    """Return name and times to come of each series."""
    return last_windows(path)[1]


def restored(values: np.ndarray, path: str) -> np.ndarray:
    """Return forecasts (series × horizon × channels × quantiles) in the units of the file."""
    raw, _ = last_windows(path)
    inputs = window_inputs(raw, len(CHANNELS), LOG, LAG, MISSING_RULE)
    anchor = anchors(window_channels(raw, len(CHANNELS), LOG, MISSING_RULE), LAG, HORIZON)
    return from_scale(values, {scale}, anchor, LOG)
'''
