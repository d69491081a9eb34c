"""The window's end of the process that reads files."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from workbench.reading import DescribeData, MeasureLengths, Reply, Request
from workbench.session.helper import Helper

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE = 2.0
"""Seconds that a description nobody wants any more may go on before it is ended."""
COMMAND = (sys.executable, "-P", "-m", "workbench.worker.reader")


class Reader(Helper):
    """Asks the process that reads files; a description makes older ones void."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        super().__init__(command, Reply, "reads files")

    def ask(self, request: Request) -> int:  # type: ignore[override]
        """Send a request and return its number; the answer comes from `replies`."""
        if isinstance(request, DescribeData):
            kinds = DescribeData, MeasureLengths
            self.forget(lambda asked: isinstance(asked, kinds), PATIENCE)
        return super().ask(request)
