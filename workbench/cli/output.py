"""What goes to the terminal: words for people, or one JSON line for programs."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

if TYPE_CHECKING:
    from rich.console import Console

    from workbench.errors import UserError


class Output:
    """Prints results on stdout and everything else on stderr.

    A stream that takes no more, a closed pipe or a full disk, never stops the work.

    Args:
        as_json: print nothing on stdout but one JSON line at the end.

    Attributes:
        lost: why a part of the output could not be written; a reader who has read enough and
            closed the pipe loses nothing.
    """

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self.lost: OSError | None = None

    def say(self, text: str = "") -> None:
        """Print a line for people: part of the result, or beside it when that is JSON."""
        self._print(text, sys.stderr if self.as_json else sys.stdout)

    def part(self, text: str) -> None:
        """Print a part of a line of the result, at once."""
        self._print(text, sys.stdout, end="")

    def note(self, text: str) -> None:
        """Print a line for people that is not part of the result."""
        self._print(text, sys.stderr)

    def result(self, value: Any) -> None:
        """Print the result for programs, if they are who asks."""
        if self.as_json:
            self._print(msgspec.json.encode(value).decode(), sys.stdout)

    def fail(self, error: UserError) -> None:
        """Say what went wrong and what to do next."""
        self.note(error.message)
        if error.hint:
            self.note(error.hint)
        self.result({"error": error.message, "hint": error.hint})

    def console(self) -> Console:
        """Return a rich console on the stream that people read."""
        from rich.console import Console

        return Console(stderr=self.as_json, highlight=False)

    def table(self, titles: list[str], rows: list[list[str]]) -> None:
        """Print a table for people: drawn on a terminal, columns divided by tabs elsewhere."""
        if self.as_json:
            return
        console = self.console()
        if not console.is_terminal:
            for row in [titles, *rows]:
                self.say("\t".join(row))
            return
        from rich.markup import escape
        from rich.table import Table

        table = Table(box=None, header_style="bold", pad_edge=False)
        for title in titles:
            table.add_column(title, overflow="fold")
        for row in rows:
            table.add_row(*map(escape, row))
        console.print(table)

    def _print(self, text: str, stream: TextIO | None, end: str = "\n") -> None:
        if stream is None:  # closed before the program began
            return
        try:
            print(text, file=stream, flush=True, end=end)
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            if not isinstance(error, BrokenPipeError):
                self.lost = error
