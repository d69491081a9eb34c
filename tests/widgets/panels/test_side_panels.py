from __future__ import annotations

import time

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QPushButton,
    QTableView,
    QToolButton,
    QWidget,
)

from widgets.panels.data_preview import ThumbnailGrid
from widgets.panels.data_summary import summary
from widgets.panels.log import FileTail
from widgets.panels.network_card import NOTES_HEIGHT
from widgets.panels.schedule_plot import rate_at
from widgets.panels.weights_plot import ticks
from workbench.document.edits import disconnect, set_data, set_training
from workbench.document.experiment import Component
from workbench.document.training import Constant, OneCycle, Training
from workbench.errors import UserError
from workbench.plugin_api.data import BadFile, DataInfo
from workbench.plugin_api.tensors import TensorType
from workbench.session.data import Thumbnail
from workbench.session.message import Message


def click(qtbot, window, name, kind=QPushButton):
    qtbot.mouseClick(window.findChild(kind, name), Qt.MouseButton.LeftButton, pos=QPoint(8, 10))


def retype(qtbot, line, text):
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, text)


# --- data -----------------------------------------------------------------------------------


def test_the_data_are_told_in_words_and_shown(window):
    data = window.show_tab("data")
    facts = data.findChild(QLabel, "dataFacts").text()
    assert "797 samples" in facts.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "in 10 classes" in facts
    assert window.session.data.asked[0] == ("train", False, 0)
    assert data.findChild(QLabel, "dataError").isHidden()


def test_sources_stand_under_what_their_samples_are(window):
    box = window.show_tab("data").findChild(QComboBox, "choose_source")
    kind, seen = "", {}
    for row in range(box.count()):
        if box.itemData(row) is None:
            kind = box.itemText(row)
            assert not box.model().item(row).isEnabled()
        else:
            seen[box.itemData(row)] = kind.lower()
    assert seen == {source.id: source.kind for source in window.session.catalog.sources}


def test_another_source_is_one_step_and_keeps_the_settings_of_the_last(window, qtbot):
    data = window.show_tab("data")
    document = window.session.document
    box = data.findChild(QComboBox, "choose_source")
    box.setCurrentIndex(box.findData("image_folder"))
    box.activated.emit(box.currentIndex())
    assert document.experiment.data.source.type == "image_folder"
    folder = data.findChild(QLineEdit, "field_folder")
    retype(qtbot, folder, "/data/cats")
    qtbot.keyClick(folder, Qt.Key.Key_Return)
    assert document.experiment.data.source.params == {"folder": "/data/cats"}
    document.undo()
    document.undo()
    assert document.experiment.data.source.type == "digits"
    assert box.currentData() == "digits"


def test_augmentation_is_switched_and_previewed(window, qtbot):
    data = window.show_tab("data")
    document = window.session.document
    document.edit(lambda e: set_data(e, augmentation=None), "Off")
    click(qtbot, window, "useAugmentation", QCheckBox)
    assert document.experiment.data.augmentation is not None
    kinds = data.findChild(QComboBox, "previewKind")
    kinds.setCurrentIndex(kinds.findData("augmented"))
    kinds.activated.emit(kinds.currentIndex())
    assert window.session.data.asked[-2][:2] == ("train", True)
    click(qtbot, window, "previewAgain", QToolButton)
    assert window.session.data.asked[-2] == ("train", True, 1)
    click(qtbot, window, "useAugmentation", QCheckBox)
    assert document.experiment.data.augmentation is None
    assert kinds.findData("augmented") < 0


def test_split_shares_are_checked(window, qtbot):
    data = window.show_tab("data")
    document = window.session.document
    retype(qtbot, data.findChild(QLineEdit, "field_validation"), "0.2")
    assert document.experiment.data.split.validation == 0.2
    before = document.experiment
    retype(qtbot, data.findChild(QLineEdit, "field_test"), "1")
    assert document.experiment.data.split == before.data.split


def test_errors_warnings_and_bad_files_are_told_by_name(window):
    data = window.show_tab("data")
    session = window.session.data
    session.info = DataInfo(
        input=TensorType((32, 32, 3)),
        classes=("cat", "dog"),
        counts={"train": 10},
        class_counts={"train": (9, 1)},
        bad_files=(BadFile("cat/broken.png", "it is cut off"),),
        warnings=("The class dog has few pictures.",),
    )
    session.info_changed.emit()
    warnings = data.findChild(QLabel, "dataWarnings").text()
    assert warnings == "The class dog has few pictures.\n1 file left out; listed below"
    bad = data.findChild(QListWidget, "badFileList")
    assert bad.item(0).text() == "cat/broken.png\nit is cut off"
    session.info, session.error = None, UserError("The folder is empty.", "Choose another.")
    session.info_changed.emit()
    assert data.findChild(QLabel, "dataError").text() == "The folder is empty."
    assert not data.findChild(QListWidget, "badFileList").isVisible()


