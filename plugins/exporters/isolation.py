"""Runs code where the workbench cannot help it: in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from plugins.exporters import child
from workbench.errors import UserError
from workbench.plugin_api.exporter import Outputs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plugins.exporters.samples import Samples

SECONDS = 600.0
"""After this time a process is ended."""
_LONGEST = 300
_MAIN = """

if __name__ == "__main__":
    import time

    import numpy as np

    answer = prepare({file!r})
    with np.load("inputs.npz") as file:
        given = [file[name] for name in file]
    arrays = [given[start : start + {arrays}] for start in range(0, len(given), {arrays})]
    answer(*arrays[0])
    begin = time.perf_counter()
    outputs = [np.asarray(answer(*arrays[0]))]
    seconds = (time.perf_counter() - begin) / max(len(given[0]), 1)
    outputs += [np.asarray(answer(*each)) for each in arrays[1:]]
    np.savez("outputs.npz", seconds, *outputs)
"""


def run_isolated(
    script: str,
    file: Path,
    samples: Samples,
    seconds: float = SECONDS,
    environment: Mapping[str, str] | None = None,
) -> Outputs:
    """Run `prepare(file) -> (inputs -> outputs)`, which `script` defines, in a fresh Python.

    Where samples differ in length, it is (inputs, lengths) -> outputs.

    The first of two runs is not timed. The process sees neither the current folder nor PYTHONPATH,
    and fails if the workbench was imported in it.

    Raises:
        UserError: the script failed or took too long; the hint holds its last line.
    """
    with tempfile.TemporaryDirectory(prefix="workbench-verify-") as name:
        folder = Path(name)
        lay_out(folder, script, file, samples)
        (failure,) = run_folders([folder], seconds, environment)
        if failure:
            raise UserError(f"{file.name} does not run by itself.", failure)
        return answers(folder, samples)


def lay_out(folder: Path, script: str, file: Path, samples: Samples) -> None:
    """Put into a folder what `run_folders` needs to ask a file."""
    asked = samples.asked()
    main = script + _MAIN.format(file=str(file.resolve()), arrays=len(asked[0]))
    (folder / "main.py").write_text(main, encoding="utf-8")
    arrays = [np.ascontiguousarray(array) for each in asked for array in each]
    np.savez(folder / "inputs.npz", *arrays)


def answers(folder: Path, samples: Samples) -> Outputs:
    """Return what `run_folders` got from a file."""
    with np.load(folder / "outputs.npz") as found:
        seconds, values, *alone = (found[name] for name in found)
    return Outputs(values, float(seconds), samples.real(alone))


def run_folders(
    folders: Sequence[Path],
    seconds: float = SECONDS,
    environment: Mapping[str, str] | None = None,
) -> list[str]:
    """Execute `main.py` of each folder, in that folder, in one fresh Python.

    The process is ended when this call is left by an exception (Ctrl-C), and ends by itself when
    this process is gone.

    Returns:
        For each folder the last line of its error; empty where it succeeded.
    """
    folders = [folder.resolve() for folder in folders]
    command = [sys.executable, "-I", "-B", child.__file__, *map(str, folders)]
    log = folders[0] / "stderr.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            command,
            cwd=folders[0],
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
        with process:
            try:
                code: int | None = process.wait(seconds)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                process.kill()
    end = f"it ran longer than {seconds:g} s" if code is None else _ending(code, log)
    return [_failure(folder) or end for folder in folders]


def _failure(folder: Path) -> str:
    path = folder / child.FAILURE
    return path.read_text(encoding="utf-8")[:_LONGEST] if path.exists() else ""


def _ending(code: int, log: Path) -> str:
    """Say how a process ended that did not live to tell of an error; empty: in peace."""
    if code == 0:
        return ""
    if code < 0:
        return f"the process was ended by {signal.Signals(-code).name}"
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][:_LONGEST] if lines else "no message"
