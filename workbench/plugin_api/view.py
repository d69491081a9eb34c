"""The contract of a view: a tab of the window's lower half, drawn from a run's state."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar


class View(ABC):
    """A way to look at a run. Only views may import Qt and the widgets package.

    The module of a view is imported when the window opens; what its widget needs is imported in
    `make_widget`.
    """

    id: ClassVar[str] = ""
    title: ClassVar[str] = ""
    order: ClassVar[int] = 100
    """Place among the tabs, from the left; our own are 10 and 20."""
    tasks: ClassVar[tuple[str, ...]] = ()
    """Tasks it makes sense for; empty: all."""

    @abstractmethod
    def make_widget(self, session: Any, theme: Any) -> Any:
        """Return a QWidget that follows the session's shown run in the colours of the theme."""