def test_looking_again_reads_again_and_busy_is_shown(window, qtbot):
    window.show_tab("data")
    click(qtbot, window, "lookAgain")
    assert window.session.data.reloads == 1
    window.session.data.is_busy, window.session.data.info = True, None
    window.session.data.info_changed.emit()
    assert window.findChild(QLabel, "dataFacts").text() == "Looking at the data …"
    assert not window.findChild(QPushButton, "lookAgain").isEnabled()


# --- training -------------------------------------------------------------------------------


def test_settings_are_edited_and_undone(window, qtbot):
    panel = window.show_tab("training")
    document = window.session.document
    retype(qtbot, panel.findChild(QLineEdit, "field_epochs"), "50")
    assert document.experiment.training.epochs == 50
    document.undo()
    assert panel.findChild(QLineEdit, "field_epochs").text() == "30"


def test_the_seed_and_the_task_have_their_place(window, qtbot):
    panel = window.show_tab("training")
    retype(qtbot, panel.findChild(QLineEdit, "field_seed"), "7")
    assert window.session.document.experiment.seed == 7
    retype(qtbot, panel.findChild(QLineEdit, "field_label_smoothing"), "0.1")
    assert window.session.document.experiment.task.params["label_smoothing"] == 0.1


def test_the_learning_rate_of_a_running_training(window, qtbot, run_folder):
    panel = window.show_tab("training")
    run = window.session.run
    assert not panel.findChild(QLineEdit, "field_live_rate").isVisible()
    run.open(run_folder)
    run.is_active, run.state.status = True, "training"
    run.updated.emit()
    field = panel.findChild(QLineEdit, "field_live_rate")
    assert field.isVisible()
    retype(qtbot, field, "5e-4")
    click(qtbot, window, "applyLearningRate")
    assert run.calls == [("set_learning_rate", 5e-4)]
    assert window.session.document.is_saved


def test_the_schedule_is_drawn_as_it_will_be():
    constant = Training(epochs=2, schedule=Constant(), warmup_steps=10)
    rates = [rate_at(constant, step, 100, 50) for step in range(100)]
    assert rates[0] == pytest.approx(1e-4)
    assert rates[10:] == [1e-3] * 90
    cycle = [rate_at(Training(schedule=OneCycle()), step, 100, 10) for step in range(100)]
    assert max(cycle) == pytest.approx(1e-3)
    assert cycle[-1] < cycle[0] < max(cycle)


# --- analysis, problems, log ----------------------------------------------------------------


def test_a_click_in_the_analysis_selects_the_layer(window, qtbot):
    window.show_tab("analysis")
    table = window.findChild(QTableView, "analysisTable")
    assert table.model().rowCount() == 12
    middle = table.visualRect(table.model().index(3, 0)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=middle)
    assert window.session.document.selection == ("conv2",)
    window.session.document.select(("pool1",))
    assert table.currentIndex().row() == 5 or table.selectionModel().isRowSelected(5)


def test_problems_select_their_layer_and_repair_themselves(window, qtbot):
    panel = window.show_tab("problems")
    document = window.session.document
    assert "No problems" in [label.text() for label in panel.findChildren(QLabel)]
    document.edit(lambda e: disconnect(e, "conv2", 0), "Cut")
    rows = [row for row in panel.findChildren(type(panel._rows[0])) if not row.isHidden()]
    assert len(rows) == 2
    qtbot.mouseClick(rows[0], Qt.MouseButton.LeftButton, pos=QPoint(60, 8))
    assert document.selection == ("conv2",)
    button = rows[-1].findChild(QPushButton, "repair")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert len(document.experiment.graph) == 9
    document.undo()
    document.undo()
    assert panel._rows == []


def test_the_log_keeps_messages_and_the_output_of_the_worker(window, qtbot, run_folder):
    window.show_tab("log")
    text = window.findChild(QPlainTextEdit, "logText")
    run_folder.stderr.write_text("a warning of a library\n")
    window.session.messaged.emit(Message("error", "The disk is full.", "Free some space."))
    window.session.run.open(run_folder)
    qtbot.waitUntil(lambda: "worker: a warning of a library" in text.toPlainText(), timeout=5000)
    assert "error: The disk is full. Free some space." in text.toPlainText()
    click(qtbot, window, "clearLog")
    assert text.toPlainText() == ""


