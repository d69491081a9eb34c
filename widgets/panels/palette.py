"""The layer palette: every kind of layer by category, to be dragged onto the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QEvent,
    QMimeData,
    QObject,
    QPoint,
    QPointF,
    QRectF,
    QSize,
    QSizeF,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QDrag, QFont, QPainter, QPen, QPixmap
from PySide6.QtWidgets import (
    QLabel,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from widgets.canvas.face import OTHER_COLOR
from widgets.canvas.gestures.drop import LAYER_MIME
from widgets.layer_search import NO_MATCH, by_category, rank
from widgets.swatch import swatch
from widgets.theme import CATEGORY_COLORS, ui_font

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent

    from widgets.theme import Theme
    from workbench.plugin_api.layer import Layer
    from workbench.session import Session

_TYPE = Qt.ItemDataRole.UserRole
_ROW = QSize(0, 23)
_BESIDE_MOUSE = QPointF(14, 12)
"""From the mouse to the corner of what is dragged."""
_CHIP_HEIGHT = 26


class LayerPalette(QWidget):
    """Filter field above, categories that fold below.

    Signals:
        layer_chosen(str): a layer was double-clicked, or Enter was pressed on it: its id.
    """

    layer_chosen = Signal(str)

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("palette")
        self._theme = theme
        self._catalog = session.catalog
        self._filter = QLineEdit(placeholderText="Filter layers", clearButtonEnabled=True)
        self._filter.setObjectName("palette_filter")
        self._filter.setAccessibleName("Filter layers")
        self._tree = LayerTree(theme, self)
        self._nothing = QLabel()
        self._nothing.setObjectName("palette_nothing")
        self._nothing.setProperty("soft", True)
        self._nothing.setWordWrap(True)
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignHCenter)
        self._nothing.setContentsMargins(12, 18, 12, 0)
        self._nothing.hide()
        self._broken = QLabel()
        self._broken.setObjectName("palette_broken")
        self._broken.setContentsMargins(12, 6, 12, 8)
        self._broken.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 10, 0, 0)
        layout.setSpacing(6)
        field_row = QVBoxLayout()
        field_row.setContentsMargins(10, 0, 10, 0)
        field_row.addWidget(self._filter)
        layout.addLayout(field_row)
        layout.addWidget(self._nothing, 1)
        layout.addWidget(self._tree, 1)
        layout.addWidget(self._broken)
        self.setFocusProxy(self._filter)
        self._filter.textChanged.connect(self._on_filter_changed)
        self._filter.installEventFilter(self)
        self._tree.itemActivated.connect(self._on_activated)
        theme.changed.connect(self._restyle)
        self._fill()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """From the field: Down goes to the list, Enter takes the best match, Esc clears."""
        if event.type() != QEvent.Type.KeyPress:
            return False
        if event.key() == Qt.Key.Key_Down:
            self._tree.setFocus(Qt.FocusReason.TabFocusReason)
            best = self._best()
            if best:
                self._tree.setCurrentItem(best)
            return True
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            best = self._best()
            if best and self._filter.text().strip():
                self.layer_chosen.emit(best.data(0, _TYPE))
            return True
        if event.key() == Qt.Key.Key_Escape and self._filter.text():
            self._filter.clear()
            return True
        return False

    def _fill(self) -> None:
        for category, kinds in by_category(self._catalog.layers).items():
            group = QTreeWidgetItem(self._tree, [category])
            font = ui_font(weight=QFont.Weight.DemiBold)
            group.setFont(0, font)
            group.setSizeHint(0, _ROW)
            group.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            icon = swatch(CATEGORY_COLORS.get(category, OTHER_COLOR))
            for kind in kinds:
                item = QTreeWidgetItem(group, [kind.title])
                item.setIcon(0, icon)
                item.setSizeHint(0, _ROW)
                item.setData(0, _TYPE, kind.id)
                item.setToolTip(0, _tip(kind))
            group.setExpanded(True)
        self._note_broken()

    def _note_broken(self) -> None:
        broken = self._catalog.broken
        self._broken.setVisible(bool(broken))
        names = ", ".join(item.module for item in broken)
        many = "plug-in" if len(broken) == 1 else "plug-ins"
        self._broken.setText(f"{len(broken)} {many} could not be loaded: {names}")
        self._broken.setToolTip("\n".join(f"{item.module}: {item.message}" for item in broken))
        self._restyle()

    def _restyle(self) -> None:
        self._broken.setStyleSheet(f"color: {self._theme.colors.warning};")

    def _on_filter_changed(self, text: str) -> None:
        shown = 0
        for group in self._groups():
            kept = 0
            for row in range(group.childCount()):
                item = group.child(row)
                fits = rank(self._catalog.layers[item.data(0, _TYPE)], text) < NO_MATCH
                item.setHidden(not fits)
                kept += fits
            group.setHidden(not kept)
            if text.strip() and kept:
                group.setExpanded(True)
            shown += kept
        self._tree.setVisible(bool(shown))
        self._nothing.setVisible(not shown)
        self._nothing.setText(f"No layer is called “{text.strip()}”.")

    def _best(self) -> QTreeWidgetItem | None:
        """Return the item that fits the filter best; the topmost of equals."""
        shown = [
            group.child(row)
            for group in self._groups()
            for row in range(group.childCount())
            if not group.child(row).isHidden()
        ]
        kinds = self._catalog.layers
        text = self._filter.text()
        return min(shown, key=lambda item: rank(kinds[item.data(0, _TYPE)], text), default=None)

    def _groups(self) -> list[QTreeWidgetItem]:
        return [self._tree.topLevelItem(row) for row in range(self._tree.topLevelItemCount())]

    def _on_activated(self, item: QTreeWidgetItem) -> None:
        if item.data(0, _TYPE):
            self.layer_chosen.emit(item.data(0, _TYPE))


class LayerTree(QTreeWidget):
    """A tree from which layers can be dragged."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("palette_tree")
        self.setAccessibleName("Layers")
        self._theme = theme
        self.setHeaderHidden(True)
        self.setIndentation(12)
        self.setIconSize(QSize(10, 10))
        self.setUniformRowHeights(True)
        self.setDragEnabled(True)
        self.setDragDropMode(QTreeWidget.DragDropMode.DragOnly)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QTreeWidget.ScrollMode.ScrollPerPixel)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Fold a category with Enter as well."""
        item = self.currentItem()
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and item and item.childCount():
            item.setExpanded(not item.isExpanded())
        else:
            super().keyPressEvent(event)

    def mimeTypes(self) -> list[str]:
        """Name the one format that is dragged."""
        return [LAYER_MIME]

    def mimeData(self, items: list[QTreeWidgetItem]) -> QMimeData:
        """Return the dragged layer's id."""
        data = QMimeData()
        type_id = items[0].data(0, _TYPE) if items else None
        if type_id:
            data.setData(LAYER_MIME, type_id.encode())
        return data

    def startDrag(self, actions: Qt.DropAction) -> None:
        """Drag the layer's name below the mouse; what it would land on stays in sight."""
        item = self.currentItem()
        if item is None or not item.data(0, _TYPE):
            return
        drag = QDrag(self)
        drag.setMimeData(self.mimeData([item]))
        drag.setPixmap(self._likeness(item))
        drag.setHotSpot(QPoint(0, 0))
        drag.exec(Qt.DropAction.CopyAction)

    def _likeness(self, item: QTreeWidgetItem) -> QPixmap:
        colors = self._theme.colors
        ratio = self.devicePixelRatioF()
        chip = QRectF(_BESIDE_MOUSE, QSizeF(self._chip_width(item), _CHIP_HEIGHT))
        picture = QPixmap(int((chip.right() + 1) * ratio), int((chip.bottom() + 1) * ratio))
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(colors.accent), 1.2))
        painter.setBrush(QColor(colors.node))
        painter.drawRoundedRect(chip, 6, 6)
        inner = chip.adjusted(9, 0, -9, 0)
        swatch_top = chip.center().y() - 5
        painter.drawPixmap(QPointF(inner.left(), swatch_top), item.icon(0).pixmap(10, 10))
        painter.setPen(QColor(colors.text))
        painter.setFont(self.font())
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(inner.adjusted(17, 0, 9, 0), middle, item.text(0))
        painter.end()
        return picture

    def _chip_width(self, item: QTreeWidgetItem) -> int:
        return self.fontMetrics().horizontalAdvance(item.text(0)) + 9 + 17 + 11


def _tip(kind: type[Layer]) -> str:
    return f"<b>{kind.title}</b><br>{kind.help}" if kind.help else kind.title
