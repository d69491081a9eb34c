"""Preferences: the theme, where runs go, and every key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from widgets.forms import StructForm
from widgets.panels.column import wrapped
from widgets.texts import byte_size, counted
from workbench import preferences
from workbench.plugin_api.parameters import Field

if TYPE_CHECKING:
    from widgets.actions import Actions
    from widgets.theme import Theme
    from workbench.session import Session

FIELDS = (
    Field(name="theme", kind="choice", title="Theme", choices=("system", "dark", "light")),
    Field(
        name="runs_folder",
        kind="path",
        title="Folder of runs",
        path="folder",
        help="Used from the next start on; empty: in your documents",
    ),
)


class PreferencesDialog(QDialog):
    """Everything takes effect, and is kept, as it is changed."""

    def __init__(
        self, session: Session, theme: Theme, actions: Actions, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("preferences")
        self.setWindowTitle("Preferences")
        self.resize(560, 520)
        self._session = session
        self._theme = theme
        self._actions = actions
        tabs = QTabWidget(self)
        tabs.setDocumentMode(True)
        tabs.addTab(self._general(), "General")
        tabs.addTab(self._keys(), "Keys")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        buttons.setContentsMargins(12, 0, 12, 12)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(tabs)
        column.addWidget(buttons)

    def _general(self) -> QWidget:
        page = QWidget(self)
        form = StructForm(FIELDS, page)
        kept = self._session.preferences
        form.show_values({"theme": kept.theme, "runs_folder": kept.runs_folder})
        form.changed.connect(self._on_changed)
        folder = form.findChild(QLineEdit)
        folder.setPlaceholderText(str(preferences.default_runs_folder()))
        welcome = QCheckBox("Show the welcome page at start", page)
        welcome.setObjectName("welcomeAtStart")
        welcome.setChecked(kept.welcome)
        welcome.clicked.connect(lambda checked: self._on_changed("welcome", checked))
        column = QVBoxLayout(page)
        column.setContentsMargins(18, 16, 18, 16)
        column.setSpacing(12)
        column.addWidget(form)
        column.addWidget(wrapped("Another folder of runs is used from the next start on.", page))
        column.addWidget(welcome)
        column.addLayout(self._loaded_weights(page))
        column.addStretch(1)
        return page

    def _loaded_weights(self, page: QWidget) -> QHBoxLayout:
        """Make the line on weights loaded into experiments, which only a person clears."""
        self._kept = wrapped("", page)
        self._kept.setObjectName("keptWeights")
        self._clear = QPushButton("Clear…", page)
        self._clear.setObjectName("clearWeights")
        self._clear.setAccessibleName("Clear loaded weights")
        self._clear.clicked.connect(self._on_clear)
        row = QHBoxLayout()
        row.addWidget(self._kept, 1)
        row.addWidget(self._clear)
        self._show_kept()
        return row

    def _show_kept(self) -> None:
        count, size = preferences.kept_weights()
        files = f"{counted(count, 'file')}, {byte_size(size)}" if count else "none"
        self._kept.setText(f"Weights that were loaded into experiments: {files}")
        self._clear.setEnabled(count > 0)

    def _on_clear(self) -> None:
        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Question)
        box.setText("Delete the weights that were loaded into experiments?")
        box.setInformativeText(
            "Experiments that start from them will ask for them to be loaded again. "
            "Runs keep their own copies."
        )
        agree = box.addButton("Delete", QMessageBox.ButtonRole.AcceptRole)
        box.setDefaultButton(box.addButton(QMessageBox.StandardButton.Cancel))
        box.exec()
        if box.clickedButton() is agree:
            start = self._session.document.experiment.start
            preferences.clear_weights(keep=start.sha256 if start is not None else "")
            self._show_kept()

    def _keys(self) -> QWidget:
        page = QWidget(self)
        self._table = QTableWidget(0, 2, page)
        self._table.setObjectName("keysTable")
        self._table.setAccessibleName("Keys of all commands")
        self._table.setHorizontalHeaderLabels(["Command", "Keys"])
        self._table.verticalHeader().hide()
        self._table.setShowGrid(False)
        self._table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._table.setColumnWidth(1, 190)
        for command in self._actions:
            self._add_row(command.id, f"{command.menu.split('/')[0]}: {command.title}")
        self._note = wrapped("", page)
        column = QVBoxLayout(page)
        column.setContentsMargins(12, 12, 12, 6)
        column.addWidget(self._table)
        column.addWidget(self._note)
        return page

    def _add_row(self, command_id: str, title: str) -> None:
        row = self._table.rowCount()
        self._table.insertRow(row)
        item = QTableWidgetItem(title)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)
        self._table.setItem(row, 0, item)
        field = QKeySequenceEdit(self._actions[command_id].shortcut(), self._table)
        field.setObjectName(f"keys_{command_id}")
        field.setAccessibleName(f"Keys of {title}")
        field.setMaximumSequenceLength(1)
        field.setClearButtonEnabled(True)
        field.keySequenceChanged.connect(lambda keys, i=command_id: self._on_keys(i, keys))
        self._table.setCellWidget(row, 1, field)
        self._table.setRowHeight(row, 36)

    def _on_changed(self, name: str, value: object) -> None:
        setattr(self._session.preferences, name, value)
        preferences.save(self._session.preferences)
        if name == "theme":
            self._theme.apply(str(value))

    def _on_keys(self, command_id: str, keys: QKeySequence) -> None:
        text = keys.toString(QKeySequence.SequenceFormat.PortableText)
        holder = self._holder(text, command_id)
        self._note.setText(f"{text} belonged to “{holder}” and counts here now." if holder else "")
        kept = self._session.preferences.keys
        if holder:
            kept[holder] = ""
        kept[command_id] = text
        preferences.save(self._session.preferences)
        self._actions.set_keys(kept)

    def _holder(self, text: str, but: str) -> str:
        wanted = QKeySequence(text)
        for command in self._actions:
            if text and command.id != but and wanted in self._actions[command.id].shortcuts():
                return command.id
        return ""
