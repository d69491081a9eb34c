from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QMessageBox, QPushButton

from tests.widgets.window_at_rest import open_window
from widgets.app import Opening
from workbench.document.edits import replace
from workbench.document.experiment import Experiment
from workbench.document.files import save
from workbench.document.recovery import Recovery
from workbench.runs.store import RunSummary


@pytest.fixture
def fresh(qtbot, catalog_with_views, theme, runs_folder):
    """A window in which nothing is open yet."""
    made = open_window(catalog_with_views, theme, runs_folder)
    qtbot.addWidget(made, before_close_func=lambda window: window.close_at_once())
    return made


def begin(window, path=None, example=""):
    opening = Opening(window, path, example)
    opening.begin()
    return opening


def test_the_first_start_shows_the_welcome_page(fresh):
    begin(fresh)
    assert fresh.body.currentWidget().objectName() == "welcome"
    assert ("warm_up", "torch") in fresh.session.run.calls


def test_a_file_or_an_example_is_opened_at_once(fresh, tmp_path):
    path = save(Experiment(name="Mine"), tmp_path / "mine")
    begin(fresh, path)
    assert fresh.session.document.experiment.name == "Mine"
    assert fresh.body.currentWidget() is fresh.page


def test_an_example_by_its_name(fresh):
    begin(fresh, Path("digits-cnn"))
    assert fresh.session.document.experiment.name == "Digits CNN"
    assert fresh.session.document.path is None


def test_a_file_that_is_gone_is_told(fresh, tmp_path):
    said = []
    fresh.session.messaged.connect(said.append)
    begin(fresh, tmp_path / "gone.workbench.json")
    assert said[0].text.endswith("does not exist.")
    assert fresh.body.currentWidget().objectName() == "welcome"


def test_without_the_welcome_page_the_newest_file_is_opened(fresh, tmp_path):
    path = save(Experiment(name="Mine"), tmp_path / "mine")
    fresh.session.preferences.welcome = False
    fresh.session.preferences.recent = [str(tmp_path / "gone"), str(path)]
    begin(fresh)
    assert fresh.session.document.experiment.name == "Mine"


def left_behind() -> None:
    recovery = Recovery()
    recovery.note(replace(Experiment(), name="Nearly lost"), None)
    recovery.write()
    recovery._lock.release()


@pytest.mark.parametrize("button", ["Restore", "Discard"])
def test_unsaved_work_of_a_dead_window_is_offered(fresh, qtbot, button):
    left_behind()
    begin(fresh)
    box = fresh.findChild(QMessageBox, "recoveryPrompt")
    assert "Nearly lost" in box.text()
    next(each for each in box.findChildren(QPushButton) if each.text() == button).click()
    document = fresh.session.document
    assert (document.experiment.name == "Nearly lost") == (button == "Restore")
    assert document.is_saved == (button == "Discard")


def test_a_run_that_is_still_training_is_shown_again(fresh, run_folder, monkeypatch):
    run = fresh.session.run
    summary = RunSummary(folder=run_folder, title="Digits", running=True)

    def refresh():
        run.runs = [summary]
        run.runs_changed.emit()

    monkeypatch.setattr(run, "refresh", refresh)
    begin(fresh)
    assert run.folder == run_folder
    assert fresh.session.document.experiment == run.experiment
