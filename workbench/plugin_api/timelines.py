"""Series that go on in time: what a forecasting source reads, and the windows cut from them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from workbench.plugin_api.time_steps import DAY, following, time_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


class TimelineInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of series that go on in time, for people and plots.

    Attributes:
        channels: names of the columns that are forecast.
        exogenous: names of the columns that are inputs only.
        ahead: those of them that are known for the steps to come.
        series: names of the series; one empty name where there is but one.
        unit, size: of a step; see `time_steps`.
        dated: whether times are dates, in seconds since 1970.
    """

    channels: tuple[str, ...]
    exogenous: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()
    series: tuple[str, ...] = ("",)
    unit: str = "rows"
    size: float = 1.0
    dated: bool = False

    @property
    def season(self) -> int:
        """Steps after which such data mostly repeat: a year of months, a week of days; else 1."""
        if self.unit == "months":
            return round(12 / self.size) if 12 % self.size == 0 else 1
        if self.unit != "seconds":
            return 1
        if self.size == 7 * DAY:
            return 52
        return 7 if self.size == DAY else round(DAY / self.size) if self.size < DAY else 1

    @property
    def step_words(self) -> str:
        """The step in words: "month", "7 days", "2 h"; empty where there is none to tell."""
        if self.unit == "months":
            names = {1.0: "month", 3.0: "quarter", 12.0: "year"}
            return names.get(self.size, f"{self.size:g} months")
        if self.unit == "seconds":
            for seconds, name in ((7 * DAY, "week"), (DAY, "day"), (3600, "hour"), (60, "minute")):
                if self.size % seconds == 0:
                    count = self.size / seconds
                    return name if count == 1 else f"{count:g} {name}s"
            return f"{self.size:g} s"
        return ""

    def text(self, time: float) -> str:
        """Return a time as short as the step allows."""
        return time_text(time, self.unit, self.size, self.dated)

    def after(self, last: float, count: int, spacing: float = 1.0) -> NDArray[np.float64]:
        """Return the times of the next steps.

        Args:
            spacing: distance of steps where they follow no regular one.
        """
        size = self.size if self.unit else spacing
        return following(last, count, self.unit or "numbers", size)


@dataclass(frozen=True)
class Timelines:
    """All series of a data set, one after the other in one array.

    Attributes:
        values: steps × columns, float64, NaN where missing; the channels to forecast come first.
        times: of each step, ascending in each series.
        begins: where each series begins, and the end of the last; int64.
        recipe: how a file is read in the same way; see `time_table.read_time_table`.
    """

    values: NDArray[np.float64]
    times: NDArray[np.float64]
    begins: NDArray[np.int64]
    info: TimelineInfo
    recipe: Mapping[str, Any]

    @property
    def channels(self) -> int:
        """Number of columns that are forecast."""
        return len(self.info.channels)


class TimelineSamples:
    """The series of one split: what is told apart here is where in time its targets lie.

    Args:
        firsts: of each series, the row of `data` where the split's own part begins; what lies
            before may be looked at.
        ends: where that ends.
        trained: of each series, where its training part ends.
    """

    def __init__(
        self,
        data: Timelines,
        firsts: NDArray[np.int64],
        ends: NDArray[np.int64],
        trained: NDArray[np.int64],
        *,
        is_training: bool = False,
    ) -> None:
        self.data = data
        self.firsts, self.ends, self.trained = firsts, ends, trained
        self.is_training = is_training

    def __len__(self) -> int:
        return len(self.firsts)

    def read(self, index: int) -> NDArray[np.float64]:
        """Return a series up to the end of this split, steps × columns."""
        return self.data.values[self.data.begins[index] : self.ends[index]]

    def name(self, index: int) -> str:
        """Return the name of the series, or its number."""
        return self.data.info.series[index] or str(index + 1)

    @property
    def shapes(self) -> NDArray[np.int64]:
        """Steps and columns of each series."""
        columns = np.full(len(self), self.data.values.shape[1])
        return np.stack([self.ends - self.data.begins[:-1], columns], axis=1)

    @property
    def targets(self) -> NDArray[np.int64]:
        """No classes: zeros."""
        return np.zeros(len(self), np.int64)


