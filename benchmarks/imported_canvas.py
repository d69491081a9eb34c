"""A ResNet-152 as it is imported, unfolded on the canvas: opened, panned, zoomed, undone."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.canvas import FRAMES, SLOWEST_MS, frames, shown_canvas
from benchmarks.rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QApplication, QGraphicsView

    from workbench.document.experiment import Experiment

NETWORK = "torchvision:resnet152"
SCALES = (1.0, 0.5, 0.31, 0.05)
OPENINGS = 7
OPEN_SECONDS = 1.0
UNDO_SECONDS = 0.1


def run() -> list[Row]:
    """Import the network in a process of its own, then measure in this one, without a display."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance() or QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "resnet152.workbench.json"
        command = [sys.executable, "-m", "workbench", "import", NETWORK, "-o", str(path)]
        environment = {**os.environ, "WORKBENCH_HOME": folder}
        subprocess.run(command, check=True, capture_output=True, env=environment)
        return [*_opened(app, path), *_used(app, path)]


def _opened(app: QApplication, path: Path) -> list[Row]:
    """Measure from the file to the first frame, unfolded, against bare boxes and curves."""
    from workbench.document.files import load, save
    from workbench.document.grouping import set_folded

    unfolded = path.with_name("unfolded.workbench.json")
    save(_unfolded(load(path)), unfolded)
    session, view, close = shown_canvas(app, load(path))
    times, bare = [], []
    for _ in range(OPENINGS):
        session.document.replace(set_folded(load(path), ()))  # something else is shown before
        begun = time.perf_counter()
        session.document.open(unfolded)
        view.show_start()
        view.viewport().repaint()
        times.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        opponent = _bare(session.document.experiment)
        opponent.viewport().repaint()
        bare.append(time.perf_counter() - begun)
        opponent.close()
    count = len(session.document.experiment.graph)
    close()
    slow, middle = max(times), statistics.median(times)
    return [
        Row(
            f"canvas, {NETWORK} unfolded, {count} layers: file to first frame",
            f"{1000 * slow:.0f} ms",
            f"≤ {1000 * OPEN_SECONDS:.0f} ms",
            slow <= OPEN_SECONDS,
            f"slowest of {OPENINGS}; median {1000 * middle:.0f} ms, "
            f"{middle / statistics.median(bare):.1f} × bare Qt boxes, texts and curves, which "
            "read and check nothing",
        )
    ]


def _used(app: QApplication, path: Path) -> list[Row]:
    from workbench.document.experiment import Experiment
    from workbench.document.files import load

    experiment = _unfolded(load(path))
    session, view, close = shown_canvas(app, experiment)
    bare = _bare(experiment)
    app.processEvents()
    rows = []
    for scale in SCALES:
        ours, theirs = frames(view, scale), frames(bare, scale)
        slow, middle = sorted(ours)[int(0.95 * FRAMES)], statistics.median(ours)
        rows.append(
            Row(
                f"the same, scale {scale}: processor time a frame, 95th percentile",
                f"{slow:.1f} ms",
                f"≤ {SLOWEST_MS:.0f} ms",
                slow <= SLOWEST_MS,
                f"{len(view.visible_nodes())} in view, median {middle:.1f} ms, "
                f"{middle / statistics.median(theirs):.1f} × bare Qt",
            )
        )
    document = session.document
    document.replace(Experiment())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    document.edit(lambda _: experiment, "Import")
    steps = [_seconds(step) for _ in range(10) for step in (document.undo, document.redo)]
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    folding = [
        _seconds(fold) for _ in range(3) for fold in (view.groups.fold_all, view.groups.unfold_all)
    ]
    close()
    rows += [
        Row(
            "the same: undo and redo of the import, processor time, slowest of 20",
            f"{1000 * max(steps):.0f} ms",
            f"≤ {1000 * UNDO_SECONDS:.0f} ms",
            max(steps) <= UNDO_SECONDS,
            f"median {1000 * statistics.median(steps):.0f} ms; peak memory grew by {grown:.0f} MB",
        ),
        Row(
            "the same: all groups folded or unfolded, processor time, slowest of 6",
            f"{1000 * max(folding):.0f} ms",
            "≤ 1000 ms",
            max(folding) <= OPEN_SECONDS,
            f"{len(experiment.graph)} layers; places and checks of all included",
        ),
    ]
    return rows


def _seconds(action: Callable[[], object]) -> float:
    """Return seconds of processor time, which is the clock's where nothing else runs."""
    begun = time.thread_time()
    action()
    return time.thread_time() - begun


def _unfolded(experiment: Experiment) -> Experiment:
    from workbench.analysis.group_layout import arrange_groups
    from workbench.document.edits import move
    from workbench.document.grouping import set_folded

    return move(set_folded(experiment, ()), arrange_groups(experiment.graph))


def _bare(experiment: Experiment) -> QGraphicsView:
    """Return the opponent: the same boxes, texts and curves, painted by Qt alone."""
    from PySide6.QtGui import QPainter
    from PySide6.QtWidgets import QGraphicsScene, QGraphicsSimpleTextItem, QGraphicsView

    from widgets.canvas import geometry

    scene = QGraphicsScene()
    graph = experiment.graph
    for node in graph.nodes:
        box = scene.addRect(0, 0, geometry.NODE_WIDTH, geometry.NODE_HEIGHT)
        box.setPos(*node.position)
        for line, text in enumerate((node.type, node.id, "28 × 28 × 512   9 248 params")):
            QGraphicsSimpleTextItem(text, box).setPos(19, 4 + 15 * line)
        for source in node.inputs:
            start = geometry.output_port(graph[source].position)
            scene.addPath(geometry.edge_path(start, geometry.input_port(node.position)))
    view = QGraphicsView(scene)
    scene.setParent(view)
    view.setRenderHint(QPainter.RenderHint.Antialiasing)
    view.resize(1200, 800)
    view.show()
    return view
