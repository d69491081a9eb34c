"""What a window's values become for a network, and the way back: plain functions.

Exported scripts carry them along; they use numpy only. Arrays are [windows ×] steps × columns,
the channels to forecast first; forecasts are windows × horizon × channels [× quantiles].
"""

from __future__ import annotations

import itertools

import numpy as np


def filled_windows(values: np.ndarray, rule: str) -> np.ndarray:
    """Fill what is missing from the window's own values, so that nothing later is used.

    "interpolate" draws a straight line between known values, "previous" repeats the one before;
    both repeat the first and the last known one at the ends. "zero" is zero.
    """
    known = np.isfinite(values)
    if known.all():
        return values
    if values.ndim == 3:
        return np.stack([filled_windows(one, rule) for one in values])
    result = np.where(known, values, 0.0)
    steps = np.arange(len(values))
    for column, there in enumerate(known.T):
        at = np.flatnonzero(there)
        if rule == "zero" or not len(at) or len(at) == len(steps):
            continue
        if rule == "interpolate":
            result[:, column] = np.interp(steps, at, values[at, column])
        else:
            before = np.searchsorted(at, steps, side="right") - 1
            result[:, column] = values[at[before.clip(min=0)], column]
    return result


def logged(values: np.ndarray, channels: int, log: bool) -> np.ndarray:
    """Take the logarithm of the channels; others stay."""
    if not log:
        return values
    return np.concatenate([np.log(values[..., :channels]), values[..., channels:]], axis=-1)


def changes(values: np.ndarray, channels: int, lag: int) -> np.ndarray:
    """Take from channels what they were `lag` steps before; the first `lag` steps go."""
    if not lag:
        return values
    parts = [values[..., lag:, :channels] - values[..., :-lag, :channels]]
    return np.concatenate([*parts, values[..., lag:, channels:]], axis=-1)


def window_channels(raw: np.ndarray, channels: int, log: bool, missing: str) -> np.ndarray:
    """Return the channels of a raw window without gaps, in logarithms where wanted."""
    return filled_windows(logged(raw, channels, log), missing)[..., :channels]


def window_inputs(raw: np.ndarray, channels: int, log: bool, lag: int, missing: str) -> np.ndarray:
    """Return a raw window without gaps, in logarithms and as changes where wanted."""
    return changes(filled_windows(logged(raw, channels, log), missing), channels, lag)


def anchors(known: np.ndarray, lag: int, horizon: int) -> np.ndarray:
    """Return what each step of the horizon is told as a change of: … × horizon × channels.

    That is the last known value `lag` steps, or twice, thrice as many, before it.

    Args:
        known: channels of windows without gaps, in logarithms where wanted.
    """
    if not lag:
        return np.zeros((*known.shape[:-2], horizon, known.shape[-1]))
    place = np.arange(horizon) % lag - lag
    found: np.ndarray = known[..., place, :]
    return found


def calendar_columns(times: np.ndarray, cycles: tuple[str, ...]) -> np.ndarray:
    """Return where in each cycle ("day", "week", "year") times are: sine and cosine, steps × 2 n.

    Args:
        times: seconds since 1970.
    """
    seconds = {"day": 86400.0, "week": 604800.0, "year": 365.2425 * 86400}
    turns = [2 * np.pi * (times / seconds[cycle] % 1.0) for cycle in cycles]
    return np.stack([part(turn) for turn in turns for part in (np.sin, np.cos)], axis=-1)


def foreseen(values: np.ndarray, begins: np.ndarray, horizon: int) -> np.ndarray:
    """Return, at each step of each series, what columns are `horizon` steps later; NaN at ends."""
    found = np.full(values.shape, np.nan)
    for begin, end in itertools.pairwise(begins):
        if end - begin > horizon:
            found[begin : end - horizon] = values[begin + horizon : end]
    return found


def with_foreseen(
    values: np.ndarray,
    times: np.ndarray,
    begins: np.ndarray,
    *,
    places: tuple[int, ...],
    cycles: tuple[str, ...],
    horizon: int,
) -> np.ndarray:
    """Add to a table what is known of the steps to come, and where in the calendar steps are.

    Args:
        places: of the columns that are known ahead.
    """
    parts = [values]
    if places:
        parts.append(foreseen(values[:, list(places)], begins, horizon))
    if cycles:
        parts.append(calendar_columns(times, cycles))
    return np.concatenate(parts, axis=1)


def known_ends(values: np.ndarray, begins: np.ndarray, channels: int) -> np.ndarray:
    """Return where the known part of each series ends: behind the last step with a channel."""
    ends = []
    for begin, end in itertools.pairwise(begins):
        there = np.flatnonzero(np.isfinite(values[begin:end, :channels]).any(axis=1))
        ends.append(begin + there[-1] + 1 if len(there) else begin)
    return np.array(ends, np.int64)


def own_scale(shaped: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and deviation of each window's columns, … × 1 × columns; 1 where constant."""
    mean, spread = shaped.mean(axis=-2, keepdims=True), shaped.std(axis=-2, keepdims=True)
    return mean, np.where(spread > 1e-8 * (1 + np.abs(mean)), spread, 1.0)


def to_scale(
    values: np.ndarray, scale: tuple[np.ndarray, np.ndarray], anchor: np.ndarray, log: bool
) -> np.ndarray:
    """Return channels of a horizon as the network learns them, … × horizon × channels."""
    plain = np.log(values) if log else values
    channels = values.shape[-1]
    offset, spread = (part[..., :channels] for part in scale)
    scaled: np.ndarray = (plain - anchor - offset) / spread
    return scaled


def from_scale(
    values: np.ndarray, scale: tuple[np.ndarray, np.ndarray], anchor: np.ndarray, log: bool
) -> np.ndarray:
    """Undo `to_scale` for windows × horizon × channels [× quantiles]."""
    channels = anchor.shape[-1]
    offset, spread = (part[..., :channels] for part in scale)
    if values.ndim > anchor.ndim:
        offset, spread, anchor = offset[..., None], spread[..., None], anchor[..., None]
    plain = values.astype(np.float64) * spread + offset + anchor
    restored: np.ndarray = np.exp(plain) if log else plain
    return restored
