"""Samples with their classes, as stored or as training sees them: small pictures, or texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFontMetrics,
    QImage,
    QPainter,
    QPixmap,
)
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from widgets.correcting import target_menu
from widgets.excerpt import paint_excerpt
from widgets.fields import ComboBox
from widgets.panels.column import wrapped
from widgets.theme import ui_font

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QPaintEvent, QShowEvent

    from widgets.theme import Theme
    from workbench.session import Session
    from workbench.session.data import Thumbnail

COUNT = 24
PIXELS = 64
TEXT_LINES = 3
NAMES = {"train": "Training", "validation": "Validation", "test": "Test"}


class DataPreview(QWidget):
    """A grid of samples of one split; fetched only while somebody looks."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("dataPreview")
        self._session = session
        self._wanted: object = None
        self._round = 0
        self._grid = ThumbnailGrid(theme, self)
        self._grid.clicked.connect(self._on_clicked)
        self._grid.asked.connect(self._on_asked)
        self._shown: list[Thumbnail] = []
        self._note = wrapped("", self)
        self._box = ComboBox(self)
        self._box.setObjectName("previewKind")
        self._box.setAccessibleName("What to preview")
        self._box.activated.connect(lambda _: self._fetch())
        self._again = QToolButton(self)
        self._again.setObjectName("previewAgain")
        self._again.setAccessibleName("Draw again")
        self._again.setToolTip("Change the pictures again")
        self._again.setProperty("flat", True)
        self._again.clicked.connect(self._on_again)
        self._theme = theme
        row = QHBoxLayout()
        row.addWidget(self._box, 1)
        row.addWidget(self._again)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(row)
        column.addWidget(self._grid)
        column.addWidget(self._note)
        session.data.info_changed.connect(self.refresh)
        session.document.experiment_changed.connect(self.refresh)
        theme.changed.connect(self._restyle)
        self._restyle()
        self._note.hide()
        self.refresh()

    def refresh(self) -> None:
        """Offer what there is; fetch the pictures again if the data are others."""
        info = self._session.data.info
        has_samples = info is not None and info.timeline is None
        self.setVisible(has_samples)
        if info is None or not has_samples:
            self._grid.show_thumbnails([], ())
            self._wanted = None
            return
        kinds = [(name, split) for split, name in NAMES.items() if info.counts.get(split)]
        if self._session.document.experiment.data.augmentation is not None:
            kinds.insert(1, ("What training sees", "augmented"))
        if [data for _, data in kinds] != [self._box.itemData(i) for i in range(self._box.count())]:
            kept = self._box.currentData()
            self._box.clear()
            for name, data in kinds:
                self._box.addItem(name, data)
            self._box.setCurrentIndex(max(self._box.findData(kept), 0))
        self._fetch()

    def showEvent(self, event: QShowEvent) -> None:
        """Fetch the pictures when they come into sight."""
        super().showEvent(event)
        self._fetch()

    def _fetch(self) -> None:
        kind, info = self._box.currentData(), self._session.data.info
        augmented = kind == "augmented"
        self._again.setVisible(augmented)
        if kind is None or info is None or not self.isVisible():
            return
        data = self._session.document.experiment.data
        wanted = (kind, info.fingerprint, data.preprocessing, data.source, self._round)
        wanted += (data.augmentation,) if augmented else ()
        if wanted == self._wanted:
            return
        self._wanted = wanted
        self._session.data.thumbnails(
            "train" if augmented else kind,
            None,
            lambda found: self._on_arrived(wanted, found),
            size=PIXELS,
            count=COUNT,
            augmented=augmented,
            seed=self._round,
        )

    def _on_arrived(self, wanted: object, found: list[Thumbnail]) -> None:
        if wanted != self._wanted:
            return
        info = self._session.data.info
        self._shown = found
        is_series = info is not None and info.kind == "series"
        shape = Qt.CursorShape.PointingHandCursor if is_series else Qt.CursorShape.ArrowCursor
        self._grid.setCursor(shape)
        self._grid.show_thumbnails(found, info.classes if info else ())
        self._note.setText("" if found else "There is no preview of these data.")
        self._note.setVisible(not found)

    def _on_clicked(self, number: int) -> None:
        """Show a series at large, with its frequencies."""
        info = self._session.data.info
        if info is None or info.kind != "series":
            return
        from widgets.dialogs.spectrum import SpectrumDialog

        kind, thumbnail = self._box.currentData(), self._shown[number]
        split = "train" if kind == "augmented" else kind
        known = 0 <= thumbnail.target < len(info.classes)
        title = info.classes[thumbnail.target] if known else ""
        dialog = SpectrumDialog(self._session, self._theme, self.window())
        dialog.show_sample(split, thumbnail.index, title)
        dialog.show()

    def _on_asked(self, number: int, place: QPoint) -> None:
        """Offer to correct a sample."""
        shown = self._shown[number]
        if self._session.data.info is not None and shown.sample_id:
            target_menu(self._session, {shown.sample_id: shown.label}, self).popup(place)

    def _on_again(self) -> None:
        self._round += 1
        self._fetch()

    def _restyle(self) -> None:
        self._again.setIcon(self._theme.icon("refresh", self._theme.colors.text_soft))


