"""Reads files for the window in a process of its own: `python -m workbench.worker.reader`."""

from __future__ import annotations

import os
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import numpy as np
from PIL import Image

from workbench.catalog import Catalog
from workbench.errors import UserError
from workbench.plugin_api.data import known_sample_rate, raw_target
from workbench.plugin_api.targets import write_target
from workbench.reading import (
    Described,
    DescribeData,
    MakeThumbnails,
    MatchWeights,
    Measured,
    MeasureLengths,
    Picture,
    Pictured,
    Refused,
    Reply,
    Request,
    SeenSpectrum,
    ShowPicture,
    ShowSpectrum,
    ShowTimeline,
    SpectrumShown,
    TakeAdapters,
    TakeWeights,
    TimelineShown,
)
from workbench.worker.drawings import draw_series, draw_text
from workbench.worker.lengths import lengths_report
from workbench.worker.preparation import describe, open_data
from workbench.worker.serving import serve
from workbench.worker.spectrogram import seen_spectrum
from workbench.worker.timelines import seen_timeline
from workbench.worker.weights import asked as weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from workbench.document.experiment import Data
    from workbench.plugin_api.data import DataInfo, Samples
    from workbench.plugin_api.source import Opened
    from workbench.reading import LengthsReport

T = TypeVar("T")
LONGEST_TEXT = 10_000
"""Characters of a text that are sent along with its picture."""
DataRequest = DescribeData | MeasureLengths | MakeThumbnails | ShowPicture | ShowTimeline
KEPT = 4
"""Data sets that stay open; memory is what a sample in it costs."""


