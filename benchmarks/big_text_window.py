"""The window beside a CSV file of texts of a gigabyte: while it is read, measured and trained on.

The gaps are those between the ticks of a 16 ms timer in the window's own process.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import psutil

from benchmarks.event_loop import TICK_MS, spin

STEPS = 100
PATIENCE = 300.0


class Gaps:
    """The longest gap of the event loop, and how much of it was computing, phase by phase."""

    def __init__(self) -> None:
        from PySide6.QtCore import Qt, QTimer

        self._ticks: list[tuple[float, float]] = []
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._timer.start(TICK_MS)

    def _tick(self) -> None:
        self._ticks.append((time.perf_counter(), time.thread_time()))

    def taken(self) -> dict[str, float]:
        """Return what there was since the last call, in milliseconds."""
        ticks, self._ticks = np.array(self._ticks), self._ticks[-1:]
        gaps, busy = 1000 * np.diff(ticks, axis=0).T
        return {
            "longest": float(gaps.max()),
            "p99": float(np.percentile(gaps, 99)),
            "busy": float(busy.max()),
            "seconds": float(ticks[-1, 0] - ticks[0, 0]),
        }


def measure(experiment: Path) -> dict[str, object]:
    """Open an experiment on the file in a real window, look at its data, and train."""
    from PySide6.QtWidgets import QApplication

    from widgets.app import make_window

    app = QApplication([])
    window = make_window()
    window.resize(1440, 900)
    window.start()
    window.show()
    spin(app, lambda: False, 2)
    session, data = window.session, window.session.data
    found: dict[str, object] = {}
    gaps = Gaps()
    session.document.open(experiment)
    window.show_workbench()
    window.show_tab("data")
    spin(app, lambda: data.info is not None and not data.is_busy, PATIENCE)
    found["opened"] = gaps.taken()
    spin(app, lambda: data.lengths is not None, PATIENCE)
    found["measured"] = gaps.taken()
    window.show_tab("monitor")
    window.runs.train()
    spin(app, lambda: session.run.state.step > 0, PATIENCE)
    found["prepared"] = gaps.taken()
    spin(app, lambda: session.run.state.step >= STEPS, PATIENCE)
    found["trained"] = gaps.taken() | {"steps": session.run.state.step}
    found["memory"] = psutil.Process().memory_info().rss
    session.run.stop()
    spin(app, lambda: not session.run.is_active, 60)
    window.close_at_once()
    return found


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
