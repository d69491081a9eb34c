"""Compare backends: the same steps on each, the curves in the monitor, the differences here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from widgets.fields import set_property
from widgets.forms import StructForm
from widgets.panels.column import wrapped
from workbench.plugin_api.parameters import fields_of
from workbench.session.backend_comparison import ComparisonSettings, random_layers, random_note

if TYPE_CHECKING:
    from PySide6.QtGui import QCloseEvent

    from workbench.session import BackendComparison, Session
    from workbench.session.backend_comparison import Trial

COLUMNS = ("Backend", "Steps", "Last loss", "Difference", "Time")
WIDTHS = (180, 90, 110, 110, 90)
ROW_HEIGHT = 30


class CompareBackendsDialog(QDialog):
    """Chooses backends and steps, and shows how far their losses are apart.

    Signals:
        begun(): training starts; the curves are in the monitor.
    """

    begun = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("compareBackends")
        self.setWindowTitle("Compare backends")
        self.resize(720, 400)
        self._session = session
        self._compared: BackendComparison | None = None
        self._settings = ComparisonSettings()
        self._form = StructForm(fields_of(ComparisonSettings), self, label_width=60)
        self._form.show_struct(self._settings)
        self._form.changed.connect(self._on_setting)
        self._table = _table(self)
        self._note = wrapped("", self)
        self._state = wrapped("", self, soft=False)
        self._state.setObjectName("compareState")
        self._start = self._button("startCompare", "Compare", self._on_start)
        self._cancel = self._button("cancelCompare", "Cancel", self._on_cancel)
        self._copy = self._button("copyCompare", "Copy table", self._on_copy)
        self._start.setProperty("primary", True)
        self._lay_out()
        self._fill()
        self._table.itemChanged.connect(self._on_ticked)
        session.document.report_changed.connect(self._show_state)
        session.run.updated.connect(self._show_state)
        self._show_state()

    def closeEvent(self, event: QCloseEvent) -> None:
        """End what is still training: there is nothing left to see it by."""
        self._on_cancel()
        super().closeEvent(event)

    def reject(self) -> None:
        """Close with Escape, too, as with the button."""
        self._on_cancel()
        super().reject()

    @property
    def is_running(self) -> bool:
        """Whether a comparison is going on."""
        return self._compared is not None and self._compared.is_running

    def _button(self, name: str, title: str, slot: object) -> QPushButton:
        button = QPushButton(title, self)
        button.setObjectName(name)
        button.clicked.connect(slot)
        return button

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(10)
        column.addWidget(
            wrapped(
                "Every backend trains this experiment from the same start in the same batches. "
                "The first one is what the others are compared with.",
                self,
            )
        )
        steps = QHBoxLayout()
        self._form.setFixedWidth(170)
        steps.addWidget(self._form)
        steps.addStretch(1)
        column.addLayout(steps)
        column.addWidget(self._table, 1)
        column.addWidget(self._note)
        column.addWidget(self._state)
        buttons = QHBoxLayout()
        buttons.addWidget(self._copy)
        buttons.addStretch(1)
        buttons.addWidget(self._cancel)
        buttons.addWidget(self._button("closeCompare", "Close", self.close))
        buttons.addWidget(self._start)
        column.addLayout(buttons)

    def _fill(self) -> None:
        """List the backends; those that are not installed cannot be ticked."""
        backends = self._session.backends
        self._table.setRowCount(len(backends.ids))
        header = self._table.horizontalHeader().sizeHint().height()
        self._table.setMinimumHeight(header + len(backends.ids) * ROW_HEIGHT + 4)
        for row, backend in enumerate(backends.ids):
            found = backends.availability(backend)
            for column in range(len(COLUMNS)):
                self._table.setItem(row, column, QTableWidgetItem())
                self._table.item(row, column).setTextAlignment(_alignment(column))
            first = self._table.item(row, 0)
            first.setText(backends.title(backend))
            first.setData(Qt.ItemDataRole.UserRole, backend)
            flags = Qt.ItemFlag.ItemIsUserCheckable
            first.setFlags(flags | Qt.ItemFlag.ItemIsEnabled if found.ok else flags)
            first.setCheckState(Qt.CheckState.Checked if found.ok else Qt.CheckState.Unchecked)
            if not found.ok:
                self._say_in_row(row, f"{found.reason} {found.install}")

    def _chosen(self) -> list[str]:
        items = (self._table.item(row, 0) for row in range(self._table.rowCount()))
        checked = (item for item in items if item.checkState() == Qt.CheckState.Checked)
        return [item.data(Qt.ItemDataRole.UserRole) for item in checked]

    def _on_ticked(self, item: QTableWidgetItem) -> None:
        if item.column() == 0:
            self._show_state()

    def _on_setting(self, name: str, value: int) -> None:
        self._settings = ComparisonSettings(**{name: value})

    def _on_start(self) -> None:
        self._session.document.seal()
        compared = self._session.compare_backends(self._chosen(), self._settings.steps)
        compared.changed.connect(self._refresh)
        self._compared = compared
        self._refresh()
        self.begun.emit()

    def _on_cancel(self) -> None:
        if self._compared is not None:
            self._compared.cancel()

    def _on_copy(self) -> None:
        rows = [COLUMNS]
        for row in range(self._table.rowCount()):
            rows.append([self._table.item(row, c).text() for c in range(len(COLUMNS))])
        QGuiApplication.clipboard().setText("\n".join("\t".join(row) for row in rows))

    def _refresh(self) -> None:
        if self._compared is None:
            return
        trials = {trial.backend: trial for trial in self._compared.trials}
        for row in range(self._table.rowCount()):
            trial = trials.get(self._table.item(row, 0).data(Qt.ItemDataRole.UserRole))
            if trial is None:
                if self._table.columnSpan(row, 1) == 1:
                    self._set_row(row, [""] * 4)
            elif trial.error:
                self._say_in_row(row, trial.error)
            else:
                self._set_row(row, _cells(trial, self._compared))
        self._show_state()

    def _set_row(self, row: int, texts: list[str]) -> None:
        if self._table.columnSpan(row, 1) > 1:
            self._table.setSpan(row, 1, 1, 1)
        for column, text in enumerate(texts, 1):
            self._table.item(row, column).setText(text)
            self._table.item(row, column).setToolTip("")

    def _say_in_row(self, row: int, text: str) -> None:
        self._set_row(row, ["", "", "", ""])
        self._table.setSpan(row, 1, 1, len(COLUMNS) - 1)
        self._table.item(row, 1).setText(text)
        self._table.item(row, 1).setToolTip(text)

    def _show_state(self) -> None:
        running = self.is_running
        self._cancel.setVisible(running)
        self._start.setVisible(not running)
        self._form.setEnabled(not running)
        report = self._session.document.report
        note = random_note(random_layers(report.network))
        self._note.setText(note)
        self._note.setVisible(bool(note))
        text, severity = self._words()
        self._start.setEnabled(not severity and bool(self._chosen()))
        self._copy.setVisible(self._compared is not None)
        self._state.setText(text)
        self._state.setVisible(bool(text))
        set_property(self._state, "severity", severity)

    def _words(self) -> tuple[str, str]:
        """Return what to say now, and whether it keeps a comparison from starting ("error")."""
        compared = self._compared
        if self.is_running:
            trial = compared.present
            stage = trial.stage or "training …"
            return stage if trial.title in stage else f"{trial.title}: {stage}", ""
        errors = self._session.document.report.errors
        if errors:
            return f"The design has an error: {errors[0].message}", "error"
        if self._session.run.is_active:
            return "A run is training now. Stop it first, so that times can be compared.", "error"
        return (verdict(compared) if compared else ""), ""


def verdict(compared: BackendComparison) -> str:
    """Return in a sentence how far the backends are apart."""
    done = [trial for trial in compared.trials if not trial.error]
    first = compared.trials[0]
    others = [t.max_difference for t in done if t is not first and t.max_difference is not None]
    if len(done) < len(compared.trials) and not others:
        return "Nothing could be compared."
    if not others:
        return "Choose two backends at least to compare their losses."
    return f"The losses differ from {first.title}'s by {max(others):.2g} at most."


def _cells(trial: Trial, compared: BackendComparison) -> list[str]:
    if trial.folder is None:
        return ["waiting", "", "", ""]
    is_first = trial is compared.trials[0]
    difference = "" if trial.max_difference is None else f"{trial.max_difference:.2g}"
    return [
        f"{len(trial.losses)} / {compared.steps}",
        f"{trial.losses[-1]:.6f}" if trial.losses else "",
        "–" if is_first else difference,
        f"{trial.seconds:.1f} s" if trial.losses else "",
    ]


def _alignment(column: int) -> Qt.AlignmentFlag:
    """Return where a column's text stands: words at the left, measured numbers at the right."""
    is_number = column >= COLUMNS.index("Last loss")
    side = Qt.AlignmentFlag.AlignRight if is_number else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _table(parent: QWidget) -> QTableWidget:
    table = QTableWidget(0, len(COLUMNS), parent)
    table.setObjectName("backendTable")
    table.setAccessibleName("Backends to compare")
    table.setHorizontalHeaderLabels(list(COLUMNS))
    table.horizontalHeader().setHighlightSections(False)
    table.setStyleSheet("QTableView::item { padding: 0 6px; }")  # as the header's
    for column in range(len(COLUMNS)):
        table.horizontalHeaderItem(column).setTextAlignment(_alignment(column))
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
    table.setShowGrid(False)
    table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    for column, width in enumerate(WIDTHS):
        table.setColumnWidth(column, width)
    table.horizontalHeader().setSectionResizeMode(len(WIDTHS) - 1, QHeaderView.ResizeMode.Stretch)
    return table
