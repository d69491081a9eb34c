"""Runs an exported file where the workbench cannot help it: a process of its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import UserError
from workbench.plugin_api.exporter import Outputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAIN = """

if __name__ == "__main__":
    import sys
    import time

    import numpy as np

    given, answers, file = sys.argv[1:]
    answer = prepare(file)
    inputs = np.load(given)
    answer(inputs)
    begin = time.perf_counter()
    outputs = np.asarray(answer(inputs))
    seconds = (time.perf_counter() - begin) / max(len(inputs), 1)
    np.savez(answers, outputs=outputs, seconds=seconds)
    if any(name.split(".")[0] == "workbench" for name in sys.modules):
        sys.exit("the exported file needs the workbench")
"""


def run_isolated(
    script: str, file: Path, inputs: NDArray[np.float32], seconds: float = 300
) -> Outputs:
    """Run `prepare(file) -> (inputs -> outputs)`, which `script` defines, in a fresh Python.

    The first of two runs is not timed. The process sees neither the current folder nor PYTHONPATH,
    and fails if the workbench was imported in it.

    Raises:
        UserError: the script failed or took too long; the hint holds its last line.
    """
    with tempfile.TemporaryDirectory(prefix="workbench-verify-") as name:
        folder = Path(name)
        (folder / "verify.py").write_text(script + _MAIN, encoding="utf-8")
        np.save(folder / "inputs.npy", np.ascontiguousarray(inputs))
        command = [sys.executable, "-I", "-B", str(folder / "verify.py")]
        command += [str(folder / "inputs.npy"), str(folder / "outputs.npz"), str(file.resolve())]
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
        with np.load(folder / "outputs.npz") as answers:
            return Outputs(answers["outputs"], float(answers["seconds"]))
