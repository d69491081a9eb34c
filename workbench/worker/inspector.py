"""Looks inside trained networks for the window, in a process of its own.

`python -m workbench.worker.inspector` keeps the network last asked about ready to answer.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.catalog import Catalog
from workbench.errors import UserError
from workbench.inspecting.answers import (
    Answered,
    Ask,
    Explain,
    Explained,
    Filters,
    Look,
    Looked,
    Reply,
    Request,
    Seen,
    ShowFilters,
)
from workbench.inspecting.network import (
    Array,
    DataSample,
    GivenFile,
    Load,
    Loaded,
    Network,
    Progressed,
    Sample,
    TypedText,
)
from workbench.plugin_api.predictions import (
    ForecastPrediction,
    LabelsPrediction,
    Numbers,
    Tags,
)
from workbench.plugin_api.task import ClassPrediction
from workbench.reading import Refused
from workbench.runs.commands import Watch
from workbench.runs.folder import RunFolder
from workbench.runs.probes import encode_snapshot
from workbench.worker import asking
from workbench.worker.batches import Feed, prepare
from workbench.worker.drawings import in_blocks, in_colours, shortened
from workbench.worker.filters import COLOURS, filter_names, filters_of
from workbench.worker.picture_maps import last_picture_layer, picture_layers
from workbench.worker.serving import serve
from workbench.worker.snapshots import SampleCache, snapshot_of
from workbench.worker.told import foretold, pasted, tagged
from workbench.worker.trained import Trained, newest_checkpoint, open_trained

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import msgspec


MOST_CHANNELS, MOST_FILTERS = 64, 1024


class Inspector:
    """Answers questions about one network at a time.

    Args:
        say: sends how far a long explanation is.
    """

    def __init__(
        self, catalog: Catalog, say: Callable[[msgspec.Struct], None] = lambda message: None
    ) -> None:
        self._catalog = catalog
        self._say = say
        self._key: object = None
        self._trained: Trained | None = None
        self._asked: tuple[Sample, asking.Question] | None = None
        self._feed: Feed | None = None
        self._samples: SampleCache | None = None

    def answer(self, request: Request) -> Reply:
        """Return the answer; whatever goes wrong is an answer too."""
        try:
            trained = self._opened(request.network)
            match request:
                case Load():
                    is_picture = trained.info.kind == "pictures"
                    return Loaded(
                        id=request.id,
                        network=request.network,
                        step=trained.step,
                        kind=trained.info.kind,
                        classes=trained.info.classes,
                        counts=trained.info.counts,
                        filters=filter_names(trained.network),
                        layers=picture_layers(trained.network) if is_picture else (),
                        layer=last_picture_layer(trained.network) if is_picture else "",
                    )
                case Ask():
                    return self._answered(request, trained)
                case Explain():
                    return self._explained(request, trained)
                case Look():
                    return self._looked(request, trained)
                case ShowFilters():
                    return _filters(request, trained)
        except UserError as error:
            return Refused(id=request.id, message=error.message, hint=error.hint)
        except NotImplementedError:
            message = "Networks of this task cannot be tried on single samples yet."
            return Refused(id=request.id, message=message)
        except Exception as error:
            traceback.print_exc()
            message = f"The network could not be asked: {type(error).__name__}: {error}."
            return Refused(id=request.id, message=message, hint="The log has the details.")

    def _opened(self, network: Network) -> Trained:
        """Return the network as its checkpoints have it now."""
        folder = RunFolder(Path(network.run))
        key = (network, newest_checkpoint(folder))
        if self._trained is None or key != self._key:
            self._trained = self._key = self._asked = self._samples = self._feed = None
            self._trained = open_trained(
                folder, self._catalog, network.checkpoint, differentiable=True
            )
            self._key = key
        return self._trained

    def _question(self, sample: Sample, trained: Trained) -> asking.Question:
        if self._asked is None or self._asked[0] != sample:
            match sample:
                case TypedText() if trained.info.kind == "timelines":
                    found = pasted(trained, sample.text)
                case TypedText():
                    found = asking.typed(trained, sample.text)
                case GivenFile():
                    found = asking.given(trained, sample.path)[0]
                case DataSample():
                    found = asking.stored(trained, self._data(trained).prepared, sample)
            self._asked = sample, found
        return self._asked[1]

    def _answered(self, request: Ask, trained: Trained) -> Answered:
        self._asked = None  # the file may be another by now
        asked = self._question(request.sample, trained)
        found = asking.answer(trained, asked)
        classes = found if isinstance(found, ClassPrediction) else None
        labels = classes.labels if classes else ()
        return Answered(
            id=request.id,
            step=trained.step,
            seen=_seen(asked, trained),
            targets=tuple(trained.info.classes.index(label) for label in labels),
            labels=labels,
            probabilities=classes.probabilities if classes else (),
            words=found.in_words(),
            threshold=found.threshold if isinstance(found, LabelsPrediction) else 0.0,
            tags=tagged(found) if isinstance(found, Tags) else (),
            numbers=tuple(found.values.items()) if isinstance(found, Numbers) else (),
            forecast=foretold(found, asked) if isinstance(found, ForecastPrediction) else None,
            name=asked.name,
            truth=asked.truth,
        )

    def _explained(self, request: Explain, trained: Trained) -> Explained:
        def progress(share: float) -> None:
            self._say(Progressed(id=request.id, share=share, doing="Hiding parts of the picture"))

        asked = self._question(request.sample, trained)
        is_picture = asked.inputs.ndim == 3 and bool(last_picture_layer(trained.network))
        method = request.method or ("grad-cam" if is_picture else "integrated-gradients")
        found = asking.explain(
            trained, asked, request.target, method=method, layer=request.layer, progress=progress
        )
        values = found.values
        if asked.shaped.ndim == 2:
            values = in_blocks(values[:, :MOST_CHANNELS]).sum(axis=1)
        sums = found.attribution
        return Explained(
            id=request.id,
            values=Array.of(values),
            score=found.score,
            baseline=sums.baseline if sums else 0.0,
            error=sums.error if sums else 0.0,
            target=found.target,
            label=trained.info.classes[found.target],
            method=found.method,
            layer=found.layer,
        )

    def _data(self, trained: Trained) -> Feed:
        """Open the data of the run; they stay open for the next question."""
        if self._feed is None:
            prepared = prepare(trained.experiment, self._catalog, trained.fitted)
            self._feed = Feed(prepared, seed=0, batch_size=1)
        return self._feed

    def _looked(self, request: Look, trained: Trained) -> Looked:
        """Read the sample from the data, which stay open for the next one."""
        if self._samples is None:
            self._samples = SampleCache(self._data(trained))
        watch = Watch(layers=request.layers, attention=request.attention)
        sample = self._samples.get(request.sample)
        found = snapshot_of(trained.model, trained.network, sample, watch, trained.step)
        return Looked(id=request.id, content=encode_snapshot(found))


def _filters(request: ShowFilters, trained: Trained) -> Filters:
    kernels = filters_of(trained.network, trained.weights, request.weight)
    channels = kernels.shape[-1]
    channel = min(max(request.channel, 0), channels - 1)
    shown = kernels if channels == COLOURS else kernels[..., channel : channel + 1]
    return Filters(
        id=request.id,
        weight=request.weight,
        channel=channel,
        values=Array.of(shown[:MOST_FILTERS]),
        total=len(kernels),
        channels=channels,
    )


def _seen(asked: asking.Question, trained: Trained) -> Seen:
    shaped = asked.shaped
    if shaped.ndim == 0:
        text = str(shaped.item())
        last = asked.words[asked.real - 1] if asked.real else None
        end = last.start + len(last.text) if last else len(text)
        return Seen(text=text, words=asked.words[: asked.real], left_out=len(text[end:].rstrip()))
    if shaped.ndim == 2:
        signal = shortened(shaped[:, :MOST_CHANNELS])
        return Seen(signal=Array.of(signal), steps=len(shaped), rate=asked.rate)
    if shaped.ndim == 3:
        return Seen(picture=Array.of(in_colours(shaped).astype(np.float32)))
    return Seen()


def wanted(waiting: Sequence[Request]) -> list[Request]:
    """Return the last request of each kind and asker: nobody waits for those before any more."""
    latest = {_kind(request): request for request in waiting}
    return [request for request in waiting if latest[_kind(request)] is request]


def _kind(request: Request) -> tuple[type, str]:
    return type(request), request.asker if isinstance(request, Ask | Explain) else ""


def main() -> None:
    """Answer requests from standard input on standard output until it is closed."""
    serve(Request, lambda say: Inspector(Catalog.load(), say), wanted)


if __name__ == "__main__":
    main()
