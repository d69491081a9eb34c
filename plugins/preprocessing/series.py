"""Series of any length to arrays on one scale: missing values, length, scale of each channel."""

from __future__ import annotations

import inspect
import sys
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec
import numpy as np
from msgspec import Meta

from workbench.errors import UserError
from workbench.plugin_api import series, sounds
from workbench.plugin_api.data import Kind, known_sample_rate, known_shapes
from workbench.plugin_api.parameters import Size, param
from workbench.plugin_api.preprocessing import Lengths, Preprocessing
from workbench.plugin_api.tensors import SEQUENCE_AXES, TensorType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.plugin_api.data import Samples

FIT_SAMPLES = 5000
"""Scales are taken from at most so many series, spread evenly over the split."""
MEASURED_SAMPLES = 1000
"""Gaps and constant channels are looked for in at most so many."""


class SeriesPreprocessing(Preprocessing, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Missing values, length and scale of series; each channel by itself."""

    id: ClassVar[str] = "series"
    title: ClassVar[str] = "Series"
    kind: ClassVar[Kind] = "series"

    length: Annotated[
        Size | None,
        param("Length", "Resample every series to so many steps; empty: as they are", unit="steps"),
    ] = None
    longest: Annotated[
        Size | None,
        param("Cut after", "Leave out what comes later; empty: nothing is cut", unit="steps"),
    ] = None
    scaling: Annotated[
        Literal["standardise", "zero_one", "each_series", "none"],
        param(
            "Scale",
            "Zero mean and unit deviation, or 0…1, per channel as learned from the training "
            "split; or zero mean and unit deviation of each series by itself; or as they are",
        ),
    ] = "standardise"
    missing: Annotated[
        Literal["interpolate", "previous", "zero", "refuse"],
        param(
            "Missing values",
            "Straight line between neighbours, the value before, zero, or leave such series out",
        ),
    ] = "interpolate"
    sample_rate: Annotated[Size | None, Meta(extra={"hidden": True})] = None
    """To which sounds are resampled that are read from a file of their own; see `resolved`."""

    def output(self, samples: Samples) -> TensorType:
        """Return time × features; the time varies where the series differ in length."""
        shapes = known_shapes(samples)
        if shapes is None:
            shapes = np.array([samples.read(0).shape])
        if self.length is not None:
            return TensorType((self.length, int(shapes[0, 1])), SEQUENCE_AXES)
        lengths = shapes[:, 0] if self.longest is None else shapes[:, 0].clip(max=self.longest)
        common = int(lengths[0]) if lengths.min() == lengths.max() else None
        return TensorType((common, int(shapes[0, 1])), SEQUENCE_AXES)

    def longest_of(self, samples: Samples) -> int:
        """Return the steps of the longest series after cutting, if the source knows them."""
        shapes = known_shapes(samples)
        if self.length is not None or shapes is None or not len(shapes):
            return self.length or 0
        return min(int(shapes[:, 0].max()), self.longest or sys.maxsize)

    def measure(self, samples: Samples) -> Lengths:
        """Count the steps of the series, and look for gaps and for channels that never change."""
        lengths: list[int] = []
        gaps, moments = 0, series.Moments()
        for index in _spread(samples, MEASURED_SAMPLES):
            try:
                values = samples.read(index)
            except UserError:
                continue  # reported when training comes to it
            lengths.append(len(values))
            gaps += not np.isfinite(values).all()
            moments.add(series.filled(values, "zero"))
        shapes = known_shapes(samples)
        steps = np.array(lengths, np.int64) if shapes is None else shapes[:, 0]
        limit = None if self.length is not None else self.longest
        notes = _notes(len(lengths), gaps, self.missing, moments)
        return Lengths(steps, limit, "steps", notes)

    def fit(self, samples: Samples) -> dict[str, Any]:
        """Learn the lengths, and offset and scale of each channel."""
        lengths: list[int] = []
        moments = series.Moments()
        for index in _spread(samples, FIT_SAMPLES):
            try:
                shaped = self.shape(samples.read(index))
            except UserError:
                continue  # reported when training comes to it
            lengths.append(len(shaped))
            moments.add(shaped)
        if not lengths:
            raise UserError(
                "No training series can be used: each one has missing values.",
                "Choose another rule for missing values.",
            )
        fitted: dict[str, Any] = {
            "longest": max(lengths),
            "mean_length": float(np.mean(lengths)),
            "channels": moments.channels,
        }
        if rate := known_sample_rate(samples):
            fitted["sample_rate"] = rate
        if self.scaling in ("standardise", "zero_one"):
            offset, scale = moments.standard() if self.scaling == "standardise" else moments.range()
            fitted |= {"offset": offset.tolist(), "scale": scale.tolist()}
        return fitted

    def resolved(self, fitted: dict[str, Any]) -> SeriesPreprocessing:
        """Return the same, for sounds of the rate that was trained with.

        A series of another length is another input, not another shape.
        """
        return msgspec.structs.replace(self, sample_rate=fitted.get("sample_rate"))

    def shape(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Return the series without gaps at its length, float32.

        Raises:
            UserError: a value is missing, and that is to be refused.
        """
        try:
            return series.shaped(raw, self.missing, self.longest, self.length)
        except ValueError as error:
            raise UserError(f"A series cannot be used: {error}.") from error

    def scale(self, shaped: NDArray[Any], fitted: dict[str, Any]) -> NDArray[np.float32]:
        """Return float32 values on the chosen scale."""
        if self.scaling == "each_series":
            return series.scaled_by_itself(shaped)
        if self.scaling == "none":
            return shaped.astype(np.float32)
        offset, scale = self._offset_and_scale(fitted)
        return series.scaled(shaped, offset, scale)

    def target_type(self, samples: Samples, given: TensorType | None) -> TensorType | None:
        """Return the source's; raises UserError where steps with a class would be resampled."""
        if self.length is not None and given is not None and given.axes == ("time",):
            raise UserError(
                "The data have a class at each step, so the series cannot be resampled.",
                "Leave the length in the preparation empty.",
            )
        return given

    def target(self, raw: NDArray[Any], fitted: dict[str, Any]) -> NDArray[Any]:
        """Cut the classes of steps as the series is cut; scale numbers to learn."""
        if raw.ndim == 1 and raw.dtype == np.int64:
            return raw[: self.longest]
        return super().target(raw, fitted)

    def read_file(self, path: str) -> NDArray[Any]:
        """Read a text file with one step a line and one channel a column, or a sound file."""
        try:
            return series.read_series(path, self.sample_rate)
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", "") or str(error)
            raise UserError(
                f"{path} cannot be used: {words}.",
                "Give a text file with one step a line and one channel a column, or a sound file.",
            ) from error

    def python_source(self, fitted: dict[str, Any]) -> str:
        """Return the functions that prepare a series, ending in `load(path)`."""
        functions = [
            series.read_series,
            sounds.read_sound,
            sounds.read_wav,
            sounds.resampled,
            series.shaped,
            series.filled,
        ]
        result, constants = "values", ""
        if self.scaling == "each_series":
            functions.append(series.scaled_by_itself)
            result = "scaled_by_itself(values)"
        elif self.scaling != "none":
            offset, scale = (values.tolist() for values in self._offset_and_scale(fitted))
            constants = (
                f"OFFSET = np.array({offset}, np.float32)\nSCALE = np.array({scale}, np.float32)\n"
            )
            functions.append(series.scaled)
            result = "scaled(values, OFFSET, SCALE)"
        sources = "\n\n".join(inspect.getsource(function) for function in functions)
        return (
            f"import csv\nimport wave\n\nimport numpy as np\n\n{constants}\n\n{sources}\n\n"
            "def load(path: str) -> np.ndarray:\n"
            '    """Read a series as the network takes it: time × channels."""\n'
            f"    values = read_series(path, {fitted.get('sample_rate')!r})\n"
            f"    values = shaped(values, {self.missing!r}, {self.longest!r}, "
            f"{self.length!r})\n"
            f"    return {result}\n"
        )

    def _offset_and_scale(
        self, fitted: dict[str, Any]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return np.array(fitted["offset"], np.float32), np.array(fitted["scale"], np.float32)


def _spread(samples: Samples, most: int) -> list[int]:
    return np.unique(np.linspace(0, len(samples) - 1, most).astype(int)).tolist()


def _notes(count: int, gaps: int, rule: str, moments: series.Moments) -> tuple[str, ...]:
    """Say what the measured series lack."""
    found = []
    if gaps:
        how = {
            "interpolate": "filled along a straight line between neighbours",
            "previous": "filled with the value before",
            "zero": "filled with zero",
            "refuse": "such series are left out",
        }[rule]
        found.append(f"{gaps} of {count} series have missing values; {how}.")
    constant = moments.constant()
    if constant:
        listed = ", ".join(map(str, constant[:5])) + (" …" if len(constant) > 5 else "")
        word = "Channel" if len(constant) == 1 else "Channels"
        verb = "never changes" if len(constant) == 1 else "never change"
        found.append(f"{word} {listed} {verb}, so nothing can be learned from there.")
    return tuple(found)
