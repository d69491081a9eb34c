"""Feature-map snapshots of a pinned sample, taken on a budget and thinned as they age."""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING

import msgspec

from workbench.runs import events as ev
from workbench.runs.commands import Watch
from workbench.runs.probes import Snapshot, write_snapshot
from workbench.worker.snapshots import MOST_CHANNELS, SampleCache, snapshot_of

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.plugin_api.backend import Model
    from workbench.plugin_api.network import Network
    from workbench.worker.batches import Feed
    from workbench.worker.eventlog import EventLog

SHARE = 0.01
"""Aimed-at share of training time; the promise is twice that."""
SHORTEST_INTERVAL = 0.25
LARGEST_FOLDER = 200 * 2**20
MOST_FILES = 400
KEPT_WHOLE = 100
"""Newest snapshots that are never thinned for their number."""
DEFAULT_THUMBNAILS = 200
MOST_ATTENDING = 48
"""Layers whose attention is in the last snapshot at most."""
MOST_VALUES = 20_000_000
"""Of maps (a byte each) and weights for histograms that the last snapshot is made of at most."""


class Prober:
    """Takes snapshots between steps.

    After a snapshot that took t seconds, the next one waits t / SHARE, so that what is looked at
    more closely is looked at less often.
    """

    def __init__(
        self, folder: Path, model: Model, network: Network, feed: Feed, events: EventLog
    ) -> None:
        self._folder = folder
        self._model = model
        self._network = network
        self._events = events
        self._samples = SampleCache(feed)
        self._watch = default_watch(network)
        self._next = 0.0
        self._last_step = -1
        self._repeated = 0

    def watch(self, watch: Watch | None) -> None:
        """Follow what is on screen; None changes nothing."""
        if watch is not None and watch != self._watch:
            self._watch = watch
            self._last_step = -1
            if self._next == math.inf:
                self._next = 0.0

    def due(self, now: float, step: int) -> bool:
        """Whether the budget allows a snapshot that would show something new."""
        return now >= self._next and step != self._last_step

    @property
    def has_given_up(self) -> bool:
        """Whether no snapshot can be taken of what is watched."""
        return self._next == math.inf

    def widen(self) -> None:
        """Follow every layer: nothing can be recorded later of what has ended."""
        layers, values = [], 0
        for node in self._network.nodes:
            shape = [size or 1 for size in node.output.shape] or [1]
            size = math.prod(shape[:-1]) * min(shape[-1], MOST_CHANNELS) + node.parameters
            if values + size <= MOST_VALUES:
                values += size
                layers.append(node.id)
        wanted = dict.fromkeys([*self._watch.layers, *layers[:DEFAULT_THUMBNAILS]])
        heads = [node.id for node in self._network.nodes if node.layer.attends]
        attention = dict.fromkeys([*self._watch.attention, *heads[:MOST_ATTENDING]])
        self._watch = msgspec.structs.replace(
            self._watch, layers=tuple(wanted), attention=tuple(attention)
        )

    def take(self, step: int) -> None:
        """Take a snapshot now.

        Raises:
            UserError: the disk is full, or the sample cannot be read.
        """
        started = time.perf_counter()
        snapshot = self._snapshot(step)
        self._folder.mkdir(exist_ok=True)
        name = self._name(step)
        write_snapshot(self._folder / name, snapshot)
        thin(self._folder)
        seconds = time.perf_counter() - started
        self._next = started + max(SHORTEST_INTERVAL, seconds / SHARE)
        self._last_step = step
        self._events.write(ev.Probed, step=step, name=name, seconds=seconds)

    def give_up(self) -> None:
        """Take no snapshot until something else is watched."""
        self._next = math.inf

    def remove_after(self, step: int) -> None:
        """Remove snapshots of steps that are void after going back to a checkpoint."""
        for path in _files(self._folder):
            if _step(path) > step:
                path.unlink(missing_ok=True)

    def _name(self, step: int) -> str:
        name = f"{step:06d}.safetensors"
        while (self._folder / name).exists():
            self._repeated += 1
            name = f"{step:06d}-{self._repeated}.safetensors"
        return name

    def _snapshot(self, step: int) -> Snapshot:
        sample = self._samples.get(self._watch.sample)
        return snapshot_of(self._model, self._network, sample, self._watch, step)


def default_watch(network: Network) -> Watch:
    """Return what is probed before anybody has looked: thumbnails, the first of each kind."""
    nodes = [node.id for node in network.nodes]
    convolutions = [node.id for node in network.nodes if node.layer.category == "Convolution"]
    heads = [node.id for node in network.nodes if node.layer.attends]
    return Watch(
        layers=tuple(convolutions[:2]),
        thumbnails=tuple(nodes[:DEFAULT_THUMBNAILS]),
        attention=tuple(heads[:2]),
    )


def thin(folder: Path, most_files: int = MOST_FILES, most_bytes: int = LARGEST_FOLDER) -> None:
    """Drop every other one of the older snapshots when there are too many, or too many bytes."""
    paths = _files(folder)
    if len(paths) > most_files:
        _remove_every_other(paths[: max(len(paths) - KEPT_WHOLE, 0)])
        paths = _files(folder)
    while len(paths) > 2 and _size(paths) > most_bytes:
        _remove_every_other(paths[:-1])
        paths = _files(folder)


def _remove_every_other(paths: list[Path]) -> None:
    for path in paths[1::2] or paths[:1]:
        path.unlink(missing_ok=True)


def _size(paths: list[Path]) -> int:
    total = 0
    for path in paths:
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total


def _files(folder: Path) -> list[Path]:
    paths = folder.glob("[0-9]*.safetensors") if folder.is_dir() else ()
    return sorted(paths, key=lambda path: (_step(path), path.name))


def _step(path: Path) -> int:
    return int(path.name.partition(".")[0].partition("-")[0])
