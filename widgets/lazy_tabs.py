"""Tabs whose widgets are made when they are first shown."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QTabWidget, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class _Tab:
    title: str
    make: Callable[[], QWidget]
    page: QWidget
    widget: QWidget | None = None


class LazyTabs(QTabWidget):
    """Tabs by key; nothing is made before `release`, so that the window can paint first.

    Signals:
        made(str): the widget of this tab now exists.
    """

    made = Signal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(f"{name} tabs".capitalize())
        self.setDocumentMode(True)
        self.tabBar().setDrawBase(False)
        self.tabBar().setExpanding(False)
        self._tabs: dict[str, _Tab] = {}
        self._released = False
        self.currentChanged.connect(self._on_current_changed)

    def add_lazy(self, key: str, title: str, make: Callable[[], QWidget]) -> None:
        """Add a tab; `make` is called once, when it is first looked at."""
        page = QWidget(self)
        page.setObjectName(f"tab_{key}")
        page.setProperty("surface", "tab")
        page.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 1, 0, 0)
        self._tabs[key] = _Tab(title, make, page)
        self.addTab(page, title)

    def release(self) -> None:
        """Make the current tab's widget, and from now on each that is shown."""
        self._released = True
        self._on_current_changed(self.currentIndex())

    def titles(self) -> dict[str, str]:
        """Return the titles by key, without counts, from the left."""
        return {key: tab.title for key, tab in self._tabs.items()}

    @property
    def current_key(self) -> str:
        """Key of the tab in front; empty: there are none."""
        return next((k for k, t in self._tabs.items() if t.page is self.currentWidget()), "")

    def show_tab(self, key: str) -> QWidget | None:
        """Bring a tab to the front and return its widget."""
        tab = self._tabs.get(key)
        if tab is None:
            return None
        self.setCurrentWidget(tab.page)
        return self.widget_of(key)

    def widget_of(self, key: str) -> QWidget | None:
        """Return a tab's widget, making it if need be."""
        tab = self._tabs.get(key)
        if tab is None:
            return None
        if tab.widget is None:
            tab.widget = self._made(tab)
            tab.page.layout().addWidget(tab.widget)
            tab.widget.show()  # else the layout does it only when the event loop comes round
            self.made.emit(key)
        return tab.widget

    def offer(self, key: str, offered: bool) -> None:
        """Show a tab among the others, or not; the one in front gives way to the first."""
        if tab := self._tabs.get(key):
            index = self.indexOf(tab.page)
            if self.isTabVisible(index) != offered:
                was_in_front = self.currentWidget() is tab.page
                self.setTabVisible(index, offered)
                if was_in_front and not offered:
                    self.setCurrentIndex(0)

    def set_count(self, key: str, count: int) -> None:
        """Put a number behind a tab's title."""
        if tab := self._tabs.get(key):
            self.setTabText(self.indexOf(tab.page), f"{tab.title}  {count}")

    def _made(self, tab: _Tab) -> QWidget:
        try:
            return tab.make()
        except Exception as error:  # a plug-in's view must not take the window with it
            logging.getLogger(__name__).exception("The tab %s could not be made", tab.title)
            message = QLabel(f"{tab.title} could not be opened: {error}.", self)
            message.setWordWrap(True)
            message.setMargin(14)
            message.setProperty("severity", "error")
            return message

    def _on_current_changed(self, index: int) -> None:
        if self._released and index >= 0:
            self.widget_of(self.current_key)
