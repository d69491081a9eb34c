"""The contract of a launcher: where a run's worker is started."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from pathlib import Path


class Launcher(ABC):
    """Starts and ends workers for run folders."""

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""

    @abstractmethod
    def submit(self, run_folder: Path) -> None:
        """Start a worker for a folder that holds an experiment; it outlives this process.

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
        """Keep one worker waiting with `backend` imported, for the next submit."""

    def close(self) -> None:  # noqa: B027 - optional
        """Let go of waiting workers; training ones go on."""
