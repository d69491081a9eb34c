"""The window opens quickly and keeps frameworks out of its process."""

from __future__ import annotations

import json
import os
import subprocess
import sys

FRAMEWORKS = (
    "torch",
    "torchvision",
    "keras",
    "tensorflow",
    "jax",
    "sklearn",
    "matplotlib",
    "scipy",
)
OPEN = """
import json, sys
from pathlib import Path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

app = QApplication([])
from widgets.app import Opening, make_window

window = make_window()
opening = Opening(window, Path("digits-cnn"), "")
found = {}

def painted():
    found["before_first_paint"] = sorted(sys.modules)
    opening.begin()
    QTimer.singleShot(1500, done)

def done():
    found["after_ticking"] = sorted(sys.modules)
    found["layers"] = len(window.session.document.experiment.graph.nodes)
    found["tabs"] = [window.page.left.current_key, window.page.bottom.current_key]
    window.close_at_once()
    app.quit()

window.first_painted.connect(painted)
window.show()
app.exec()
print(json.dumps(found))
"""


def test_the_window_opens_without_a_framework(home):
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "WORKBENCH_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", OPEN],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["layers"] == 12
    assert found["tabs"] == ["layers", "monitor"]
    for moment in ("before_first_paint", "after_ticking"):
        loaded = {name.split(".")[0] for name in found[moment]}
        assert loaded.isdisjoint(FRAMEWORKS), moment
    assert "Traceback" not in done.stderr


def test_a_signal_closes_the_window_and_keeps_unsaved_work(home):
    script = (
        OPEN.replace("QTimer.singleShot(1500, done)", "QTimer.singleShot(300, edit)")
        .replace("print(json.dumps(found))", "")
        .replace("def done():", EDIT + "def done():")
        .replace("window.first_painted", SIGNALS + "window.first_painted")
    )
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "WORKBENCH_HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "Traceback" not in done.stderr
    kept = list((home / "recovery").glob("*.json"))
    assert len(kept) == 1
    assert "Kept by hand" in kept[0].read_text()


SIGNALS = """
import os, signal
from widgets.app import close_on_signals
close_on_signals(window)
"""
EDIT = """
def edit():
    from workbench.document.edits import replace
    window.session.document.edit(lambda e: replace(e, name="Kept by hand"), "Rename")
    os.kill(os.getpid(), signal.SIGTERM)

"""
