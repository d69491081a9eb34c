"""The Runs tab: every run of this machine, to open, compare, continue and clear away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QMessageBox,
    QSplitter,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from widgets.dialogs.more_epochs import ask_more_epochs
from widgets.monitor.empty import EmptyState
from widgets.panels import runs_model as table
from widgets.panels.run_differences import RunDifferences
from widgets.texts import counted
from workbench.errors import UserError
from workbench.runs import store

if TYPE_CHECKING:
    from PySide6.QtGui import QAction

    from widgets.theme import Theme
    from workbench.document.experiment import Experiment
    from workbench.plugin_api.backend import Backend
    from workbench.runs.store import RunSummary
    from workbench.session import Session

WIDTHS = {
    table.COMPARE: 58,
    table.STAR: 30,
    table.NAME: 220,
    table.STATUS: 100,
    table.EPOCHS: 70,
    table.BEST: 70,
    table.TEST: 70,
    table.DURATION: 100,
    table.STARTED: 140,
}


class RunsPanel(QWidget):
    """A table of runs; below it what differs between the checked ones."""

    run_opened = Signal()
    """Somebody opened a run here: the monitor shows it now."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("runs")
        self.setAccessibleName("Runs")
        self._session = session
        self._model = table.RunsModel(session, theme, self)
        self._order = table.RunsOrder(self)
        self._order.setSourceModel(self._model)
        self.view = self._make_view()
        self._filter = QLineEdit()
        self._filter.setObjectName("filter")
        self._filter.setAccessibleName("Filter runs")
        self._filter.setPlaceholderText("Filter runs")
        self._filter.setClearButtonEnabled(True)
        self._filter.setFixedWidth(220)
        self._filter.textChanged.connect(self._on_filter_changed)
        self._count = QLabel()
        self._count.setProperty("soft", True)
        self._differences = RunDifferences(session, theme)
        self._empty = EmptyState(
            theme,
            "layers",
            "No runs yet",
            "Press Train (F5). Every training is kept here with its settings, curves and "
            "checkpoints.",
        )
        self._lay_out()
        session.run.runs_changed.connect(self._on_runs_changed)
        session.run.opened.connect(self._on_comparison_changed)
        session.comparison.changed.connect(self._on_comparison_changed)
        theme.changed.connect(self._model.repaint)
        self._on_runs_changed()
        session.run.refresh()

    def run_at(self, row: int) -> RunSummary | None:
        """Return the run of a visible row."""
        return self._order.index(row, 0).data(table.RUN_ROLE) if row >= 0 else None

    def show_run(self, run: RunSummary) -> None:
        """Show a run and follow it if it is going on."""
        if self._session.attempt(lambda: self._session.run.open(run.folder)):
            self.run_opened.emit()

    def load_experiment(self, run: RunSummary) -> None:
        """Show a run's experiment in the editor, as a new unsaved one."""
        if not self._session.document.is_saved and not self._ask(
            "Replace the experiment in the editor?",
            "It has changes that are not saved.",
            "Replace",
        ):
            return
        self._session.attempt(
            lambda: self._session.document.replace(store.read_experiment(run.folder))
        )

    def delete(self, run: RunSummary) -> None:
        """Delete a run after asking; a running one is refused by the session."""
        if run.running or self._ask(
            f"Delete “{run.title}”?",
            "Its curves, checkpoints and predictions are deleted from the disk.",
            "Delete",
        ):
            self._session.comparison.check(run.folder, False)
            self._session.attempt(lambda: self._session.run.delete(run.folder))

    def continue_run(self, run: RunSummary) -> None:
        """Ask for how many more epochs, and train."""
        epochs = ask_more_epochs(self, _experiment_of(run))
        if epochs is not None:
            self.show_run(run)
            self._session.attempt(lambda: self._session.run.continue_for(epochs))

    def resume(self, run: RunSummary) -> None:
        """Go on from the last checkpoint."""
        self.show_run(run)
        self._session.attempt(self._session.run.resume)

    def continue_elsewhere(self, run: RunSummary, backend: type[Backend]) -> None:
        """Ask for how many more epochs, and train them in another backend, as a run of its own."""
        left = max(run.planned_epochs - run.epochs, 0)
        title = f"Continue in {backend.title}"
        epochs = ask_more_epochs(self, _experiment_of(run), title, left or 5)
        if epochs is not None:
            self._session.run.continue_elsewhere(
                run.folder, backend.id, epochs, self.run_opened.emit
            )

    def menu_for(self, run: RunSummary) -> QMenu:
        """Return what can be done with a run."""
        menu = QMenu(self)
        is_sound = run.status != "damaged"
        can_resume = is_sound and not run.running and run.status != "completed"
        can_continue = is_sound and not run.running and run.epochs > 0
        _entry(menu, "Show", is_sound).triggered.connect(lambda: self.show_run(run))
        _entry(menu, "Resume", can_resume).triggered.connect(lambda: self.resume(run))
        _entry(menu, "Continue for more epochs…", can_continue).triggered.connect(
            lambda: self.continue_run(run)
        )
        self._add_backends(menu.addMenu("Continue in"), run, can_continue)
        menu.addSeparator()
        _entry(menu, "Load its experiment into the editor", is_sound).triggered.connect(
            lambda: self.load_experiment(run)
        )
        _entry(menu, "Open folder").triggered.connect(lambda: _open_folder(run))
        menu.addSeparator()
        _entry(menu, "Delete…", not run.running).triggered.connect(lambda: self.delete(run))
        return menu

    def _add_backends(self, menu: QMenu, run: RunSummary, can_continue: bool) -> None:
        """Offer the other backends; one that is missing says in its tool tip what installs it."""
        menu.setObjectName("continueIn")
        menu.setToolTipsVisible(True)
        menu.menuAction().setEnabled(can_continue)
        for backend in self._session.catalog.backends:
            if backend.id != run.backend:
                state = backend().availability()
                entry = _entry(menu, backend.title, can_continue and state.ok)
                entry.setToolTip("" if state.ok else f"{state.reason} {state.install}".strip())
                entry.triggered.connect(lambda _=False, b=backend: self.continue_elsewhere(run, b))

    def _ask(self, question: str, consequence: str, verb: str) -> bool:
        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Question)
        box.setText(question)
        box.setInformativeText(consequence)
        agree = box.addButton(verb, QMessageBox.ButtonRole.AcceptRole)
        cancel = box.addButton(QMessageBox.StandardButton.Cancel)
        box.setDefaultButton(cancel)
        box.exec()
        return box.clickedButton() is agree

    def _selected(self) -> RunSummary | None:
        return self.run_at(self.view.currentIndex().row())

    def _on_runs_changed(self) -> None:
        self._model.refresh()
        self._differences.refresh()
        self._layout.setCurrentWidget(self._body if self._model.runs else self._empty)
        self._show_count()

    def _on_comparison_changed(self) -> None:
        self._model.repaint()
        self._differences.refresh()

    def _on_filter_changed(self, text: str) -> None:
        self._order.set_words(text)
        self._show_count()

    def _show_count(self) -> None:
        shown, known = self._order.rowCount(), len(self._model.runs)
        self._count.setText(counted(known, "run") if shown == known else f"{shown} of {known} runs")

    def _on_clicked(self, index: QModelIndex) -> None:
        if index.column() == table.STAR:
            self._model.toggle_star(self._order.mapToSource(index).row())

    def _on_double_clicked(self, index: QModelIndex) -> None:
        run = self.run_at(index.row())
        if run is not None and index.column() not in (table.COMPARE, table.STAR, table.NOTES):
            self.show_run(run)

    def _on_menu_wanted(self, place: QPoint) -> None:
        run = self.run_at(self.view.indexAt(place).row())
        if run is not None:
            self.menu_for(run).popup(self.view.viewport().mapToGlobal(place))

    def _on_enter(self) -> None:
        run = self._selected()
        if run is not None:
            self.show_run(run)

    def _on_delete(self) -> None:
        run = self._selected()
        if run is not None:
            self.delete(run)

    def _make_view(self) -> QTableView:
        view = QTableView()
        view.setObjectName("table")
        view.setAccessibleName("Runs")
        view.setModel(self._order)
        view.setSortingEnabled(True)
        view.sortByColumn(table.STARTED, Qt.SortOrder.DescendingOrder)
        view.setShowGrid(False)
        view.setStyleSheet("QTableView::item { padding: 0 3px; }")  # as the header's
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        # A double click opens the run; F2 or a click on the selected cell writes.
        triggers = QAbstractItemView.EditTrigger
        view.setEditTriggers(triggers.EditKeyPressed | triggers.SelectedClicked)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(26)
        header = view.horizontalHeader()
        header.setHighlightSections(False)
        for column, width in WIDTHS.items():
            header.resizeSection(column, width)
        header.setSectionResizeMode(table.NOTES, QHeaderView.ResizeMode.Stretch)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.customContextMenuRequested.connect(self._on_menu_wanted)
        view.clicked.connect(self._on_clicked)
        view.doubleClicked.connect(self._on_double_clicked)
        for keys, slot in (("Return", self._on_enter), ("Delete", self._on_delete)):
            shortcut = QShortcut(QKeySequence(keys), view)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(slot)
        return view

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(10, 6, 10, 4)
        bar.setSpacing(10)
        bar.addWidget(self._filter)
        bar.addWidget(self._count)
        bar.addStretch(1)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setHandleWidth(1)
        splitter.addWidget(self.view)
        splitter.addWidget(self._differences)
        splitter.setStretchFactor(0, 1)
        splitter.setSizes([1000, 420])
        self._body = QWidget()
        column = QVBoxLayout(self._body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        column.addWidget(splitter, 1)
        self._layout = QStackedLayout(self)
        self._layout.addWidget(self._empty)
        self._layout.addWidget(self._body)


def _experiment_of(run: RunSummary) -> Experiment | None:
    try:
        return store.read_experiment(run.folder)
    except UserError:
        return None


def _entry(menu: QMenu, text: str, is_possible: bool = True) -> QAction:
    action = menu.addAction(text)
    action.setEnabled(is_possible)
    return action


def _open_folder(run: RunSummary) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(run.folder.path)))
