"""The window's place and its splitters, kept between starts."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QByteArray

if TYPE_CHECKING:
    from widgets.main_window import MainWindow

DEFAULT_SIZE = (1440, 900)
TITLE_BAR = 32
"""Room for the system's title bar, whose height is known only when the window is shown."""


class _State(msgspec.Struct):
    geometry: str = ""
    splitters: dict[str, list[int]] = {}


def state_of(window: MainWindow) -> str:
    """Return the window's state as text for the preferences."""
    geometry = base64.b64encode(window.saveGeometry().data()).decode()
    return msgspec.json.encode(_State(geometry, window.page.sizes_to_keep())).decode()


def restore_state(window: MainWindow, text: str) -> None:
    """Put a window where it was; anything that cannot be read gives the default size."""
    try:
        kept = msgspec.json.decode(text, type=_State)
        geometry = base64.b64decode(kept.geometry)
    except (msgspec.DecodeError, ValueError):
        kept, geometry = _State(), b""
    if not (geometry and window.restoreGeometry(QByteArray(geometry))):
        screen = window.screen().availableGeometry()
        width = min(DEFAULT_SIZE[0], screen.width())
        height = min(DEFAULT_SIZE[1], screen.height() - TITLE_BAR)
        window.resize(width, height)
    window.page.restore_sizes(kept.splitters)
