"""What is known of the data, asked of a helper process that reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from psygnal import Signal

from workbench.errors import UserError
from workbench.reading import (
    Described,
    DescribeData,
    MakeThumbnails,
    Measured,
    MeasureLengths,
    Pictured,
    Refused,
    Reply,
    SeenSpectrum,
    ShowPicture,
    ShowSpectrum,
    ShowTimeline,
    TimelineShown,
)
from workbench.session.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from workbench.catalog import Catalog
    from workbench.document.experiment import Data
    from workbench.plugin_api.data import DataInfo, SplitName
    from workbench.reading import LengthsReport, SeenTimeline


@dataclass(frozen=True)
class Thumbnail:
    """A small picture of one sample.

    Attributes:
        index: in its split.
        name: what a person knows it by.
        target: class number.
        pixels: height × width × 3, uint8.
        text: the beginning of a text; empty for what is no text.
        sample_id: by which the sample can be corrected; empty: it cannot.
        label: its target in words where that is no class.
    """

    index: int
    name: str
    target: int
    pixels: NDArray[np.uint8]
    text: str = ""
    sample_id: str = ""
    label: str = ""


class DataSession:
    """Describes the experiment's data and fetches small pictures of samples, never blocking.

    Signals:
        info_changed(): read `info`, `error` and `is_busy`.
        lengths_changed(): read `lengths` and `has_lengths`.
    """

    info_changed = Signal()
    lengths_changed = Signal()

    def __init__(self, catalog: Catalog) -> None:
        self._reader = Reader()
        self._data: Data | None = None
        self._asked = 0
        self._measuring = 0
        self._waiting: dict[int, Callable[[list[Thumbnail]], Any]] = {}
        self._timelines: dict[int, Callable[[SeenTimeline | None], Any]] = {}
        self._spectra: dict[int, Callable[[SeenSpectrum | UserError], Any]] = {}
        self.info: DataInfo | None = None
        self.error: UserError | None = None
        self.is_busy = False
        self.has_lengths = False
        self.lengths: LengthsReport | None = None

    def look_at(self, data: Data) -> None:
        """Describe these data, unless they are the ones already described."""
        before, self._data = self._data, data
        if before is not None and _described_by(before) == _described_by(data):
            return
        if before is None or before.source != data.source:
            self.info = None  # other data: nothing of what was known holds
        self._describe(data)

    def reload(self) -> None:
        """Look again at the same data: files may have changed."""
        if self._data is not None:
            self._describe(self._data, fresh=True)

    def thumbnails(
        self,
        split: SplitName,
        indices: Sequence[int] | None,
        done: Callable[[list[Thumbnail]], Any],
        *,
        data: Data | None = None,
        size: int = 64,
        count: int = 48,
        augmented: bool = False,
        seed: int = 0,
    ) -> None:
        """Fetch small pictures; `done` is called from a later `tick`.

        Args:
            indices: samples; None takes `count` of them spread evenly over the classes.
            done: gets the pictures that could be made; none when the data cannot be read.
            data: of a run, when they are not the ones described now.
            augmented: show what training sees, drawn from `seed`.
        """
        data = data or self._data
        if data is not None:
            number = self._reader.ask(
                MakeThumbnails(
                    data=data,
                    split=split,
                    indices=None if indices is None else tuple(indices),
                    size=size,
                    count=count,
                    augmented=augmented,
                    seed=seed,
                )
            )
            self._waiting[number] = done

    def picture(
        self,
        split: SplitName,
        index: int,
        done: Callable[[list[Thumbnail]], Any],
        *,
        data: Data | None = None,
        size: int = 1024,
    ) -> None:
        """Fetch one sample as it lies in its file, at most `size` pixels long."""
        data = data or self._data
        if data is not None:
            request = ShowPicture(data=data, split=split, index=index, size=size)
            self._waiting[self._reader.ask(request)] = done

    def timeline(
        self, series: int, done: Callable[[SeenTimeline | None], Any], *, most: int = 2000
    ) -> None:
        """Fetch a series that goes on in time; `done` is called from a later `tick`.

        Args:
            done: gets the series; None when the data cannot be read.
            most: points a column at most.
        """
        if self._data is not None:
            request = ShowTimeline(data=self._data, series=series, most=most)
            self._timelines[self._reader.ask(request)] = done

    def spectrum(
        self, split: SplitName, index: int, done: Callable[[SeenSpectrum | UserError], Any]
    ) -> None:
        """Fetch a sound or series with its frequencies; `done` is called from a later `tick`."""
        if self._data is not None:
            request = ShowSpectrum(data=self._data, split=split, index=index)
            self._spectra[self._reader.ask(request)] = done

    def tick(self) -> None:
        """Hand over what the helper process has answered."""
        for reply in self._reader.replies():
            if reply.id == self._asked:
                self._take(reply)
            elif reply.id == self._measuring:
                self._take_lengths(reply)
            elif done := self._waiting.pop(reply.id, None):
                done(_thumbnails(reply))
            elif shown := self._spectra.pop(reply.id, None):
                shown(
                    UserError(reply.message, reply.hint)
                    if isinstance(reply, Refused)
                    else reply.spectrum
                )
            elif seen := self._timelines.pop(reply.id, None):
                seen(reply.timeline if isinstance(reply, TimelineShown) else None)

    def close(self) -> None:
        """End the helper process."""
        self._waiting.clear()
        self._timelines.clear()
        self._spectra.clear()
        self._reader.close()

    def _describe(self, data: Data, fresh: bool = False) -> None:
        self._asked = self._reader.ask(DescribeData(data=data, fresh=fresh))
        self._measuring = 0  # the reader forgets what an older description led to
        self.is_busy = True
        self.info_changed.emit()

    def _take(self, reply: Reply) -> None:
        self.is_busy = False
        self.info = reply.info if isinstance(reply, Described) else None
        self.error = UserError(reply.message, reply.hint) if isinstance(reply, Refused) else None
        self.info_changed.emit()
        self._measure()

    def _measure(self) -> None:
        """Ask how long the samples are, if they have a length."""
        self.lengths = None
        self.has_lengths = self.info is not None and self.info.kind in ("texts", "series")
        if self.has_lengths and self._data is not None:
            self._measuring = self._reader.ask(MeasureLengths(data=self._data))
        self.lengths_changed.emit()

    def _take_lengths(self, reply: Reply) -> None:
        self.lengths = reply.lengths if isinstance(reply, Measured) else None
        self.has_lengths = self.lengths is not None
        self.lengths_changed.emit()


def _described_by(data: Data) -> tuple[object, ...]:
    """Return what a description depends on: all but the augmentation."""
    return data.source, data.split, data.preprocessing, data.corrections


def _thumbnails(reply: Reply) -> list[Thumbnail]:
    if not isinstance(reply, Pictured):
        return []
    return [
        Thumbnail(
            made.index,
            made.name,
            made.target,
            np.frombuffer(made.pixels, np.uint8).reshape(made.height, made.width, 3),
            made.text,
            made.sample_id,
            made.label,
        )
        for made in reply.pictures
    ]
