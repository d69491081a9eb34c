"""What the operating system must bring for the window to open."""

from __future__ import annotations

import ctypes
import os
import sys

from workbench.errors import UserError

QT_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
}
"""Libraries that Qt loads on Linux and its package does not bring, with their Debian packages."""


def missing_packages() -> list[str]:
    """Return the Debian packages of the libraries that are missing here; none elsewhere."""
    if sys.platform != "linux":
        return []
    return [package for library, package in QT_LIBRARIES.items() if not _is_loadable(library)]


def install_line(packages: list[str]) -> str:
    """Return the line that installs packages."""
    return f"sudo apt-get install {' '.join(packages)}"


def display() -> str:
    """Return the display on which a window would open; empty when there is none."""
    if sys.platform != "linux":
        return sys.platform
    names = ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY")
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def check_window() -> None:
    """Raise UserError when a window cannot be opened here: Qt itself would abort without a word."""
    if not display():
        raise UserError(
            "There is no display, so the window cannot be opened.",
            "`workbench train digits-cnn` works in the terminal. On a server, connect with "
            "`ssh -X`, or use a remote desktop.",
        )
    if os.environ.get("QT_QPA_PLATFORM") or os.environ.get("WAYLAND_DISPLAY"):
        return
    if missing := missing_packages():
        raise UserError(
            f"The window needs libraries that are missing here: {', '.join(missing)}.",
            f"Install them with: {install_line(missing)}",
        )


def _is_loadable(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
