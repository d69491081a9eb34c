"""`workbench` opens the window; with a command it works in the terminal."""

from __future__ import annotations

import sys
from pathlib import Path

from workbench import cli
from workbench.errors import UserError


def main() -> None:
    """Run the program and exit with its status."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Open the window for no argument or a file; else do a command."""
    if not arguments:
        return open_window(None)
    if len(arguments) == 1 and not arguments[0].startswith("-") and arguments[0] not in cli.NAMES:
        path = Path(arguments[0])
        if path.exists() or path.suffix == ".json":
            return open_window(path)
    return cli.main(arguments)


def open_window(path: Path | None) -> int:
    """Open the window; says in words when that cannot be done."""
    try:
        from widgets.app import run_window
    except ImportError as error:
        print(f"The window cannot be opened: {error}.", file=sys.stderr)
        print("`workbench doctor` says what is missing here.", file=sys.stderr)
        return 3
    try:
        return int(run_window(path))
    except UserError as error:
        print(f"{error.message}\n{error.hint}".strip(), file=sys.stderr)
        return 3


if __name__ == "__main__":
    main()
