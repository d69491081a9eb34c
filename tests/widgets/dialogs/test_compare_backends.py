"""Compare backends, with workers that do what the test says."""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QTableWidget

from tests.workbench.runs.written_runs import append, started
from widgets.dialogs.compare_backends import CompareBackendsDialog
from workbench.document.edits import remove_nodes
from workbench.plugin_api.launcher import Launcher
from workbench.runs import events as ev
from workbench.runs.folder import RunFolder
from workbench.runs.request import read_request
from workbench.session.backend_comparison import BackendComparison

LOSSES = {"torch": 0.0, "keras-jax": 2e-6, "keras-tensorflow": 1e-6}


class QuickWorkers(Launcher):
    """Each run ends at once: the losses are those of the first, a little off; one backend fails."""

    id = "local"

    def __init__(self) -> None:
        self.submitted: list[RunFolder] = []
        self.cancelled: list[RunFolder] = []
        self.are_slow = False

    def submit(self, run_folder, backend=""):
        folder = RunFolder(run_folder)
        self.submitted.append(folder)
        if self.are_slow:
            return
        now, steps = time.time() + 1, read_request(folder).steps
        if backend not in LOSSES:
            append(folder, [ev.Failed(time=now, message="There is no memory.", hint="Buy some.")])
            return
        losses = [2.0 - 0.01 * step + LOSSES[backend] for step in range(steps)]
        done = ev.Finished(time=now + 1, step=steps, reason="completed", metrics={})
        columns = {"loss": losses}
        said = ev.Steps(time=now + 1, first=1, columns=columns, samples_per_second=9.0)
        append(folder, [started(now), said, done])

    def cancel(self, run_folder, pid=0):
        self.cancelled.append(RunFolder(run_folder))


@pytest.fixture
def workers(window):
    found = QuickWorkers()
    window.session.run.launcher = found
    return found


@pytest.fixture
def dialog(window, workers, qtbot):
    window.actions_table["run.compare_backends"].trigger()
    made = window.findChild(CompareBackendsDialog)
    yield made
    made.close()


def click(qtbot, dialog, name):
    button = dialog.findChild(QPushButton, name)
    assert button.isVisible()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def state(dialog):
    return dialog.findChild(QLabel, "compareState").text()


def rows(dialog):
    table = dialog.findChild(QTableWidget)
    return {
        table.item(row, 0).text(): [table.item(row, c).text() for c in range(1, 5)]
        for row in range(table.rowCount())
    }


def run_through(window, qtbot, dialog):
    def done():
        window.session.tick()
        return not dialog.is_running

    qtbot.waitUntil(done, timeout=20_000)


def test_curves_are_overlaid_and_differences_told(window, workers, dialog, qtbot):
    steps = dialog.findChild(QLineEdit, "field_steps")
    steps.setFocus()
    steps.selectAll()
    qtbot.keyClicks(steps, "12")
    click(qtbot, dialog, "startCompare")
    run_through(window, qtbot, dialog)
    shown = rows(dialog)
    assert shown["PyTorch"] == ["12 / 12", "1.890000", "–", "1.0 s"]
    assert shown["Keras · JAX"][2] == "2e-06"
    assert shown["Keras · PyTorch"][0] == "There is no memory. Buy some."
    assert state(dialog) == "The losses differ from PyTorch's by 2e-06 at most."
    session = window.session
    assert session.run.folder == workers.submitted[0]
    names = {folder.name for folder in workers.submitted[1:]}
    assert set(session.comparison.runs) == names
    assert all(session.comparison.slot(name) is not None for name in names)
    click(qtbot, dialog, "copyCompare")
    assert "2e-06" in QGuiApplication.clipboard().text()
    click(qtbot, dialog, "startCompare")  # again, as well
    run_through(window, qtbot, dialog)
    assert len(workers.submitted) == 8
    assert len(session.comparison.runs) == 3


def test_a_backend_that_is_not_ticked_is_left_out(window, workers, dialog, qtbot):
    table = dialog.findChild(QTableWidget)
    for row in (1, 2):
        where = table.visualItemRect(table.item(row, 0))
        place = where.topLeft() + type(where.topLeft())(10, where.height() // 2)
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert len(dialog._chosen()) == 2
    click(qtbot, dialog, "startCompare")
    run_through(window, qtbot, dialog)
    assert len(workers.submitted) == 2


def test_cancel_ends_the_worker_and_begins_no_other(window, workers, dialog, qtbot):
    workers.are_slow = True
    click(qtbot, dialog, "startCompare")
    window.session.tick()
    assert state(dialog) == "PyTorch: Starting …"
    click(qtbot, dialog, "cancelCompare")
    window.session.tick()
    assert workers.cancelled == workers.submitted
    assert len(workers.submitted) == 1
    assert {cells[0] for cells in rows(dialog).values()} == {"Cancelled."}
    assert state(dialog) == "Nothing could be compared."


def test_chance_is_named_before(window, dialog):
    said = [label.text() for label in dialog.findChildren(QLabel)]
    assert any("Equal losses are not promised: drop1 draws at random" in text for text in said)


def test_a_design_with_errors_cannot_be_compared(window, dialog):
    document = window.session.document
    document.edit(lambda e: remove_nodes(e, (e.graph.nodes[-1].id,)), "Remove")
    assert state(dialog).startswith("The design has an error")
    assert not dialog.findChild(QPushButton, "startCompare").isEnabled()
    document.undo()
    assert dialog.findChild(QPushButton, "startCompare").isEnabled()


def test_a_backend_that_is_not_installed_is_an_error_of_its_own(catalog, tmp_path, monkeypatch):
    from plugins.backends.keras.backend import KerasJax
    from tests.widgets.runs_on_disk import experiment
    from workbench.plugin_api.backend import Availability

    missing = Availability(False, "JAX is not installed.", "pip install jax")
    monkeypatch.setattr(KerasJax, "availability", lambda self: missing)
    workers = QuickWorkers()
    compared = BackendComparison(
        experiment(),
        ["torch", "keras-jax"],
        5,
        catalog=catalog,
        runs_folder=tmp_path,
        launcher=workers,
    )
    deadline = time.monotonic() + 20
    while compared.is_running and time.monotonic() < deadline:
        compared.tick()
        time.sleep(0.01)
    assert [trial.error for trial in compared.trials] == [
        "",
        "JAX is not installed. pip install jax",
    ]
    assert len(compared.trials[0].losses) == 5
