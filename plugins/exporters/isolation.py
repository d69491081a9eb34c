"""Runs an exported file where the workbench cannot help it: a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAIN = """

if __name__ == "__main__":
    import sys

    import numpy as np

    arguments = sys.argv[1:]
    np.save(arguments[1], run(arguments[2], np.load(arguments[0])))
    if any(name.split(".")[0] == "workbench" for name in sys.modules):
        sys.exit("the exported file needs the workbench")
"""


def run_isolated(
    script: str, file: Path, inputs: NDArray[np.float32], seconds: float = 300
) -> NDArray[np.float32]:
    """Run `run(file, inputs) -> outputs`, which `script` defines, in a fresh Python.

    The process sees neither the current folder nor PYTHONPATH, and fails if the workbench was
    imported in it.

    Raises:
        UserError: the script failed or took too long; the hint holds its last line.
    """
    with tempfile.TemporaryDirectory(prefix="workbench-verify-") as name:
        folder = Path(name)
        (folder / "verify.py").write_text(script + _MAIN, encoding="utf-8")
        np.save(folder / "inputs.npy", np.ascontiguousarray(inputs))
        command = [sys.executable, "-I", "-B", str(folder / "verify.py")]
        command += [str(folder / "inputs.npy"), str(folder / "outputs.npy"), str(file.resolve())]
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False
            )
        except subprocess.TimeoutExpired:
            raise UserError(
                f"{file.name} was not checked: it ran longer than {seconds:g} s."
            ) from None
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise UserError(f"{file.name} does not run by itself.", last)
        outputs: NDArray[np.float32] = np.load(folder / "outputs.npy")
        return outputs
