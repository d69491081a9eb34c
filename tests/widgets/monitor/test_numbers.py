"""The Answers tab of networks for numbers: what is drawn, told, pointed at and clicked."""

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel

from tests.widgets.runs_on_disk import BEGAN, write_experiment
from widgets.monitor.numbers import NumbersPanel
from workbench.document.experiment import Component, Data, Experiment
from workbench.plugin_api.number_results import NumberResults
from workbench.plugin_api.task import Evaluation
from workbench.runs import events as ev
from workbench.runs.folder import RunFolder
from workbench.runs.log import LineWriter
from workbench.runs.results import Results, write_results

RNG = np.random.default_rng(2)
TRUE = RNG.normal(20, 4, (60, 2)).astype(np.float32)
SAID = TRUE + RNG.normal(0, 1, TRUE.shape).astype(np.float32)
SAID[7] = TRUE[7] + 9


@pytest.fixture
def panel(qtbot, at_rest, theme, runs_folder):
    folder = RunFolder(runs_folder / "2026-11-20_101500_numbers")
    for path in (folder.path, folder.probes, folder.results):
        path.mkdir(parents=True)
    data = Data(source=Component("table_samples"), preprocessing=Component("table"))
    write_experiment(folder, Experiment(data=data, task=Component("regression")))
    folder.info.write_bytes(msgspec.json.encode({"info": {"quantities": ["weight", "height"]}}))
    results = NumberResults(SAID, TRUE)
    write_results(folder.results / "test.safetensors", Results(9, np.arange(60), results.arrays()))
    told = Evaluation(
        metrics={"loss": 0.1, "r2": 0.9, "mae": 1.0, "rmse": 1.5},
        baselines={"mean": {"r2": 0.0, "mae": 4}, "linear model": {"r2": 0.61, "mae": 2}},
    )
    with LineWriter(folder.events) as events:
        events.write(ev.encode(ev.Evaluated(time=BEGAN, split="test", step=9, evaluation=told)))
        events.write(ev.encode(ev.Finished(time=BEGAN, step=9, reason="completed", metrics={})))
    widget = NumbersPanel(at_rest, theme)
    qtbot.addWidget(widget)
    widget.resize(1300, 360)
    widget.show()
    at_rest.run.open(folder)
    qtbot.waitUntil(lambda: widget.scatter.row_at(QPoint(0, 0).toPointF()) is None)
    qtbot.waitUntil(lambda: len(widget.scatter.places()) == 60)
    return widget


def test_scores_stand_beside_simple_answers(panel):
    table = panel.scores.table
    titles = [table.horizontalHeaderItem(n).text() for n in range(table.columnCount())]
    assert titles == ["", "R²", "MAE", "RMSE"]
    assert [table.item(n, 0).text() for n in range(3)] == ["Network", "Mean", "Linear model"]
    assert panel.findChild(QLabel, "againstNaive").text() == "R² 0.90, of a linear model 0.61"


def test_a_point_is_read_out_and_its_sample_comes_first(panel, qtbot):
    place = panel.scatter.places()[7]
    at = QPoint(*np.rint(place).astype(int).tolist())
    QTest.mouseMove(panel.scatter, at)
    told = panel.findChild(QLabel, "pointedNumbers")
    qtbot.waitUntil(lambda: told.text() != "")
    assert told.text() == f"predicted {SAID[7, 0]:.5g}, true {TRUE[7, 0]:.5g}"
    assert panel.list.toPlainText().startswith(f"{SAID[7, 0]:.4g} true {TRUE[7, 0]:.4g}")
    other = int(np.abs(SAID[:, 0] - TRUE[:, 0]).argmin())
    place = panel.scatter.places()[other]
    QTest.mouseClick(
        panel.scatter,
        Qt.MouseButton.LeftButton,
        pos=QPoint(*np.rint(place).astype(int).tolist()),
    )
    first = panel.list.toPlainText().split()[0]
    assert abs(float(first) - float(SAID[other, 0])) < 1  # points may lie upon each other


def test_another_quantity_is_chosen_by_keyboard(panel):
    box = panel.findChild(QComboBox, "quantity")
    assert [box.itemText(n) for n in range(box.count())] == ["weight", "height"]
    before = panel.scatter.places()
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert box.currentText() == "height"
    assert not np.allclose(before, panel.scatter.places())
    assert sum(panel.bars.counts) == 60
