"""Keys of the canvas; the window's action table binds the same methods to menus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PySide6.QtGui import QKeyEvent

    from widgets.canvas.view import CanvasView
    from widgets.canvas.walking import Direction

_NONE = Qt.KeyboardModifier.NoModifier
_CTRL = Qt.KeyboardModifier.ControlModifier
_SHIFT = Qt.KeyboardModifier.ShiftModifier
_ARROWS: Mapping[Qt.Key, tuple[Direction, tuple[int, int]]] = {
    Qt.Key.Key_Up: ("up", (0, -1)),
    Qt.Key.Key_Down: ("down", (0, 1)),
    Qt.Key.Key_Left: ("left", (-1, 0)),
    Qt.Key.Key_Right: ("right", (1, 0)),
}


class CanvasKeys:
    """Looks keys up and calls the canvas."""

    def __init__(self, view: CanvasView) -> None:
        self._view = view
        self._actions: dict[tuple[Qt.Key, Qt.KeyboardModifier], Callable[[], object]] = {
            (Qt.Key.Key_Delete, _NONE): view.delete_selection,
            (Qt.Key.Key_Backspace, _NONE): view.delete_selection,
            (Qt.Key.Key_A, _CTRL): view.select_all,
            (Qt.Key.Key_C, _CTRL): view.copying.copy,
            (Qt.Key.Key_X, _CTRL): view.copying.cut,
            (Qt.Key.Key_V, _CTRL): view.copying.paste,
            (Qt.Key.Key_D, _CTRL): view.copying.duplicate,
            (Qt.Key.Key_B, _CTRL): view.bypass,
            (Qt.Key.Key_T, _CTRL): view.adding.swap_type,
            (Qt.Key.Key_F, _CTRL): view.find,
            (Qt.Key.Key_F2, _NONE): view.rename,
            (Qt.Key.Key_G, _CTRL): view.groups.make,
            (Qt.Key.Key_G, _CTRL | _SHIFT): view.groups.dissolve,
            (Qt.Key.Key_G, _NONE): view.groups.toggle,
            (Qt.Key.Key_A, _SHIFT): view.tidy,
            (Qt.Key.Key_0, _CTRL): view.reset_zoom,
            (Qt.Key.Key_Plus, _CTRL): view.zoom_in,
            (Qt.Key.Key_Equal, _CTRL): view.zoom_in,
            (Qt.Key.Key_Minus, _CTRL): view.zoom_out,
            (Qt.Key.Key_F, _NONE): view.fit,
            (Qt.Key.Key_Escape, _NONE): view.escape,
        }

    def press(self, event: QKeyEvent) -> bool:
        """Do what a key stands for; False if it stands for nothing here."""
        key = Qt.Key(event.key())
        modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            modifiers &= ~_SHIFT  # "+" needs Shift on many keyboards
        action = self._actions.get((key, modifiers))
        if action:
            action()
            return True
        if key in _ARROWS and modifiers in (_NONE, _SHIFT):
            direction, way = _ARROWS[key]
            if modifiers == _SHIFT:
                self._view.nudge(*way)
            else:
                self._view.walk(direction)
            return True
        return False
