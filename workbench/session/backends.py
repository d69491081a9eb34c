"""The backends as a person chooses among them: installed, warm, broken, and their devices."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from psygnal import Signal

from workbench.document.training import Training
from workbench.plugin_api.launcher import Readiness
from workbench.session.message import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.catalog import Catalog
    from workbench.plugin_api.backend import Availability, Device
    from workbench.session.run import RunSession

IDLE_SECONDS = 60.0
"""How long a warm worker is kept for a backend that is chosen no more: a framework takes up to
half a gigabyte, and people look back and forth."""


class Backends:
    """Knows each backend's state; keeps a worker warm for the one in use.

    Nothing here imports a framework: what an import tells comes from the waiting worker.

    Signals:
        changed(): read `readiness` and `devices`.
        messaged(Message): something to show in the message bar.
    """

    changed = Signal()
    messaged = Signal(Message)

    def __init__(self, catalog: Catalog, run: RunSession) -> None:
        self._catalog = catalog
        self._run = run
        self._looked_at = ""
        self._in_use = ""
        self._idle: dict[str, float] = {}
        self._known: dict[str, Readiness] = {}
        self._devices: dict[str, tuple[Device, ...]] = {}

    @property
    def ids(self) -> list[str]:
        """Ids of all backends, the default one first."""
        first = Training().backend
        return sorted((kind.id for kind in self._catalog.backends), key=lambda i: i != first)

    @property
    def installed(self) -> list[str]:
        """Ids of those that are installed."""
        return [backend for backend in self.ids if self.availability(backend).ok]

    def title(self, backend: str) -> str:
        """Return what people call a backend; an unknown one goes by its id."""
        kind = self._catalog.backends.get(backend)
        return kind.title if kind is not None else backend

    def availability(self, backend: str) -> Availability:
        """Say whether it is installed now; raises UserError for an unknown one."""
        return self._catalog.backend(backend).availability()

    def readiness(self, backend: str) -> Readiness:
        """Return how far the import in its waiting worker is; "none" if nobody has asked."""
        return self._known.get(backend, Readiness())

    def devices(self, backend: str) -> Sequence[Device]:
        """Return its devices, best first; empty until its worker has told."""
        return self._devices.get(backend, ())

    def use(self, backend: str) -> None:
        """Keep a worker warm for this backend, and the others' for a while."""
        if self._in_use and self._in_use != backend:
            self._idle[self._in_use] = time.monotonic()
        self._idle.pop(backend, None)
        self._in_use = backend
        if backend in self._catalog.backends and self.availability(backend).ok:
            self._run.warm_up(backend)
            self._poll()

    def look_at(self, backend: str) -> None:
        """Take note of the experiment's backend; say so if it is not installed."""
        if backend == self._looked_at:
            return
        self._looked_at = backend
        if self._in_use:
            self.use(backend)
        if backend in self._catalog.backends:
            self.say_missing(backend)

    def say_missing(self, backend: str) -> bool:
        """Say which line installs a backend that is not there; whether it is missing."""
        found = self.availability(backend)
        if not found.ok:
            text = f"{self.title(backend)} cannot train here: {found.reason}"
            hint = f"Install it and start the window again: {found.install}"
            self.messaged.emit(Message("warning", text, hint, found.install))
        return not found.ok

    def tick(self) -> None:
        """Hear what the waiting workers say; end those that nobody has wanted for a while."""
        now = time.monotonic()
        for backend, since in list(self._idle.items()):
            if now - since > IDLE_SECONDS:
                del self._idle[backend]
                self._run.cool_down(backend)
        self._poll()

    def _poll(self) -> None:
        changed = False
        for backend in filter(None, (self._in_use, *self._idle)):
            found, before = self._run.readiness(backend), self.readiness(backend)
            if found == before:
                continue
            changed = True
            self._known[backend] = found
            if found.devices:
                self._devices[backend] = found.devices
            if found.state == "broken":
                install = self.availability(backend).install
                self.messaged.emit(Message("error", found.message, found.hint, install))
        if changed:
            self.changed.emit()
