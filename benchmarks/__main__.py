"""`python -m benchmarks [NAME …]`: measure, print a table, write docs/benchmarks.md.

With names only their rows of the page are measured anew.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.rows import Row, markdown, updated, verdict

NAMES = (
    "examples",
    "training_speed",
    "big_text",
    "language_model",
    "fine_tuning",
    "adapters",
    "keras_speed",
    "startup",
    "event_loop",
    "kill_resume",
    "learning_rate",
    "canvas",
    "imported_canvas",
    "gpu",
)
PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"


def main() -> int:
    """Run the named benchmarks, or all of them; 1 if a bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    names = parser.parse_args().names
    unknown = set(names) - set(NAMES)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(NAMES)}")
    console = Console()
    sections: list[tuple[str, list[Row]]] = []
    for name in names or NAMES:
        console.print(f"[dim]{name} …[/dim]")
        rows = importlib.import_module(f"benchmarks.{name}").run()
        sections.append((name, rows))
        _show(console, rows)
    _write(names, sections)
    console.print(f"Written to {PAGE.relative_to(PAGE.parent.parent)}")
    missed = [row for _, rows in sections for row in rows if row.reached is False]
    return 1 if missed else 0


def _write(names: list[str], sections: list[tuple[str, list[Row]]]) -> None:
    """Write the whole page; with names only their rows of it."""
    page = markdown(sections)
    if names and PAGE.exists():
        rows = [row for _, found in sections for row in found]
        page = updated(PAGE.read_text(encoding="utf-8"), rows)
    PAGE.write_text(page, encoding="utf-8")


def _show(console: Console, rows: list[Row]) -> None:
    table = Table("what", "measured", "bar", "reached", "how")
    for row in rows:
        table.add_row(row.what, row.value, row.bar, verdict(row), row.detail)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
