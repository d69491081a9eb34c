"""A sentence is typed in the window, and the words that carried the answer light up."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from tests.workbench import inspected


@pytest.fixture(scope="module")
def runs(catalog, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    texts = inspected.write_texts(tmp_path_factory.mktemp("texts") / "texts")
    return [
        inspected.trained(experiment, folder, catalog)
        for experiment in (inspected.transformer(texts), inspected.motions())
    ]


def test_a_sentence_is_answered_and_explained(person, runs):
    person.window.show_workbench()
    panel = person.window.show_tab("trial")
    assert panel._empty.isVisible()
    assert "No run is shown yet" in panel._empty.accessibleName()
    person.session.run.open(runs[0])
    person.wait(lambda: person.session.trial.loaded is not None, 120)

    person.write("trial_text", "the superb film with rain")
    person.wait(lambda: person.session.trial.explained is not None, 120)

    assert panel.bars.describe(0).startswith("good ")
    assert panel.evidence._heading.text() == "What speaks for “good”"
    strongest = max(range(5), key=lambda number: abs(panel.evidence.words._values[number]))
    assert panel.evidence.words.describe(strongest).startswith("superb: +")
    image = panel.evidence.words.grab().toImage()
    ratio = image.devicePixelRatio()

    def ground(number):
        place = panel.evidence.words.word_rect(number).topLeft() + QPoint(4, 2)
        return image.pixelColor(int(place.x() * ratio), int(place.y() * ratio))

    assert ground(1).red() > ground(1).blue() + 60
    assert abs(ground(0).red() - ground(0).blue()) < 60

    place = panel.bars.row_rect(1).center().toPoint()
    QTest.mouseClick(panel.bars, Qt.MouseButton.LeftButton, pos=place)
    person.wait(lambda: panel.evidence._heading.text() == "What speaks for “bad”")
    assert panel.evidence.words.describe(1).startswith("superb: -")
    said = person.find("completeness", QLabel).text()
    assert "the parts add up to the difference within" in said

    person.write("trial_text", " ")
    person.wait(lambda: person.window.message_bar.isVisible())
    assert person.find("messageText", QLabel).text() == "The text is empty."
    assert person.find("trial_ask").isEnabled()


def test_a_dropped_series_is_drawn_over_what_its_steps_add(person, runs, tmp_path):
    file = tmp_path / "walk.csv"
    np.savetxt(file, np.random.default_rng(0).normal(size=(100, 6)), delimiter=",")
    person.window.show_workbench()
    panel = person.window.show_tab("trial")
    person.session.run.open(runs[1])
    person.wait(lambda: person.session.trial.loaded is not None, 120)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(file))])
    options = (Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier(0))

    enter = QDragEnterEvent(QPoint(50, 50), *options)
    panel.dragEnterEvent(enter)
    panel.dropEvent(QDropEvent(QPointF(50, 50), *options))
    person.wait(lambda: person.session.trial.explained is not None, 120)

    assert enter.isAccepted()
    signal = panel.evidence.signal
    assert signal.isVisible()
    assert signal.rows == list(range(6))
    assert signal.describe(3, 2).startswith("Channel 3, step 3: ")
    assert ", adds " in signal.describe(3, 2)
    person.session.run.open(runs[0])
    person.wait(lambda: person.session.trial.loaded is not None, 120)
    assert person.find("trial_text").isVisible()
