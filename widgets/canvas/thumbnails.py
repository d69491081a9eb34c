"""Turns arrays of bytes into small pictures for nodes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QPixmap

if TYPE_CHECKING:
    from numpy.typing import NDArray

_VIRIDIS = (
    "#440154", "#482878", "#3e4989", "#31688e", "#26828e",
    "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725",
)  # fmt: skip
"""Ten points of matplotlib's colour map of that name; the rest is interpolated."""

SIDE = 80
"""Pixels along the longer side: twice the size on the node, for dense screens and zooming."""


@cache
def color_table() -> tuple[int, ...]:
    """Return 256 opaque colours from dark violet to yellow, equally spaced for the eye."""
    points = np.array([QColor(name).getRgb()[:3] for name in _VIRIDIS], dtype=float)
    at = np.linspace(0, len(points) - 1, 256)
    channels = [np.interp(at, range(len(points)), points[:, i]).round() for i in range(3)]
    red, green, blue = (channel.astype(int) for channel in channels)
    return tuple((0xFF000000 | red << 16 | green << 8 | blue).tolist())


def map_image(values: NDArray[np.uint8]) -> QImage:
    """Return a height × width map in colours."""
    pixels = np.ascontiguousarray(values, dtype=np.uint8)
    height, width = pixels.shape
    image = QImage(pixels.data, width, height, width, QImage.Format.Format_Indexed8).copy()
    image.setColorTable(color_table())
    return image


def picture_image(values: NDArray[np.uint8]) -> QImage:
    """Return a height × width × 3 picture as it is."""
    pixels = np.ascontiguousarray(values, dtype=np.uint8)
    height, width, _ = pixels.shape
    return QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def thumbnail(image: QImage) -> QPixmap:
    """Scale to the size on a node: small maps keep their pixels, large ones are averaged."""
    smooth = max(image.width(), image.height()) > SIDE
    stretched = max(image.width(), image.height()) > 6 * min(image.width(), image.height())
    scaled = image.convertToFormat(QImage.Format.Format_RGB32).scaled(
        SIDE,
        SIDE,
        Qt.AspectRatioMode.IgnoreAspectRatio if stretched else Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation
        if smooth
        else Qt.TransformationMode.FastTransformation,
    )
    return QPixmap.fromImage(scaled)
