"""A session whose run is read from disk at once, without workers, threads or readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from workbench.errors import UserError
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.launcher import Readiness
from workbench.plugin_api.tensors import TensorType
from workbench.runs import events, store
from workbench.runs.log import LineTail
from workbench.runs.probes import read_snapshot
from workbench.runs.results import read_results
from workbench.runs.state import RunState
from workbench.session.backends import Backends
from workbench.session.comparison import Comparison
from workbench.session.correcting import Correcting
from workbench.session.document import DocumentSession
from workbench.session.message import Message
from workbench.session.watching import Watching

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.catalog import Catalog
    from workbench.runs.folder import RunFolder


class RunAtRest:
    """Shows ended runs; records what widgets ask of it in `calls`."""

    opened = Signal()
    updated = Signal()
    runs_changed = Signal()
    messaged = Signal(Message)

    def __init__(self, runs_folder: Path) -> None:
        self.runs_folder = runs_folder
        self.folder: RunFolder | None = None
        self.experiment = None
        self.state = RunState()
        self.runs: list[store.RunSummary] = []
        self.calls: list[tuple] = []
        self.watched: tuple = ()
        self.is_active = False
        self.warmth: dict[str, Readiness] = {}
        self._snapshots: dict = {}
        self._results: dict = {}

    def open(self, folder: RunFolder) -> None:
        self.folder, self.state = folder, RunState()
        self.experiment = store.read_experiment(folder)
        self._tail = LineTail(folder.events)
        self._snapshots, self._results = {}, {}
        self.take()
        self.opened.emit()

    def take(self) -> None:
        for line in self._tail.read():
            self.state.apply(events.decode(line))

    def close_run(self) -> None:
        self.folder = self.experiment = None
        self.state = RunState()
        self.opened.emit()

    def snapshot(self, name: str):
        if name not in self._snapshots:
            self._snapshots[name] = read_snapshot(self.folder.probes / name)
        return self._snapshots[name]

    def results(self, split: str):
        path = self.folder.results / f"{split}.safetensors" if self.folder else None
        if path is None or not path.exists():
            return None
        if split not in self._results:
            self._results[split] = read_results(path)
        return self._results[split]

    def warm_up(self, backend: str) -> None:
        self.calls.append(("warm_up", backend))

    def readiness(self, backend: str) -> Readiness:
        return self.warmth.get(backend, Readiness())

    def cool_down(self, backend: str) -> None:
        self.calls.append(("cool_down", backend))

    def watch(self, sample, layers, thumbnails, attention=()) -> None:
        self.watched = (sample, layers, thumbnails)
        self.attention = attention

    def refresh(self) -> None:
        self.runs = store.list_runs(self.runs_folder)
        self.runs_changed.emit()

    def delete(self, folder: RunFolder) -> None:
        store.delete(folder)
        self.refresh()

    def __getattr__(self, name: str):
        if name in ("resume", "continue_for", "continue_elsewhere", "annotate", "stop", "pause"):
            return lambda *values, **named: self.calls.append((name, *values, *named.values()))
        raise AttributeError(name)


class DataAtRest:
    """Knows ten digits; a thumbnail is a grey level that tells its index."""

    info_changed = Signal()
    lengths_changed = Signal()

    def __init__(self) -> None:
        classes = tuple(f"digit {number}" for number in range(10))
        self.info = DataInfo(input=TensorType((32, 32, 1)), classes=classes)
        self.error, self.is_busy = None, False
        self.lengths, self.has_lengths = None, False
        self.asked: list[tuple] = []

    def thumbnails(self, split, indices, done, *, data=None, size=64, count=48, augmented=False):
        self.asked.append((split, tuple(indices), data))
        done([_Thumbnail(index, size) for index in indices])


class _Thumbnail:
    def __init__(self, index: int, size: int) -> None:
        rng = np.random.default_rng(index)
        y, x = np.mgrid[0:28, 0:28] / 28
        cx, cy = rng.uniform(0.3, 0.7, 2)
        ring = np.exp(-((np.hypot(x - cx, y - cy) - 0.22) ** 2) * 300)
        self.text = self.label = ""
        self.sample_id = f"{index:05}.png"
        self.index, self.name, self.target = index, f"{index:05}.png", index % 10
        self.pixels = np.repeat((ring * 255).astype(np.uint8)[..., None], 3, 2)


class LookingAtRest:
    """Makes no snapshots; keeps what was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple] = []

    def snapshot(self, sample, layers, attention) -> None:
        self.asked.append((sample, layers, attention))


class SessionAtRest:
    """What widgets see of a session."""

    messaged = Signal(Message)

    def __init__(self, catalog: Catalog, runs_folder: Path) -> None:
        self.catalog = catalog
        self.document = DocumentSession(catalog)
        self.correcting = Correcting(self.document)
        self.data = DataAtRest()
        self.run = RunAtRest(runs_folder)
        self.backends = Backends(catalog, self.run)
        self.comparison = Comparison(self.run)
        self.messages: list[UserError] = []
        self.looking = LookingAtRest()
        self._watching: Watching | None = None

    def tick(self) -> None:
        self.comparison.tick()

    @property
    def watching(self) -> Watching:
        self._watching = self._watching or Watching(self)
        return self._watching

    def attempt(self, action) -> bool:
        try:
            action()
        except UserError as error:
            self.messages.append(error)
            return False
        return True

    def close(self) -> None:
        self.comparison.close()
