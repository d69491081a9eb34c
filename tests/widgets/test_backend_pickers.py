"""The backend and the device in the top bar, by mouse and keys."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPushButton

from plugins.backends.keras.backend import KerasJax
from widgets.backend_pickers import BackendPicker, DevicePicker
from widgets.dialogs.compare_backends import CompareBackendsDialog
from widgets.picker import DETAIL
from workbench.document.edits import set_training
from workbench.plugin_api.backend import Availability, Device
from workbench.plugin_api.launcher import Readiness
from workbench.session import backends as backends_module

LINE = 'pip install "neural-workbench[keras-jax]"'
GPU = Device("cuda:0", "NVIDIA H100", 80 * 10**9)
CPU = Device("cpu", "Processor", 8 * 10**9)


@pytest.fixture
def without_jax(monkeypatch):
    missing = Availability(False, "JAX is not installed.", LINE)
    monkeypatch.setattr(KerasJax, "availability", lambda self: missing)


def pick(qtbot, picker, title):
    """Choose an entry of the open list with the mouse."""
    picker.showPopup()
    view = picker.view()
    where = view.visualRect(picker.model().index(picker.findText(title), 0)).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=where)


def detail(picker, title):
    return picker.itemData(picker.findText(title), DETAIL)


def backend_of(window):
    return window.session.document.experiment.training.backend


def message(window):
    return window.message_bar.findChild(QLabel, "messageText").text()


def test_all_four_backends_are_listed_and_choosing_one_can_be_undone(window, qtbot):
    picker = window.findChild(BackendPicker)
    titles = [picker.itemText(row) for row in range(4)]
    assert titles[0] == "PyTorch"
    assert sorted(titles) == ["Keras · JAX", "Keras · PyTorch", "Keras · TensorFlow", "PyTorch"]
    pick(qtbot, picker, "Keras · JAX")
    assert backend_of(window) == "keras-jax"
    assert window.session.document.undo_title == "Change the backend"
    assert picker.width() >= picker.fitting_width()
    window.session.document.undo()
    assert picker.currentText() == "PyTorch"


def test_keys_walk_through_the_backends_and_stop_at_the_last(window, qtbot):
    picker = window.findChild(BackendPicker)
    picker.setFocus()
    for _ in range(8):
        qtbot.keyClick(picker, Qt.Key.Key_Down)
    assert picker.currentData() == backend_of(window) == picker.itemData(3)
    qtbot.keyClick(picker, Qt.Key.Key_Home)
    assert backend_of(window) == "torch"


@pytest.mark.usefixtures("without_jax")
def test_a_missing_backend_is_greyed_with_the_line_that_installs_it(window, qtbot):
    picker = window.findChild(BackendPicker)
    picker.showPopup()
    picker.hidePopup()
    row = picker.findText("Keras · JAX")
    assert not picker.model().item(row).isEnabled()
    assert detail(picker, "Keras · JAX") == "not installed"
    assert LINE in picker.itemData(row, Qt.ItemDataRole.ToolTipRole)
    pick(qtbot, picker, "Keras · JAX")
    assert backend_of(window) == "torch"


@pytest.mark.usefixtures("without_jax")
def test_a_file_that_names_a_missing_backend_opens_with_a_line_to_copy(window, qtbot):
    document = window.session.document
    document.replace(set_training(document.experiment, backend="keras-jax"))
    assert message(window) == "Keras · JAX cannot train here: JAX is not installed."
    copy = window.message_bar.findChild(QPushButton, "copyMessage")
    qtbot.mouseClick(copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == LINE
    assert window.findChild(BackendPicker).property("wrong")
    window.message_bar.dismiss()
    window.runs.train()
    assert window.session.run.started == []
    assert message(window).startswith("Keras · JAX cannot train here")


def test_a_broken_import_is_said_once_and_the_rest_goes_on(window):
    session = window.session
    session.backends.use("torch")
    session.document.edit(lambda e: set_training(e, backend="keras-jax"), "Backend")
    assert ("warm_up", "keras-jax") in session.run.calls
    said = []
    session.messaged.connect(lambda found: said.append(found))
    broken = Readiness(state="broken", message="Keras · JAX cannot be imported.", hint="Again.")
    session.run.warmth["keras-jax"] = broken
    session.tick()
    session.tick()
    assert [(found.text, found.copy) for found in said] == [(broken.message, LINE)]
    assert detail(window.findChild(BackendPicker), "Keras · JAX") == "cannot be imported"
    session.document.edit(lambda e: set_training(e, backend="torch"), "Backend")
    assert not window.findChild(BackendPicker).property("wrong")


def test_a_worker_nobody_wants_any_more_is_ended_after_a_while(window, monkeypatch):
    session = window.session
    session.backends.use("torch")
    session.document.edit(lambda e: set_training(e, backend="keras-jax"), "Backend")
    session.tick()
    assert ("cool_down", "torch") not in session.run.calls
    monkeypatch.setattr(backends_module, "IDLE_SECONDS", -1.0)
    session.tick()
    assert ("cool_down", "torch") in session.run.calls
    assert ("cool_down", "keras-jax") not in session.run.calls


def test_devices_come_from_the_backend_once_its_worker_has_told(window, qtbot):
    session, picker = window.session, window.findChild(DevicePicker)
    session.document.edit(lambda e: set_training(e, device="auto"), "Device")
    entries = [picker.itemData(row) for row in range(picker.count())]
    assert entries == ["auto", "cpu"]
    session.run.warmth["torch"] = Readiness(state="ready", devices=(GPU, CPU))
    session.backends.use("torch")
    assert [picker.itemData(row) for row in range(picker.count())] == ["auto", "cuda:0", "cpu"]
    assert detail(picker, "GPU") == "NVIDIA H100 · 80 GB"
    pick(qtbot, picker, "GPU")
    assert session.document.experiment.training.device == "cuda:0"
    session.run.warmth["torch"] = Readiness()  # a run took the worker: what is known stays
    session.tick()
    assert picker.currentText() == "GPU"


def test_a_device_that_is_not_here_stays_in_sight_and_is_marked(window):
    session, picker = window.session, window.findChild(DevicePicker)
    session.document.edit(lambda e: set_training(e, device="cuda:3"), "Device")
    assert not picker.property("wrong")
    session.run.warmth["torch"] = Readiness(state="ready", devices=(GPU, CPU))
    session.backends.use("torch")
    assert picker.currentText() == "GPU 3"
    assert picker.property("wrong")
    assert "not on this machine" in picker.toolTip()


def test_the_list_of_backends_leads_to_their_comparison(window, qtbot):
    pick(qtbot, window.findChild(BackendPicker), "Compare backends…")
    dialog = window.findChild(CompareBackendsDialog)
    assert dialog.isVisible()
    assert backend_of(window) == "torch"
    dialog.close()
