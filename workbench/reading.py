"""What the process that reads files for the window is asked, and what it answers."""

from __future__ import annotations

from typing import IO

import msgspec

from workbench.analysis.adapters_report import AdaptersReport
from workbench.analysis.weights import By
from workbench.analysis.weights_report import WeightsReport
from workbench.document.experiment import Data, Experiment, StartingWeights
from workbench.plugin_api.data import DataInfo, SplitName

LONGEST_FRAME = 2**30
"""A longer frame is a sign that the two ends no longer understand each other."""


class DescribeData(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Say what these data are; a later one of the same kind makes a waiting one void.

    Attributes:
        fresh: look again even if the data are already open.
    """

    id: int = 0
    data: Data
    fresh: bool = False


class MeasureLengths(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Say how long the samples of the training split are; answered when nothing else waits."""

    id: int = 0
    data: Data


class MakeThumbnails(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Make small pictures of samples, as the network gets them.

    Attributes:
        indices: samples; None takes `count` of them, spread evenly over the classes.
        size: longest side in pixels.
        augmented: as training sees them, drawn from `seed`.
    """

    id: int = 0
    data: Data
    split: SplitName
    indices: tuple[int, ...] | None = None
    count: int = 48
    size: int = 64
    augmented: bool = False
    seed: int = 0


class ShowPicture(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Make one large picture of a sample as it lies in its file."""

    id: int = 0
    data: Data
    split: SplitName
    index: int
    size: int = 1024


class ShowTimeline(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Show a series that goes on in time, with its splits.

    Attributes:
        most: points a column at most.
    """

    id: int = 0
    data: Data
    series: int = 0
    most: int = 2000


class MatchWeights(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Say which weights of a file belong where in an experiment's network; change nothing.

    Attributes:
        info: of the data, which the network's sizes may follow from.
        path: of the weights file.
        by: what tells weights apart, their names or their order.
    """

    id: int = 0
    experiment: Experiment
    info: DataInfo | None
    path: str
    by: By = "name"


class TakeWeights(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Make of a weights file what runs can start from, in a folder; else as MatchWeights.

    Attributes:
        partial: take what matches, though something does not.
        folder: made if it is not there.
    """

    id: int = 0
    experiment: Experiment
    info: DataInfo | None
    path: str
    by: By = "name"
    partial: bool = False
    folder: str


class TakeAdapters(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Make of a file of adapters an experiment that has them; it is not changed by that.

    Attributes:
        info: of the data, which the network's sizes may follow from.
        path: of the file, or of a folder of peft.
        folder: where the weights to start from are kept; made if it is not there.
    """

    id: int = 0
    experiment: Experiment
    info: DataInfo | None
    path: str
    folder: str


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One sample for the eye; `pixels` is height × width × 3, one byte each.

    Attributes:
        text: the beginning of a text; empty for what is no text.
        sample_id: by which the sample can be corrected, see `Source.sample_id`; empty: it cannot.
        label: its target where that is no class, as `read_target` reads it.
    """

    index: int
    name: str
    target: int
    height: int
    width: int
    pixels: bytes
    text: str = ""
    sample_id: str = ""
    label: str = ""


class TimelinePart(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a series that is one split, and one window in it.

    Attributes:
        start, end: times of its first and last step.
        window_times: of a window and its horizon; empty where none fits.
        window_values: its columns, float64.
        horizon: how many of the last steps are to be forecast.
    """

    split: SplitName
    start: float
    end: float
    window_times: tuple[float, ...] = ()
    window_values: tuple[bytes, ...] = ()
    horizon: int = 0


class SeenTimeline(msgspec.Struct, frozen=True, kw_only=True):
    """A series for the eye.

    Attributes:
        times: float64, ascending.
        values: a column each, float64, the channels to forecast first.
    """

    times: bytes
    values: tuple[bytes, ...]
    parts: tuple[TimelinePart, ...]


class TimelineShown(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The series that was asked for."""

    id: int
    timeline: SeenTimeline


class ShowSpectrum(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Show which frequencies there are in a sound or series, moment by moment."""

    id: int = 0
    data: Data
    split: SplitName
    index: int


class SeenSpectrum(msgspec.Struct, frozen=True, kw_only=True):
    """A sound or series for the eye, as it lies in its file.

    Attributes:
        signal: time × `channels`, float32; of a long one the furthest from zero of a few steps.
        steps: there are.
        rate: steps a second, where that is known; else 0.
        levels: frequencies × `frames`, a byte each, from `low` to `high` decibels; from zero to
            half the rate.
        first, last: middle of the first and the last frame, in steps.
    """

    name: str
    signal: bytes
    channels: int
    steps: int
    rate: float
    levels: bytes
    frames: int
    low: float
    high: float
    first: float
    last: float


class SpectrumShown(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The spectrum that was asked for."""

    id: int
    spectrum: SeenSpectrum


class Described(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the data are."""

    id: int
    info: DataInfo


class LengthsReport(msgspec.Struct, frozen=True, kw_only=True):
    """How long samples are before anything is cut.

    Attributes:
        unit: what is counted, "tokens".
        limit: what comes after so many is cut; None: nothing.
        start, width, counts: bars of a histogram; the last one holds all that is longer, too.
        cut: share of the samples that are longer than the limit.
        measured, total: samples looked at, and samples of the split.
        notes: sentences worth reading before training.
    """

    unit: str
    limit: int | None
    start: int
    width: int
    counts: tuple[int, ...]
    shortest: int
    median: int
    longest: int
    cut: float
    measured: int
    total: int
    notes: tuple[str, ...] = ()


class Measured(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """How long the samples are; None where they have no length."""

    id: int
    lengths: LengthsReport | None


class Pictured(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The pictures that could be made; samples that cannot be read are left out."""

    id: int
    pictures: tuple[Picture, ...]


class AdaptersTaken(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The experiment with the adapters of a file, from which runs can start."""

    id: int
    experiment: Experiment
    report: AdaptersReport


class WeightsMatched(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What of the file goes where."""

    id: int
    report: WeightsReport


class WeightsTaken(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The weights lie ready for runs to start from."""

    id: int
    start: StartingWeights


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Why there is no answer, in words for a person."""

    id: int
    message: str
    hint: str = ""


Request = (
    DescribeData
    | MeasureLengths
    | MakeThumbnails
    | ShowPicture
    | ShowTimeline
    | ShowSpectrum
    | MatchWeights
    | TakeWeights
    | TakeAdapters
)
Reply = (
    Described
    | Measured
    | Pictured
    | TimelineShown
    | SpectrumShown
    | WeightsMatched
    | WeightsTaken
    | AdaptersTaken
    | Refused
)


def send(stream: IO[bytes], message: msgspec.Struct) -> None:
    """Write one frame: four bytes of length (little-endian), then msgpack."""
    content = msgspec.msgpack.encode(message)
    stream.write(len(content).to_bytes(4, "little") + content)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes:
    """Read one frame; raises EOFError at the end, in the middle of a frame too."""
    header = stream.read(4)
    length = int.from_bytes(header, "little")
    if len(header) < 4 or length > LONGEST_FRAME:
        raise EOFError
    content = stream.read(length)
    if len(content) < length:
        raise EOFError
    return content
