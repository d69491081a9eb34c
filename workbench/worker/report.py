"""One picture of a run: its curves, and the feature maps of its newest snapshot."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from workbench.errors import UserError
from workbench.files import write_atomically
from workbench.plugin_api.metrics import TITLES
from workbench.runs import events
from workbench.runs.log import LineTail
from workbench.runs.probes import read_snapshot
from workbench.runs.state import RunState

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from workbench.runs.folder import RunFolder
    from workbench.runs.probes import LayerMaps, Snapshot
    from workbench.runs.state import Series

_COLORS = {"train": "#1f66d6", "val": "#e4572e"}
_MOST_LAYERS = 6
_MAPS_A_ROW = 16


def write_report(run: RunFolder, path: Path) -> Path:
    """Draw a run as a PNG: the loss and the first metric over the steps, feature maps if any.

    Raises:
        UserError: the run has not trained yet, its log cannot be read, or `path` not be written.
    """
    state = read_state(run)
    if not state.steps and not state.epochs:
        raise UserError(f"{run.name} has not trained yet, so there is nothing to draw.")
    snapshot = newest_snapshot(run, state)
    path = path if path.suffix else path.with_suffix(".png")
    write_atomically(path, _png(run.name, state, snapshot))
    return path


def read_state(run: RunFolder) -> RunState:
    """Replay a run's events; raises UserError when there are none."""
    state = RunState()
    tail = LineTail(run.events)
    while lines := tail.read():
        for line in lines:
            try:
                state.apply(events.decode(line))
            except msgspec.DecodeError:
                continue  # written by a newer version
    if not state.changes:
        raise UserError(f"{run.path} is not a run, or has not begun.", "Choose a run's folder.")
    return state


def newest_snapshot(run: RunFolder, state: RunState) -> Snapshot | None:
    """Return the last snapshot that is still there; None when there is none."""
    for _, name in reversed(state.probes):
        try:
            return read_snapshot(run.probes / name)
        except UserError:
            continue  # thinned out
    return None


def _png(title: str, state: RunState, snapshot: Snapshot | None) -> bytes:
    from matplotlib.figure import Figure

    layers = snapshot.layers.items() if snapshot else ()
    pictures = [(node, maps) for node, maps in layers if maps.maps[0].size > 1]
    shown = dict(pictures[:_MOST_LAYERS])
    height = 4.2 + 0.9 * sum(_rows(maps) for maps in shown.values())
    figure = Figure(figsize=(12, height), layout="constrained")
    figure.suptitle(f"{title}\n{_summary(state)}", fontsize=11)
    curves, *below = figure.subfigures(
        1 + bool(shown), 1, height_ratios=[4.2, height - 4.2] if shown else [1], squeeze=False
    ).ravel()
    _draw_curves(curves, state)
    if snapshot is not None and shown:
        _draw_maps(below[0], snapshot, shown)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    return content.getvalue()


def _summary(state: RunState) -> str:
    parts = [f"epoch {state.epoch} of {state.planned_epochs}", f"step {state.step}"]
    parts += [
        f"{name.replace('/', ' ')} {value:.4g}"
        for name, value in state.metrics.items()
        if name.startswith(("val/", "test/")) and name.partition("/")[2] == _metric(state)
    ]
    return " · ".join(parts)


def _metric(state: RunState) -> str:
    """Return the metric that is drawn beside the loss; "loss" where there is no other."""
    of_epochs = [name.removeprefix("val/") for name in state.epochs if name.startswith("val/")]
    known = (*state.steps, *of_epochs)
    first = [name for name in known if name == state.headline]
    return next((name for name in (*first, *known) if name != "loss"), "loss")


def _draw_curves(figure: Any, state: RunState) -> None:
    metrics = tuple(dict.fromkeys(("loss", _metric(state))))
    for axes, metric in zip(
        figure.subplots(1, len(metrics), squeeze=False).ravel(), metrics, strict=True
    ):
        axes.set_title(TITLES.get(metric, metric.replace("_", " ").capitalize()), fontsize=10)
        axes.set_xlabel("step")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        raw = state.steps.get(metric)
        if raw is not None and len(raw):
            steps, values = _arrays(raw)
            axes.plot(steps, values, color=_COLORS["train"], alpha=0.25, linewidth=0.7)
            axes.plot(steps, smooth(values), color=_COLORS["train"], label="train")
        series = state.epochs.get(f"val/{metric}")
        if series is not None and len(series):
            axes.plot(*_arrays(series), ".-", color=_COLORS["val"], label="validation")
        if axes.lines:
            axes.legend(frameon=False, fontsize=9)


def smooth(values: NDArray[np.float64], weight: float = 0.9) -> NDArray[np.float64]:
    """Return the exponential moving mean, its start corrected; gaps (NaN) are passed over."""
    smoothed = np.empty_like(values)
    mean = total = 0.0
    for index, value in enumerate(values.tolist()):
        if math.isfinite(value):
            mean = weight * mean + (1 - weight) * value
            total = weight * total + (1 - weight)
        smoothed[index] = mean / total if total else math.nan
    return smoothed


def _draw_maps(figure: Any, snapshot: Snapshot, layers: dict[str, LayerMaps]) -> None:
    name = f" of {snapshot.title}" if snapshot.title else ""
    figure.suptitle(f"Feature maps{name} at step {snapshot.step}", fontsize=10)
    rows = figure.subfigures(
        len(layers), 1, height_ratios=[_rows(maps) for maps in layers.values()], squeeze=False
    ).ravel()
    for row, (node, maps) in zip(rows, layers.items(), strict=True):
        axes = row.subplots()
        axes.imshow(mosaic(maps), cmap="viridis", interpolation="nearest", aspect="equal")
        shown, channels = len(maps.maps), maps.channels
        count = f"{shown} of {channels}" if shown < channels else f"{channels}"
        axes.set_ylabel(f"{node}\n{count}", fontsize=8, rotation=0, ha="right", va="center")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)


def mosaic(maps: LayerMaps) -> NDArray[np.float32]:
    """Lay a layer's maps side by side, a gap of NaN between them.

    Returns:
        Height × width; every map on its own scale, 0…1.
    """
    count, height, width = maps.maps.shape
    rows = _rows(maps)
    gap = max(1, width // 14)
    columns = min(count, _MAPS_A_ROW)
    canvas = np.full(
        (rows * (height + gap) - gap, _MAPS_A_ROW * (width + gap) - gap), np.nan, np.float32
    )
    for index, one in enumerate(maps.maps):
        row, column = divmod(index, columns)
        top, left = row * (height + gap), column * (width + gap)
        canvas[top : top + height, left : left + width] = one / np.float32(255)
    return canvas


def _rows(maps: LayerMaps) -> int:
    return math.ceil(len(maps.maps) / _MAPS_A_ROW)


def _arrays(series: Series) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    return np.array(series.steps, np.int64), np.array(series.values, np.float64)
