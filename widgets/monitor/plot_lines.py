"""Paints lines of many points quickly.

Qt strokes a wide line several times as fast with bevelled joins as with round ones, and without a
transformation, so points are taken to pixels first. Points go to Qt as one block of bytes: making
an object of each would take longer than drawing, and set the garbage collector going.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QByteArray, QDataStream, QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from widgets.monitor.plot_scale import Scale

FAINT = 85
MOST_SYMBOLS = 24
"""Validation points beyond which only their dashed line is drawn."""


def paint_faint(
    painter: QPainter, x: NDArray[np.float64], y: NDArray[np.float64], color: str
) -> None:
    """Paint a thin line behind the others; points in pixels, gaps where they are not finite."""
    faint = QColor(color)
    faint.setAlpha(FAINT)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(faint, 1))
    for part in _finite_parts(x, y):
        painter.drawPolyline(_polygon(part))


def paint_line(
    painter: QPainter,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    color: str,
    width: float = 2.0,
) -> None:
    """Paint a smooth opaque line."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    pen = QPen(QColor(color), width)
    pen.setJoinStyle(Qt.PenJoinStyle.BevelJoin)
    painter.setPen(pen)
    for part in _finite_parts(x, y):
        painter.drawPolyline(_polygon(part))


def paint_dashes(
    painter: QPainter, x: NDArray[np.float64], y: NDArray[np.float64], color: str
) -> None:
    """Paint a dashed line, with dots while there are few points."""
    pen = QPen(QColor(color), 1.6)
    pen.setDashPattern([4, 2.5])
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    pen.setJoinStyle(Qt.PenJoinStyle.BevelJoin)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for part in _finite_parts(x, y):
        painter.setPen(pen)
        painter.drawPolyline(_polygon(part))
        if len(x) <= MOST_SYMBOLS:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(color))
            for point in part.tolist():
                painter.drawEllipse(QPointF(*point), 2.5, 2.5)
            painter.setBrush(Qt.BrushStyle.NoBrush)


def to_pixels(
    horizontal: Scale, vertical: Scale, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where points are; what lies far outside is brought near, for Qt's sake."""
    across, down = horizontal.to_pixels(x), vertical.to_pixels(y)
    return across, np.clip(down, -1e4, 1e4)


def _finite_parts(x: NDArray[np.float64], y: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    points = np.column_stack((x, y))
    finite = np.isfinite(points).all(axis=1)
    if finite.all():
        parts = [points]
    else:
        edges = np.flatnonzero(np.diff(finite)) + 1
        parts = [part for part in np.split(points, edges) if len(part) and np.isfinite(part).all()]
    yield from (part for part in parts if len(part))


def _polygon(points: NDArray[np.float64]) -> QPolygonF:
    """Make a polygon from Qt's own serialisation."""
    count = np.array([len(points)], ">u4").tobytes()
    polygon = QPolygonF()
    QDataStream(QByteArray(count + points.astype(">f8").tobytes())) >> polygon
    return polygon
