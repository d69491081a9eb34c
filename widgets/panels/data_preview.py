"""Small pictures of samples with their classes, as stored or as training sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from widgets.fields import ComboBox
from widgets.panels.column import wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QHelpEvent, QPaintEvent, QShowEvent

    from widgets.theme import Theme
    from workbench.session import Session
    from workbench.session.data import Thumbnail

COUNT = 24
PIXELS = 64
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
        self._grid.show_thumbnails(found, info.classes if info else ())
        self._note.setText("" if found else "There is no preview of these data.")
        self._note.setVisible(not found)

    def _on_again(self) -> None:
        self._round += 1
        self._fetch()

    def _restyle(self) -> None:
        self._again.setIcon(self._theme.icon("refresh", self._theme.colors.text_soft))


class ThumbnailGrid(QWidget):
    """Paints pictures in as many columns as fit, each with its class below."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("thumbnailGrid")
        self.setAccessibleName("Samples")
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self._theme = theme
        self._items: list[tuple[QPixmap, str, str]] = []
        theme.changed.connect(self.update)

    def show_thumbnails(self, thumbnails: Sequence[Thumbnail], classes: Sequence[str]) -> None:
        """Show other pictures."""
        self._items = []
        for thumbnail in thumbnails:
            known = 0 <= thumbnail.target < len(classes)
            title = classes[thumbnail.target] if known else ""
            self._items.append((_pixmap(thumbnail), title, thumbnail.name))
        self.updateGeometry()
        self.update()

    def heightForWidth(self, width: int) -> int:
        """Return the height of all rows."""
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

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the pictures in sight."""
        painter = QPainter(self)
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

    def _line(self) -> int:
        return self.fontMetrics().height() + 4

    def _columns(self, width: int) -> tuple[int, int]:
        columns = max((width + 4) // 54, 2)
        return columns, max((width - 4 * (columns - 1)) // columns, 16)

    def _set_tip(self, event: QHelpEvent) -> None:
        columns, cell = self._columns(self.width())
        column = event.pos().x() // (cell + 4)
        index = event.pos().y() // (cell + self._line()) * columns + column
        tip = ""
        if column < columns and 0 <= index < len(self._items):
            _, title, name = self._items[index]
            tip = f"{name} ({title})" if title else name
        self.setToolTip(tip)


def _pixmap(thumbnail: Thumbnail) -> QPixmap:
    height, width, _ = thumbnail.pixels.shape
    data = thumbnail.pixels.tobytes()
    image = QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image.copy())
