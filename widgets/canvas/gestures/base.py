"""The contract of a gesture, and what gestures are given to work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QPointF, Qt

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtCore import QRectF

    from widgets.canvas.editing import Editing
    from widgets.canvas.scene import NetworkScene
    from widgets.theme import Theme


@dataclass(frozen=True)
class Stage:
    """Where gestures happen.

    Attributes:
        say: show a sentence beside the pointer; an empty one hides it.
        scale: pixels a scene unit, now.
        visible: part of the scene in view, now.
    """

    scene: NetworkScene
    editing: Editing
    theme: Theme
    say: Callable[[str], None]
    scale: Callable[[], float]
    visible: Callable[[], QRectF]


@dataclass(frozen=True)
class Pointer:
    """Where the pointer is, in scene units, and what is held with it."""

    at: QPointF
    modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier

    def holds(self, modifier: Qt.KeyboardModifier) -> bool:
        """Return whether a modifier key is held."""
        return bool(self.modifiers & modifier)


class Gesture:
    """Begun at a press; then moved, and either finished or cancelled. Edits only when finished."""

    cursor: ClassVar[Qt.CursorShape] = Qt.CursorShape.ArrowCursor

    def __init__(self, stage: Stage, start: Pointer) -> None:
        self.stage = stage
        self.start = start

    def move(self, pointer: Pointer) -> None:
        """Show what would happen if it ended here."""

    def finish(self, pointer: Pointer) -> None:
        """Do it."""
        self.cancel()

    def cancel(self) -> None:
        """Take everything back that it showed."""
