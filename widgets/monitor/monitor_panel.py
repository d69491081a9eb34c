"""The Monitor tab: curves on the left, feature maps on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QStackedLayout, QWidget

from widgets.monitor.empty import EmptyState

if TYPE_CHECKING:
    from PySide6.QtGui import QShowEvent

    from widgets.theme import Theme
    from workbench.session import Session


class MonitorPanel(QWidget):
    """Says how to begin until the first run is shown; only then are the plots made."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("monitor")
        self.setAccessibleName("Monitor")
        self._session = session
        self._theme = theme
        self.watching = session.watching
        self._splitter: QSplitter | None = None
        self._layout = QStackedLayout(self)
        self._empty = EmptyState(
            theme,
            "chart",
            "No run is shown yet",
            "Press Train (F5) to see the loss, metrics and feature maps move, or open a run from "
            "the Runs tab.",
        )
        self._layout.addWidget(self._empty)
        session.run.opened.connect(self._show_run)

    def _show_run(self) -> None:
        is_wanted = self._session.run.folder is not None
        if is_wanted and self._splitter is None and self.isVisible():
            self._splitter = self._make_splitter()
            self._layout.addWidget(self._splitter)
        if self._splitter is not None:
            self._layout.setCurrentWidget(self._splitter if is_wanted else self._empty)

    def _make_splitter(self) -> QSplitter:
        from widgets.monitor.curves import CurvesView
        from widgets.monitor.feature_maps import FeatureMaps

        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setObjectName("monitor_splitter")
        splitter.setHandleWidth(1)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(CurvesView(self._session, self._theme))
        splitter.addWidget(FeatureMaps(self._session, self._theme, self.watching))
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([750, 250])
        return splitter

    def showEvent(self, event: QShowEvent) -> None:
        """Make the plots when somebody looks and there is a run."""
        super().showEvent(event)
        self._show_run()
