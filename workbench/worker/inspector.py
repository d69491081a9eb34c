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
from workbench.inspecting import (
    Answered,
    Array,
    Ask,
    Explain,
    Explained,
    GivenFile,
    Load,
    Loaded,
    Look,
    Looked,
    Network,
    Reply,
    Request,
    Sample,
    Seen,
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
from workbench.worker.checkpoints import STATE, Checkpoints
from workbench.worker.drawings import in_blocks, shortened
from workbench.worker.serving import serve
from workbench.worker.snapshots import SampleCache, snapshot_of
from workbench.worker.told import foretold, pasted, tagged
from workbench.worker.trained import Trained, open_trained

if TYPE_CHECKING:
    from collections.abc import Sequence


MOST_CHANNELS = 64


class Inspector:
    """Answers questions about one network at a time."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._key: object = None
        self._trained: Trained | None = None
        self._asked: tuple[Sample, asking.Question] | None = None
        self._samples: SampleCache | None = None

    def answer(self, request: Request) -> Reply:
        """Return the answer; whatever goes wrong is an answer too."""
        try:
            trained = self._opened(request.network)
            match request:
                case Load():
                    return Loaded(
                        id=request.id,
                        network=request.network,
                        step=trained.step,
                        kind=trained.info.kind,
                        classes=trained.info.classes,
                    )
                case Ask():
                    return self._answered(request, trained)
                case Explain():
                    return self._explained(request, trained)
                case Look():
                    return self._looked(request, trained)
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
        key = (network, _newest(folder))
        if self._trained is None or key != self._key:
            self._trained = self._key = self._asked = self._samples = None
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
        )

    def _explained(self, request: Explain, trained: Trained) -> Explained:
        asked = self._question(request.sample, trained)
        found = asking.explain(trained, asked, request.target)
        values = found.values
        if asked.shaped.ndim == 2:
            values = in_blocks(values[:, :MOST_CHANNELS]).sum(axis=1)
        return Explained(
            id=request.id,
            values=Array.of(values),
            score=found.attribution.output,
            baseline=found.attribution.baseline,
            error=found.attribution.error,
            target=found.target,
            label=trained.info.classes[found.target],
        )

    def _looked(self, request: Look, trained: Trained) -> Looked:
        """Read the sample from the data, which stay open for the next one."""
        if self._samples is None:
            prepared = prepare(trained.experiment, self._catalog, trained.fitted)
            self._samples = SampleCache(Feed(prepared, seed=0, batch_size=1))
        watch = Watch(layers=request.layers, attention=request.attention)
        sample = self._samples.get(request.sample)
        found = snapshot_of(trained.model, trained.network, sample, watch, trained.step)
        return Looked(id=request.id, content=encode_snapshot(found))


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
        picture = shaped >> 8 if shaped.dtype == np.uint16 else shaped
        colours = picture[..., :3] if picture.shape[2] > 2 else np.repeat(picture[..., :1], 3, 2)
        return Seen(picture=Array.of(colours.astype(np.float32)))
    return Seen()


def _newest(folder: RunFolder) -> tuple[str, int]:
    """Return what changes when a run has a newer checkpoint."""
    names = Checkpoints(folder.checkpoints).names()
    if not names:
        return "", 0
    try:
        return names[-1], (folder.checkpoints / names[-1] / STATE).stat().st_mtime_ns
    except OSError:
        return names[-1], 0


def wanted(waiting: Sequence[Request]) -> list[Request]:
    """Return the last request of each kind: what came before it nobody waits for any more."""
    latest = {type(request): request for request in waiting}
    return [request for request in waiting if latest[type(request)] is request]


def main() -> None:
    """Answer requests from standard input on standard output until it is closed."""
    serve(Request, lambda _: Inspector(Catalog.load()), wanted)


if __name__ == "__main__":
    main()
