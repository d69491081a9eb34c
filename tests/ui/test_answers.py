"""Samples with several classes, tags and numbers are corrected where their mistakes are shown."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QPushButton

from resources import examples
from tests.ui.test_mistakes import choose_in_menu, right_click
from tests.widgets.runs_on_disk import BEGAN, write_experiment
from widgets.dialogs.new_target import NewTargetDialog
from workbench.document.files import load
from workbench.plugin_api.data import raw_target
from workbench.plugin_api.label_results import LabelResults
from workbench.plugin_api.number_results import NumberResults
from workbench.plugin_api.tag_results import TagResults
from workbench.plugin_api.task import Evaluation
from workbench.runs import events as ev
from workbench.runs.folder import RunFolder
from workbench.runs.log import LineWriter
from workbench.runs.results import Results, write_results
from workbench.worker.preparation import describe


def answered(example, folder, catalog, answer):
    """Write a run of an example that has answered the validation split, and return its value."""
    experiment = load(examples()[example])
    opened, info = describe(experiment.data, catalog)
    samples = opened.splits["validation"]
    targets = [raw_target(samples, index) for index in range(len(samples))]
    results, per_class = answer(targets, info)
    run = RunFolder(folder / f"2026-11-20_101500_{example}")
    for path in (run.path, run.probes, run.results):
        path.mkdir(parents=True)
    write_experiment(run, experiment)
    run.info.write_bytes(msgspec.json.encode({"info": info}))
    kept = Results(9, np.arange(len(samples)), results.arrays())
    write_results(run.results / "validation.safetensors", kept)
    told = Evaluation(metrics={"loss": 0.1}, per_class=per_class)
    with LineWriter(run.events) as events:
        events.write(
            ev.encode(ev.Evaluated(time=BEGAN, split="validation", step=9, evaluation=told))
        )
        events.write(ev.encode(ev.Finished(time=BEGAN, step=9, reason="completed", metrics={})))
    return experiment, run


def labelled(targets, info):
    true = np.array(targets, np.uint8)
    shares = np.where(true > 0, 0.9, 0.1).astype(np.float16)
    shares[5] = 1 - shares[5]
    return LabelResults(shares, true), {"f1": (0.5,) * len(info.classes)}


def tagged(targets, info):
    true = np.concatenate([target[target >= 0] for target in targets])
    ends = np.cumsum([(target >= 0).sum() for target in targets])
    said = true.copy()
    said[: ends[0]] = (said[: ends[0]] + 1) % len(info.classes)
    results = TagResults(
        ends.astype(np.int64),
        true.astype(np.int16),
        said.astype(np.int16),
        np.ones(len(true), np.float32),
    )
    return results, {"f1": (0.5,) * len(info.classes)}


def numbered(targets, info):
    true = np.array(targets, np.float32)
    said = true.copy()
    said[3] += 200
    return NumberResults(said, true), {}


@pytest.fixture
def show(person, tmp_path, catalog):
    """Open an answered example and return its list once the samples are known."""

    def shown(example, answer, tab):
        experiment, run = answered(example, tmp_path, catalog, answer)
        person.window.show_workbench()
        person.session.document.replace(experiment)
        person.session.run.open(run)
        person.wait(lambda: person.session.data.info is not None)
        listed = person.window.show_tab(tab).list
        person.wait(lambda: "Correct…" in listed.toPlainText())
        return listed

    return shown


def place_of(listed, text):
    """Return where a text stands on the screen."""
    listed.moveCursor(QTextCursor.MoveOperation.Start)
    assert listed.find(text), f"{text} is not written"
    cursor = listed.textCursor()
    cursor.setPosition(cursor.selectionStart() + 1)
    listed.setTextCursor(cursor)
    return listed.cursorRect(cursor).center() + QPoint(1, 0)


def click(listed, text):
    at = place_of(listed, text)
    QTest.mouseClick(listed.viewport(), Qt.MouseButton.LeftButton, pos=at)


def write(person, text):
    """Write another target into the open dialog, and accept it."""
    person.wait(lambda: isinstance(QApplication.activeModalWidget(), NewTargetDialog))
    dialog = QApplication.activeModalWidget()
    field, ok = dialog.findChild(QPlainTextEdit), dialog.findChild(QPushButton)
    before = field.toPlainText()
    QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(field, text)
    QTest.mouseClick(ok, Qt.MouseButton.LeftButton)
    return before


def corrections(person):
    return dict(person.session.document.experiment.data.corrections)


def test_answers_are_corrected_where_they_are_shown(person, show):
    """One window for all, which takes seconds to open."""
    write_several_classes_anew(person, show)
    correct_a_tag_at_its_word(person, show)
    write_a_number_anew(person, show)


def write_several_classes_anew(person, show):
    """Of one sample; two that are selected are left out; not where the data are others."""
    listed = show("yeast-mlp", labelled, "sentences")
    sample = listed.texts[5]
    click(listed, "Correct…")
    choose_in_menu(person, "Relabel as…")
    assert write(person, "Class2; Class5") == sample.label
    assert corrections(person) == {sample.sample_id: "Class2; Class5"}
    assert "→ Class2; Class5" in listed.toPlainText()
    person.session.document.undo()
    assert corrections(person) == {}
    assert "→ Class2" not in listed.toPlainText()
    # two that are selected are left out at once
    listed.moveCursor(QTextCursor.MoveOperation.Start)
    assert all(listed.find("Correct…") for _ in range(2))
    cursor = listed.textCursor()
    cursor.setPosition(0)
    cursor.setPosition(listed.textCursor().selectionStart(), QTextCursor.MoveMode.KeepAnchor)
    listed.setTextCursor(cursor)
    right_click(listed.viewport(), QPoint(20, 20))
    choose_in_menu(person, "Leave out")
    assert list(corrections(person).values()) == [None, None]
    assert listed.toPlainText().count("left out") == 2
    # another experiment on the canvas learns from other data
    person.session.document.replace(load(examples()["digits-cnn"]))
    click(listed, "Correct…")
    person.wait(lambda: person.window.message_bar.isVisible())
    assert QApplication.activePopupWidget() is None


def correct_a_tag_at_its_word(person, show):
    """Of one word by the mouse; all of a sentence by keyboard."""
    listed = show("entities-bilstm", tagged, "sentences")
    sample = listed.texts[0]
    words, before = sample.text.split(), sample.label.split()
    name = next(each for each in person.session.data.info.classes if each != before[2])
    click(listed, words[2])
    choose_in_menu(person, f"“{words[2]}” is", name)
    wanted = [*before[:2], name, *before[3:]]
    assert corrections(person) == {sample.sample_id: " ".join(wanted)}
    assert f"{before[2]} → {name}" in listed.toPlainText()
    assert "corrected" in listed.toPlainText()
    person.wait(lambda: person.session.data.info.corrected.relabelled == 1)
    # all of them by keyboard: Tab stops at samples, not at words
    listed.setFocus()
    listed.moveCursor(QTextCursor.MoveOperation.Start)
    QTest.keyClick(listed, Qt.Key.Key_Tab)
    QTest.keyClick(listed, Qt.Key.Key_Return)
    choose_in_menu(person, "Relabel as…")
    assert write(person, f"{before[0]}*{len(before)}") == " ".join(wanted)
    assert corrections(person) == {sample.sample_id: f"{before[0]}*{len(before)}"}


def write_a_number_anew(person, show):
    """Where the error is largest."""
    listed = show("diabetes-mlp", numbered, "numbers")
    sample = listed.texts[3]
    click(listed, "Correct…")
    choose_in_menu(person, "Relabel as…")
    assert write(person, "151.5") == sample.label
    assert corrections(person) == {sample.sample_id: "151.5"}
    assert "→ 151.5" in listed.toPlainText()
