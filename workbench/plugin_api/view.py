"""The contract of a view: a tab of the monitor, drawn from a run's state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar


class View(ABC):
    """A way to look at a run. Only views may import Qt and the widgets package."""

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    tasks: ClassVar[tuple[str, ...]] = ()
    """Tasks it makes sense for; empty: all."""

    @abstractmethod
    def make_widget(self, session: Any) -> Any:
        """Return a QWidget that follows the session's shown run."""
