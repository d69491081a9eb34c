"""Pictures with what the network took them for, fetched page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QWidget

from widgets.excerpt import paint_excerpt
from widgets.texts import percent
from widgets.theme import ui_font

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PySide6.QtGui import QKeyEvent, QMouseEvent
    from PySide6.QtWidgets import QStyleOptionViewItem

    from widgets.theme import Theme
    from workbench.session.data import Thumbnail

PAGE = 48
TEXT_ROLE = Qt.ItemDataRole.UserRole + 1
CORRECTION_ROLE = Qt.ItemDataRole.UserRole + 2
PICTURE = 64
CELL = QSize(92, 106)
TEXT_CELL = QSize(176, 116)


@dataclass(frozen=True)
class Answer:
    """One sample's true class and the network's answer."""

    index: int
    true: str
    answer: str
    probability: float
    true_probability: float

    @property
    def is_right(self) -> bool:
        """Whether the answer is the true class."""
        return self.true == self.answer


class GalleryModel(QAbstractListModel):
    """Answers in the order wanted; a page of pictures is asked for when it scrolls into view."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._answers: Sequence[Answer] = ()
        self._fetch: Callable[..., None] | None = None
        self._shown = 0
        self._generation = 0
        self._pictures: dict[int, QPixmap] = {}
        self._texts: dict[int, str] = {}
        self._ids: dict[int, str] = {}
        self._in_words: Callable[[str], str] = lambda sample_id: ""

    def show_corrections(self, in_words: Callable[[str], str]) -> None:
        """Mark the samples that are corrected.

        Args:
            in_words: says of a sample's id how it is; nothing where it is believed.
        """
        self._in_words = in_words
        if self._shown:
            self.dataChanged.emit(self.index(0), self.index(self._shown - 1))

    def sample_id(self, index: int) -> str:
        """Return by what a sample is corrected; empty while it is not known, or cannot be."""
        return self._ids.get(index, "")

    def show_answers(self, answers: Sequence[Answer], fetch: Callable[..., None]) -> None:
        """Begin anew with other answers.

        Args:
            fetch: called with sample numbers and a function that takes their thumbnails.
        """
        self.beginResetModel()
        self._answers, self._fetch, self._shown = answers, fetch, 0
        self._generation += 1
        self._pictures, self._texts, self._ids = {}, {}, {}
        self.endResetModel()
        self.fetchMore(QModelIndex())

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return how many have been paged in."""
        return 0 if parent is not None and parent.isValid() else self._shown

    def canFetchMore(self, parent: QModelIndex) -> bool:
        """Whether there is another page."""
        return not parent.isValid() and self._shown < len(self._answers)

    def fetchMore(self, parent: QModelIndex) -> None:
        """Append a page and ask for its pictures."""
        page = self._answers[self._shown : self._shown + PAGE]
        if not page or self._fetch is None:
            return
        self.beginInsertRows(QModelIndex(), self._shown, self._shown + len(page) - 1)
        self._shown += len(page)
        self.endInsertRows()
        generation = self._generation
        self._fetch(
            [answer.index for answer in page],
            lambda thumbnails: self._on_fetched(generation, thumbnails),
        )

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the answer (UserRole), its picture (DecorationRole) or it in words."""
        answer = self._answers[index.row()]
        if role == Qt.ItemDataRole.UserRole:
            return answer
        if role == Qt.ItemDataRole.DecorationRole:
            return self._pictures.get(answer.index)
        if role == TEXT_ROLE:
            return self._texts.get(answer.index, "")
        if role == CORRECTION_ROLE:
            return self._in_words(self.sample_id(answer.index))
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{answer.true} → {answer.answer} ({percent(answer.probability, 0)})"
        if role == Qt.ItemDataRole.ToolTipRole:
            text = self._texts.get(answer.index, "")
            return (
                f"{text}\n\n" * bool(text)
                + f"Sample {answer.index}\nTrue class: {answer.true}"
                f" ({percent(answer.true_probability)})\nAnswer: {answer.answer}"
                f" ({percent(answer.probability)})"
                f"\n{self._in_words(self.sample_id(answer.index))}".rstrip()
            )
        return None

    @property
    def are_texts(self) -> bool:
        """Whether the samples are texts, as far as is known."""
        return bool(self._texts)

    def _on_fetched(self, generation: int, thumbnails: list[Thumbnail]) -> None:
        if generation != self._generation:
            return
        for thumbnail in thumbnails:
            self._pictures[thumbnail.index] = pixmap_of(thumbnail)
            self._ids[thumbnail.index] = thumbnail.sample_id
            if thumbnail.text:
                self._texts[thumbnail.index] = thumbnail.text
        if self._texts:
            self.layoutChanged.emit()  # texts take wider cards
        if self._shown:
            self.dataChanged.emit(self.index(0), self.index(self._shown - 1))


