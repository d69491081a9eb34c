from PySide6.QtWidgets import QSplitter, QWidget

from tests.widgets.runs_on_disk import write_run
from widgets.monitor.monitor_panel import MonitorPanel


def test_it_says_how_to_begin_before_the_first_run(qtbot, at_rest, theme):
    panel = MonitorPanel(at_rest, theme)
    qtbot.addWidget(panel)
    panel.show()
    empty = panel.findChild(QWidget, "empty")
    assert empty.isVisible()
    assert "Train (F5)" in empty.accessibleName()
    assert panel.findChild(QSplitter, "monitor_splitter") is None


def test_a_run_brings_plots_and_maps(qtbot, at_rest, theme, run_folder):
    panel = MonitorPanel(at_rest, theme)
    qtbot.addWidget(panel)
    panel.show()
    at_rest.run.open(run_folder)
    assert panel.findChild(QWidget, "curves").isVisible()
    assert panel.findChild(QWidget, "feature_maps").isVisible()
    at_rest.run.close_run()
    assert panel.findChild(QWidget, "empty").isVisible()


def test_a_run_opened_unseen_is_shown_when_somebody_looks(qtbot, at_rest, theme, run_folder):
    panel = MonitorPanel(at_rest, theme)
    qtbot.addWidget(panel)
    at_rest.run.open(run_folder)
    assert panel.findChild(QSplitter, "monitor_splitter") is None
    assert at_rest.run.watched[1] == ("conv1",)  # probing does not wait for the tab
    panel.show()
    assert panel.findChild(QWidget, "curves").isVisible()


def test_another_run_replaces_the_first(qtbot, at_rest, theme, run_folder, runs_folder):
    panel = MonitorPanel(at_rest, theme)
    qtbot.addWidget(panel)
    panel.show()
    at_rest.run.open(run_folder)
    second = write_run(runs_folder, "2026-11-21_080000_second", epochs=2)
    at_rest.run.open(second)
    curves = panel.findChild(QWidget, "curves")
    assert set(curves.left.plot.runs) == {second.name}
