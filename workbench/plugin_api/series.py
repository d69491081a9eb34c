"""Series to arrays of one scale: plain functions that exported scripts carry along.

Apart from Moments they use numpy and the standard library only, and no name that is not defined
here, so that their source can be copied into a script and gives the same numbers there.
"""

from __future__ import annotations

import csv

import numpy as np

from workbench.plugin_api.sounds import read_sound, resampled


def read_series(path: str, sample_rate: int | None = None) -> np.ndarray:
    """Read a file as time × channels, float32.

    A sound file has its samples as steps, so many a second if `sample_rate` is given. In a text
    file each line is a step and each column a channel, parted by commas, semicolons, tabs or
    spaces; a first line of names is left out; an empty cell or "?" is a missing value.

    Raises:
        OSError: it cannot be read. ValueError: it is no such file, with the reason.
    """
    if path.lower().endswith((".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")):
        values, rate = read_sound(path)
        return resampled(values, rate, sample_rate or rate)
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = [line.strip("\r\n") for line in file if line.strip()]
    head = lines[0] if lines else ""
    part = next((sign for sign in "\t;," if sign in head), " ")
    rows = list(csv.reader(lines, delimiter=part, skipinitialspace=True))
    table: list[list[float]] = []
    for number, row in enumerate(rows, 1):
        try:
            table.append([float("nan" if w.strip() in ("", "?") else w) for w in row])
        except ValueError as error:
            if number > 1:
                raise ValueError(f"line {number} is not a row of numbers") from error
    if not table:
        raise ValueError("it holds no numbers")
    if len({len(row) for row in table}) > 1:
        raise ValueError("its lines differ in their number of values")
    return np.array(table, np.float32)


def shaped(values: np.ndarray, missing: str, longest: int | None, length: int | None) -> np.ndarray:
    """Fill gaps, cut after `longest` steps, and resample along straight lines to `length` steps."""
    values = filled(values[:longest], missing)
    if length is not None and len(values) != length:
        places = np.linspace(0, len(values) - 1, length)
        steps = np.arange(len(values))
        columns = [np.interp(places, steps, column) for column in values.T]
        values = np.stack(columns, axis=1)
    return np.ascontiguousarray(values, np.float32)


def filled(values: np.ndarray, rule: str) -> np.ndarray:
    """Fill what is not finite: "interpolate", "previous", "zero", or "refuse" (ValueError).

    Beyond the first and last known value that one is repeated; a channel without any gets zeros.
    """
    known = np.isfinite(values)
    if known.all():
        return values
    if rule == "refuse":
        step, channel = np.argwhere(~known)[0] + 1
        raise ValueError(f"the value of channel {channel} is missing at step {step}")
    values = np.where(known, values, 0)
    steps = np.arange(len(values))
    for channel, there in enumerate(known.T):
        if rule == "zero" or there.all() or not there.any():
            continue
        at = np.flatnonzero(there)
        if rule == "interpolate":
            values[:, channel] = np.interp(steps, at, values[at, channel])
        else:
            before = np.searchsorted(at, steps, side="right") - 1
            values[:, channel] = values[at[before.clip(min=0)], channel]
    return values


def scaled(values: np.ndarray, offset: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Take off `offset` and divide by `scale`, per channel."""
    changed: np.ndarray = (values.astype(np.float32) - offset) / scale
    return changed


def scaled_by_itself(values: np.ndarray) -> np.ndarray:
    """Give each channel of each series zero mean and unit deviation; a constant one gets zeros."""
    wide = values.astype(np.float64)
    centred = wide - wide.mean(axis=-2, keepdims=True)
    spread = wide.std(axis=-2, keepdims=True)
    changed: np.ndarray = (centred / np.where(spread > 1e-8, spread, 1)).astype(np.float32)
    return changed


class Moments:
    """Gathers, channel by channel, what scales are made from."""

    def __init__(self) -> None:
        self.channels = 0
        self._count = 0
        self._mean = self._squares = np.zeros(0)
        self._low = self._high = np.zeros(0)

    def add(self, values: np.ndarray) -> None:
        """Take one series, time × channels (Chan, Golub and LeVeque 1983)."""
        wide = values.astype(np.float64)
        count, mean = len(wide), wide.mean(axis=0)
        squares = np.square(wide - mean).sum(axis=0)
        low, high = wide.min(axis=0), wide.max(axis=0)
        if not self._count:
            self.channels = wide.shape[1]
            self._mean, self._squares, self._low, self._high = mean, squares, low, high
        else:
            total, apart = self._count + count, mean - self._mean
            self._mean = self._mean + apart * count / total
            self._squares = self._squares + squares + apart**2 * self._count * count / total
            self._low, self._high = np.minimum(self._low, low), np.maximum(self._high, high)
        self._count += count

    def standard(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and deviation of each channel; 1 as that of a constant one."""
        spread = np.sqrt(self._squares / max(self._count, 1))
        return self._mean, np.where(spread > 1e-8 * (1 + abs(self._mean)), spread, 1.0)

    def range(self) -> tuple[np.ndarray, np.ndarray]:
        """Return smallest value and range of each channel; 1 as that of a constant one."""
        width = self._high - self._low
        return self._low, np.where(width > 0, width, 1.0)

    def constant(self) -> tuple[int, ...]:
        """Return the numbers, from 1, of channels that have one value throughout."""
        return tuple((np.flatnonzero(self._low == self._high) + 1).tolist())
