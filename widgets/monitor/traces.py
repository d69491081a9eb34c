"""A metric as arrays that grow with it: copied once, smoothed once, thinned for drawing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.runs.state import Series

_CHUNK = 64
_BLOCK = 128


class GrowingArray:
    """Float64 values with room to grow; appending costs amortised constant time a value."""

    def __init__(self) -> None:
        self._buffer = np.empty(1024)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def extend(self, values: NDArray[np.generic]) -> None:
        """Append values."""
        needed = self._size + len(values)
        if needed > len(self._buffer):
            bigger = np.empty(max(needed, 2 * len(self._buffer)))
            bigger[: self._size] = self.view
            self._buffer = bigger
        self._buffer[self._size : needed] = values
        self._size = needed

    @property
    def view(self) -> NDArray[np.float64]:
        """The values so far, not copied."""
        return self._buffer[: self._size]


class Smoother:
    """Exponential moving average without the pull towards zero at its start.

    The average of the values is divided by the same average of ones (Kingma and Ba, 2015,
    section 3). Values that are not finite count as missing: the average stays where it is.
    """

    def __init__(self, weight: float) -> None:
        self._weight = weight
        offsets = np.arange(_BLOCK)
        lag = offsets[:, None] - offsets
        self._kernel = np.where(lag >= 0, weight ** np.maximum(lag, 0), 0.0)
        self._decay = weight ** (offsets + 1.0)
        self._sum = self._total = 0.0

    def feed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the average after each of these further values."""
        if not len(values):
            return values
        finite = np.isfinite(values)
        share = 1 - self._weight
        sums = self._recur(np.where(finite, values, 0.0) * share, self._sum)
        totals = self._recur(finite * share, self._total)
        self._sum, self._total = float(sums[-1]), float(totals[-1])
        averages = np.full(len(values), np.nan)
        return np.divide(sums, totals, out=averages, where=totals > 0)

    def _recur(self, inputs: NDArray[np.float64], before: float) -> NDArray[np.float64]:
        """Return y with y[t] = weight · y[t−1] + inputs[t], in blocks instead of steps."""
        count = -(-len(inputs) // _BLOCK)
        padded = np.zeros(count * _BLOCK)
        padded[: len(inputs)] = inputs
        within = padded.reshape(count, _BLOCK) @ self._kernel.T
        carries = np.empty(count)
        for index, last in enumerate(within[:, -1]):
            carries[index] = before
            before = last + self._decay[-1] * before
        return (within + carries[:, None] * self._decay).ravel()[: len(inputs)]


class Line:
    """Values with the extremes of every full chunk, so that a long line is thinned quickly."""

    def __init__(self) -> None:
        self.values = GrowingArray()
        self._lows = GrowingArray()
        self._highs = GrowingArray()

    def extend(self, values: NDArray[np.float64]) -> None:
        """Append values."""
        self.values.extend(values)
        start = len(self._lows) * _CHUNK
        fresh = self.values.view[start : len(self.values) // _CHUNK * _CHUNK]
        if len(fresh):
            chunks = fresh.reshape(-1, _CHUNK)
            self._lows.extend(np.fmin.reduce(chunks, axis=1))
            self._highs.extend(np.fmax.reduce(chunks, axis=1))

    def thinned(
        self, start: int, stop: int, most: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return positions and values that draw the part from start to stop alike.

        Above `most` points, each bucket gives its lowest and highest value. Buckets are aligned
        to the whole line and a power of two long, so that a growing line does not flicker.
        """
        if stop - start <= most:
            return np.arange(start, stop), self.values.view[start:stop]
        size = 1 << int(np.ceil(np.log2((stop - start) / (most // 2))))
        edges = np.arange(start // size, -(-stop // size)) * size
        lows, highs = self._extremes(edges, stop, size)
        ends = np.column_stack((lows, highs)).ravel()
        return np.repeat(np.maximum(edges, start), 2), ends

    def sampled(
        self, start: int, stop: int, most: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return positions and values of every so many points and the last; for smooth lines."""
        every = 1 << max(int(np.ceil(np.log2(max(stop - start, 1) / most))), 0)
        positions = np.arange(-(-start // every), -(-stop // every)) * every
        if stop > start and (not len(positions) or positions[-1] != stop - 1):
            positions = np.append(positions, stop - 1)
        return positions, self.values.view[positions]

    def _extremes(
        self, edges: NDArray[np.int64], stop: int, size: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        first = int(edges[0])
        if size <= _CHUNK:
            values = self.values.view[first:stop]
            cuts = edges - first
            return np.fmin.reduceat(values, cuts), np.fmax.reduceat(values, cuts)
        full = min(stop // _CHUNK, len(self._lows))
        rest = self.values.view[full * _CHUNK : stop]
        lows = self._lows.view[first // _CHUNK : full]
        highs = self._highs.view[first // _CHUNK : full]
        if len(rest):
            lows = np.append(lows, np.fmin.reduce(rest))
            highs = np.append(highs, np.fmax.reduce(rest))
        cuts = (edges - first) // _CHUNK
        return np.fmin.reduceat(lows, cuts), np.fmax.reduceat(highs, cuts)


class Trace:
    """Follows one series of a run: only what is new is copied and smoothed."""

    def __init__(self, series: Series, smoothing: float = 0.0) -> None:
        self._series = series
        self._smoothing = smoothing
        self._restart()

    def __len__(self) -> int:
        return len(self.steps)

    def smooth_with(self, smoothing: float) -> None:
        """Smooth anew with another weight, 0 (none) to just below 1."""
        if smoothing != self._smoothing:
            self._smoothing = smoothing
            self._smooth_all()

    def update(self) -> None:
        """Take over what the series has gained, or start again if its end was cut."""
        series, known = self._series, len(self.steps)
        if known > len(series) or (known and not self._same_end(known - 1)):
            self._restart()
            known = 0
        if known == len(series):
            return
        # Slices of the arrays are copies: the series itself is never locked by a buffer.
        values = np.frombuffer(series.values[known:], np.float64)
        self.steps.extend(np.frombuffer(series.steps[known:], np.int64))
        self.raw.extend(values)
        self.smooth.extend(self._smoother.feed(values))

    def _same_end(self, last: int) -> bool:
        value, kept = self._series.values[last], self.raw.values.view[last]
        same_value = value == kept or (np.isnan(value) and np.isnan(kept))
        return bool(same_value and self._series.steps[last] == self.steps.view[last])

    def _restart(self) -> None:
        self.steps = GrowingArray()
        self.raw = Line()
        self._smooth_all()

    def _smooth_all(self) -> None:
        self._smoother = Smoother(self._smoothing)
        self.smooth = Line()
        self.smooth.extend(self._smoother.feed(self.raw.values.view))
