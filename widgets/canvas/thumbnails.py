"""Turns arrays of bytes into small pictures for nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap

from widgets.monitor.colormap import viridis

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 80
"""Pixels along the longer side: twice the size on the node, for dense screens and zooming."""


def map_image(values: NDArray[np.uint8]) -> QImage:
    """Return a height × width map in colours."""
    pixels = np.ascontiguousarray(values, dtype=np.uint8)
    height, width = pixels.shape
    image = QImage(pixels.data, width, height, width, QImage.Format.Format_Indexed8).copy()
    image.setColorTable(viridis().tolist())
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
