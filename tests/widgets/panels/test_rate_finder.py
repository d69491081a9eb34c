"""“Find learning rate” with the real process behind it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton

from tests.workbench.small_networks import small_experiment
from widgets.panels.rate_finder import RateFinder
from workbench.document.edits import remove_nodes, set_training


def button(window, name) -> QPushButton:
    return window.findChild(QPushButton, name)


def click(qtbot, window, name):
    assert button(window, name).isEnabled()
    qtbot.mouseClick(button(window, name), Qt.MouseButton.LeftButton)


def test_a_rate_is_found_shown_and_taken_over_in_one_step(window, qtbot):
    document = window.session.document
    document.replace(small_experiment())
    panel = window.show_tab("training")
    search = panel.findChild(RateFinder).search
    click(qtbot, window, "findRate")
    folder = Path(search._folder.name)
    assert not button(window, "findRate").isVisible()
    qtbot.waitUntil(lambda: len(search.tested) > 3, timeout=60_000)
    assert button(window, "cancelRate").isVisible()
    qtbot.waitUntil(lambda: not search.is_busy, timeout=60_000)
    assert search.error is None
    assert not folder.exists()
    assert "Suggestion: " in panel.findChild(QLabel, "rateState").text()
    before = document.experiment
    click(qtbot, window, "useRate")
    assert document.experiment.training.optimizer.learning_rate == search.suggestion.rate
    assert not button(window, "useRate").isEnabled()
    document.undo()
    assert document.experiment == before
    document.edit(lambda e: set_training(e, batch_size=16), "Change")
    assert "changed since" in panel.findChild(QLabel, "rateState").text()


def test_a_search_is_cancelled_and_begun_again_and_a_broken_network_begins_none(window, qtbot):
    document = window.session.document
    document.replace(small_experiment())
    panel = window.show_tab("training")
    search = panel.findChild(RateFinder).search
    click(qtbot, window, "findRate")
    process = search._helper._process
    click(qtbot, window, "cancelRate")
    assert process.poll() is not None
    assert button(window, "findRate").isVisible()
    document.edit(lambda e: remove_nodes(e, ["output1"]), "Remove")
    assert not button(window, "findRate").isEnabled()
