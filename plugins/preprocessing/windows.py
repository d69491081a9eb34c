"""Windows cut from series that go on in time, and what is to be forecast after each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np

from plugins.preprocessing._window_rows import ahead_places, spread_of, usable_rows
from plugins.preprocessing._window_script import script
from workbench.errors import UserError
from workbench.plugin_api import time_table, windows
from workbench.plugin_api.data import Kind
from workbench.plugin_api.parameters import Size, param
from workbench.plugin_api.preprocessing import Preprocessing
from workbench.plugin_api.tensors import SEQUENCE_AXES, TensorType
from workbench.plugin_api.timelines import TimelineInfo, Timelines, TimelineSamples, Windows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from workbench.plugin_api.data import Samples, SplitName

HINT = "Give a CSV, TSV or Parquet file with the columns of the training data."


class WindowsPreprocessing(Preprocessing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Length of windows and horizon, changes, scale; all of it is undone in results."""

    id: ClassVar[str] = "windows"
    title: ClassVar[str] = "Windows"
    kind: ClassVar[Kind] = "timelines"
    makes_targets: ClassVar[bool] = True

    window: Annotated[
        Size, param("Window", "Steps that the network looks back at", unit="steps")
    ] = 24
    horizon: Annotated[Size, param("Horizon", "Steps that it forecasts", unit="steps")] = 1
    stride: Annotated[
        Size,
        param(
            "Stride",
            "Steps from one training window to the next; validation and test use every step",
            unit="steps",
        ),
    ] = 1
    scaling: Annotated[
        Literal["standardise", "zero_one", "each_window", "none"],
        param(
            "Scale",
            "Zero mean and unit deviation, or 0…1, per channel as learned from the training "
            "split; or zero mean and unit deviation of each window by itself; or as they are",
        ),
    ] = "standardise"
    difference: Annotated[
        int,
        param(
            "Changes over",
            "0: values as they are. 1: changes from step to step; 12, of months: changes from "
            "the year before. Forecasts are then changes of the last known value",
            minimum=0,
            unit="steps",
        ),
    ] = 0
    transform: Annotated[
        Literal["none", "log"],
        param("Transform", "Logarithm of the channels, where changes are a share of the value"),
    ] = "none"
    calendar: Annotated[
        Literal["none", "day", "week", "year", "day_week", "week_year", "day_week_year"],
        param(
            "Calendar",
            "Further inputs from the dates: where in the day, the week or the year a step is, as "
            "sine and cosine",
        ),
    ] = "none"
    missing: Annotated[
        Literal["interpolate", "previous", "zero", "leave_out"],
        param(
            "Missing values",
            "In a window: straight line between neighbours, the value before, or zero; or leave "
            "such windows out. Steps that are missing are never forecast",
        ),
    ] = "interpolate"

    @property
    def reach(self) -> int:
        """Steps of a raw window: one more for each step that changes go back."""
        return self.window + self.difference

    def output(self, samples: Samples) -> TensorType:
        """Return window × columns."""
        shapes: NDArray[np.int64] = samples.shapes  # type: ignore[attr-defined]
        return TensorType((self.window, int(shapes[0, 1])), SEQUENCE_AXES)

    def arranged(self, samples: Samples, fitted: dict[str, Any] | None) -> Windows:
        """Return the windows whose horizon lies in the split and is known."""
        assert isinstance(samples, TimelineSamples)
        self._check(samples)
        samples = self._extended(samples)
        data, found = samples.data, []
        usable = usable_rows(data, self.reach, self.horizon, whole=self.missing == "leave_out")
        for begin, first, end in zip(data.begins, samples.firsts, samples.ends, strict=False):
            rows = np.arange(max(first, begin + self.reach), end - self.horizon + 1)
            found.append(rows[usable[rows]])
        rows = np.concatenate(found)
        if samples.is_training:
            if not len(rows):
                raise UserError(*self._too_short(samples))
            rows = rows[:: self.stride]
        return Windows(samples, rows, self.reach, self.horizon)

    def remarks(self, arranged: Mapping[SplitName, Samples]) -> list[str]:
        """Say how many steps are not forecast, and which splits are too short."""
        notes = []
        for name, found in arranged.items():
            if not len(found):
                notes.append(
                    f"The {name} split is too short for a horizon of {self.horizon}, or has no "
                    "known values: nothing is measured there."
                )
        data = next(iter(arranged.values())).source.data  # type: ignore[attr-defined]
        gaps = int((~np.isfinite(data.values[:, : data.channels])).any(axis=1).sum())
        if gaps:
            way = "are left out" if self.missing == "leave_out" else "have them filled"
            notes.append(
                f"{gaps} of {len(data.values)} steps have missing values: they are not forecast, "
                f"and windows that look back at them {way}."
            )
        return notes

    def target_type(self, samples: Samples, given: TensorType | None) -> TensorType:
        """Return horizon × channels."""
        channels = samples.data.channels  # type: ignore[attr-defined]
        return TensorType((self.horizon, channels), SEQUENCE_AXES)

    def fit(self, samples: Samples) -> dict[str, Any]:
        """Learn offset and scale of each column from the known values of the training split."""
        assert isinstance(samples, TimelineSamples)
        samples = self._extended(samples)
        info = samples.data.info
        fitted: dict[str, Any] = {
            "channels": list(info.channels),
            "exogenous": list(info.exogenous),
            "table": dict(samples.data.recipe),
        }
        if self.scaling in ("standardise", "zero_one"):
            channels = len(info.channels)
            parts = [self._changed(samples.read(n), channels) for n in range(len(samples))]
            offset, scale = spread_of(np.concatenate(parts), self.scaling)
            fitted |= {"offset": offset.tolist(), "scale": scale.tolist()}
        return fitted

    def shaped(self, output: TensorType) -> TensorType:
        """Return reach × columns: what changes go back to is still there."""
        return TensorType((self.reach, output.shape[1]), SEQUENCE_AXES)

    def shape(self, raw: NDArray[Any]) -> NDArray[Any]:
        """Return the window as it is: scaling wants all of it."""
        return raw

    def scale(self, shaped: NDArray[Any], fitted: dict[str, Any]) -> NDArray[np.float32]:
        """Return float32 values on the chosen scale, of one window or of a stack."""
        plain = self._inputs(shaped, fitted)
        offset, scale = self._scale_of(plain, fitted)
        result: NDArray[np.float32] = ((plain - offset) / scale).astype(np.float32)
        return result

    def target(self, raw: NDArray[Any], fitted: dict[str, Any]) -> NDArray[np.float32]:
        """Return the horizon behind a window on the window's scale."""
        window, future = raw[: self.reach], raw[self.reach :, : len(fitted["channels"])]
        scale = self._scale_of(self._inputs(window, fitted), fitted)
        anchor = self._anchors(window, fitted)
        return windows.to_scale(future, scale, anchor, self._log).astype(np.float32)

    def restored(
        self, values: NDArray[Any], fitted: dict[str, Any], raw: NDArray[Any]
    ) -> NDArray[Any]:
        """Return forecasts (windows × horizon × channels [× quantiles]) in their own units."""
        scale = self._scale_of(self._inputs(raw, fitted), fitted)
        return windows.from_scale(values, scale, self._anchors(raw, fitted), self._log)

    def file_samples(self, path: str, fitted: dict[str, Any]) -> list[Windows]:
        """Return the last window of each series in a file: what comes after it is asked."""
        try:
            table = time_table.read_time_table(path, fitted["table"])
        except ImportError as error:
            raise UserError(
                f"{path} is a Parquet file, which needs pyarrow.", "pip install pyarrow"
            ) from error
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", "") or str(error)
            raise UserError(f"{path} cannot be used: {words}.", HINT) from error
        begins = table["begins"]
        channels, recipe = fitted["channels"], fitted["table"]
        ends = begins[1:]
        if recipe.get("ahead"):
            ends = windows.known_ends(table["values"], begins, len(channels))
        lengths = ends - begins[:-1]
        if lengths.max() < self.reach:
            raise UserError(
                f"{path} has {lengths.max()} steps, but a forecast looks back at {self.reach}.",
                "Give a longer series.",
            )
        if self._log and (table["values"][:, : len(fitted["channels"])] <= 0).any():
            raise UserError(
                f"{path} has values that are not above zero, which have no logarithm.", HINT
            )
        long = lengths >= self.reach
        info = TimelineInfo(
            channels=tuple(channels),
            exogenous=tuple(recipe["exogenous"]),
            ahead=tuple(recipe.get("ahead", ())),
            series=tuple(table["names"]),
            unit=table["unit"],
            size=table["size"],
            dated=recipe["dated"],
        )
        data = Timelines(table["values"], table["times"], begins, info, recipe)
        samples = self._extended(TimelineSamples(data, ends, ends, ends))
        self._check_ahead(path, samples, ends[long])
        return [Windows(samples, row[None], self.reach, self.horizon) for row in ends[long]]

    def python_source(self, fitted: dict[str, Any]) -> str:
        """Return `load(path)`, the last window of a file, and `restored(values)` for its answer."""
        constants = {
            "TABLE": fitted["table"],
            "CHANNELS": fitted["channels"],
            "WINDOW": self.window,
            "LAG": self.difference,
            "HORIZON": self.horizon,
            "LOG": self._log,
            "MISSING_RULE": self._rule,
            "AHEAD": ahead_places(fitted["table"]),
            "CYCLES": self._cycles,
        }
        if self.scaling == "each_window":
            return script(constants, "own_scale(inputs)")
        offset, spread = (values.tolist() for values in self._scale_of(np.zeros(1), fitted))
        constants |= {"OFFSET": offset, "SCALE": spread}
        return script(constants, "(np.array(OFFSET), np.array(SCALE))")

    @property
    def _cycles(self) -> tuple[str, ...]:
        return () if self.calendar == "none" else tuple(self.calendar.split("_"))

    def _extended(self, samples: TimelineSamples) -> TimelineSamples:
        """Add what is known of the steps to come, and the calendar, as further inputs."""
        data, info = samples.data, samples.data.info
        if not info.ahead and not self._cycles:
            return samples
        if self._cycles and not info.dated:
            raise UserError(
                "The steps have no dates, so they have no place in the calendar.",
                "Choose no calendar in the preparation, or a column of dates.",
            )
        places = ahead_places(data.recipe)
        names = [f"{name}, {self.horizon} ahead" for name in info.ahead]
        names += [f"{cycle} {part}" for cycle in self._cycles for part in ("sine", "cosine")]
        values = windows.with_foreseen(
            data.values,
            data.times,
            data.begins,
            places=places,
            cycles=self._cycles,
            horizon=self.horizon,
        )
        info = msgspec.structs.replace(info, exogenous=(*info.exogenous, *names))
        return TimelineSamples(
            Timelines(values, data.times, data.begins, info, data.recipe),
            samples.firsts,
            samples.ends,
            samples.trained,
            is_training=samples.is_training,
        )

    def _check_ahead(self, path: str, samples: TimelineSamples, ends: NDArray[np.int64]) -> None:
        """Refuse a file that lacks what is known ahead for the steps to come."""
        info = samples.data.info
        first = len(info.channels) + len(info.exogenous) - len(info.ahead) - 2 * len(self._cycles)
        for number, name in enumerate(info.ahead):
            known = samples.data.values[:, first + number]
            for end in ends.tolist():
                if not np.isfinite(known[max(end - self.horizon, 0) : end]).all():
                    raise UserError(
                        f"{path} lacks “{name}” for the {self.horizon} steps after the last known "
                        "value.",
                        "Add rows with it, in which the channels are empty.",
                    )

    @property
    def _log(self) -> bool:
        return self.transform == "log"

    @property
    def _rule(self) -> str:
        return "interpolate" if self.missing == "leave_out" else self.missing

    def _inputs(self, raw: NDArray[Any], fitted: dict[str, Any]) -> NDArray[Any]:
        channels = len(fitted["channels"])
        return windows.window_inputs(raw, channels, self._log, self.difference, self._rule)

    def _anchors(self, raw: NDArray[Any], fitted: dict[str, Any]) -> NDArray[Any]:
        known = windows.window_channels(raw, len(fitted["channels"]), self._log, self._rule)
        return windows.anchors(known, self.difference, self.horizon)

    def _scale_of(
        self, plain: NDArray[Any], fitted: dict[str, Any]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        if self.scaling == "each_window":
            return windows.own_scale(plain)
        if self.scaling == "none":
            columns = len(fitted["channels"]) + len(fitted["exogenous"])
            return np.zeros(columns), np.ones(columns)
        return np.array(fitted["offset"]), np.array(fitted["scale"])

    def _changed(self, values: NDArray[np.float64], channels: int) -> NDArray[np.float64]:
        plain = windows.logged(values, channels, self._log)
        return windows.changes(plain, channels, self.difference)

    def _check(self, samples: TimelineSamples) -> None:
        if not self._log:
            return
        data = samples.data
        low = data.values[:, : data.channels] <= 0
        if low.any():
            row, channel = np.argwhere(low)[0]
            raise UserError(
                f"“{data.info.channels[channel]}” is {data.values[row, channel]:g} at "
                f"{data.info.text(data.times[row])}, which has no logarithm.",
                "Choose no transform in the preparation.",
            )

    def _too_short(self, samples: TimelineSamples) -> tuple[str, str]:
        longest = int((samples.ends - samples.data.begins[:-1]).max())
        needed = self.reach + self.horizon
        if longest < needed:
            return (
                f"The training part of the longest series has {longest} steps, but a window and "
                f"its horizon take {needed}.",
                "Choose a shorter window or horizon, or give training a larger share.",
            )
        return (
            f"No {needed} steps in a row of the training part can be used: too many values are "
            "missing.",
            "Choose another rule for missing values, or a shorter window.",
        )
