"""The Forecast tab: what is drawn and told, chosen by keyboard, zoomed and pointed at by mouse."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QToolButton

from tests.widgets.forecasts_on_disk import HORIZON, forecaster, write_forecasts
from widgets.monitor.curves import CurvesView
from widgets.monitor.forecasts import ForecastsPanel
from widgets.panels.runs_model import BEST, TEST, RunsModel
from widgets.run_controls import progress_text
from workbench.plugin_api.forecast_results import ForecastResults


@pytest.fixture
def folder(runs_folder, catalog):
    return write_forecasts(runs_folder, catalog)


@pytest.fixture
def panel(qtbot, at_rest, theme, folder):
    widget = ForecastsPanel(at_rest, theme)
    qtbot.addWidget(widget)
    widget.resize(1400, 330)
    widget.show()
    at_rest.run.open(folder)
    qtbot.waitExposed(widget)
    return widget


def choose(widget, text):
    """Pick an entry of a combo box by keyboard."""
    widget.setFocus()
    QTest.keyClick(widget, Qt.Key.Key_Home)
    for _ in range(widget.findText(text)):
        QTest.keyClick(widget, Qt.Key.Key_Down)
    assert widget.currentText() == text


def box(panel, name):
    return panel.findChild(QComboBox, name)


def kept(at_rest, split="test"):
    return ForecastResults.of(at_rest.run.results(split).arrays)


def test_the_test_split_of_the_first_series_comes_first(panel, at_rest):
    found = kept(at_rest)
    rows = found.series == 0
    assert panel.split == "test"
    np.testing.assert_allclose(panel.rows.truth, found.truth[rows, 0, 0])
    np.testing.assert_allclose(panel.rows.forecast, found.forecasts[rows, 0, 0, 1])
    assert (panel.rows.low <= panel.rows.high).all()
    assert panel.rows.has_band


def test_channel_series_horizon_and_split_are_chosen(panel, at_rest):
    choose(box(panel, "series"), "island")
    choose(box(panel, "channel"), "cold")
    choose(box(panel, "ahead"), "3 months ahead")
    found = kept(at_rest)
    rows = found.series == 1
    np.testing.assert_allclose(panel.rows.truth, found.truth[rows, 2, 1])
    choose(box(panel, "split"), "Validation")
    np.testing.assert_allclose(panel.rows.truth, kept(at_rest, "validation").truth[rows, 2, 1])


def test_metrics_stand_beside_those_of_simple_forecasts(panel, at_rest):
    evaluation = at_rest.run.state.evaluations["test"]
    table = panel.scores.table
    titles = [table.item(row, 0).text() for row in range(table.rowCount())]
    assert titles == ["Network", "Naive", "Seasonal naive", "Drift", "Mean"]
    columns = [table.horizontalHeaderItem(n).text() for n in range(1, table.columnCount())]
    assert columns == ["MAE", "RMSE", "sMAPE", "MASE", "Pinball", "Coverage"]
    assert float(table.item(1, 1).text()) == pytest.approx(
        evaluation.baselines["naive"]["mae"], rel=1e-3
    )
    ratio = evaluation.metrics["mae"] / evaluation.baselines["naive"]["mae"]
    assert panel.findChild(QLabel, "againstNaive").text() == f"MAE {ratio:.2f} × naive"


def test_pointing_reads_out_and_shows_all_steps_forecast_from_there(panel, at_rest, qtbot):
    plot = panel.plot
    place = panel.rows.x[20]
    x = round(plot.scales[0].at(place))
    QTest.mouseMove(plot, QPoint(x, round(plot.area.center().y())))
    qtbot.waitUntil(lambda: plot.cursor_at == place)
    assert panel.misses.cursor_at == place
    names = panel.findChild(QLabel, "lineNames").text()
    assert f"Truth {panel.rows.truth[20]:.5g}" in names
    assert "…" in names
    (line,), bands = plot._path
    assert len(line.x) == HORIZON
    assert len(bands) == 1
    QTest.mouseMove(plot, QPoint(2, 2))
    qtbot.waitUntil(lambda: plot.cursor_at is None)
    assert not plot._path[0]


def test_both_plots_zoom_together_and_fit_again(panel, qtbot):
    panel.plot.setFocus()
    whole = panel.plot.x_range
    QTest.keyClick(panel.plot, Qt.Key.Key_Plus)
    assert panel.plot.x_range[1] - panel.plot.x_range[0] < whole[1] - whole[0]
    assert panel.misses.x_range == panel.plot.x_range
    QTest.mouseClick(panel.findChild(QToolButton, "fit"), Qt.MouseButton.LeftButton)
    assert panel.plot.x_range == panel.misses.x_range == whole


def test_errors_are_counted_around_zero(panel):
    assert sum(panel.bars.counts) == len(panel.rows.x)
    assert panel.bars.reach == pytest.approx(np.abs(panel.rows.residuals).max())


def test_new_results_are_drawn_as_they_come(panel, at_rest, folder):
    from workbench.runs.results import Results, read_results, write_results

    path = folder.results / "test.safetensors"
    before = read_results(path)
    arrays = {**before.arrays, "forecasts": before.arrays["forecasts"] + 1}
    write_results(path, Results(30, before.indices, arrays))
    at_rest.run._results.clear()
    drawn = panel.rows.forecast
    at_rest.run.updated.emit()
    np.testing.assert_allclose(panel.rows.forecast, drawn + 1, rtol=1e-5)
    assert "step 30" in panel.findChild(QLabel, "count").text()


def test_both_themes_paint(panel, theme):
    for choice in ("light", "dark"):
        theme.apply(choice)
        assert not panel.grab().isNull()


def test_a_classifier_says_that_it_does_not_forecast(panel, at_rest, runs_folder):
    from tests.widgets.runs_on_disk import write_run

    at_rest.run.open(write_run(runs_folder))
    assert panel.rows is None
    assert "does not forecast" in " ".join(w.text() for w in panel.findChildren(QLabel))


def test_the_tab_is_there_for_forecasts_alone(window, tmp_path):
    tabs = window.page.bottom

    def offered():
        return {key for key, tab in tabs._tabs.items() if tabs.isTabVisible(tabs.indexOf(tab.page))}

    assert "predictions" in offered()
    assert "forecasts" not in offered()
    window.session.document.replace(forecaster(tmp_path))
    assert "forecasts" in offered()
    assert "predictions" not in offered()


def test_curves_and_runs_tell_the_error_people_look_at_first(qtbot, at_rest, theme, folder):
    curves = CurvesView(at_rest, theme)
    qtbot.addWidget(curves)
    curves.show()
    at_rest.run.open(folder)
    assert curves.right.metric == "mae"
    assert curves.right.title.text() == "MAE"
    at_rest.run.refresh()
    model = RunsModel(at_rest, theme)
    texts = {column: model.index(0, column).data() for column in (BEST, TEST)}
    mae = at_rest.run.state.metrics["test/mae"]
    assert texts == {BEST: "0.4", TEST: f"{mae:.4g}"}
    assert progress_text(at_rest.run.state, is_active=False) == f"Done · test MAE {mae:.4g}"
