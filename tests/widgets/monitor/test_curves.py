import time

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QSlider, QToolButton

from tests.widgets.runs_on_disk import BEGAN, write_run
from widgets.monitor.curves import CurvesView
from widgets.monitor.run_curves import RunCurves, metrics_of
from workbench.runs import events as ev
from workbench.runs import store
from workbench.runs.state import RunState


@pytest.fixture
def view(qtbot, at_rest, theme, run_folder):
    widget = CurvesView(at_rest, theme)
    qtbot.addWidget(widget)
    widget.resize(1000, 260)
    widget.show()
    at_rest.run.open(run_folder)
    return widget


def compare(qtbot, session, folder):
    session.comparison.check(folder, True)
    name = folder.name

    def arrived():
        session.tick()
        assert session.comparison.runs[name].state.ended

    qtbot.waitUntil(arrived, timeout=5000)


def hover(plot, share=0.5):
    """Move the real mouse over the middle of the plot."""
    rect = plot.area
    QTest.mouseMove(plot, QPoint(5, 5))
    QTest.mouseMove(plot, QPointF(rect.left() + rect.width() * share, rect.center().y()).toPoint())


def test_metrics_begin_with_the_loss(view, at_rest):
    assert metrics_of(at_rest.run.state) == ["loss", "accuracy", "learning_rate"]


def test_the_shown_run_is_drawn(view, at_rest, run_folder):
    curve = view.left.plot.runs[run_folder.name].curve
    assert len(curve.x) == 8 * 42
    assert curve.raw == pytest.approx(np.array(at_rest.run.state.steps["loss"].values))
    assert len(curve.points_x) == 8


def test_lines_are_painted_in_the_colour_of_the_run(view, theme):
    plot = view.left.plot
    image = plot.grab().toImage()
    area = plot.area.toRect()
    seen = {
        image.pixelColor(x, y).name()
        for x in range(area.left() + 4, area.right())
        for y in range(area.top(), area.bottom())
    }
    assert theme.colors.series[0] in seen


def test_axes_show_all_of_the_data(view, at_rest):
    (left, right), (low, high) = view.left.plot.x_range, view.left.plot.y_range
    values = at_rest.run.state.steps["loss"].values
    assert left <= 0
    assert right >= 336
    assert low < min(values)
    assert high > max(view.left.plot.runs[at_rest.run.folder.name].curve.smooth)


def test_hovering_reads_values_and_step_out(view, at_rest):
    plot = view.left.plot
    hover(plot)
    assert plot.cursor_at == pytest.approx(168, abs=2)
    assert plot.legend.heading.startswith("Step 1")
    smooth, _, raw = plot.legend.entries[0].value.partition(" ")
    step = int(plot.legend.heading.removeprefix("Step ").replace("\u2009", ""))
    assert float(raw.strip("()")) == pytest.approx(
        at_rest.run.state.steps["loss"].values[step - 1], abs=1e-4
    )
    assert 0 < float(smooth) < 2
    QTest.mouseMove(plot, QPoint(3, 3))
    assert plot.cursor_at is None
    assert plot.legend.heading == ""


def test_smoothing_slider_by_keyboard(view, run_folder):
    slider = view.findChild(QSlider, "smoothing")

    def roughness():
        return np.abs(np.diff(view.left.plot.runs[run_folder.name].curve.smooth)).sum()

    before = roughness()
    slider.setFocus()
    QTest.keyClick(slider, Qt.Key.Key_Home)
    assert view.smoothing == 0
    assert roughness() > before
    QTest.keyClick(slider, Qt.Key.Key_End)
    assert view.smoothing == 0.99


@pytest.mark.parametrize(("axis", "last"), [("step", 336), ("epoch", 8), ("time", 336 * 0.05)])
def test_lower_axis(view, axis, last, run_folder):
    choice = view.findChild(QComboBox, "axis")
    choice.setFocus()
    while choice.currentData() != axis:
        QTest.keyClick(choice, Qt.Key.Key_Down)
    assert view.left.plot.runs[run_folder.name].curve.x[-1] == pytest.approx(last)


def test_log_axis(view, at_rest, run_folder, qtbot):
    button = view.left.findChild(QToolButton, "log")
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    values = np.array(at_rest.run.state.steps["loss"].values)
    low, high = view.left.plot.y_range
    assert low < np.log10(values.min())
    assert high < 1
    assert not view.left.plot.grab().isNull()
    assert not view.right.plot.in_log


def test_outliers_do_not_set_the_axis_when_ignored(qtbot, view, at_rest, run_folder):
    losses = at_rest.run.state.steps["loss"].values
    losses[100] = 1e6
    at_rest.run.opened.emit()
    high = view.left.plot.y_range[1]
    assert high > 1e4
    qtbot.mouseClick(view.left.findChild(QToolButton, "clip"), Qt.MouseButton.LeftButton)
    assert view.left.plot.y_range[1] < 1e4


def test_nan_leaves_a_gap_and_no_error(view, at_rest, run_folder):
    for index in range(50, 60):
        at_rest.run.state.steps["loss"].values[index] = float("nan")
    at_rest.run.opened.emit()
    raw = view.left.plot.runs[run_folder.name].curve.raw
    assert np.isnan(raw).sum() == 10
    assert np.isfinite(view.left.plot.y_range).all()
    assert not view.left.plot.grab().isNull()


def test_another_metric_can_be_chosen(view, qtbot, run_folder):
    view.right.title.menu().aboutToShow.emit()
    actions = {action.text(): action for action in view.right.title.menu().actions()}
    assert list(actions) == ["Loss", "Accuracy", "Learning rate"]
    actions["Learning rate"].trigger()
    assert view.right.plot.runs[run_folder.name].curve.smooth[-1] == pytest.approx(0.05)
    assert view.right.title.text() == "Learning rate"


