"""The canvas with 1,000 layers: how long a frame takes, against a scene of bare Qt boxes."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QApplication, QGraphicsView

    from widgets.canvas.view import CanvasView
    from workbench.document.experiment import Experiment
    from workbench.session import Session

COUNT = 1000
FRAMES = 60
SLOWEST_MS = 1000 / 30
SCALES = (1.0, 0.5, 0.31, 0.2)


def run() -> list[Row]:
    """Measure frames while zooming and panning, painted in software without a display."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance() or QApplication([])
    canvas, close = _canvas(app)
    bare = _bare()
    app.processEvents()  # nothing is painted before the first exposure
    rows = []
    for scale in SCALES:
        ours, theirs = frames(canvas, scale), frames(bare, scale)
        slow = sorted(ours)[int(0.95 * len(ours))]
        middle = statistics.median(ours)
        rows.append(
            Row(
                f"canvas, {COUNT} layers, scale {scale}: processor time a frame, 95th percentile",
                f"{slow:.1f} ms",
                f"≤ {SLOWEST_MS:.0f} ms",
                slow <= SLOWEST_MS,
                f"{len(canvas.visible_nodes())} in view, median {middle:.1f} ms, "
                f"{middle / statistics.median(theirs):.1f} × bare Qt boxes with three texts each",
            )
        )
    close()
    return rows


def frames(view: QGraphicsView, scale: float) -> list[float]:
    """Return milliseconds of processor time a frame, alternately zoomed and panned.

    Painting never waits, so on an idle machine this is the time on the clock, too.
    """
    view.resetTransform()
    view.scale(scale, scale)
    view.centerOn(view.scene().itemsBoundingRect().center())
    times = []
    for frame in range(FRAMES):
        begun = time.thread_time()
        if frame % 2:
            factor = 1.01 if frame % 4 == 1 else 1 / 1.01
            view.scale(factor, factor)
        else:
            bar = view.verticalScrollBar()
            bar.setValue(bar.value() + (15 if frame % 4 else -15))
        view.viewport().update()
        view.viewport().repaint()
        times.append((time.thread_time() - begun) * 1000)
    return times


def _canvas(app: QApplication) -> tuple[QGraphicsView, Callable[[], None]]:
    from workbench.document.experiment import Experiment
    from workbench.document.graph import Graph, Node

    kinds = ("Conv2D", "BatchNorm", "ReLU")
    nodes = [Node("input1", "Input", {"shape": (64, 64, 3)})]
    for number in range(1, COUNT):
        kind = kinds[number % 3]
        place = (number // 50 * 264, number % 50 * 80)
        params = {"padding": "same"} if kind == "Conv2D" else {}
        nodes.append(Node(f"n{number}", kind, params, (nodes[-1].id,), position=place))
    _, view, close = shown_canvas(app, Experiment(graph=Graph(tuple(nodes))))
    return view, close


def shown_canvas(
    app: QApplication, experiment: Experiment
) -> tuple[Session, CanvasView, Callable[[], None]]:
    """Return a session and a canvas that show an experiment, and what closes them."""
    from widgets.canvas.view import CanvasView
    from widgets.theme import Theme
    from workbench.catalog import Catalog
    from workbench.preferences import Preferences
    from workbench.session import Session

    folder = tempfile.TemporaryDirectory()
    session = Session(Catalog.load(), Preferences(), Path(folder.name))
    session.document.replace(experiment)
    view = CanvasView(session, Theme(app, "dark"))
    view.resize(1200, 800)
    view.show()

    def close() -> None:
        view.close()
        view.deleteLater()
        app.processEvents()
        session.close()
        folder.cleanup()

    return session, view, close


def _bare() -> QGraphicsView:
    """Return the opponent: as many boxes and texts, painted by Qt alone."""
    from PySide6.QtGui import QPainter
    from PySide6.QtWidgets import QGraphicsScene, QGraphicsSimpleTextItem, QGraphicsView

    scene = QGraphicsScene()
    for number in range(COUNT):
        box = scene.addRect(0, 0, 220, 52)
        box.setPos(number // 50 * 264, number % 50 * 80)
        for line, text in enumerate(("Conv 2D", "32 · 3×3 · same", "64 × 64 × 32   9 248 params")):
            QGraphicsSimpleTextItem(text, box).setPos(19, 4 + 15 * line)
    view = QGraphicsView(scene)
    scene.setParent(view)
    view.setRenderHint(QPainter.RenderHint.Antialiasing)
    view.resize(1200, 800)
    view.show()
    return view
