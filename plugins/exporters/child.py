"""A program: executes `main.py` of the folders named on its command line, one after another.

It is a process of its own, where nothing of the workbench is imported, and ends with its parent.
"""

import os
import shutil
import sys
import threading
import traceback
from pathlib import Path

FAILURE = "failure.txt"
"""Holds, in a folder whose `main.py` failed, the last line of the error."""


def main(folders):
    """Execute every folder's `main.py`, in that folder; a failure does not keep back the next."""
    import runpy

    for folder in folders:
        os.chdir(folder)
        try:
            runpy.run_path(str(folder / "main.py"), run_name="__main__")
            if any(name.split(".")[0] == "workbench" for name in sys.modules):
                raise RuntimeError("the exported file needs the workbench")
        except BaseException as error:  # SystemExit, too, is a failure here
            traceback.print_exc()
            (folder / FAILURE).write_text(last_line(error), encoding="utf-8")


def last_line(error):
    """Return the last line that says something of what caused an error; compilers mark theirs."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = "".join(traceback.format_exception_only(error)).splitlines()
    said = [line.strip() for line in lines if line.strip()]
    marked = [line.rpartition("): ")[2] for line in said if " error: " in line]  # place): what
    return (marked or said)[-1]


def end_with_parent(folders):
    """Leave when the pipe to the parent breaks, and nothing behind."""
    while os.read(0, 1):
        pass
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


if __name__ == "__main__":
    given = [Path(name).resolve() for name in sys.argv[1:]]
    threading.Thread(target=end_with_parent, args=(given,), daemon=True).start()
    main(given)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # frameworks take a second to take down, and some crash at it
