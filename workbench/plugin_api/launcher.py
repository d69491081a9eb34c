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
        """Start a worker for a folder that holds an experiment; it outlives this process."""

    @abstractmethod
    def cancel(self, run_folder: Path) -> None:
        """End the worker at once; whatever it saved stays."""

    def warm_up(self, backend: str) -> None:  # noqa: B027 - optional
        """Keep one worker waiting with `backend` imported, for the next submit."""

    def close(self) -> None:  # noqa: B027 - optional
        """Let go of waiting workers; training ones go on."""