class ThumbnailGrid(QWidget):
    """Paints pictures in as many columns as fit, each with its class below; texts in rows.

    Signals:
        clicked(int): place of a sample among those shown.
        asked(int, QPoint): what can be done with a sample, by the right button or a key; where.
    """

    clicked = Signal(int)
    asked = Signal(int, QPoint)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("thumbnailGrid")
        self.setAccessibleName("Samples")
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._theme = theme
        self._items: list[tuple[QPixmap, str, str]] = []
        self._texts: list[str] = []
        self._current = 0
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme.changed.connect(self.update)

    def show_thumbnails(self, thumbnails: Sequence[Thumbnail], classes: Sequence[str]) -> None:
        """Show other pictures."""
        self._items = []
        self._current = min(self._current, max(len(thumbnails) - 1, 0))
        are_texts = any(each.text for each in thumbnails)
        self._texts = [each.text for each in thumbnails] if are_texts else []
        for thumbnail in thumbnails:
            known = 0 <= thumbnail.target < len(classes)
            title = classes[thumbnail.target] if known else ""
            self._items.append((_pixmap(thumbnail), title, thumbnail.name))
        self.updateGeometry()
        self.update()

    def heightForWidth(self, width: int) -> int:
        """Return the height of all rows."""
        if self._texts:
            return len(self._items) * self._text_row()
        columns, cell = self._columns(width)
        rows = -(-len(self._items) // columns)
        return rows * (cell + self._line())

    def sizeHint(self) -> QSize:
        """Return the size at the present width."""
        return QSize(PIXELS * 3, self.heightForWidth(max(self.width(), PIXELS * 2)))

    def event(self, event: QEvent) -> bool:
        """Tell a sample's name in a tool tip."""
        if event.type() == event.Type.ToolTip:
            self._set_tip(event)
        return super().event(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Tell which picture was clicked."""
        number = self._number_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and number is not None:
            self.clicked.emit(number)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask what can be done with the sample under the mouse, or the current one."""
        is_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        number = self._current if is_key else self._number_at(event.pos())
        if number is not None and number < len(self._items):
            place = self.sample_rect(number).center() if is_key else event.pos()
            self.asked.emit(number, self.mapToGlobal(place))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go through the samples with the arrow keys; Enter is a click."""
        across = 1 if self._texts else self._columns(self.width())[0]
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -across,
            Qt.Key.Key_Down: across,
        }
        key = Qt.Key(event.key())
        if key in steps and self._items:
            self._current = min(max(self._current + steps[key], 0), len(self._items) - 1)
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._items:
            self.clicked.emit(self._current)
        else:
            super().keyPressEvent(event)

    def sample_rect(self, number: int) -> QRect:
        """Return where a sample is."""
        if self._texts:
            return QRect(0, number * self._text_row(), self.width(), self._text_row() - 5)
        return self.picture_rect(number)

    def picture_rect(self, number: int) -> QRect:
        """Return where a picture is."""
        columns, cell = self._columns(self.width())
        left = number % columns * (cell + 4)
        return QRect(left, number // columns * (cell + self._line()), cell, cell)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the samples in sight."""
        painter = QPainter(self)
        if self.hasFocus() and self._items:
            painter.setPen(QColor(self._theme.colors.accent))
            painter.drawRoundedRect(self.sample_rect(self._current).adjusted(-2, -2, 1, 1), 3, 3)
        if self._texts:
            self._paint_texts(painter, event.rect())
            return
        painter.setPen(QColor(self._theme.colors.text_soft))
        font = painter.font()
        font.setPointSizeF(font.pointSizeF() - 1.5)
        painter.setFont(font)
        columns, cell = self._columns(self.width())
        middle = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
        for index, (pixmap, title, _) in enumerate(self._items):
            left = index % columns * (cell + 4)
            top = index // columns * (cell + self._line())
            box = QRect(left, top, cell, cell)
            if not box.adjusted(0, 0, 0, self._line()).intersects(event.rect()):
                continue
            size = pixmap.size().scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
            place = QRect(0, 0, size.width(), size.height())
            place.moveCenter(box.center())
            painter.drawPixmap(place, pixmap)
            text = painter.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, cell)
            painter.drawText(QRect(left, top + cell + 1, cell, self._line()), middle, text)

    def _paint_texts(self, painter: QPainter, exposed: QRect) -> None:
        colors, row = self._theme.colors, self._text_row()
        painter.setFont(ui_font(8.5))
        for index, (text, (_, title, _)) in enumerate(zip(self._texts, self._items, strict=True)):
            box = QRect(0, index * row, self.width(), row - 5)
            if not box.intersects(exposed):
                continue
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colors.field))
            painter.drawRoundedRect(box, 5, 5)
            inner = box.adjusted(8, 5, -8, -4)
            painter.setPen(QColor(colors.text_soft))
            metrics = painter.fontMetrics()
            shown = metrics.elidedText(title, Qt.TextElideMode.ElideRight, inner.width())
            painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, shown)
            painter.setPen(QColor(colors.text))
            inner.setTop(inner.top() + metrics.lineSpacing())
            paint_excerpt(painter, inner, text)

    def _text_row(self) -> int:
        return (TEXT_LINES + 1) * QFontMetrics(ui_font(8.5)).lineSpacing() + 14

    def _line(self) -> int:
        return self.fontMetrics().height() + 4

    def _columns(self, width: int) -> tuple[int, int]:
        columns = max((width + 4) // 54, 2)
        return columns, max((width - 4 * (columns - 1)) // columns, 16)

    def _number_at(self, place: QPoint) -> int | None:
        if self._texts:
            row = place.y() // self._text_row()
            return row if 0 <= row < len(self._texts) else None
        columns, cell = self._columns(self.width())
        column = place.x() // (cell + 4)
        number = place.y() // (cell + self._line()) * columns + column
        return number if column < columns and 0 <= number < len(self._items) else None

    def _set_tip(self, event: QHelpEvent) -> None:
        number = self._number_at(event.pos())
        tip = ""
        if number is not None and self._texts:
            tip = self._texts[number]
        elif number is not None:
            _, title, name = self._items[number]
            tip = f"{name} ({title})" if title else name
            tip += "\nRight-click to relabel it or leave it out"
        self.setToolTip(tip)


def _pixmap(thumbnail: Thumbnail) -> QPixmap:
    height, width, _ = thumbnail.pixels.shape
    data = thumbnail.pixels.tobytes()
    image = QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image.copy())