def test_a_compared_run_has_its_own_colour_and_keeps_it(qtbot, view, at_rest, runs_folder):
    second = write_run(runs_folder, "2026-11-19_090000_second", offset=0.5)
    third = write_run(runs_folder, "2026-11-18_090000_third", offset=0.9)
    store.annotate(third, store.Notes(title="Half the rate"))
    at_rest.run.refresh()
    compare(qtbot, at_rest, second)
    compare(qtbot, at_rest, third)
    color = view._theme.colors.series[2]
    drawn = view.left.plot
    qtbot.waitUntil(lambda: third.name in drawn.runs, timeout=2000)
    qtbot.waitUntil(lambda: len(drawn.runs[third.name].curve.x) > 300, timeout=2000)
    assert view.left._colors[third.name] == color
    at_rest.comparison.check(second, False)
    qtbot.waitUntil(lambda: len(view.left.plot.runs) == 2, timeout=2000)
    assert set(view.left.plot.runs) == {at_rest.run.folder.name, third.name}
    assert view.left._colors[third.name] == color

    def names():
        at_rest.tick()
        return [entry.text for entry in view.left.plot.legend.entries]

    qtbot.waitUntil(lambda: names() == ["Digits CNN", "Half the rate", "validation"], timeout=2000)
    store.annotate(third, store.Notes())
    at_rest.run.refresh()
    qtbot.waitUntil(lambda: names()[1].startswith("Digits CNN 09:00:00"), timeout=2000)


def test_nothing_is_drawn_unseen(qtbot, at_rest, theme, run_folder):
    widget = CurvesView(at_rest, theme)
    qtbot.addWidget(widget)
    at_rest.run.open(run_folder)
    assert not widget.left.plot.runs
    widget.show()
    assert run_folder.name in widget.left.plot.runs


def test_zooming_shows_detail_and_a_double_click_everything(qtbot, view, run_folder):
    plot = view.left.plot
    plot.setFocus()
    for _ in range(12):
        QTest.keyClick(plot, Qt.Key.Key_Plus)
    QTest.keyClick(plot, Qt.Key.Key_Right)
    curve = plot.runs[run_folder.name].curve
    low, high = plot.x_range
    assert high - low < 40
    assert low - 2 <= curve.x[0]
    assert curve.x[-1] <= high + 2
    fit = view.left.findChild(QToolButton, "fit")
    assert fit.isVisible()
    qtbot.mouseDClick(plot, Qt.MouseButton.LeftButton, pos=plot.rect().center())
    assert not plot.is_zoomed
    assert not fit.isVisible()
    assert plot.x_range[1] > 336


def test_the_wheel_zooms_around_the_mouse_and_dragging_moves(qtbot, view):
    plot = view.left.plot
    place = plot.area.center()
    before = plot.scales[0].value_at(place.x())
    wheel = QWheelEvent(
        place,
        plot.mapToGlobal(place),
        QPoint(),
        QPoint(0, 480),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(plot, wheel)
    assert plot.scales[0].value_at(place.x()) == pytest.approx(before)
    low, high = plot.x_range
    assert high - low < 200
    QTest.mousePress(plot, Qt.MouseButton.LeftButton, pos=place.toPoint())
    QTest.mouseMove(plot, place.toPoint() - QPoint(50, 0))
    QTest.mouseRelease(plot, Qt.MouseButton.LeftButton)
    assert plot.x_range[0] > low
    assert plot.x_range[1] - plot.x_range[0] == pytest.approx(high - low)


def test_a_theme_change_recolours(view, theme):
    view.left.plot.grab()
    theme.apply("light")
    image = view.left.plot.grab().toImage()
    corner = view.left.plot.area.topLeft().toPoint() / 2
    assert image.pixelColor(corner).name() == theme.colors.panel


def long_run(steps: int) -> RunState:
    state = RunState()
    state.apply(
        ev.Started(
            time=BEGAN,
            step=0,
            epoch=0,
            epochs=1,
            steps_per_epoch=steps,
            samples_per_epoch=steps,
            backend="torch",
            device="cpu",
            pid=1,
        )
    )
    add_steps(state, steps)
    return state


def add_steps(state: RunState, count: int) -> None:
    values = np.random.default_rng(0).normal(size=count).tolist()
    columns = {"loss": values}
    state.apply(
        ev.Steps(time=BEGAN + 1, first=state.step + 1, columns=columns, samples_per_second=1)
    )


def test_drawing_goes_on_at_the_same_speed_in_a_long_run():
    state = long_run(1_000_000)
    curves = RunCurves(state, 0.9)
    assert curves.curve("loss", "step").is_thinned
    begin = time.thread_time()
    for _ in range(20):
        add_steps(state, 10)
        curves.curve("loss", "step")
    # A pass over all million steps takes some 20 ms each time; what is new takes far less.
    assert (time.thread_time() - begin) / 20 < 0.012


def test_drawing_leaves_the_processor_to_the_training(qtbot, view, at_rest, monkeypatch):
    drawn = []
    monkeypatch.setattr(view.left.plot, "draw", lambda *_, **__: drawn.append(time.monotonic()))
    view.left.plot.paint_seconds = 0.003  # a picture of 3 ms may be painted ten times a second
    view.redraw()
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        at_rest.run.updated.emit()
        qtbot.wait(5)
    assert 2 <= len(drawn) <= 7
