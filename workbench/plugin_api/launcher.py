"""The contract of a launcher: where a run's worker is started."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

from workbench.plugin_api.backend import Device

if TYPE_CHECKING:
    from pathlib import Path


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """How far a waiting worker is with importing its backend.

    Attributes:
        state: "none" if no worker waits, "warming" while it imports, "broken" if that failed.
        devices: of the backend on this machine, best first; known when ready.
        message: why it is broken, as a sentence; hint: what to do about it.
    """

    state: Literal["none", "warming", "ready", "broken"] = "none"
    devices: tuple[Device, ...] = ()
    message: str = ""
    hint: str = ""


class Launcher(ABC):
    """Starts and ends workers for run folders."""

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""

    @abstractmethod
    def submit(self, run_folder: Path, backend: str = "") -> None:
        """Start a worker for a folder that holds an experiment; it outlives this process.

        Args:
            backend: that the experiment names; a worker that waits with it takes the folder.

        Raises:
            UserError: no worker can be started.
        """

    @abstractmethod
    def cancel(self, run_folder: Path, pid: int = 0) -> None:
        """End the worker at once; whatever it saved stays.

        Args:
            pid: of the worker as the run's events tell it; 0 if they do not. Only given while
                the run's lock is held.
        """

    def failure(self, run_folder: Path) -> str:
        """Return why a submitted worker is gone, as a sentence; empty: it lives, or who knows."""
        return ""

    def warm_up(self, backend: str) -> None:  # noqa: B027 - optional
        """Keep one worker waiting with `backend` imported, for the next submit of that backend."""

    def readiness(self, backend: str) -> Readiness:
        """Return what is known of the worker that waits with `backend`; never blocks."""
        return Readiness()

    def cool_down(self, backend: str) -> None:  # noqa: B027 - optional
        """Let go of the worker that waits with `backend`, to free its memory."""

    def close(self) -> None:  # noqa: B027 - optional
        """Let go of waiting workers; training ones go on."""
