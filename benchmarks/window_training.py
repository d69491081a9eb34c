"""Opens the real window on an experiment, presses Train, and closes when the run has ended."""

from __future__ import annotations

import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from widgets.app import make_window


def main(path: Path) -> int:
    """Train an experiment file in the window; its run lands in the runs folder."""
    app = QApplication(sys.argv[:1])
    window = make_window()
    window.resize(1440, 900)
    window.show()
    window.start()
    session = window.session
    session.document.open(path)
    window.show_workbench()
    session.run.warm_up(session.document.experiment.training.backend)
    state = {"asked": False}

    def look() -> None:
        if not state["asked"] and session.data.info is not None:
            if session.document.report.errors:
                raise SystemExit(str(session.document.report.errors))
            state["asked"] = True
            session.document.select([_first_convolution(window)])
            session.run.start(session.document.experiment)
        elif state["asked"] and session.run.state.ended:
            app.exit(0 if session.run.state.status == "completed" else 1)

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(50)
    QTimer.singleShot(600_000, lambda: app.exit(2))
    status = app.exec()
    window.close_at_once()
    return status


def _first_convolution(window) -> str:
    nodes = window.session.document.experiment.graph.nodes
    return next((node.id for node in nodes if node.type == "Conv2D"), nodes[1].id)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