class Gallery(QListView):
    """A wrapping grid of small pictures, or of texts.

    Signals:
        opened(int): row of a sample that was clicked, or entered.
    """

    opened = Signal(int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("gallery")
        self.setAccessibleName("Predictions")
        self.answers = GalleryModel(self)
        self.setModel(self.answers)
        self.setItemDelegate(_Card(theme, self))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        self.setSpacing(2)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        theme.changed.connect(self.viewport().update)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Open what is clicked; with Ctrl or Shift it is only selected."""
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        is_click = event.button() == Qt.MouseButton.LeftButton and not event.modifiers()
        if is_click and self.selectionModel().selectedIndexes() == [index]:
            self.opened.emit(index.row())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open the current sample with Enter."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex().row())
        else:
            super().keyPressEvent(event)


class _Card(QStyledItemDelegate):
    """Paints a picture with two lines below it."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """All cards are alike."""
        return TEXT_CELL if index.model().are_texts else CELL

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw picture, answer and probability; a wrong answer is red and names the truth."""
        colors = self._theme.colors
        answer: Answer = index.data(Qt.ItemDataRole.UserRole)
        box: QRect = option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, QColor(colors.field_hover))
        place = QRect(box.center().x() - PICTURE // 2, box.top() + 4, PICTURE, PICTURE)
        picture = index.data(Qt.ItemDataRole.DecorationRole)
        if index.model().are_texts:
            place = QRect(box.left() + 4, box.top() + 4, box.width() - 8, TEXT_CELL.height() - 42)
            self._paint_text(painter, place, index.data(TEXT_ROLE))
        elif picture is None:
            painter.fillRect(place, QColor(colors.field))
        else:
            size = picture.deviceIndependentSize().toSize()
            painter.drawPixmap(
                place.center().x() - size.width() // 2 + 1,
                place.center().y() - size.height() // 2 + 1,
                picture,
            )
        painter.setFont(ui_font(8.5))
        metrics = painter.fontMetrics()
        line = QRect(box.left() + 3, place.bottom() + 4, box.width() - 6, 15)
        painter.setPen(QColor(colors.text if answer.is_right else colors.error))
        share = percent(answer.probability, 0)
        room = line.width() - metrics.horizontalAdvance(f" · {share}")
        name = metrics.elidedText(answer.answer, Qt.TextElideMode.ElideRight, room)
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, f"{name} · {share}")
        corrected = index.data(CORRECTION_ROLE)
        painter.setPen(QColor(colors.accent if corrected else colors.text_soft))
        truth = corrected or ("right" if answer.is_right else f"is {answer.true}")
        truth = metrics.elidedText(truth, Qt.TextElideMode.ElideRight, line.width())
        painter.drawText(line.translated(0, 15), Qt.AlignmentFlag.AlignCenter, truth)

    def _paint_text(self, painter: QPainter, place: QRect, text: str) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.colors.field))
        painter.drawRoundedRect(place, 5, 5)
        painter.setPen(QColor(self._theme.colors.text))
        painter.setFont(ui_font(8.5))
        paint_excerpt(painter, place.adjusted(8, 5, -8, -4), text)


def pixmap_of(thumbnail: Thumbnail) -> QPixmap:
    """Return a thumbnail for lists: 64 pixels at its longer side."""
    pixels = thumbnail.pixels
    height, width, _ = pixels.shape
    image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    is_small = max(width, height) < PICTURE
    return QPixmap.fromImage(image).scaled(
        PICTURE,
        PICTURE,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.FastTransformation
        if is_small
        else Qt.TransformationMode.SmoothTransformation,
    )
