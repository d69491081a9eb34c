"""Lets the frozen body of a network run once, and trains its head on what that gave."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from workbench.analysis.body import caching
from workbench.files import unwritable
from workbench.plugin_api.data import SPLITS
from workbench.preferences import caches_folder
from workbench.runs import events as ev
from workbench.worker.features import FeatureFolder, Stopped, key_of, run_body
from workbench.worker.parted import PartedModel

if TYPE_CHECKING:
    from workbench.analysis.body import Parting
    from workbench.plugin_api.backend import Model, ModelState
    from workbench.plugin_api.data import SplitName
    from workbench.worker.assembly import Assembly
    from workbench.worker.features import Kept

TOLD_EVERY = 0.5
"""Seconds between two words on how far the body is."""


class Asked(Protocol):
    """Whoever may stop it, such as a run's `Control`."""

    stop: bool

    def poll(self) -> object:
        """Look whether somebody wants something."""


class Listener(Protocol):
    """Who is told how far it is, such as a run's event log."""

    def write(self, kind: type[Any], /, **fields: Any) -> None:
        """Take an event of a kind."""


def with_kept_features(assembly: Assembly, model: Model, control: Asked, events: Listener) -> Model:
    """Return a model that trains the head alone, where the body is frozen; else `model` itself.

    From then on the feed gives the body's outputs in place of the samples. Whatever keeps them
    from being kept costs time, never the run: it is told, and the whole network is trained.

    Args:
        model: with the weights and the state that training goes on from.
    """
    found = caching(assembly.experiment, assembly.network, assembly.catalog)
    if found.reason:
        events.write(ev.Noted, severity="info", message=found.reason)
    if found.parting is None:
        return model
    return _Keeper(assembly, found.parting, control, events).part(model)


class _Keeper:
    """Computes or finds the features of one run."""

    def __init__(
        self, assembly: Assembly, parting: Parting, control: Asked, events: Listener
    ) -> None:
        self._assembly = assembly
        self._parting = parting
        self._control = control
        self._events = events
        self._folder = FeatureFolder(caches_folder() / "features")
        self._done = 0
        self._told = 0.0

    def part(self, model: Model) -> Model:
        """Return the model in two, or as it is where nothing could be kept."""
        state = model.state()  # first: building other models draws from common generators
        weights = model.weights()
        key = key_of(self._assembly, self._parting, weights)
        kept = self._folder.read(key)
        began = time.perf_counter()
        if kept is not None:
            how = "What the frozen layers give was kept by an earlier run"
        else:
            if not self._computed(key, model):
                model.load_state(state)
                return model
            kept = self._folder.read(key)
            assert kept is not None
            how = f"The frozen layers ran once: {_seconds(time.perf_counter() - began)}"
        size = _bytes(sum(each.size for each in kept.values()))
        cut = self._parting.cut
        self._say(f"{how}; {size} kept. Training goes on behind {cut.id}.")
        return self._parted(model, state, kept)

    def _parted(self, model: Model, state: ModelState, kept: dict[SplitName, Kept]) -> Model:
        feed = self._assembly.feed
        for split, each in kept.items():
            feed.replace(split, each.inputs, each.numbers)
        head = self._assembly.build_part(
            self._parting.head,
            self._assembly.folder.path / "head.py",
            kind=self._parting.cut.output,
            longest=kept["train"].longest,
        )
        trained = {node.id for node in self._parting.head.nodes} - {self._parting.cut.id}
        return PartedModel(model, head, state, trained)

    def _computed(self, key: str, model: Model) -> bool:
        """Run the body; return whether its outputs are on the disk now."""
        assembly, cut = self._assembly, self._parting.cut.output
        if not self._folder.make_room(self._needed()):
            size = _bytes(self._needed())
            self._say(
                f"What the frozen layers give would take {size}, for which there is no room in "
                f"{self._folder.path}, so they run in every step.",
            )
            return False
        path = assembly.folder.path / "body.py"
        body = assembly.build_part(self._parting.body, path)
        names = self._parting.body.weight_specs()
        body.load_weights({k: v for k, v in model.weights().items() if k in names})
        parts = {
            split: run_body(assembly.feed, split, body, self._between, varies=cut.varies)
            for split in SPLITS
            if split in assembly.feed.counts
        }
        try:
            self._folder.write(key, cut.shape, parts)
        except Stopped:
            return False
        except OSError as error:
            self._say(
                f"{unwritable(self._folder.path / key, error)} The frozen layers run in every step."
            )
            return False
        finally:
            path.unlink(missing_ok=True)
        return True

    def _needed(self) -> int:
        steps = 1.0
        if self._parting.cut.output.varies:
            steps = float(self._assembly.prepared.fitted.get("mean_length", 1))
        counts = sum(self._assembly.feed.counts.values())
        return int(counts * self._parting.values * steps * 4)

    def _between(self, done: int) -> None:
        self._done += done
        now = time.perf_counter()
        if now - self._told < TOLD_EVERY:
            return
        self._told = now
        total = sum(self._assembly.feed.counts.values())
        message = f"Running the frozen layers once: {self._done} of {total} samples"
        self._events.write(ev.Preparing, message=message)
        self._control.poll()
        if self._control.stop:
            raise Stopped

    def _say(self, message: str) -> None:
        self._events.write(ev.Noted, severity="info", message=message)


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"


def _bytes(size: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{max(size / 1e3, 1):.0f} kB"
