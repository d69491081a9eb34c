"""From an empty canvas to exported weights, with mouse and keys alone."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QInputDialog, QLineEdit, QWidget

from tests.ui.conftest import close
from widgets.app import make_window

LAYERS = (
    "Input",
    "Conv2D",
    "MaxPool2D",
    "Flatten",
    "Dense",
    "Output",
)
CONTROL = Qt.KeyboardModifier.ControlModifier


def build_digits_network(person):
    """Drag one layer under the other, put another on an edge, and set what matters."""
    person.click("emptyExperiment")
    canvas = person.window.page.canvas
    person.wait(canvas.isVisible)
    for row, kind in enumerate(LAYERS):
        assert person.hands.drag_layer(kind, QPoint(canvas.viewport().width() // 2, 40 + 70 * row))
    assert [node.type for node in person.graph.order()] == list(LAYERS)
    assert len([node for node in person.graph.nodes if node.inputs]) == len(LAYERS) - 1

    person.hands.drag_layer("ReLU", person.hands.edge("conv1", "pool1"))
    assert person.graph["pool1"].inputs == ("relu1",)
    person.hands.key(Qt.Key.Key_Z, CONTROL)
    assert "relu1" not in person.graph
    person.hands.key(Qt.Key.Key_Z, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    assert person.graph["relu1"].inputs == ("conv1",)

    person.hands.click(person.hands.node("conv1"))
    person.write("field_filters", "16")
    person.hands.click(person.hands.node("dense1"))
    person.write("field_units", "10")
    assert person.graph["conv1"].params["filters"] == 16
    assert person.graph["dense1"].params["units"] == 10
    person.wait(lambda: person.session.data.info is not None)
    assert person.session.document.report.errors == ()


def test_build_train_pause_resume_stop_continue_and_export(person, tmp_path):
    build_digits_network(person)
    run = person.session.run
    person.window.show_tab("training")
    person.write("field_epochs", "400")
    assert person.session.document.experiment.training.epochs == 400

    person.press(Qt.Key.Key_F5)
    person.wait(lambda: run.state.step > 0, 120)
    losses = run.state.steps["loss"]
    assert len(losses) == run.state.step

    person.click("pauseButton")
    person.wait(lambda: run.state.status == "paused")
    paused_at = run.state.step
    person.qtbot.wait(500)
    assert run.state.step == paused_at
    person.write("field_live_rate", "0.0005")
    person.click("resumeButton")
    person.wait(lambda: run.state.step > paused_at + 50)
    assert run.state.steps["learning_rate"].values[-1] == pytest.approx(0.0005)
    person.wait(lambda: len(run.state.probes) > 1)

    person.click("stopButton")
    person.wait(lambda: run.state.status == "stopped" and not run.is_active)
    stopped_at = run.state.epoch
    assert person.session.run.state.checkpoints["last"]

    continue_for_more_epochs(person, 2)
    person.wait(lambda: run.state.status == "completed", 120)
    assert run.state.epoch == stopped_at + 2
    assert run.state.metrics["test/accuracy"] > 0.8
    steps = list(run.state.steps["loss"].steps)
    assert steps == list(range(1, len(steps) + 1))

    export_everything(person, tmp_path)


def continue_for_more_epochs(person, epochs):
    def answer():
        dialog = person.window.findChild(QInputDialog)
        field = dialog.findChild(QWidget, "qt_spinbox_lineedit")
        field.selectAll()
        QTest.keyClicks(field, str(epochs))
        QTest.keyClick(field, Qt.Key.Key_Return)

    QTimer.singleShot(500, answer)
    person.window.actions_table["run.continue"].trigger()


def write_folder(person, dialog, folder):
    field = dialog.findChild(QLineEdit)
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_A, CONTROL)
    QTest.keyClicks(field, str(folder))
    person.wait(lambda: dialog.findChild(QWidget, "startExport").isEnabled())


def export_everything(person, folder):
    person.press(Qt.Key.Key_E, CONTROL)
    person.wait(lambda: person.window.findChild(QDialog, "exportDialog") is not None)
    dialog = person.window.findChild(QDialog, "exportDialog")
    write_folder(person, dialog, folder)
    person.click("startExport")
    person.wait(lambda: not dialog.is_running and any(folder.glob("*.py")), 180)
    table = dialog.findChild(QWidget, "exportReport")
    assert table.topLevelItemCount() == 2
    assert len(list(folder.glob("*.safetensors"))) == 2
    dialog.reject()
    script = next(folder.glob("*.py"))
    picture = folder / "digit.png"
    Image.new("L", (20, 20), 128).save(picture)
    done = subprocess.run(
        [sys.executable, "-I", str(script), str(picture)],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    assert done.stdout.startswith(str(picture))


def test_a_run_goes_on_without_its_window_and_is_shown_again(person, qtbot):
    person.window.files.open_example("digits-cnn")
    person.window.show_workbench()
    session = person.session
    person.wait(lambda: session.data.info is not None)
    person.window.show_tab("training")
    person.write("field_epochs", "300")
    person.press(Qt.Key.Key_F5)
    run = session.run
    person.wait(lambda: run.state.step > 0, 120)
    folder = run.folder
    person.window.close_at_once()
    run.close()
    before = json.loads(folder.events.read_bytes().splitlines()[-2])["time"]

    again = make_window()
    again.show()
    again.start()
    again.session.run.open(folder)
    reopened = again.session.run
    person.wait(lambda: reopened.state.updated > before and reopened.state.step > 0)
    at = reopened.state.step
    person.wait(lambda: reopened.state.step > at)
    assert reopened.is_active
    reopened.stop()
    person.wait(lambda: reopened.state.status == "stopped" and not reopened.is_active)
    close(again)
