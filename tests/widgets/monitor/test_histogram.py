import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QToolTip

from widgets.monitor.histogram import HistogramView, ticks
from workbench.runs.probes import Histogram


@pytest.fixture
def view(qtbot, theme):
    widget = HistogramView(theme)
    qtbot.addWidget(widget)
    widget.resize(260, 112)
    widget.show()
    return widget


def test_bars_stand_where_the_counts_are(view, theme):
    view.set_histogram(Histogram(np.array([0, 0, 10, 5]), -0.2, 0.2))
    image = view.grab().toImage()
    accent = theme.colors.accent
    assert image.pixelColor(160, 80).name() == accent
    assert image.pixelColor(240, 80).name() == accent
    assert image.pixelColor(240, 10).name() != accent
    assert image.pixelColor(30, 80).name() != accent


def test_hovering_reads_a_bin_out(view):
    view.set_histogram(Histogram(np.array([1, 2, 3, 4]), 0.0, 4.0))
    QTest.mouseMove(view, QPoint(10, 20))
    QTest.mouseMove(view, QPoint(100, 20))
    assert QToolTip.text() == "1.0000 to 2.0000: 2"


def test_none_is_no_picture(view, theme):
    view.set_histogram(Histogram(np.array([5, 5]), 0.0, 1.0))
    view.set_histogram(None)
    image = view.grab().toImage()
    assert image.pixelColor(5, 60).name() != theme.colors.accent


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(-0.25, 0.25, [-0.2, -0.1, 0, 0.1, 0.2]), (0, 10, [0, 2, 4, 6, 8, 10]), (3, 3, [3])],
)
def test_ticks_are_round(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


def test_all_weights_alike(view):
    view.set_histogram(Histogram(np.array([7]), 0.0, 0.0))
    assert not view.grab().isNull()
