"""The whole program: the real window, real helper processes, real training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from tests.widgets.canvas.hands import Hands
from widgets.app import make_window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from widgets.main_window import MainWindow


class Person:
    """Does with the window what a person does: looks, clicks, types, waits."""

    def __init__(self, qtbot, window: MainWindow) -> None:
        self.qtbot = qtbot
        self.window = window
        self.session = window.session
        self.hands = Hands(window.page.canvas)

    def find(self, name: str, kind: type = QWidget) -> QWidget:
        found = [w for w in self.window.findChildren(kind, name) if w.isVisible()]
        assert found, f"nothing called {name} is on the screen"
        return found[0]

    def click(self, name: str) -> None:
        widget = self.find(name)
        assert widget.isEnabled(), f"{name} cannot be clicked"
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton)

    def press(self, key: Qt.Key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
        self.window.activateWindow()
        self.wait(self.window.isActiveWindow, 5)
        QTest.keyClick(QApplication.focusWidget() or self.window, key, modifier)

    def write(self, name: str, text: str) -> None:
        """Replace a field's text and leave it."""
        field = self.find(name)
        field.setFocus()
        QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(field, text)
        QTest.keyClick(field, Qt.Key.Key_Return)

    def wait(self, until: Callable[[], bool], seconds: float = 60) -> None:
        self.qtbot.waitUntil(until, timeout=int(seconds * 1000))

    @property
    def graph(self):
        return self.session.document.experiment.graph


@pytest.fixture
def person(qtbot, qapp) -> Iterator[Person]:
    window = make_window()
    window.resize(1440, 900)
    window.show()
    qtbot.waitExposed(window)
    window.start()
    window.show_welcome()
    someone = Person(qtbot, window)
    yield someone
    run = window.session.run
    if window.isVisible() and run.is_active:
        run.stop()
        someone.wait(lambda: not run.is_active)
    close(window)


def close(window: MainWindow) -> None:
    """Close a window and delete it: what is left behind is styled anew with every other one."""
    window.close_at_once()
    window.deleteLater()
    QApplication.sendPostedEvents(window, QEvent.Type.DeferredDelete)
