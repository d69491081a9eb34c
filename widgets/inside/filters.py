"""The filters that a convolution has learned, as small pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedWidget,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from widgets.index_field import IndexField
from widgets.monitor import mosaic
from widgets.monitor.colormap import diverged
from widgets.monitor.empty import EmptyState
from widgets.search_choice import SearchChoice
from widgets.texts import counted, grouped
from workbench.inspecting.answers import Filters, ShowFilters
from workbench.reading import Refused

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PySide6.QtGui import QMouseEvent, QPaintEvent, QShowEvent

    from widgets.theme import Theme
    from workbench.inspecting.answers import Reply
    from workbench.session import Session

GAP = 4
LARGEST = 72
LOADING = ("Getting the network ready…", "This takes some seconds the first time.")
NONE = (
    "No filters over places",
    "Two-dimensional convolutions larger than one pixel have filters that can be looked at.",
)


class FiltersView(QWidget):
    """A layer to choose above, its filters below."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("filters")
        self.setAccessibleName("Filters")
        self._trial = session.trial
        self._asked = 0
        self._layer = SearchChoice("filters_layer", "Layer whose filters are shown")
        self._layer.setMinimumWidth(160)
        self._layer.chosen.connect(lambda _: self._ask(0))
        self._channel = IndexField("filters_channel", "Channel of the input")
        self._channel.chosen.connect(self._ask)
        self._of = QLabel()
        self._of.setProperty("soft", True)
        self._note = QLabel()
        self._note.setObjectName("filters_note")
        self._note.setProperty("soft", True)
        self.grid = FilterGrid(theme)
        self._empty = EmptyState(theme, "layers", *LOADING)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(self.grid)
        for widget in (self._channel, self._of):
            widget.hide()
        row = QHBoxLayout()
        row.setSpacing(6)
        for widget in (self._layer, self._channel, self._of, self._note):
            row.addWidget(widget)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 10, 6)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self._stack, 1)
        self._trial.changed.connect(self.refresh)
        session.run.opened.connect(self._on_opened)

    def refresh(self) -> None:
        """Offer the layers of the network that is ready, and show the first one's filters."""
        trial = self._trial
        if not self.isVisible():
            return
        if trial.loaded is None:
            text = (trial.error.message, trial.error.hint) if trial.error is not None else LOADING
            self._empty.show_text(*text)
            self._stack.setCurrentWidget(self._empty)
            return
        names = trial.loaded.filters
        self._layer.setVisible(bool(names))
        if not names:
            self._empty.show_text(*NONE)
            self._stack.setCurrentWidget(self._empty)
        elif not self._asked:
            self._layer.offer([(_title(name), name) for name in names], names[0])
            self._ask(0)

    def _ask(self, channel: int) -> None:
        network = self._trial.network
        if network is None or self._layer.value is None:
            return
        request = ShowFilters(network=network, weight=str(self._layer.value), channel=channel)
        self._asked = self._trial.consult(request, self._take)

    def _take(self, reply: Reply) -> None:
        if reply.id != self._asked:
            return
        if isinstance(reply, Refused):
            self._empty.show_text(reply.message, reply.hint)
            self._stack.setCurrentWidget(self._empty)
        elif isinstance(reply, Filters):
            self._show(reply)

    def _show(self, found: Filters) -> None:
        values = found.values.unpack()
        self.grid.show_filters(values)
        self._stack.setCurrentWidget(self.grid)
        is_one = values.shape[-1] == 1 and found.channels > 1
        self._channel.show_index(found.channel, found.channels)
        self._of.setText(f"of {counted(found.channels, 'input channel')} ·")
        for widget in (self._channel, self._of):
            widget.setVisible(is_one)
        height, width = values.shape[1:3]
        text = f"{counted(found.total, 'filter')} of {height} × {width} × {found.channels}"
        if found.total > len(values):
            text += f", the first {grouped(len(values))}"
        if values.shape[-1] == 1:
            text += "; orange is positive, blue negative"
        self._note.setText(text)

    def _on_opened(self) -> None:
        self._asked = 0
        if self.isVisible():
            self._trial.begin()
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Get the network ready when somebody looks."""
        super().showEvent(event)
        self._trial.begin()
        self.refresh()


class FilterGrid(QWidget):
    """Filters side by side: over three channels in colours, over one from blue to orange."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("filter_grid")
        self.setAccessibleName("Filters")
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._theme = theme
        self._values: NDArray[np.float32] = np.zeros((0, 1, 1, 1), np.float32)
        self._images: list[QImage] = []
        theme.changed.connect(self._draw)

    def show_filters(self, values: NDArray[np.float32]) -> None:
        """Show filters × height × width × 1 or 3."""
        self._values = values
        self.setAccessibleDescription(counted(len(values), "filter"))
        self._draw()

    def _draw(self) -> None:
        self._images = [self._image(values) for values in self._values]
        self.update()

    def minimumSizeHint(self) -> QSize:
        """Room for some filters."""
        return QSize(160, 80)

    def describe(self, number: int) -> str:
        """Return a filter in words."""
        values = self._values[number]
        low, high = (f"{value:.3g}".replace("-", "−") for value in (values.min(), values.max()))
        return f"Filter {number}: {low} … {high}"

    def cell_rect(self, number: int) -> QRectF:
        """Return where a filter is."""
        return QRectF(*self._grid().cell(number))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw all; each has a range of its own around zero."""
        painter = QPainter(self)
        grid = self._grid()
        for number, image in enumerate(self._images):
            painter.drawImage(QRectF(*grid.cell(number)), image)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Say what is under the mouse."""
        place = event.position()
        number = self._grid().at(place.x(), place.y()) if len(self._values) else None
        if number is None:
            QToolTip.hideText()
        else:
            QToolTip.showText(event.globalPosition().toPoint(), self.describe(number), self)

    def _grid(self) -> mosaic.Grid:
        count, height, width, _ = self._values.shape
        grid = mosaic.fit(count, width / height, self.width(), self.height(), GAP)
        if max(grid.width, grid.height) <= LARGEST:
            return grid
        side = LARGEST / max(width, height)
        cell = max(int(width * side), 1), max(int(height * side), 1)
        columns = max((self.width() + GAP) // (cell[0] + GAP), 1)
        return mosaic.Grid(count, columns, *cell, GAP)

    def _image(self, values: NDArray[np.float32]) -> QImage:
        height, width, channels = values.shape
        most = float(np.abs(values).max()) or 1.0
        if channels == 1:
            pixels = diverged(values[..., 0], most, QColor(self._theme.colors.field).name())
            bytes_, row, kind = pixels.tobytes(), 4 * width, QImage.Format.Format_RGB32
        else:
            shades = np.rint((values / most + 1) * 127.5).astype(np.uint8)
            bytes_, row, kind = shades.tobytes(), 3 * width, QImage.Format.Format_RGB888
        return QImage(bytes_, width, height, row, kind).copy()


def _title(weight: str) -> str:
    """Return "conv1", or "block1 · stem.conv" for a module inside."""
    node, _, name = weight.partition("/")
    inside = name.removesuffix("weight").rstrip(".")
    return node if name.endswith("kernel") or not inside else f"{node} · {inside}"
