"""`workbench` opens the window; with a command it works in the terminal."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import resources
from workbench import cli
from workbench.cli.system import check_window
from workbench.errors import UserError

FIRST_EXAMPLE = "digits-cnn"


def main() -> None:
    """Run the program and exit with its status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Files and pipes get UTF-8 wherever the program runs; no name is too odd to print.
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="replace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Open the window for no argument, a file or an example; else do a command."""
    if not arguments:
        return open_window(None)
    if arguments[0] == "--example" and len(arguments) <= 2:
        return open_window(Path(arguments[-1] if len(arguments) == 2 else FIRST_EXAMPLE))
    if len(arguments) == 1 and not arguments[0].startswith("-") and arguments[0] not in cli.NAMES:
        path = Path(arguments[0])
        if path.exists() or path.suffix == ".json" or arguments[0] in resources.examples():
            return open_window(path)
    return cli.main(arguments)


def open_window(path: Path | None) -> int:
    """Open the window; says in words when that cannot be done."""
    try:
        check_window()
        from widgets.app import run_window

        return int(run_window(path))
    except ImportError as error:
        problem = UserError(
            f"The window cannot be opened: {error}.", "`workbench doctor` says what is missing."
        )
    except UserError as error:
        problem = error
    print(f"{problem.message}\n{problem.hint}".strip(), file=sys.stderr)
    return 3


if __name__ == "__main__":
    main()
