"""The monitor over the real run session: files arrive from background threads."""

import pytest
from PySide6.QtWidgets import QToolButton, QWidget

from widgets.monitor.monitor_panel import MonitorPanel
from widgets.monitor.results import PredictionsPanel
from workbench.runs.folder import RunFolder
from workbench.session.comparison import Comparison
from workbench.session.run import RunSession


@pytest.fixture
def session(at_rest, catalog, runs_folder):
    at_rest.run = RunSession(catalog, runs_folder)
    at_rest.comparison = Comparison(at_rest.run)
    yield at_rest
    at_rest.run.close()


def tick_until(qtbot, session, is_true):
    def ticked():
        session.run.tick()
        session.tick()
        return is_true()

    qtbot.waitUntil(ticked, timeout=5000)


def test_an_ended_run_is_replayed_and_its_newest_maps_loaded(qtbot, session, theme, run_folder):
    panel = MonitorPanel(session, theme)
    qtbot.addWidget(panel)
    panel.show()
    session.run.open(run_folder)
    maps = panel.findChild(QWidget, "feature_maps")
    heading = maps.findChild(QToolButton, "layer")
    tick_until(qtbot, session, lambda: heading.text() == "conv1 · step 336")
    assert maps.maps.cell_rect(27).isValid()


def test_predictions_are_read_in_the_background(qtbot, session, theme, run_folder):
    panel = PredictionsPanel(session, theme)
    qtbot.addWidget(panel)
    panel.show()
    session.run.open(run_folder)
    tick_until(qtbot, session, lambda: panel.gallery.answers.rowCount() > 0)
    assert panel.scores.table.rowCount() == 10


def test_comparing_a_run_without_files_breaks_nothing(qtbot, session, runs_folder):
    told = []
    session.comparison.failed.connect(told.append)
    missing = RunFolder(runs_folder / "missing")
    session.comparison.check(missing, True)
    for _ in range(3):
        qtbot.wait(20)
        session.tick()
    # A folder without events is a run of no steps: nothing is drawn and nothing breaks.
    assert not told
    assert session.comparison.runs["missing"].state.step == 0
    assert session.comparison.experiments == {}
