"""Which program this is, and what it runs on."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from widgets.panels.column import heading, wrapped
from widgets.texts import counted
from workbench import __version__

if TYPE_CHECKING:
    from workbench.session import Session


class AboutDialog(QDialog):
    """Name, version, licence, folders, plug-ins that could not be loaded."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("about")
        self.setWindowTitle("About Neural Workbench")
        self.setMinimumWidth(440)
        title = QLabel("Neural Workbench", self)
        title.setProperty("title", True)
        column = QVBoxLayout(self)
        column.setContentsMargins(22, 18, 22, 16)
        column.setSpacing(8)
        column.addWidget(title)
        versions = f"Version {__version__} · Python {platform.python_version()} · Qt {qVersion()}"
        column.addWidget(wrapped(versions, self))
        column.addWidget(wrapped("MIT licence. No telemetry, no login, no network.", self))
        column.addWidget(wrapped(f"Runs are kept in {session.run.runs_folder}", self))
        self._add_broken(session, column)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)

    def _add_broken(self, session: Session, column: QVBoxLayout) -> None:
        broken = session.catalog.broken
        if not broken:
            column.addWidget(wrapped("All plug-ins could be loaded.", self))
            return
        column.addWidget(heading(f"{counted(len(broken), 'plug-in')} could not be loaded", self))
        for plugin in broken:
            label = wrapped(f"{plugin.module}: {plugin.message}", self, soft=False)
            label.setProperty("severity", "error")
            label.setToolTip(plugin.traceback)
            column.addWidget(label)
