"""What a panel says while it has nothing to show."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication, QLabel

from widgets.monitor.empty import EmptyState
from widgets.theme import Theme

HINT = "Press Train to see loss and accuracy move, or open a run."


def test_a_hint_takes_no_more_room_than_its_lines(qtbot):
    empty = EmptyState(Theme(QApplication.instance(), "dark"), "layers", "Nothing yet", HINT)
    qtbot.addWidget(empty)
    hint = empty.findChildren(QLabel)[-1]
    empty.resize(120, 400)
    empty.show()
    assert hint.height() >= 3 * hint.fontMetrics().height()
    empty.resize(900, 400)
    QApplication.processEvents()
    assert hint.height() < 2 * hint.fontMetrics().height()
