"""Tags and forecasts of one sample as the window draws them; a pasted table as a sample."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import UserError
from workbench.inspecting.answers import Foretold, Tagged
from workbench.inspecting.network import Array
from workbench.plugin_api.timelines import Windows
from workbench.worker import asking

if TYPE_CHECKING:
    from workbench.plugin_api.predictions import ForecastPrediction, Tags
    from workbench.worker.trained import Trained

PAST = 200
"""Steps before a forecast that are shown with it."""


def tagged(found: Tags) -> tuple[Tagged, ...]:
    """Return the class of each step."""
    words = found.words or ("",) * len(found.tags)
    return tuple(
        Tagged(word=word, tag=tag, probability=share, is_outside=tag == "O")
        for word, tag, share in zip(words, found.tags, found.probabilities, strict=True)
    )


def foretold(found: ForecastPrediction, asked: asking.Question) -> Foretold:
    """Return a forecast with what came before it."""
    windows = asked.samples
    assert isinstance(windows, Windows)
    data, row = windows.source.data, int(windows.rows[0])
    begin = int(data.begins[windows.series(np.array([0]))[0]])
    past = slice(max(row - PAST, begin), row)
    names = tuple(found.values)
    end = int(data.begins[windows.series(np.array([0]))[0] + 1])
    came = data.values[row : row + windows.horizon, : len(names)]
    is_known = row + windows.horizon <= end and bool(np.isfinite(came).all())
    outer = [list(found.quantiles[name].values()) for name in names if name in found.quantiles]
    return Foretold(
        channels=names,
        times=tuple(windows.times(np.array([0]))[0].tolist()),
        past_times=tuple(data.times[past].tolist()),
        dated=data.info.dated,
        values=Array.of(np.array([found.values[name] for name in names], float).T),
        past=Array.of(data.values[past, : len(names)]),
        truth=Array.of(came) if is_known else None,
        low=Array.of(np.array([levels[0] for levels in outer], float).T) if outer else None,
        high=Array.of(np.array([levels[-1] for levels in outer], float).T) if outer else None,
    )


def pasted(trained: Trained, text: str) -> asking.Question:
    """Take a table that a person pasted as its file would be; raises UserError."""
    if not text.strip():
        raise UserError("There is no table.", "Paste rows with their line of names.")
    with tempfile.TemporaryDirectory(prefix="workbench-pasted-") as name:
        path = Path(name) / "table.csv"
        path.write_text(text, encoding="utf-8")
        try:
            return asking.given(trained, str(path))[0]
        except UserError as error:
            message = error.message.replace(str(path), "The table")
            raise UserError(message, error.hint) from error
