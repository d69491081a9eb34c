"""The status line: the size of the network, the load of the machine, the state of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QWidget

from widgets.texts import byte_size, counted, duration, grouped, percent, short_count

if TYPE_CHECKING:
    from workbench.session import Session

SEPARATOR = "   ·   "


class StatusLine(QFrame):
    """Never silent: it always says what there is, and how the machine is doing."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusLine")
        self.setProperty("bar", "status")
        self._session = session
        self._process = psutil.Process()
        self._label = QLabel(self)
        self._label.setObjectName("statusText")
        self._label.setAccessibleName("Status")
        self._label.setProperty("soft", True)
        self._label.setTextFormat(Qt.TextFormat.PlainText)
        self._label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 2, 8, 3)
        row.addWidget(self._label, 1)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.refresh)
        session.document.report_changed.connect(self.refresh)
        session.document.file_changed.connect(self.refresh)
        session.data.info_changed.connect(self.refresh)
        self.refresh()

    def start(self) -> None:
        """Look at the machine once a second."""
        psutil.cpu_percent()
        self._timer.start(1000)

    def refresh(self) -> None:
        """Write the line again."""
        text = SEPARATOR.join([*self._network(), *self._machine(), self._file()])
        if text != self._label.text():
            self._label.setText(text)
            self._label.setToolTip(text)

    def _network(self) -> list[str]:
        session = self._session
        nodes = session.document.experiment.graph.nodes
        network = session.document.report.network
        frozen = network.parameters - network.trained_parameters
        parameters = counted(network.parameters, "parameter")
        if frozen:
            parameters += f", {grouped(network.parameters - frozen)} trainable"
        parts = [counted(len(nodes), "layer")]
        if network.nodes or not nodes:
            parts.append(parameters)
        if network.multiply_adds:
            parts.append(f"{short_count(2 * network.multiply_adds)}FLOPs")
        if session.data.is_busy:
            parts.append("reading the data …")
        return parts

    def _machine(self) -> list[str]:
        state = self._session.run.state
        parts = []
        if self._session.run.is_active and state.status == "preparing":
            parts.append(state.message or "preparing …")
        load = psutil.cpu_percent() if self._timer.isActive() else 0.0
        memory = self._process.memory_info().rss + self._worker_memory()
        return [*parts, f"CPU {percent(load / 100, 0)}", f"RAM {byte_size(memory)}"]

    def _worker_memory(self) -> int:
        run = self._session.run
        if not run.is_active or not run.state.pid:
            return 0
        try:
            return psutil.Process(run.state.pid).memory_info().rss
        except psutil.Error:
            return 0

    def _file(self) -> str:
        document = self._session.document
        if document.is_saved:
            return "saved" if document.path else "no changes"
        age = document.autosave_age
        if age is None:
            return "not saved"
        return f"autosaved {duration(age)} ago" if age >= 1 else "autosaved just now"