def test_the_log_knows_what_was_said_before_anybody_looked(window, qtbot, run_folder):
    window.session.messaged.emit(Message("info", "A network is being imported."))
    window.session.run.open(run_folder)
    qtbot.waitUntil(lambda: window.session.run.state.told > 0)
    window.session.run.tick()
    window.show_tab("log")
    lines = window.findChild(QPlainTextEdit, "logText").toPlainText().splitlines()
    assert lines[0].endswith("  info: A network is being imported.")
    told = window.session.run.state.journal
    assert [line.partition("  ")[2] for line in lines[-len(told) :]] == [x.text for x in told]
    stamp = time.strftime("%H:%M:%S", time.localtime(told[0].time))
    assert lines[-len(told)].partition("  ")[0].endswith(stamp)


def test_notes_take_the_room_that_they_need(window, qtbot):
    notes = window.findChild(QPlainTextEdit, "notes")
    least = notes.height()
    QApplication.clipboard().setText("\n".join(f"line {i}" for i in range(30)))
    notes.setFocus()
    notes.paste()
    qtbot.waitUntil(lambda: notes.height() > 2 * least)
    assert notes.verticalScrollBar().maximum() == 0
    notes.selectAll()
    qtbot.keyClick(notes, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: notes.height() == NOTES_HEIGHT)


def test_labels_stand_in_the_middle_of_their_fields(window, qtbot):
    panel = window.show_tab("training")
    panel.resize(300, 900)
    for name in ("epochs", "learning_rate", "rise", "schedule"):
        editor = next(e for e in panel.findChildren(QWidget, f"editor_{name}") if e.isVisible())
        label = next(x for x in panel.findChildren(QLabel) if x.buddy() is editor)
        field = next(c for c in editor.findChildren(QWidget) if c.isVisible() and c.height() == 28)
        middle = label.mapTo(panel, label.rect().center()).y()
        assert abs(middle - field.mapTo(panel, field.rect().center()).y()) <= 1, name


def test_a_tail_gives_every_line_once(tmp_path):
    path = tmp_path / "stderr.log"
    tail = FileTail(path)
    path.write_text("one\ntwo\nthr")
    found = gather(tail, 2)
    with path.open("a") as file:
        file.write("ee\nfour\n")
    found += gather(tail, 2)
    assert found == ["one", "two", "three", "four"]


def gather(tail, count):
    found = []
    end = time.monotonic() + 5
    while len(found) < count and time.monotonic() < end:
        found += tail.new_lines()
        time.sleep(0.01)
    return found


def test_ticks_are_round():
    assert ticks(-0.2347, 0.218) == pytest.approx([-0.2, -0.1, 0.0, 0.1, 0.2])
    assert ticks(1.0, 1.0) == []
    assert len(ticks(*np.sort(np.random.default_rng(0).normal(size=2)))) <= 7


def test_a_changed_setting_reaches_a_panel_that_is_open(window):
    panel = window.show_tab("training")
    window.session.document.edit(lambda e: set_training(e, batch_size=64), "Change")
    assert panel.findChild(QLineEdit, "field_batch_size").text() == "64"


def test_a_missing_task_and_source_do_not_break_the_panels(window):
    document = window.session.document
    document.edit(lambda e: set_data(e, source=Component("gone", {"a": 1})), "Foreign")
    data = window.show_tab("data")
    assert data.findChild(QComboBox, "choose_source").currentText() == "gone (missing)"


def test_texts_are_previewed_as_texts(qtbot, theme):
    grid = ThumbnailGrid(theme)
    qtbot.addWidget(grid)
    grid.resize(200, 400)
    grid.show()
    pixels = np.zeros((8, 8, 3), np.uint8)
    texts = ["Effective, but too tepid.", "", "A very long sentence " * 20]
    grid.show_thumbnails([Thumbnail(0, "", 0, pixels, text) for text in texts], ["negative"])
    row = grid.heightForWidth(200) // 3
    grid.grab()
    tip = QHelpEvent(QEvent.Type.ToolTip, QPoint(20, 2 * row + 9), QPoint())
    QApplication.sendEvent(grid, tip)
    assert grid.toolTip() == texts[2]


def test_what_a_sample_is_stands_in_words():
    texts = DataInfo(input=TensorType((None,), dtype="int64"), kind="texts", counts={"train": 3})
    assert summary(texts).startswith("3 samples of text of any length")
    fixed = DataInfo(input=TensorType((54,), dtype="int64"), kind="texts", counts={"train": 3})
    assert summary(fixed).startswith("3 samples of 54 tokens")
