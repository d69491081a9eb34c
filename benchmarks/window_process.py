"""Runs a module that measures in a window, in a process of its own without a display."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def measured(module: str, argument: Path, home: Path) -> dict[str, Any]:
    """Return what `python -m module argument` prints last, as JSON.

    Args:
        home: where the program keeps its own files meanwhile.

    Raises:
        RuntimeError: the module failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, str(argument)],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen", "WORKBENCH_HOME": str(home)},
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the window failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
