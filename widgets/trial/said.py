"""Answers that are no single class: tagged words, steps of classes, numbers, forecasts."""

from __future__ import annotations

from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QTextBrowser, QVBoxLayout, QWidget

from widgets.monitor.choices import choice
from widgets.monitor.labels import legend_text
from widgets.monitor.time_plot import Band, Line, TimePlot
from widgets.texts import percent
from widgets.tints import tint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from widgets.theme import Colors, Theme
    from workbench.inspecting.answers import Answered, Foretold, Tagged


class Said(QWidget):
    """A heading, and below it coloured words, numbers, or a plot with what is to come."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("trial_said")
        self._theme = theme
        self._answered: Answered | None = None
        self._heading, self._names = QLabel(), QLabel()
        self._heading.setObjectName("said_heading")
        self._heading.setProperty("heading", True)
        self._channel: QComboBox = choice("said_channel", "Channel")
        self.text = QTextBrowser()
        self.text.setObjectName("said_text")
        self.text.setAccessibleName("What the network says")
        self.text.setOpenLinks(False)
        self.text.document().setDocumentMargin(12)
        self.plot = TimePlot(theme)
        self.plot.setAccessibleName("Forecast behind the series")
        self._lay_out()
        self._channel.currentIndexChanged.connect(self._draw)
        theme.changed.connect(self._draw)

    def show_answer(self, answered: Answered) -> None:
        """Show an answer; nothing happens for the one that is shown."""
        if answered is self._answered:
            return
        self._answered = answered
        forecast = answered.forecast
        names = forecast.channels if forecast is not None else ()
        self._channel.blockSignals(True)
        self._channel.clear()
        self._channel.addItems(names)
        self._channel.blockSignals(False)
        self._channel.setVisible(len(names) > 1)
        self.plot.setVisible(forecast is not None)
        self.plot.show_everything()
        self._draw()

    def _draw(self) -> None:
        answered = self._answered
        if answered is None:
            return
        self._names.setText("")
        if answered.forecast is not None:
            self._heading.setText("What comes next")
            self._draw_forecast(answered.forecast, max(self._channel.currentIndex(), 0))
            self.text.setPlainText(answered.words.strip())
        elif answered.tags:
            is_text = bool(answered.tags[0].word)
            self._heading.setText("Words and their tags" if is_text else "What goes on")
            self.text.setHtml(tagged_html(answered.tags, self._theme.colors))
        elif answered.numbers:
            self._heading.setText("The network says")
            self.text.setHtml(_numbers_html(answered.numbers, self._theme.colors.text_soft))
        else:
            self._heading.setText("The network says")
            self.text.setPlainText(answered.words)

    def _draw_forecast(self, forecast: Foretold, at: int) -> None:
        colors = self._theme.colors
        past_times, times = np.array(forecast.past_times), np.array(forecast.times)
        past = forecast.past.unpack()[:, at].astype(np.float64)
        values = forecast.values.unpack()[:, at].astype(np.float64)
        known = np.flatnonzero(np.isfinite(past))
        joint = known[-1:]  # the forecast begins where the series ends
        x = np.concatenate([past_times[joint], times])
        bands = []
        if forecast.low is not None and forecast.high is not None:
            ends = (
                part.unpack()[:, at].astype(np.float64) for part in (forecast.low, forecast.high)
            )
            low, high = (np.concatenate([past[joint], part]) for part in ends)
            bands.append(Band(colors.series[0], x, low, high))
        lines = [
            Line(colors.text_soft, past_times, past),
            Line(colors.series[0], x, np.concatenate([past[joint], values])),
        ]
        entries = [("Series", colors.text_soft), ("Forecast", colors.series[0])]
        if forecast.truth is not None:
            came = forecast.truth.unpack()[:, at].astype(np.float64)
            came = np.concatenate([past[joint], came])
            lines.insert(1, Line(colors.series[1], x, came, "dashes"))
            entries.append(("What came", colors.series[1]))
        self.plot.show_lines(lines, bands, dated=forecast.dated)
        self.plot.show_path((Line(colors.series[0], times, values),))
        self._names.setText(legend_text(entries))

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self._heading)
        head.addWidget(self._channel)
        head.addStretch(1)
        head.addWidget(self._names)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(8)
        layout.addLayout(head)
        layout.addWidget(self.plot, 3)
        layout.addWidget(self.text, 2)


def tagged_html(tags: Sequence[Tagged], colors: Colors) -> str:
    """Return words with their tags and how sure they are; of a series the steps of each class."""
    if tags[0].word:
        return f'<p style="line-height:170%">{" ".join(_word(each, colors) for each in tags)}</p>'
    lines, step = [], 0
    for tag, run in groupby(tags, key=lambda each: each.tag):
        steps = list(run)
        share = sum(each.probability for each in steps) / len(steps)
        lines.append(
            f'<p style="margin:0 0 6px 0"><span style="color:{tint(tag, colors.field)}">■</span> '
            f"<b>{escape(tag)}</b> steps {step + 1}–{step + len(steps)} "
            f'<span style="color:{colors.text_soft}">{percent(share)}</span></p>'
        )
        step += len(steps)
    return "".join(lines)


def _word(each: Tagged, colors: Colors) -> str:
    share = percent(each.probability)
    word = escape(each.word)
    if each.is_outside:
        return f'<span title="{share}">{word}</span>'
    color, tag = (
        tint(each.tag, colors.field),
        escape(each.tag).replace("-", "\N{NON-BREAKING HYPHEN}"),
    )
    return (
        f'<b style="color:{color}">{word}</b>'
        f'<span style="color:{color}">&nbsp;{tag}</span>'
        f'<span style="color:{colors.text_soft}">&nbsp;{share}</span>'
    )


def _numbers_html(numbers: Sequence[tuple[str, float]], soft: str) -> str:
    return "".join(
        f'<p style="margin:0 0 10px 0"><span style="color:{soft}">{escape(name)}</span><br>'
        f'<span style="font-size:20pt">{value:.5g}</span></p>'
        for name, value in numbers
    )
