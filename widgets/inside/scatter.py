"""Points in a plane: colours by class, names under the mouse, zoom and pan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from widgets.theme import ui_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from PySide6.QtGui import QKeyEvent, QMouseEvent, QPaintEvent, QResizeEvent, QWheelEvent

    from widgets.theme import Theme

MARGIN = 0.06
REACH = 10.0
"""Pixels around the mouse in which a point is taken for the one that is meant."""
DRAG = 4
MOST_NAMES = 24
MOST_NAMED = 150
"""Tokens in sight above which only those that were looked for bear their names."""
LEGEND = 12
STEP = 1.2
DEEPEST = 400.0


class Scatter(QWidget):
    """Draws ten thousand points in a few milliseconds: they are set as pixels of one picture.

    Signals:
        chosen(object): number of the clicked point; None: the empty ground.
    """

    chosen = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("scatter")
        self.setAccessibleName("Projected vectors")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._theme = theme
        self._points = np.zeros((0, 2))
        self._labels: Sequence[str] = ()
        self._targets: NDArray[np.int64] | None = None
        self._classes: Sequence[str] = ()
        self._found: NDArray[np.int64] | None = None
        self._near: Sequence[int] = ()
        self._selected: int | None = None
        self._hovered: int | None = None
        self._pressed: QPointF | None = None
        self._dragged = False
        self._image: QImage | None = None
        self._zoom, self._middle = 1.0, np.zeros(2)
        theme.changed.connect(self._redraw)

    def show_points(
        self,
        points: NDArray[np.floating],
        labels: Sequence[str],
        targets: Sequence[int],
        classes: Sequence[str],
    ) -> None:
        """Show other points, all of them in sight."""
        self._points = np.asarray(points, np.float64)
        self._labels, self._classes = labels, classes
        self._targets = np.array(targets, np.int64) if len(targets) == len(points) else None
        self._found = self._selected = self._hovered = None
        self._near = ()
        self.show_all()

    def show_all(self) -> None:
        """Bring every point into sight."""
        self._zoom = 1.0
        self._middle = (
            (self._points.min(axis=0) + self._points.max(axis=0)) / 2
            if len(self._points)
            else np.zeros(2)
        )
        self._redraw()

    def highlight(self, found: NDArray[np.int64] | None) -> None:
        """Let only these points stand out; None: all."""
        self._found = found
        self._redraw()

    def select(self, index: int | None, near: Sequence[int] = ()) -> None:
        """Mark a point and its neighbours."""
        self._selected, self._near = index, near
        self.update()

    @property
    def selected(self) -> int | None:
        """The marked point."""
        return self._selected

    def places(self) -> NDArray[np.float64]:
        """Return where the points are, in the widget's coordinates."""
        if not len(self._points):
            return np.zeros((0, 2))
        middle = np.array([self.width(), self.height()]) / 2
        return middle + (self._points - self._middle) * self._scale() * [1, -1]

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(480, 260)

    def minimumSizeHint(self) -> QSize:
        """Room for a cloud."""
        return QSize(160, 80)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the points, then what stands out of them."""
        painter = QPainter(self)
        if self._image is None:
            self._image = self._drawn()
        painter.drawImage(0, 0, self._image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(ui_font(8.5))
        places = self.places()
        named = [] if self._found is None else self._found[:MOST_NAMES].tolist()
        taken: list[QRectF] = []
        for index in (self._hovered, self._selected):
            if index is not None:
                painter.setPen(QPen(QColor(self._theme.colors.text), 1.5))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(QPointF(*places[index]), 5.5, 5.5)
                self._name(painter, places[index], index, taken)
        for index in dict.fromkeys([*named, *self._near]):
            self._name(painter, places[index], index, taken)
        for index in self._named_anyway(places):
            self._name(painter, places[index], index, taken, places)
        self._paint_legend(painter)

    def colour(self, index: int) -> str:
        """Return a point's colour."""
        series = self._theme.colors.series
        target = 0 if self._targets is None else int(self._targets[index])
        return series[target % len(series)]

    def _drawn(self) -> QImage:
        """Set every point's disc into one picture, in device pixels."""
        ratio = self.devicePixelRatioF()
        width = max(int(self.width() * ratio), 1)
        height = max(int(self.height() * ratio), 1)
        colors = self._theme.colors
        pixels = np.full((height, width), _rgb(colors.panel), np.uint32)
        radius = (2.2 if len(self._points) > 2000 else 3.2) * ratio
        places = self.places() * ratio
        outstanding = np.ones(len(places), bool)
        if self._found is not None:
            outstanding[:] = False
            outstanding[self._found] = True
        order = np.argsort(outstanding, kind="stable")
        table = np.array([_rgb(colour) for colour in colors.series], np.uint32)
        targets = np.zeros(len(places), np.int64) if self._targets is None else self._targets
        inks = table[targets % len(table)]
        inks[~outstanding] = _rgb(colors.border)
        _splat(pixels, places[order], inks[order], radius, _rgb(colors.panel))
        image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()
        image.setDevicePixelRatio(ratio)
        return image

    def _name(
        self,
        painter: QPainter,
        place: NDArray[np.float64],
        index: int,
        taken: list[QRectF],
        points: NDArray[np.float64] | None = None,
    ) -> None:
        """Write a point's name beside it, unless another one, or one of `points`, stands there."""
        metrics = painter.fontMetrics()
        text = metrics.elidedText(self._labels[index], Qt.TextElideMode.ElideRight, 180)
        wide = metrics.horizontalAdvance(text)
        x = place[0] + 8 if place[0] + 12 + wide < self.width() else place[0] - 8 - wide
        box = QRectF(x - 2, place[1] - 8, wide + 4, 16)
        if any(box.intersects(other) for other in taken):
            return
        if points is not None:
            away = abs(points - [box.center().x(), box.center().y()])
            if (away < [box.width() / 2 + 3, box.height() / 2 + 3]).all(axis=1).any():
                return
        taken.append(box)
        colors = self._theme.colors
        ground = QColor(colors.panel)
        ground.setAlpha(215)
        painter.fillRect(box, ground)
        is_meant = index in (self._selected, self._hovered)
        painter.setPen(QColor(colors.text if is_meant else colors.text_soft))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _named_anyway(self, places: NDArray[np.float64]) -> list[int]:
        """Return the tokens in sight while they are few, as they are after zooming in."""
        if self._targets is not None or self._found is not None:
            return []
        in_sight = ((places >= 0) & (places < [self.width(), self.height()])).all(axis=1)
        found: list[int] = np.flatnonzero(in_sight).tolist()
        return found if len(found) <= MOST_NAMED else []

    def _paint_legend(self, painter: QPainter) -> None:
        if self._targets is None:
            return
        series = self._theme.colors.series
        shown = self._classes[:LEGEND]
        for row, name in enumerate(shown):
            y = 8 + 16 * row
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(series[row % len(series)]))
            painter.drawEllipse(QPointF(12, y + 6), 4, 4)
            painter.setPen(QColor(self._theme.colors.text_soft))
            painter.drawText(QRectF(22, y - 2, 160, 16), Qt.AlignmentFlag.AlignVCenter, name)
        if len(self._classes) > LEGEND:
            rest = f"and {len(self._classes) - LEGEND} more"
            painter.drawText(QRectF(22, 6 + 16 * LEGEND, 160, 16), 0, rest)

    def _point_at(self, place: QPointF) -> int | None:
        places = self.places()
        if not len(places):
            return None
        distances = np.hypot(places[:, 0] - place.x(), places[:, 1] - place.y())
        if self._found is not None and len(self._found):
            nearest = int(self._found[distances[self._found].argmin()])
        else:
            nearest = int(distances.argmin())
        return nearest if distances[nearest] <= REACH else None

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to choose or to drag."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._dragged = event.position(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the plane, or say what is under the mouse."""
        place = event.position()
        if self._pressed is not None:
            way = place - self._pressed
            if self._dragged or way.manhattanLength() >= DRAG:
                self._dragged = True
                self._pressed = place
                self._move(way.x(), way.y())
            return
        found = self._point_at(place)
        if found != self._hovered:
            self._hovered = found
            self.update()
        if found is None:
            QToolTip.hideText()
        else:
            text = self.describe(found)
            QToolTip.showText(event.globalPosition().toPoint(), text, self)

    def describe(self, index: int) -> str:
        """Return a point's name, and its class where it has one."""
        if self._targets is None:
            return self._labels[index]
        return f"{self._labels[index]}\n{self._classes[self._targets[index]]}"

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Choose the clicked point."""
        if event.button() == Qt.MouseButton.LeftButton and self._pressed is not None:
            was_dragged, self._pressed = self._dragged, None
            if not was_dragged:
                self.chosen.emit(self._point_at(event.position()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show all again."""
        self.show_all()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the mouse."""
        self._zoom_about(event.position(), STEP ** (event.angleDelta().y() / 120))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Zoom with plus and minus, move with the arrow keys, 0 shows all."""
        moves = {
            Qt.Key.Key_Left: (40, 0),
            Qt.Key.Key_Right: (-40, 0),
            Qt.Key.Key_Up: (0, 40),
            Qt.Key.Key_Down: (0, -40),
        }
        key = Qt.Key(event.key())
        middle = QPointF(self.width() / 2, self.height() / 2)
        if key in moves:
            self._move(*moves[key])
        elif event.text() in ("+", "=", "-"):
            self._zoom_about(middle, 1 / STEP if event.text() == "-" else STEP)
        elif event.text() == "0":
            self.show_all()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw anew."""
        super().resizeEvent(event)
        self._image = None

    def leaveEvent(self, event: object) -> None:
        """Nothing is under the mouse."""
        self._hovered = None
        self.update()

    def _scale(self) -> NDArray[np.float64]:
        spread = np.maximum(self._points.max(axis=0) - self._points.min(axis=0), 1e-12)
        return np.array([self.width(), self.height()]) * (1 - 2 * MARGIN) / spread * self._zoom

    def _move(self, across: float, down: float) -> None:
        if len(self._points):
            self._middle = self._middle - np.array([across, -down]) / self._scale()
            self._redraw()

    def _zoom_about(self, place: QPointF, factor: float) -> None:
        if not len(self._points):
            return
        away = np.array([place.x() - self.width() / 2, self.height() / 2 - place.y()])
        under = self._middle + away / self._scale()
        self._zoom = float(np.clip(self._zoom * factor, 0.5, DEEPEST))
        self._middle = under - away / self._scale()
        self._redraw()

    def _redraw(self) -> None:
        self._image = None
        self.update()


def _rgb(colour: str) -> np.uint32:
    return np.uint32(int("ff" + colour[1:], 16))


def _splat(
    pixels: NDArray[np.uint32],
    places: NDArray[np.float64],
    inks: NDArray[np.uint32],
    radius: float,
    ground: np.uint32,
) -> None:
    """Set a disc for each place, its rim half as strong; later ones cover earlier ones."""
    height, width = pixels.shape
    reach = int(np.ceil(radius))
    inside = (
        (places[:, 0] > -reach)
        & (places[:, 0] < width + reach)
        & (places[:, 1] > -reach)
        & (places[:, 1] < height + reach)
    )
    # A rim of the largest disc around the picture spares every test at its edges.
    rim = reach + 1
    wide = np.pad(pixels, rim)
    x = np.rint(places[inside, 0]).astype(np.int64) + rim
    y = np.rint(places[inside, 1]).astype(np.int64) + rim
    steps = np.arange(-reach, reach + 1)
    down, across = np.meshgrid(steps, steps, indexing="ij")
    away = np.hypot(down, across)
    disc = away <= radius
    is_rim = away[disc] > radius - 1
    half = np.uint32(0x7F7F7F)
    rims = ((inks[inside] >> 1) & half) + ((ground >> 1) & half) | np.uint32(0xFF000000)
    colours = np.where(is_rim, rims[:, None], inks[inside][:, None])
    offsets = (down[disc] * wide.shape[1] + across[disc]).astype(np.int64)
    flat = wide.reshape(-1)
    starts = y * wide.shape[1] + x
    flat[(starts[:, None] + offsets).reshape(-1)] = colours.reshape(-1)
    pixels[...] = wide[rim:-rim, rim:-rim]
