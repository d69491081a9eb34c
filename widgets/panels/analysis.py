"""The Analysis tab: what each layer puts out, holds and costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from widgets.panels.column import wrapped
from widgets.texts import counted, grouped, short_count
from widgets.theme import CATEGORY_COLORS, FONT_SIZE, ui_font

if TYPE_CHECKING:
    from widgets.theme import Theme
    from workbench.plugin_api.network import Network, ResolvedNode
    from workbench.session import Session

COLUMNS = ("Layer", "Parameters", "Mult-adds")
NODE = Qt.ItemDataRole.UserRole
SHARE = Qt.ItemDataRole.UserRole + 1
SECOND = Qt.ItemDataRole.UserRole + 2


class AnalysisPanel(QWidget):
    """A table of the layers; a click selects one on the canvas."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("analysis")
        self.setAccessibleName("Analysis")
        self._session = session
        self._totals = wrapped("", self)
        self._totals.setObjectName("analysisTotals")
        self._totals.setContentsMargins(14, 10, 14, 4)
        self._model = LayerTable(self)
        self._table = QTableView(self)
        self._style_table(theme)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._totals)
        column.addWidget(self._table, 1)
        session.document.report_changed.connect(self.refresh)
        session.document.selection_changed.connect(self._show_selection)
        theme.changed.connect(self._table.viewport().update)
        self.refresh()

    def refresh(self) -> None:
        """Show the network as it is."""
        network = self._session.document.report.network
        self._model.show_network(network)
        totals = [counted(network.parameters, "parameter")]
        if network.multiply_adds:
            totals.append(f"{short_count(network.multiply_adds)} multiply-adds a sample")
        text = " · ".join(totals)
        unresolved = len(self._session.document.experiment.graph.nodes) - len(network.nodes)
        if unresolved:
            text += f"\n{counted(unresolved, 'layer')} left out, see Problems"
        self._totals.setText(text if network.nodes else "There is nothing to analyse yet.")
        self._show_selection()

    def _style_table(self, theme: Theme) -> None:
        table = self._table
        table.setObjectName("analysisTable")
        table.setAccessibleName("Layers and their cost")
        table.setModel(self._model)
        table.setItemDelegate(_LayerDelegate(theme, table))
        table.setShowGrid(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(44)
        table.horizontalHeader().setHighlightSections(False)
        table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        modes = QHeaderView.ResizeMode
        table.horizontalHeader().setSectionResizeMode(0, modes.Stretch)
        for column, width in ((1, 84), (2, 82)):
            table.horizontalHeader().setSectionResizeMode(column, modes.Fixed)
            table.setColumnWidth(column, width)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.selectionModel().currentRowChanged.connect(self._on_row_changed)

    def _on_row_changed(self, index: QModelIndex) -> None:
        node_id = index.data(NODE)
        if node_id and node_id not in self._session.document.selection:
            self._session.document.select((node_id,))

    def _show_selection(self) -> None:
        selection = self._session.document.selection
        row = self._model.row_of(selection[0]) if len(selection) == 1 else -1
        chosen = self._table.selectionModel()
        chosen.blockSignals(True)
        if row >= 0:
            self._table.selectRow(row)
        else:
            self._table.clearSelection()
        chosen.blockSignals(False)
        self._table.viewport().update()


class LayerTable(QAbstractTableModel):
    """The resolved layers as rows."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._nodes: tuple[ResolvedNode, ...] = ()
        self._totals = (0, 0)

    def show_network(self, network: Network) -> None:
        """Show another network."""
        self.beginResetModel()
        self._nodes = network.nodes
        self._totals = (network.parameters, network.multiply_adds)
        self.endResetModel()

    def row_of(self, node_id: str) -> int:
        """Return a layer's row; -1 if it has none."""
        return next((i for i, node in enumerate(self._nodes) if node.id == node_id), -1)

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of layers."""
        return 0 if parent is not None and parent.isValid() else len(self._nodes)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a column's title."""
        wanted = orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole
        return COLUMNS[section] if wanted else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell says."""
        node = self._nodes[index.row()]
        if role == NODE:
            return node.id
        if role == Qt.ItemDataRole.ForegroundRole:
            return CATEGORY_COLORS.get(node.layer.category, "")
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{node.id}: {node.layer.title}, {node.output}"
        if index.column() == 0:
            texts = {Qt.ItemDataRole.DisplayRole: node.id}
            texts[SECOND] = f"{node.output} · {node.layer.title}".replace(" × ", "×")
            return texts.get(role)
        value = node.parameters if index.column() == 1 else node.multiply_adds
        if role == Qt.ItemDataRole.DisplayRole:
            return (grouped(value) if index.column() == 1 else short_count(value)) if value else "–"
        if role == SHARE:
            return value / max(self._totals[index.column() - 1], 1)
        return None


class _LayerDelegate(QStyledItemDelegate):
    """Paints two lines: a name over its shape, a number over its share."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return the room of two lines."""
        return QSize(60, 44)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Paint one cell."""
        colors = self._theme.colors
        if option.state & option.state.State_Selected:
            painter.fillRect(option.rect, QColor(colors.field_hover))
        first = index.column() == 0
        area = option.rect.adjusted(16 if first else 6, 5, -6, -6)
        upper = QRect(area.left(), area.top(), area.width(), area.height() // 2)
        lower = QRect(area.left(), upper.bottom(), area.width(), area.height() // 2)
        painter.setPen(QColor(colors.text))
        painter.setFont(option.font)
        left = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        _text(painter, upper, left, index.data())
        if first:
            tint = index.data(Qt.ItemDataRole.ForegroundRole) or colors.text_faint
            painter.fillRect(
                QRect(area.left() - 8, area.top() + 2, 3, area.height() - 2), QColor(tint)
            )
            painter.setFont(ui_font(FONT_SIZE - 1.5))
            painter.setPen(QColor(colors.text_soft))
            _text(painter, lower, left, index.data(SECOND))
        elif index.data(SHARE):
            bar = QRect(lower.left(), lower.center().y() - 1, lower.width(), 4)
            painter.fillRect(bar, QColor(colors.field))
            bar.setWidth(max(round(bar.width() * index.data(SHARE)), 1))
            tint = index.data(Qt.ItemDataRole.ForegroundRole) or colors.accent
            painter.fillRect(bar, QColor(tint))


def _text(painter: QPainter, area: QRect, flags: Qt.AlignmentFlag, text: str) -> None:
    mode = Qt.TextElideMode.ElideRight
    painter.drawText(area, flags, painter.fontMetrics().elidedText(text, mode, area.width()))