class Answerer:
    """Answers requests, and keeps the data sets last asked for open."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._listed: dict[bytes, Opened] = {}
        self._open: dict[bytes, tuple[Opened, DataInfo]] = {}

    def answer(self, request: Request) -> Reply:
        """Return the answer; whatever goes wrong is an answer too."""
        try:
            match request:
                case DescribeData():
                    _, info = self._opened(request.data, request.fresh)
                    return Described(id=request.id, info=info)
                case MeasureLengths():
                    return Measured(id=request.id, lengths=self._lengths(request.data))
                case MakeThumbnails():
                    return Pictured(id=request.id, pictures=tuple(self._thumbnails(request)))
                case ShowPicture():
                    return Pictured(id=request.id, pictures=(self._picture(request),))
                case ShowTimeline():
                    splits = self._opened(request.data)[0].splits
                    found = seen_timeline(splits, request.series, request.most)
                    return TimelineShown(id=request.id, timeline=found)
                case ShowSpectrum():
                    return SpectrumShown(id=request.id, spectrum=self._spectrum(request))
                case MatchWeights() | TakeWeights() | TakeAdapters():
                    return weights.answer(request, self._catalog)
        except UserError as error:
            return Refused(id=request.id, message=error.message, hint=error.hint)
        except Exception as error:
            traceback.print_exc()
            what = "data" if isinstance(request, DataRequest) else "file"
            message = f"The {what} cannot be read: {type(error).__name__}: {error}."
            return Refused(id=request.id, message=message, hint="The log has the details.")

    def _opened(self, data: Data, fresh: bool = False) -> tuple[Opened, DataInfo]:
        parts = (data.source, data.split, data.preprocessing, data.corrections)
        key = msgspec.json.encode(parts)
        found = None if fresh else self._open.pop(key, None)
        if found is None:
            found = describe(data, self._catalog, self._list(data, fresh))
        _keep(self._open, key, found)
        return found

    def _list(self, data: Data, fresh: bool) -> Opened:
        """List the source, unless only corrections or the preparation are others than before."""
        key = msgspec.json.encode((data.source, data.split))
        found = None if fresh else self._listed.pop(key, None)
        found = found or open_data(data, self._catalog)
        _keep(self._listed, key, found)
        return found

    def _lengths(self, data: Data) -> LengthsReport | None:
        opened, _ = self._opened(data)
        samples = opened.splits["train"]
        measured = self._catalog.preprocessing(data.preprocessing).measure(samples)
        return None if measured is None else lengths_report(measured, len(samples))

    def _thumbnails(self, request: MakeThumbnails) -> Iterable[Picture]:
        samples = self._samples(request)
        preprocessing = self._catalog.preprocessing(request.data.preprocessing)
        augmentation = self._catalog.augmentation(request.data.augmentation)
        chosen = request.indices
        if chosen is None:
            chosen = spread(samples.targets, request.count)

        def make(index: int) -> Picture | None:
            try:
                shaped = preprocessing.shape(samples.read(index))
            except UserError:
                return None
            if request.augmented and augmentation is not None:
                shaped = augmentation.apply(shaped, (request.seed, 0, index))
            return identified(_for_the_eye(samples, index, shaped, request.size))

        identified = self._identifier(request.data, samples)
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
            inside = [index for index in chosen if 0 <= index < len(samples)]
            return [picture for picture in pool.map(make, inside) if picture is not None]

    def _picture(self, request: ShowPicture) -> Picture:
        samples = self._samples(request)
        if not 0 <= request.index < len(samples):
            raise UserError(f"The {request.split} split has no sample {request.index}.")
        found = _for_the_eye(samples, request.index, samples.read(request.index), request.size)
        return self._identifier(request.data, samples)(found)

    def _spectrum(self, request: ShowSpectrum) -> SeenSpectrum:
        samples = self._samples(request)
        if not 0 <= request.index < len(samples):
            raise UserError(f"The {request.split} split has no sample {request.index}.")
        values = samples.read(request.index)
        if values.ndim != 2:
            raise UserError("Only sounds and series have frequencies.")
        return seen_spectrum(values, float(known_sample_rate(samples)), samples.name(request.index))

    def _identifier(self, data: Data, samples: Samples) -> Callable[[Picture], Picture]:
        """Return what adds to a picture the id by which its sample is corrected, if it can be."""
        source, preparation = self._catalog.source(data.source), data.preprocessing
        if not source.correctable or self._catalog.preprocessing(preparation).makes_targets:
            return lambda picture: picture
        opened, _ = self._opened(data)

        def identified(picture: Picture) -> Picture:
            label = ""
            if opened.target is not None:
                label = write_target(raw_target(samples, picture.index), opened)
            sample_id = source.sample_id(samples, picture.index)
            return msgspec.structs.replace(picture, sample_id=sample_id, label=label)

        return identified

    def _samples(self, request: MakeThumbnails | ShowPicture | ShowSpectrum) -> Samples:
        opened, _ = self._opened(request.data)
        if request.split not in opened.splits:
            raise UserError(f"The data have no {request.split} split.")
        return opened.splits[request.split]


def _keep(known: dict[bytes, T], key: bytes, value: T) -> None:
    """Remember a value as the latest one; the oldest is let go."""
    known[key] = value
    while len(known) > KEPT:
        del known[next(iter(known))]


def spread(targets: NDArray[np.int64], count: int) -> tuple[int, ...]:
    """Choose samples evenly over the classes, and within each evenly over its samples."""
    groups = [np.flatnonzero(targets == label) for label in np.unique(targets)]
    shares = [0] * len(groups)
    left = count
    smallest_first = sorted(range(len(groups)), key=lambda number: len(groups[number]))
    for place, number in enumerate(smallest_first):
        shares[number] = min(len(groups[number]), left // (len(groups) - place))
        left -= shares[number]
    chosen = [
        members[np.linspace(0, len(members) - 1, share).astype(int)]
        for members, share in zip(groups, shares, strict=True)
    ]
    return tuple(np.concatenate(chosen).tolist()) if chosen else ()


def _for_the_eye(samples: Samples, index: int, array: NDArray[Any], size: int) -> Picture:
    """Make a picture of at most `size`: scaled down, or enlarged by a whole number.

    A series becomes lines over time; a text is written out.
    """
    if array.ndim < 3:
        return _drawn(samples, index, array, size)
    if array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    if array.shape[-1] == 1:
        array = np.repeat(array, 3, axis=-1)
    image = Image.fromarray(np.ascontiguousarray(array[..., :3]))
    longest = max(image.size)
    if longest > size:
        image.thumbnail((size, size), Image.Resampling.BILINEAR)
    elif factor := size // longest:
        image = image.resize(
            (image.width * factor, image.height * factor), Image.Resampling.NEAREST
        )
    return _picture(samples, index, image)


def _drawn(samples: Samples, index: int, array: NDArray[Any], size: int) -> Picture:
    if array.ndim == 1:
        words = samples.in_words(index)  # type: ignore[attr-defined]
        return _picture(samples, index, draw_text(words, size, size), words[:LONGEST_TEXT])
    if array.ndim:
        return _picture(samples, index, draw_series(array, size, size))
    text = str(array.item())
    return _picture(samples, index, draw_text(text, size, size), text[:LONGEST_TEXT])


def _picture(samples: Samples, index: int, image: Image.Image, text: str = "") -> Picture:
    return Picture(
        index=index,
        name=samples.name(index),
        target=int(samples.targets[index]),
        height=image.height,
        width=image.width,
        pixels=image.tobytes(),
        text=text,
    )


def current(waiting: Sequence[Request]) -> list[Request]:
    """Return all that waits: no descriptions that a later one has made void, measuring last."""
    voided: tuple[type, ...] = (DescribeData, MeasureLengths)
    kept = {type(item): n for n, item in enumerate(waiting) if isinstance(item, voided)}
    found = [item for n, item in enumerate(waiting) if n == kept.get(type(item), n)]
    return sorted(found, key=lambda item: isinstance(item, MeasureLengths))


def main() -> None:
    """Answer requests from standard input on standard output until it is closed."""
    serve(Request, lambda _: Answerer(Catalog.load()), current)


if __name__ == "__main__":
    main()
