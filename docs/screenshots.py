"""Takes pictures of the window, dark and light, in two sizes: `python docs/screenshots.py`."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

SIZES = ((1440, 900), (1100, 700))
THEMES = ("dark", "light")


def main() -> int:
    """Write OUT/window-THEME-WIDTH.png for every theme and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=Path(__file__).parent / "images")
    parser.add_argument("--example", default="digits-cnn")
    parser.add_argument("--train", type=float, default=0.0, metavar="SECONDS", help="train first")
    parser.add_argument("--tabs", default="", help="tabs to show, by key, parted by commas")
    parser.add_argument("--select", default="", help="layers to select, parted by commas")
    parser.add_argument("--name", default="window", help="beginning of the files' names")
    parser.add_argument("--welcome", action="store_true", help="show the welcome page")
    arguments = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["WORKBENCH_HOME"] = home
        take(arguments)
    return 0


def take(arguments: argparse.Namespace) -> None:
    """Open the window, bring it into the wanted state, and grab it."""
    from PySide6.QtWidgets import QApplication

    from widgets.app import make_window

    app = QApplication(sys.argv[:1])
    window = make_window()
    window.resize(*SIZES[0])
    window.show()
    app.processEvents()
    window.start()
    window.files.open_example(arguments.example)
    _let_run(app, 2.0)
    window.session.document.select([name for name in arguments.select.split(",") if name])
    if arguments.train:
        window.runs.train()
        _let_run(app, arguments.train)
    for key in filter(None, arguments.tabs.split(",")):
        window.show_tab(key)
    if arguments.welcome:
        window.show_welcome()
    for theme in THEMES:
        window.theme.apply(theme)
        for width, height in SIZES:
            window.resize(width, height)
            window.page.divide_anew()
            window.page.canvas.show_start()
            _let_run(app, 0.6)
            path = arguments.out / f"{arguments.name}-{theme}-{width}.png"
            window.grab().save(str(path))
            print(path)
    if window.session.run.is_active:
        window.session.run.stop()
        _let_run(app, 3.0)
    window.close_at_once()


def _let_run(app: object, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        app.processEvents()  # type: ignore[attr-defined]
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
