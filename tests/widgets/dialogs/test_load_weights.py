"""Load weights by hand: the table first, then the button; the inspector says what came of it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QPushButton
from safetensors.numpy import save_file

from widgets.dialogs.load_weights import LoadWeightsDialog
from widgets.dialogs.weights_table import WeightsTable
from workbench.document.edits import set_parameter

WAIT = 30_000


@pytest.fixture
def specs(window, qtbot):
    qtbot.waitUntil(lambda: window.session.data.info is not None, timeout=WAIT)
    return window.session.document.report.network.weight_specs()


@pytest.fixture
def dialog(window, specs, qtbot):
    window.actions_table.refresh()
    window.actions_table["file.load_weights"].trigger()
    made = window.findChild(LoadWeightsDialog)
    qtbot.waitExposed(made)
    yield made
    for left in window.findChildren(LoadWeightsDialog):
        left.reject()


def written(path, specs, **changes):
    arrays = {name: np.ones(spec.shape, np.float32) for name, spec in specs.items()}
    for name, array in changes.items():
        arrays.pop(name.replace("__", "/"), None)
        if array is not None:
            arrays[name.replace("__", "/")] = array
    save_file(arrays, path)
    return path


def typed(qtbot, dialog, path) -> None:
    line = dialog.findChild(QLineEdit)
    line.selectAll()
    qtbot.keyClicks(line, str(path))
    qtbot.keyClick(line, Qt.Key.Key_Return)


def press(qtbot, dialog, name) -> None:
    qtbot.mouseClick(dialog.findChild(QPushButton, name), Qt.MouseButton.LeftButton)


def state(dialog) -> str:
    return dialog.findChild(QLabel, "weightsState").text()


def rows(dialog) -> list[list[str]]:
    table = dialog.findChild(WeightsTable)
    items = (table.topLevelItem(row) for row in range(table.topLevelItemCount()))
    return [[item.text(column) for column in range(5)] for item in items]


def test_a_whole_match_is_loaded_shown_and_taken_back(window, dialog, specs, qtbot, tmp_path):
    document = window.session.document
    load = dialog.findChild(QPushButton, "startLoad")
    assert not load.isEnabled()
    typed(qtbot, dialog, written(tmp_path / "ones.safetensors", specs))
    qtbot.waitUntil(load.isEnabled, timeout=WAIT)
    assert state(dialog) == f"safetensors: {len(specs)} of {len(specs)} weights match."
    assert [row[4] for row in rows(dialog)] == ["matched"] * len(specs)
    assert not dialog.findChild(QCheckBox, "partial").isVisible()
    assert document.experiment.start is None
    press(qtbot, dialog, "startLoad")
    qtbot.waitUntil(lambda: document.experiment.start is not None, timeout=WAIT)
    line = window.findChild(QLabel, "startingWeights")
    assert line.isVisible()
    assert line.text() == f"Starts from ones.safetensors, {len(specs)} of {len(specs)} weights."
    document.edit(lambda e: set_parameter(e, "conv1", "filters", 5), "Filters")
    assert "the rest, such as conv1/kernel, from the seed" in line.text()
    document.undo()
    press(qtbot, window, "forgetWeights")
    assert document.experiment.start is None
    assert not line.isVisible()
    document.undo()
    assert document.experiment.start is not None
    assert line.isVisible()


def test_a_part_is_loaded_only_when_asked_for(window, dialog, specs, qtbot, tmp_path):
    changes = {"conv1__kernel": np.zeros((1, 2), np.float32), "extra": np.zeros(3, np.float32)}
    typed(qtbot, dialog, written(tmp_path / "part.safetensors", specs, **changes))
    partial = dialog.findChild(QCheckBox, "partial")
    qtbot.waitUntil(partial.isVisible, timeout=WAIT)
    load = dialog.findChild(QPushButton, "startLoad")
    assert not load.isEnabled()
    assert rows(dialog)[0][0] == "conv1/kernel"
    assert rows(dialog)[0][4] == "not matched"
    assert "1 × 2" in rows(dialog)[0][2]
    assert [row[2] for row in rows(dialog) if row[4] == "not used"] == ["conv1/kernel", "extra"]
    qtbot.mouseClick(partial, Qt.MouseButton.LeftButton, pos=partial.rect().center() / 4)
    assert partial.isChecked()
    assert load.isEnabled()
    press(qtbot, dialog, "startLoad")
    document = window.session.document
    qtbot.waitUntil(lambda: document.experiment.start is not None, timeout=WAIT)
    count = len(specs)
    text = window.findChild(QLabel, "startingWeights").text()
    assert text.startswith(f"Starts from part.safetensors, {count - 1} of {count} weights")


def test_order_is_a_choice_and_damage_a_sentence(window, dialog, specs, qtbot, tmp_path):
    arrays = {
        f"w{n}/{k.split('/')[-1]}": np.ones(s.shape, np.float32)
        for n, (k, s) in enumerate(specs.items())
    }
    save_file(arrays, tmp_path / "other.safetensors")
    typed(qtbot, dialog, tmp_path / "other.safetensors")
    qtbot.waitUntil(lambda: "another network" in state(dialog), timeout=WAIT)
    box = dialog.findChild(QComboBox, "matchBy")
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Down)
    qtbot.waitUntil(dialog.findChild(QPushButton, "startLoad").isEnabled, timeout=WAIT)
    assert "keep no order" in dialog.findChild(QLabel, "weightsWarnings").text()
    (tmp_path / "bad.pt").write_bytes(b"PK\x03\x04 cut off")
    typed(qtbot, dialog, tmp_path / "bad.pt")
    said = lambda: [label.text() for label in dialog._empty.findChildren(QLabel)]  # noqa: E731
    qtbot.waitUntil(lambda: any("damaged or cut off" in text for text in said()), timeout=WAIT)
    assert not dialog.findChild(QPushButton, "startLoad").isEnabled()
    press(qtbot, dialog, "closeWeights")
    assert window.session.document.experiment.start is None
