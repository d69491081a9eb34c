"""The modules inside a layer that keeps an imported network: watched, frozen, cut."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QMenu,
    QPushButton,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from widgets.texts import counted
from workbench.analysis import retraining
from workbench.plugin_api.layer import around

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtCore import QPoint

    from workbench.document.experiment import Experiment
    from workbench.plugin_api.layer import Part
    from workbench.plugin_api.network import ResolvedNode
    from workbench.session import Session

_PATH = Qt.ItemDataRole.UserRole
_MODULE, _OUTPUT = range(2)
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_LEAST_HEIGHT, _MOST_HEIGHT = 120, 320
CHECKED, PARTLY, UNCHECKED = (
    Qt.CheckState.Checked,
    Qt.CheckState.PartiallyChecked,
    Qt.CheckState.Unchecked,
)


class InnerModules(QWidget):
    """A tree of modules with a mark where they are trained, and what can be done with one."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._node: ResolvedNode | None = None
        self._parts: tuple[Part, ...] = ()
        self._items: dict[str, QTreeWidgetItem] = {}
        self._tree = _Tree(self)
        self._tree.itemChanged.connect(self._on_item_changed)
        self._tree.currentItemChanged.connect(self._on_current_changed)
        self._tree.customContextMenuRequested.connect(self._on_menu)
        self._up_to = QPushButton("Freeze up to here", self)
        self._up_to.setObjectName("freezeUpToInside")
        self._up_to.setToolTip("Leave this module and all that works before it as they are")
        self._up_to.clicked.connect(lambda: self._freeze(up_to=True))
        self._end = QPushButton("End here", self)
        self._end.setObjectName("endInside")
        self._end.setToolTip("Give the output of this module; leave out what follows it")
        self._end.clicked.connect(self._end_here)
        self._whole = QToolButton(self)
        self._whole.setObjectName("wholeNetwork")
        self._whole.setText("Whole network again")
        self._whole.setProperty("flat", True)
        self._whole.clicked.connect(lambda: self._edit_end(""))
        self._lay_out()

    def show_node(self, node: ResolvedNode | None) -> None:
        """Show a layer's modules; hidden where it has none."""
        parts = node.layer.inner_of(node.input_types) if node is not None else ()
        self.setVisible(bool(parts))
        self._node = node
        if node is None or not parts:
            return
        if parts != self._parts:
            self._parts = parts
            self._fill()
        self._show_marks()
        self._up_to.setHidden(node.layer.is_fixed)
        self._whole.setVisible(bool(getattr(node.layer, "end", "")))
        self._show_buttons()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self._tree)
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self._up_to)
        buttons.addWidget(self._end)
        buttons.addStretch(1)
        layout.addLayout(buttons)
        layout.addWidget(self._whole, 0, Qt.AlignmentFlag.AlignLeft)

    def _fill(self) -> None:
        assert self._node is not None
        self._tree.blockSignals(True)
        self._tree.clear()
        self._items = {}
        counts = Counter[str]()
        for name, spec in self._node.weights.items():
            counts.update(dict.fromkeys(around(name), spec.size if spec.trainable else 0))
        for part in self._parts:
            if part.path:
                self._add(part, counts[part.path])
        self._tree.blockSignals(False)
        rows = min(len(self._items), 12)
        height = self._tree.sizeHintForRow(0) * (rows + 1) + 12 if rows else _LEAST_HEIGHT
        self._tree.setFixedHeight(min(max(height, _LEAST_HEIGHT), _MOST_HEIGHT))

    def _add(self, part: Part, count: int) -> None:
        above = next(path for path in around(part.path) if path in self._items or not path)
        name = part.path[len(above) :].lstrip(".")
        sizes = ["?" if size is None else str(size) for size in part.shape or ()]
        texts = [name, " × ".join(sizes)]
        item = QTreeWidgetItem(self._items.get(above) or self._tree.invisibleRootItem(), texts)
        item.setData(_MODULE, _PATH, part.path)
        item.setTextAlignment(_OUTPUT, _RIGHT)
        own = f", {counted(count, 'parameter')}" if count else ""
        for column in (_MODULE, _OUTPUT):
            item.setToolTip(column, f"{part.path}: {part.kind}{own}")
        self._items[part.path] = item

    def _show_marks(self) -> None:
        assert self._node is not None
        trained, frozen = set(self._node.trained), set[str]()
        states: dict[str, Qt.CheckState] = {}
        for name, spec in self._node.weights.items():
            for path in around(name):
                state = CHECKED if name in trained else states.get(path, UNCHECKED)
                states[path] = state
            if spec.frozen:
                frozen.update(around(name))
        self._tree.blockSignals(True)
        for path, item in self._items.items():
            if path in states:
                is_partly = states[path] == CHECKED and path in frozen
                item.setCheckState(_MODULE, PARTLY if is_partly else states[path])
        self._tree.blockSignals(False)

    def _show_buttons(self) -> None:
        part = self._chosen
        self._up_to.setEnabled(part is not None)
        self._end.setEnabled(part is not None and part.shape is not None)

    @property
    def _chosen(self) -> Part | None:
        item = self._tree.currentItem()
        path = item.data(_MODULE, _PATH) if item is not None else None
        return next((part for part in self._parts if part.path == path), None)

    def _on_current_changed(self) -> None:
        self._show_buttons()
        part, node = self._chosen, self._node
        if part is None or node is None or part.shape is None:
            return
        name = f"{node.id}.{part.path}"
        if name in self._session.watching.layers:
            self._session.watching.choose_layer(name)

    def _on_item_changed(self, item: QTreeWidgetItem, column: int) -> None:
        if column != _MODULE or self._node is None:
            return
        node_id, path = self._node.id, item.data(_MODULE, _PATH)
        if item.checkState(_MODULE) == UNCHECKED:
            self._edit(lambda e, n: retraining.freeze_inside(e, n, node_id, path), f"Freeze {path}")
        else:
            self._edit(
                lambda e, n: retraining.unfreeze_inside(e, n, node_id, path), f"Unfreeze {path}"
            )

    def _on_menu(self, place: QPoint) -> None:
        item = self._tree.itemAt(place)
        part = self._chosen
        if item is None or part is None:
            return
        menu = QMenu(self)
        if self._node is not None and not self._node.layer.is_fixed:
            menu.addAction("Freeze", lambda: self._freeze(up_to=False))
            menu.addAction("Freeze up to here", lambda: self._freeze(up_to=True))
        menu.addAction("End here", self._end_here).setEnabled(part.shape is not None)
        menu.exec(self._tree.viewport().mapToGlobal(place))

    def _freeze(self, *, up_to: bool) -> None:
        part, node = self._chosen, self._node
        if part is not None and node is not None:
            self._edit(
                lambda e, n: retraining.freeze_inside(e, n, node.id, part.path, up_to=up_to),
                f"Freeze {'up to ' if up_to else ''}{part.path}",
            )

    def _end_here(self) -> None:
        if self._chosen is not None:
            self._edit_end(self._chosen.path)

    def _edit_end(self, path: str) -> None:
        node = self._node
        if node is not None:
            words = f"End {node.id} after {path}" if path else f"Use all of {node.id}"
            self._edit(lambda e, n: retraining.cut_after(e, n, node.id, path), words)

    def _edit(self, change: Callable[[Experiment, object], Experiment], title: str) -> None:
        document = self._session.document
        network = document.report.network
        self._session.attempt(lambda: document.edit(lambda e: change(e, network), title))
        self._show_marks()  # which a click changed, also where that changed nothing


class _Tree(QTreeWidget):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("innerModules")
        self.setAccessibleName("Modules inside")
        self.setHeaderLabels(["Module", "Output"])
        self.setIndentation(12)
        self.setUniformRowHeights(True)
        self.setIconSize(QSize(10, 10))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setVerticalScrollMode(QTreeWidget.ScrollMode.ScrollPerPixel)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(_MODULE, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(_OUTPUT, QHeaderView.ResizeMode.ResizeToContents)
        self.headerItem().setTextAlignment(_OUTPUT, _RIGHT)
