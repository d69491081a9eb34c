"""A folder of one's own pictures under a network for another number of classes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QLabel, QPushButton

from resources import examples
from workbench.document.files import load


@pytest.fixture
def pictures(tmp_path):
    """Nine pictures of three classes."""
    for label in ("ant", "bee", "cat"):
        (tmp_path / label).mkdir()
        for number in range(3):
            pixels = np.full((8, 8, 3), 80 * number, np.uint8)
            Image.fromarray(pixels).save(tmp_path / label / f"{number}.png")
    return tmp_path


def test_other_classes_are_said_and_a_click_makes_the_head_fit(person, pictures):
    person.window.show_workbench()
    document = person.session.document
    document.replace(load(examples()["digits-cnn"]))
    person.wait(lambda: person.session.data.info is not None and not document.report.errors)
    person.window.show_tab("data")
    box = person.find("choose_source")
    box.setCurrentIndex(box.findData("image_folder"))
    box.activated.emit(box.currentIndex())
    person.write("field_folder", str(pictures))

    def offered():
        return [
            b for b in person.window.findChildren(QPushButton, "repairMessage") if b.isVisible()
        ]

    person.wait(lambda: bool(offered()))
    assert person.find("messageText", QLabel).text() == (
        "The network ends in 10 numbers, but the data have 3 classes."
    )
    assert offered()[0].text() == "Set units of dense1 to 3"
    person.click("repairMessage")
    assert document.experiment.graph["dense1"].params["units"] == 3
    assert document.report.errors == ()
    assert not person.window.message_bar.isVisible()
    person.click("undoButton")
    assert document.experiment.graph["dense1"].params["units"] == 10
    person.click("trainButton")
    assert person.find("messageText", QLabel).text().startswith("Training cannot start")
    person.click("repairMessage")
    assert document.report.errors == ()