class Windows:
    """Pieces of series, each with what comes after it.

    Args:
        rows: of each window, the row of `source.data` where its horizon begins.
        reach: steps that a window has before that.
        horizon: steps to forecast.
    """

    def __init__(
        self, source: TimelineSamples, rows: NDArray[np.int64], reach: int, horizon: int
    ) -> None:
        self.source, self.rows, self.reach, self.horizon = source, rows, reach, horizon

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, index: int) -> Windows:
        """Return one window alone."""
        return Windows(self.source, self.rows[index : index + 1], self.reach, self.horizon)

    def read(self, index: int) -> NDArray[np.float64]:
        """Return one window, reach × columns."""
        row = self.rows[index]
        return self.source.data.values[row - self.reach : row]

    def stack(self, indices: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return windows, each as `read` does."""
        return self._gathered(indices, -self.reach, 0)

    def target(self, index: int) -> NDArray[np.float64]:
        """Return a window and its horizon, (reach + horizon) × columns."""
        row = self.rows[index]
        return self.source.data.values[row - self.reach : row + self.horizon]

    def truth(self, indices: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what came, windows × horizon × channels."""
        return self._gathered(indices, 0, self.horizon)[..., : self.source.data.channels]

    def series(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of each window's series."""
        begins = self.source.data.begins
        found: NDArray[np.int64] = np.searchsorted(begins, self.rows[indices] - 1, "right") - 1
        return found

    def times(self, indices: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the times of the horizons, windows × horizon; those to come are reckoned."""
        data, rows = self.source.data, self.rows[indices]
        ends = data.begins[self.series(indices) + 1]
        found = np.empty((len(rows), self.horizon))
        for number, (row, end) in enumerate(zip(rows.tolist(), ends.tolist(), strict=True)):
            there = data.times[row : min(row + self.horizon, end)]
            found[number, : len(there)] = there
            if len(there) < self.horizon:
                last = data.times[min(row + self.horizon, end) - 1]
                apart = np.diff(data.times[max(row - self.reach, 0) : end])
                spacing = float(np.median(apart)) if len(apart) else 1.0
                found[number, len(there) :] = data.info.after(
                    last, self.horizon - len(there), spacing
                )
        return found

    def name(self, index: int) -> str:
        """Return the time of the first step to forecast, behind the name of the series."""
        data, at = self.source.data, np.array([index])
        series = data.info.series[int(self.series(at)[0])]
        time = data.info.text(float(self.times(at)[0, 0]))
        return f"{series}, {time}" if series else time

    @property
    def shapes(self) -> NDArray[np.int64]:
        """Steps and columns, once a window."""
        return np.broadcast_to(
            np.array([self.reach, self.source.data.values.shape[1]]), (len(self), 2)
        )

    @property
    def targets(self) -> NDArray[np.int64]:
        """No classes: zeros."""
        return np.zeros(len(self), np.int64)

    def _gathered(self, indices: NDArray[np.int64], start: int, end: int) -> NDArray[np.float64]:
        at = self.rows[indices][:, None] + np.arange(start, end)
        found: NDArray[np.float64] = self.source.data.values[at]
        return found


def divided(
    times: NDArray[np.float64],
    begins: NDArray[np.int64],
    shares: Sequence[float],
    *,
    in_time: bool,
) -> list[NDArray[np.int64]]:
    """Cut series by time: return, for each cut, its row in each series.

    Args:
        shares: of all steps, that lie after each cut; the largest first.
        in_time: cut all series at the same time; else each by its own number of steps.
    """
    cuts = []
    order = np.sort(times) if in_time else times
    for share in shares:
        last = round(len(times) * share)
        if in_time and last:
            at = order[len(times) - last]
            cut = [
                begin + np.searchsorted(times[begin:end], at)
                for begin, end in itertools.pairwise(begins)
            ]
        else:
            cut = [end - round((end - begin) * share) for begin, end in itertools.pairwise(begins)]
        cuts.append(np.array(cut, np.int64))
    return cuts
