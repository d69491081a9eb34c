"""Lengths in the Data panel: words, bars, and what is cut."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QLabel

from widgets.panels.length_bars import LengthBars, LengthsCard, cut_words, length_words
from workbench.plugin_api.data import DataInfo
from workbench.plugin_api.tensors import TensorType
from workbench.reading import LengthsReport

REPORT = LengthsReport(
    unit="tokens",
    limit=30,
    start=1,
    width=10,
    counts=(20, 100, 50, 12, 6),
    shortest=1,
    median=17,
    longest=61,
    cut=0.0957,
    measured=188,
    total=1000,
    notes=("2 of 188 series have missing values; filled with zero.",),
)


def plain(text):
    return text.replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_words_say_how_long_and_what_is_cut():
    assert plain(length_words(REPORT, "texts")) == (
        "1 to 61 tokens, half of the texts up to 17. Measured on 188 of 1 000."
    )
    assert plain(cut_words(REPORT, "texts")) == (
        "9.6 % of the texts are longer than 30 tokens; what comes after is cut."
    )


@pytest.mark.parametrize(("cut", "words"), [(0.123, "12 %"), (0.0004, "Less than 0.1 %"), (0, "")])
def test_shares_are_rounded_for_the_eye(cut, words):
    import msgspec

    assert plain(cut_words(msgspec.structs.replace(REPORT, cut=cut), "texts")).startswith(words)


def test_the_panel_shows_lengths_once_they_are_known(window, qtbot):
    panel = window.show_tab("data")
    data, card = window.session.data, panel.findChild(LengthsCard)
    assert card.isHidden()

    data.info = DataInfo(input=TensorType((None,), ("time",), "int64"), kind="texts")
    data.has_lengths = True
    data.lengths_changed.emit()
    assert not card.isHidden()
    assert card.findChild(QLabel, "lengthWords").text() == "Measuring the lengths …"

    data.lengths = REPORT
    data.lengths_changed.emit()
    bars = card.findChild(LengthBars)
    assert not card.findChild(QLabel, "lengthCut").isHidden()
    assert "missing values" in card.findChild(QLabel, "lengthNotes").text()
    assert "11 to 20 tokens: 100" in bars.accessibleDescription()
    assert "41 to 61 tokens: 6" in bars.accessibleDescription()


def test_what_is_cut_has_another_colour(window, qtbot):
    theme = window.theme
    bars = LengthBars(theme)
    qtbot.addWidget(bars)
    bars.resize(200, bars.sizeHint().height())
    bars.show_report(REPORT)
    picture = bars.grab().toImage()
    ratio = picture.width() / bars.width()
    low = 60 * ratio
    kept = picture.pixelColor(QPoint(int(20 * ratio), int(low))).name()
    gone = picture.pixelColor(QPoint(int(185 * ratio), int(low))).name()
    assert (kept, gone) == (theme.colors.series[0], theme.colors.warning)
