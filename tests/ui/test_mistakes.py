"""A mistake is looked at, understood, and corrected; then the data say so."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QLabel,
    QListView,
    QListWidget,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QSlider,
)

from resources import examples
from tests.workbench import inspected
from widgets.dialogs.new_target import NewTargetDialog
from widgets.panels.data_preview import DataPreview
from workbench.document.files import load


@pytest.fixture(scope="module")
def run(catalog, tmp_path_factory):
    return inspected.trained(inspected.digits(), tmp_path_factory.mktemp("runs"), catalog)


@pytest.fixture
def shown(person, run):
    """The run in the window, and its experiment on the canvas."""
    person.window.show_workbench()
    person.session.document.replace(inspected.digits())
    person.session.run.open(run)
    person.wait(lambda: person.session.data.info is not None)
    return person


def pick(widget, text):
    """Pick an entry by keyboard."""
    widget.setFocus()
    if widget.isEditable():
        QTest.keyClick(widget, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        QTest.keyClicks(widget, text)
        QTest.keyClick(widget, Qt.Key.Key_Return)
        return
    while widget.currentText() != text:
        before = widget.currentIndex()
        step = Qt.Key.Key_Down if widget.findText(text) > before else Qt.Key.Key_Up
        QTest.keyClick(widget, step)
        assert widget.currentIndex() != before, f"there is no {text}"


def choose_in_menu(person, *texts):
    """Click through an open menu."""

    def found(text):
        menu = QApplication.activePopupWidget()
        actions = menu.actions() if isinstance(menu, QMenu) else []
        return next((each for each in actions if each.text() == text), None)

    for text in texts:
        person.wait(lambda text=text: found(text) is not None)
        menu = QApplication.activePopupWidget()
        place = menu.actionGeometry(found(text)).center()
        QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=place)


def right_click(widget, place):
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, widget.mapToGlobal(place))
    QApplication.sendEvent(widget, event)


def test_mistakes_are_explained_and_corrected(shown):
    explain_and_correct(shown)
    leave_several_out(shown)
    relabel_in_the_preview(shown)


def test_a_picture_of_ones_own_and_the_filters(shown, tmp_path):
    explain_and_compare(shown, tmp_path)
    look_at_filters(shown)


def explain_and_correct(person):
    """A mistake is explained for both classes; another class, left out, taken back."""
    session = person.session
    panel = person.window.show_tab("predictions")
    gallery = panel.gallery
    person.wait(lambda: gallery.answers.rowCount() > 0)
    pick(person.find("order", QComboBox), "Surest mistakes")
    answers = [gallery.model().index(row, 0).data(Qt.ItemDataRole.UserRole) for row in range(2)]
    assert not any(answer.is_right for answer in answers)
    first = answers[0]

    place = gallery.visualRect(gallery.model().index(0, 0)).center()
    QTest.mouseClick(gallery.viewport(), Qt.MouseButton.LeftButton, pos=place)
    person.wait(lambda: len(session.examination.explained) == 2, 120)
    dialog = person.find("sample_dialog")
    assert f"taken for <b>{first.answer}</b>" in person.find("sample_answer", QLabel).text()
    captions = [reasons.caption for reasons in dialog.reasons.picture.reasons]
    assert captions[0].startswith(f"For “{first.answer}”, the answer · score ")
    assert captions[1].startswith(f"For “{first.true}”, the true class · score ")
    person.wait(lambda: person.find("leave_out").isEnabled())

    picture = dialog.reasons.picture

    def colourful():
        box = picture.box(1).toRect()
        pixels = picture.grab(box).toImage()
        spots = [(x, y) for x in range(3, box.width(), 7) for y in range(3, box.height(), 7)]
        colours = [pixels.pixelColor(x, y) for x, y in spots]
        return max(colour.red() - colour.blue() for colour in colours)

    before = colourful()
    slider = person.find("overlay_opacity", QSlider)
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Home)
    assert colourful() == 0 < before
    QTest.keyClick(slider, Qt.Key.Key_End)
    assert colourful() >= before

    pick(person.find("explain_layer", QComboBox), "conv1")
    person.wait(lambda: len(session.examination.explained) == 2)
    assert {each.layer for each in session.examination.explained.values()} == {"conv1"}
    pick(person.find("explain_method", QComboBox), "Occlusion")
    person.wait(lambda: len(session.examination.explained) == 2)
    assert "hidden" in person.find("sample_note", QLabel).text()

    pick(person.find("sample_class", QComboBox), "3")
    (key,) = session.document.experiment.data.corrections
    assert session.document.experiment.data.corrections == {key: "3"}
    assert person.find("correction_note", QLabel).text().startswith("→ 3")
    assert gallery.answers.index(0).data(Qt.ItemDataRole.ToolTipRole).endswith("→ 3")
    QTest.keyClick(dialog, Qt.Key.Key_Right)
    assert person.find("sample_place", QLabel).text().startswith("2 of ")
    person.wait(lambda: person.find("leave_out").isEnabled())
    person.click("leave_out")
    person.wait(lambda: len(session.examination.explained) == 2)
    assert list(session.document.experiment.data.corrections.values()) == ["3", None]
    dialog.close()

    person.window.show_tab("data")
    person.wait(lambda: session.data.info is not None and session.data.info.corrected.excluded)
    assert session.data.info.corrected.relabelled == 1
    assert person.find("corrections_summary", QLabel).text().startswith("1 relabelled, 1 left out")
    listed = person.find("corrections_list", QListView)
    QTest.mouseClick(
        listed.viewport(),
        Qt.MouseButton.LeftButton,
        pos=listed.visualRect(listed.model().index(0, 0)).center(),
    )
    QTest.keyClick(listed, Qt.Key.Key_Delete)
    assert list(session.document.experiment.data.corrections.values()) == [None]
    session.document.undo()
    assert list(session.document.experiment.data.corrections.values()) == ["3", None]
    person.click("take_back_all")
    assert not session.document.experiment.data.corrections
    assert not listed.isVisible()


def leave_several_out(person):
    """Two mistakes are selected and left out at once; not where the data are others."""
    gallery = person.window.show_tab("predictions").gallery
    model = gallery.answers
    person.wait(lambda: model.rowCount() > 2)
    numbers = [model.index(row).data(Qt.ItemDataRole.UserRole).index for row in range(3)]
    person.wait(lambda: all(map(model.sample_id, numbers)))
    viewport = gallery.viewport()
    QTest.mouseClick(  # beside the one that was looked at
        viewport,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.ControlModifier,
        gallery.visualRect(model.index(2)).center(),
    )
    assert person.session.examination.sample is None  # nothing was opened

    right_click(viewport, gallery.visualRect(model.index(0)).center())
    choose_in_menu(person, "Leave out")

    wanted = {model.sample_id(numbers[row]): None for row in (0, 2)}
    assert person.session.document.experiment.data.corrections == wanted
    person.session.document.replace(inspected.motions())
    right_click(viewport, gallery.visualRect(model.index(0)).center())
    person.wait(lambda: person.window.message_bar.isVisible())
    assert "learns from other data" in person.find("messageText", QLabel).text()
    person.session.document.replace(inspected.digits())


def relabel_in_the_preview(person):
    """The class bars follow at once, and undo."""
    session = person.session
    person.window.show_tab("data")
    person.wait(lambda: not session.data.is_busy)
    grid = person.find("thumbnailGrid")
    person.wait(lambda: bool(grid._items))
    before = session.data.info.class_counts["train"]
    place = grid.picture_rect(0).center()
    assert grid._items[0][1] == "0"

    right_click(grid, place)
    choose_in_menu(person, "Relabel as", "7")

    assert list(session.document.experiment.data.corrections.values()) == ["7"]
    person.wait(lambda: session.data.info.class_counts["train"] != before)
    after = session.data.info.class_counts["train"]
    assert (after[0], after[7]) == (before[0] - 1, before[7] + 1)
    assert session.document.undo() is None
    person.wait(lambda: session.data.info.class_counts["train"] == before)


def explain_and_compare(person, tmp_path):
    """A file is explained, then compared with the training data; then a sample of the data."""
    session = person.session
    file = tmp_path / "one.png"
    ground = np.zeros((8, 8), np.uint8)
    ground[1:7, 3:5] = 250
    Image.fromarray(ground).save(file)
    panel = person.window.show_tab("trial")
    person.wait(lambda: session.trial.loaded is not None, 120)
    panel.ask_about_file(str(file))
    person.wait(lambda: session.trial.explained is not None)
    assert panel.evidence.picture.reasons[0].caption == "Grad-CAM"
    assert "conv2 finds what speaks for the class" in person.find("completeness", QLabel).text()

    person.click("show_similar")
    pick(person.find("similar_layer", QComboBox), "gap1")
    person.click("find_similar")
    person.wait(lambda: session.similarity.found is not None, 120)
    samples = person.find("similar_samples", QListWidget)
    assert samples.count() == 12
    person.wait(lambda: not samples.item(0).icon().isNull())
    label, distance = samples.item(0).text().split("\n")
    assert label in "0123456789"
    assert 0 <= float(distance) < 1
    right_click(samples.viewport(), samples.visualItemRect(samples.item(0)).center())
    choose_in_menu(person, "Leave out")
    (key,) = session.document.experiment.data.corrections
    assert key.startswith(f"{session.similarity.found.names[0]}#")

    number = person.find("sample_number")
    number.setFocus()
    number.selectAll()
    QTest.keyClicks(number, "12")
    QTest.keyClick(number, Qt.Key.Key_Return)
    person.wait(lambda: session.trial.answered is not None and session.trial.answered.truth >= 0)
    assert (session.trial.sample.split, session.trial.sample.index) == ("test", 12)
    person.click("find_similar")
    person.wait(lambda: session.similarity.found is not None, 120)


def look_at_filters(person):
    """Filters of a chosen layer, and of another channel of its input."""
    session = person.session
    person.window.show_tab("inside").choose("filters")
    person.wait(lambda: session.trial.loaded is not None, 120)
    note = person.find("filters_note", QLabel)
    person.wait(lambda: note.text().startswith("6 filters of 3 × 3 × 1"))
    pick(person.find("filters_layer", QComboBox), "conv2")
    person.wait(lambda: note.text().startswith("8 filters of 3 × 3 × 6"))
    grid = person.find("filter_grid")
    place = grid.cell_rect(2).center()
    assert grid._grid().at(place.x(), place.y()) == 2
    assert grid.describe(2).startswith("Filter 2: −")
    channel = person.find("filters_channel")
    channel.setFocus()
    before = grid._values.copy()
    QTest.keyClick(channel, Qt.Key.Key_Up)
    person.wait(lambda: (grid._values != before).any())


def test_several_classes_are_written_anew_in_the_preview(person):
    person.window.show_workbench()
    document = person.session.document
    document.replace(load(examples()["yeast-mlp"]))
    person.wait(lambda: person.session.data.info is not None)
    preview = person.window.show_tab("data").findChild(DataPreview)
    person.wait(lambda: bool(preview._shown))
    sample, grid = preview._shown[0], preview._grid
    right_click(grid, QPoint(20, 12))
    choose_in_menu(person, "Relabel as…")
    person.wait(lambda: isinstance(QApplication.activeModalWidget(), NewTargetDialog))
    dialog = QApplication.activeModalWidget()
    field, ok = dialog.findChild(QPlainTextEdit), dialog.findChild(QPushButton)
    assert field.toPlainText() == sample.label
    assert not ok.isEnabled()
    QTest.keyClicks(field, "Class99")
    assert "no class “Class99”" in dialog.findChild(QLabel, "new_target_note").text()
    assert not ok.isEnabled()
    QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(field, "Class2; Class5")
    QTest.mouseClick(ok, Qt.MouseButton.LeftButton)
    assert document.experiment.data.corrections == {sample.sample_id: "Class2; Class5"}
    person.wait(lambda: person.session.data.info.corrected.relabelled == 1)
    document.undo()
    assert not document.experiment.data.corrections
