"""Networks by library and family, to be dragged; of thousands, only what is seen is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QDrag,
    QFont,
    QFontMetrics,
    QPainter,
    QStandardItem,
    QStandardItemModel,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QWidget,
)

from widgets.canvas.gestures.drop_model import MODEL_MIME
from widgets.texts import short_count
from widgets.theme import ui_font

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from PySide6.QtGui import QKeyEvent

    from widgets.canvas.gestures.drop_model import Model
    from widgets.theme import Theme
    from workbench.plugin_api.importer import Architecture

_ARCHITECTURE = Qt.ItemDataRole.UserRole + 1
_WORDS = Qt.ItemDataRole.UserRole + 2
_TITLES = {"keras": "keras.applications", "transformers": "Hugging Face"}
_ORDER = ("torchvision", "timm", "transformers", "keras")
_HEADING, _ROW = 24, 38
HERE = "On this computer"


class ModelTree(QTreeView):
    """Libraries that unfold to families, and those to networks.

    Signals:
        chosen(): another network is chosen, or none.
        wanted(): the chosen one shall come onto the canvas.

    Args:
        model: returns what is dragged.
    """

    chosen = Signal()
    wanted = Signal()

    def __init__(
        self, theme: Theme, model: Callable[[], Model | None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("modelTree")
        self.setAccessibleName("Networks")
        self._dragged = model
        self._items = QStandardItemModel(0, 1, self)
        self._filter = _Words(self)
        self._filter.setSourceModel(self._items)
        self.setModel(self._filter)
        self.setItemDelegate(_Rows(theme, self))
        self.setHeaderHidden(True)
        self.setIndentation(12)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setExpandsOnDoubleClick(True)
        self.selectionModel().selectionChanged.connect(lambda *_: self.chosen.emit())
        self.doubleClicked.connect(self._on_double_clicked)
        theme.changed.connect(self.viewport().update)

    def show_models(self, models: Sequence[Architecture], missing: Mapping[str, str]) -> None:
        """List networks; those whose weights are here come first."""
        self._items.setRowCount(0)
        here = [each for each in models if any(weights.is_here for weights in each.weights)]
        if here:
            group = _heading(f"{HERE}  {len(here)}")
            for each in here:
                group.appendRow(_item(each))
            self._items.appendRow(group)
        known = dict.fromkeys(each.importer for each in models)
        for importer in sorted(known, key=_place):
            own = [each for each in models if each.importer == importer]
            library = _heading(f"{_TITLES.get(importer, importer)}  {len(own)}")
            library.setToolTip(missing.get(importer, ""))
            for family, members in _families(own).items():
                group = _heading(f"{family}  {len(members)}")
                for each in members:
                    group.appendRow(_item(each))
                library.appendRow(group)
            self._items.appendRow(library)
        if here:
            self.expand(self.model().index(0, 0))

    def narrow(self, text: str) -> None:
        """Show the networks that have every word in them, unfolded."""
        words = text.lower().split()
        self._filter.look_for(words)
        if words:
            self.expandAll()
        else:
            self.collapseAll()
            if self._items.rowCount() and self._items.item(0).text().startswith(HERE):
                self.expand(self.model().index(0, 0))

    def take_first(self) -> None:
        """Choose the first network that is shown; if one is chosen already, ask for it."""
        if self.architecture is not None:
            self.wanted.emit()
        else:
            self.choose_first()

    def choose_first(self) -> None:
        """Choose the first network that is shown, or the first of its heading."""
        index = self.model().index(0, 0)
        while index.isValid() and index.data(_ARCHITECTURE) is None:
            index = self.model().index(0, 0, index)
        if index.isValid():
            self.setCurrentIndex(index)

    @property
    def architecture(self) -> Architecture | None:
        """The chosen network."""
        rows = self.selectionModel().selectedRows()
        found: Architecture | None = rows[0].data(_ARCHITECTURE) if rows else None
        return found

    @property
    def count(self) -> int:
        """Number of libraries that are shown."""
        return self._filter.rowCount()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take a network with Enter; fold and unfold a heading with it."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.architecture is not None:
                self.wanted.emit()
            else:
                index = self.currentIndex()
                self.setExpanded(index, not self.isExpanded(index))
        else:
            super().keyPressEvent(event)

    def startDrag(self, actions: Qt.DropAction) -> None:
        """Drag the chosen network."""
        model = self._dragged()
        if model is None:
            return
        drag = QDrag(self)
        data = QMimeData()
        data.setData(MODEL_MIME, model.encoded())
        drag.setMimeData(data)
        drag.exec(Qt.DropAction.CopyAction)

    def _on_double_clicked(self, index: QModelIndex) -> None:
        if index.data(_ARCHITECTURE) is not None:
            self.wanted.emit()


class _Words(QSortFilterProxyModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._wanted: list[str] = []
        self.setRecursiveFilteringEnabled(True)

    def look_for(self, words: list[str]) -> None:
        self._wanted = words
        self.invalidate()

    def filterAcceptsRow(self, row: int, parent: QModelIndex | QPersistentModelIndex) -> bool:
        """Whether a network has every word; headings stay where one of theirs does."""
        words: str | None = self.sourceModel().index(row, 0, parent).data(_WORDS)
        if words is None:
            return not self._wanted
        return all(word in words for word in self._wanted)


class _Rows(QStyledItemDelegate):
    """Draws a network in two lines: its name, and what one chooses by."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._bold = ui_font(weight=QFont.Weight.DemiBold)
        self._small = ui_font()
        self._small.setPointSizeF(self._small.pointSizeF() * 0.88)

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """Return one height for networks, and a smaller one for headings."""
        return QSize(80, _HEADING if index.data(_ARCHITECTURE) is None else _ROW)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw a heading or a network."""
        colors = self._theme.colors
        found: Architecture | None = index.data(_ARCHITECTURE)
        box = option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(box, QColor(colors.field_hover))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(box, QColor(colors.field))
        if found is None:
            is_library = not index.parent().isValid()
            self._heading(painter, box, index.data(), bold=is_library)
            return
        upper = QRect(box.left() + 2, box.top() + 3, box.width() - 8, box.height() // 2 - 2)
        lower = upper.translated(0, box.height() // 2 - 3)
        ink = colors.text if found.is_possible else colors.text_faint
        _write(painter, upper, found.name, ui_font(), ink)
        _write(painter, lower, summary(found), self._small, colors.text_soft)

    def _heading(self, painter: QPainter, box: QRect, text: str, *, bold: bool) -> None:
        colors = self._theme.colors
        name, _, count = text.rpartition("  ")
        font = self._bold if bold else ui_font()
        inner = box.adjusted(2, 0, -8, 0)
        _write(painter, inner, name, font, colors.text)
        width = QFontMetrics(font).horizontalAdvance(name) + 8
        _write(painter, inner.adjusted(width, 0, 0, 0), count, self._small, colors.text_faint)


def summary(found: Architecture) -> str:
    """Return what one chooses a network by, in a line: size, accuracy, input, form."""
    accuracy = max((w.accuracy for w in found.weights if w.accuracy), default=0.0)
    is_here = any(weights.is_here for weights in found.weights)
    parts = (
        "here" if is_here else "",
        short_count(found.parameters) if found.parameters else "",
        f"{accuracy:.1f} %" if accuracy else "",
        f"{found.input[0]} px" if all(found.input) else found.takes,
        "block" if found.is_block else "not yet" if found.covered is False else "",
    )
    return " · ".join(part for part in parts if part)


def _write(painter: QPainter, box: QRect, text: str, font: QFont, color: str) -> None:
    shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, box.width())
    painter.setFont(font)
    painter.setPen(QColor(color))
    painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), shown)


def _families(models: Sequence[Architecture]) -> dict[str, list[Architecture]]:
    """Return networks by family, smallest first; families of unknown name come last."""
    found: dict[str, list[Architecture]] = {}
    ordered = sorted(models, key=lambda each: (not each.family, each.family.lower()))
    for each in ordered:
        found.setdefault(each.family or "other", []).append(each)
    return {
        name: sorted(own, key=lambda each: (each.parameters, each.name))
        for name, own in found.items()
    }


def _place(importer: str) -> tuple[int, str]:
    return (_ORDER.index(importer) if importer in _ORDER else len(_ORDER), importer)


def _heading(text: str) -> QStandardItem:
    item = QStandardItem(text)
    item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
    return item


def _item(found: Architecture) -> QStandardItem:
    item = QStandardItem(found.name)
    item.setData(found, _ARCHITECTURE)
    item.setData(f"{found.importer} {found.family} {found.name}".lower(), _WORDS)
    item.setToolTip(
        f"{found.name} · {summary(found)}" + (f"\n{found.reason}" if found.reason else "")
    )
    return item
