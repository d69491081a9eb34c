"""What of a run is drawn: its metrics over steps, epochs or time, as short arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from widgets.monitor.traces import Trace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.runs.state import RunState, Series

Axis = Literal["step", "epoch", "time"]
SMOOTH_POINTS = 320
"""Points of a smoothed line; more cannot be told apart."""
LAST_METRICS = ("learning_rate",)


@dataclass(frozen=True)
class Curve:
    """One metric of one run, ready to draw.

    Attributes:
        x: in units of the axis (steps, epochs, seconds); raw: training values there.
        smooth_x, smooth: their running average, at fewer places.
        points_x, points_y: validation, one point an epoch.
        is_thinned: x and raw are the extremes of buckets, not every step.
    """

    x: NDArray[np.float64]
    raw: NDArray[np.float64]
    smooth_x: NDArray[np.float64]
    smooth: NDArray[np.float64]
    points_x: NDArray[np.float64]
    points_y: NDArray[np.float64]
    is_thinned: bool = False


@dataclass(frozen=True)
class Reading:
    """What a curve says at one step; None where it says nothing."""

    step: int
    raw: float | None
    smooth: float | None
    validation: float | None


def metrics_of(state: RunState) -> list[str]:
    """Return the names of all metrics without their splits, loss first."""
    names = dict.fromkeys([*state.steps, *(name.partition("/")[2] for name in state.epochs)])
    first = [name for name in ("loss", state.headline) if name in names]
    last = [name for name in LAST_METRICS if name in names]
    return [*first, *(name for name in names if name not in (*first, *last)), *last]


class RunCurves:
    """Keeps the arrays of one run between two drawings."""

    def __init__(self, state: RunState, smoothing: float) -> None:
        self.state = state
        self._smoothing = smoothing
        self._traces: dict[str, tuple[Series, Trace]] = {}
        self._clock = Trace(state.clock)

    def smooth_with(self, smoothing: float) -> None:
        """Smooth with another weight."""
        self._smoothing = smoothing
        for _, trace in self._traces.values():
            trace.smooth_with(smoothing)

    def curve(
        self,
        metric: str,
        axis: Axis,
        visible: tuple[float, float] | None = None,
        most: int = 1000,
    ) -> Curve:
        """Return a metric's curve, in detail between two places of the axis.

        Args:
            most: points beyond which the lowest and highest value of each bucket are drawn.
        """
        points_x, points_y = self._validation(metric, axis)
        trace = self._trace(metric)
        if trace is None:
            empty = np.empty(0)
            return Curve(empty, empty, empty, empty, points_x, points_y)
        start, stop = 0, len(trace)
        if visible is not None:
            ends = np.searchsorted(trace.steps.view, self._to_steps(np.array(visible), axis))
            start, stop = max(int(ends[0]) - 1, 0), min(int(ends[1]) + 1, len(trace))
        positions, raw = trace.raw.thinned(start, stop, most)
        x = self._from_steps(trace.steps.view[positions], axis)
        smooth_x, smooth = x, raw
        if self._smoothing:
            positions, smooth = trace.smooth.sampled(start, stop, SMOOTH_POINTS)
            smooth_x = self._from_steps(trace.steps.view[positions], axis)
        is_thinned = stop - start > most
        return Curve(x, raw, smooth_x, smooth, points_x, points_y, is_thinned)

    def reading(self, metric: str, axis: Axis, x: float) -> Reading | None:
        """Return the exact values nearest to a place of the axis."""
        step = float(self._to_steps(np.array([x]), axis)[0])
        trace, series = self._trace(metric), self.state.epochs.get(f"val/{metric}")
        raw = smooth = validation = None
        found: float | None = None
        if trace is not None and len(trace):
            index = _nearest(trace.steps.view, step)
            raw, smooth = (
                float(trace.raw.values.view[index]),
                float(trace.smooth.values.view[index]),
            )
            found = float(trace.steps.view[index])
        if series is not None and len(series):
            steps = np.frombuffer(series.steps[:], np.int64)
            index = _nearest(steps, step)
            validation = series.values[index]
            found = float(steps[index]) if found is None else found
        return None if found is None else Reading(int(found), raw, smooth, validation)

    def _trace(self, metric: str) -> Trace | None:
        series = self.state.steps.get(metric) or self.state.epochs.get(f"train/{metric}")
        if series is None:
            return None
        known, trace = self._traces.get(metric, (None, None))
        if known is not series or trace is None:
            trace = Trace(series, self._smoothing)
            self._traces[metric] = (series, trace)
        trace.update()
        return trace

    def _validation(
        self, metric: str, axis: Axis
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        series = self.state.epochs.get(f"val/{metric}")
        if series is None:
            return np.empty(0), np.empty(0)
        steps = np.frombuffer(series.steps[:], np.int64)
        return self._from_steps(steps, axis), np.frombuffer(series.values[:], np.float64)

    def _from_steps(self, steps: NDArray[np.generic], axis: Axis) -> NDArray[np.float64]:
        if axis == "epoch":
            return steps / max(self.state.steps_per_epoch, 1)
        if axis == "time":
            known, seconds = self._times()
            return np.interp(steps, known, seconds)
        return steps.astype(np.float64)

    def _to_steps(self, x: NDArray[np.float64], axis: Axis) -> NDArray[np.float64]:
        if axis == "epoch":
            return x * max(self.state.steps_per_epoch, 1)
        if axis == "time":
            known, seconds = self._times()
            return np.interp(x, seconds, known)
        return x

    def _times(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        self._clock.update()
        steps, seconds = self._clock.steps.view, self._clock.raw.values.view
        return np.append(0.0, steps), np.append(0.0, seconds)


def _nearest(ordered: NDArray[np.generic], value: float) -> int:
    right = min(int(np.searchsorted(ordered, value)), len(ordered) - 1)
    if right and abs(ordered[right - 1] - value) <= abs(ordered[right] - value):
        return right - 1
    return right
