"""Attention moves while a Transformer trains; its words are projected, found and compared."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QSlider, QWidget

from tests.workbench import inspected
from workbench.document.edits import set_training

PATIENCE = 120
"""Seconds for a process that has to import a framework first."""


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    return inspected.write_texts(tmp_path_factory.mktemp("texts") / "texts")


def cell(view, row, column):
    """Return the colour of a cell on the screen."""
    image = view.map.grab().toImage()
    place = view.map.cell_rect(row, column).center() * image.devicePixelRatio()
    return image.pixelColor(int(place.x()), int(place.y())).name()


def test_attention_is_watched_while_training_and_words_are_projected(person, texts):
    person.window.show_workbench()
    inside = person.window.show_tab("inside")
    assert "No run is shown yet" in inside._empty.accessibleName()
    experiment = set_training(inspected.transformer(texts), epochs=16)
    person.session.document.replace(experiment)
    person.session.run.start(person.session.document.experiment)
    view = person.find("attention")
    run = person.session.run

    person.wait(lambda: view.map.heat is not None, 90)
    assert view.layer == "block1"
    assert run._watch.attention == ("block1",)
    first = view.timeline.snapshot
    person.wait(lambda: not run.is_active, 120)
    person.wait(lambda: view.timeline.snapshot.step == run.state.probes[-1][0])
    assert view.timeline.snapshot.step > first.step
    snapshot = view.timeline.snapshot
    heat = view.map.heat
    assert heat.rows == heat.columns == list(snapshot.names)
    mean = snapshot.attention["block1"].shares().mean(axis=0)
    row, column = np.unravel_index(mean.argmax(), mean.shape)
    assert f"“{heat.rows[row]}” looks at “{heat.columns[column]}”: " in heat.describe(row, column)
    assert cell(view, row, column) == "#fde725"

    person.click("next_sample")
    person.wait(lambda: view.timeline.snapshot.sample == 1, PATIENCE)
    other = view.timeline.snapshot
    assert other.step == snapshot.step
    assert view.map.heat.rows == list(other.names) != list(snapshot.names)
    person.click("previous_sample")
    person.wait(lambda: view.timeline.snapshot.sample == 0)

    heads = person.find("attention_head", QComboBox)
    heads.setFocus()
    QTest.keyClick(heads, Qt.Key.Key_Down)
    assert heads.currentText() == "Head 1"
    shares = snapshot.attention["block1"].shares()[0]
    row, column = np.unravel_index(shares.argmax(), shares.shape)
    assert cell(view, row, column) == "#fde725"
    slider = view.findChild(QSlider, "time")
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Home)
    person.wait(lambda: view.timeline.snapshot.step == run.state.probes[0][0])
    assert not view.timeline.is_live

    all_heads_at_a_glance(person, view)
    person.window.show_tab("monitor")
    assert run._watch.attention == ()
    person.session.document.select(("block1",))
    maps = person.find("feature_maps")
    person.wait(lambda: maps.states.isVisible())
    assert maps.states.heat.columns == list(maps.timeline.snapshot.names)
    assert maps.states.heat.describe(2, 1).startswith(f"Unit 2, “{snapshot.names[1]}”: ")
    place = maps.states.cell_rect(3, 0).center().toPoint()
    QTest.mouseClick(maps.states, Qt.MouseButton.LeftButton, pos=place)
    assert maps.findChild(QComboBox, "channels").currentText() == "Channel 3"
    assert maps.states.heat.pixels.shape[0] == 1

    person.window.show_tab("inside")
    person.click("inside_projector")
    project_words(person)


def all_heads_at_a_glance(person, view):
    person.click("attention_all")
    grid = person.find("attention_grid")
    assert grid.layers == ["block1"]
    shares = view.timeline.snapshot.attention["block1"].shares()
    image = grid.grab().toImage()
    for head, one in enumerate(shares):
        box = grid.cell_rect(0, head)
        row, column = np.unravel_index(one.argmax(), one.shape)
        share = QPointF((column + 0.5) / one.shape[1], (row + 0.5) / one.shape[0])
        place = box.topLeft() + QPointF(share.x() * box.width(), share.y() * box.height())
        place *= image.devicePixelRatio()
        assert image.pixelColor(int(place.x()), int(place.y())).name() == "#fde725"
    middle = grid.cell_rect(0, 1).center().toPoint()
    QTest.mouseClick(grid, Qt.MouseButton.LeftButton, pos=middle)
    assert not grid.isVisible()
    assert (view.layer, view.head) == ("block1", 1)
    person.click("attention_all")
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Return):
        QTest.keyClick(grid, key)
    assert view.head == 0


def project_words(person):
    projector = person.find("projector")
    assert projector._layers.currentText() == "words1 · tokens"
    assert not projector._method.model().item(2).isEnabled()
    assert "pip install umap-learn" in projector._method.itemText(2)
    person.click("project")
    assert person.find("cancel_projection").isVisible()
    person.wait(lambda: person.session.projection.projected is not None, PATIENCE)
    scatter, labels = projector.scatter, person.session.projection.projected.labels
    assert "tokens" in person.find("projection_note", QLabel).text()

    search = person.find("projection_search", QLineEdit)
    QTest.keyClicks(search, "superb")
    assert scatter._found.tolist() == [labels.index("superb")]
    place = scatter.places()[labels.index("superb")]
    QTest.mouseClick(scatter, Qt.MouseButton.LeftButton, pos=QPoint(*np.rint(place).astype(int)))
    person.wait(lambda: person.session.projection.neighbours is not None)
    near = projector._list.item(0).text().split()[1]
    assert near in inspected.GOOD
    assert projector._title.text() == "Nearest to “superb”"
    search.clear()
    before = scatter.places()
    QApplication.sendEvent(scatter, wheel(scatter, QPointF(*place)))
    after = scatter.places()
    spread = np.ptp(after, axis=0) / np.ptp(before, axis=0)
    np.testing.assert_allclose(spread, 1.2, rtol=1e-6)
    np.testing.assert_allclose(after[labels.index("superb")], place, atol=1e-6)
    drag(scatter, QPoint(40, 40), QPoint(70, 55))
    np.testing.assert_allclose(scatter.places() - after, [[30, 15]] * len(labels), atol=1e-6)

    projector._layers.setCurrentIndex(projector._layers.findText("pool1 · samples"))
    person.click("project")
    person.click("cancel_projection")
    assert person.session.projection.progress is None
    person.click("project")
    person.wait(lambda: person.session.projection.projected is not None, PATIENCE)
    assert person.session.projection.projected.classes == ("bad", "good")


def wheel(widget: QWidget, place: QPointF) -> QWheelEvent:
    return QWheelEvent(
        place,
        widget.mapToGlobal(place),
        QPoint(),
        QPoint(0, 120),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )


def drag(widget: QWidget, start: QPoint, end: QPoint) -> None:
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(widget, (start + end) / 2)
    QTest.mouseMove(widget, end)
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, pos=end)
