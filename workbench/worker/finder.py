"""Tests learning rates for the window: `python -m workbench.worker.finder`."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.catalog import Catalog
from workbench.finding import Finding, FindRate, RateFound, Reply
from workbench.reading import Refused
from workbench.worker.failures import failure
from workbench.worker.range_test import find_rate
from workbench.worker.serving import serve

if TYPE_CHECKING:
    from collections.abc import Callable

    import msgspec


class Finder:
    """Does one test after the other.

    Args:
        tell: sends what is being done.
    """

    def __init__(self, catalog: Catalog, tell: Callable[[msgspec.Struct], None]) -> None:
        self._catalog = catalog
        self._tell = tell

    def answer(self, request: FindRate) -> Reply:
        """Return the answer; whatever goes wrong is an answer too."""
        try:
            found = find_rate(
                request.experiment,
                self._catalog,
                Path(request.folder),
                tell=lambda words: self._tell(Finding(id=request.id, words=words)),
                show=lambda tested: self._tell(Finding(id=request.id, tested=tested)),
            )
        except Exception as error:
            traceback.print_exc()
            said = failure(error)
            return Refused(id=request.id, message=said["message"], hint=said["hint"])
        return RateFound(id=request.id, suggestion=found)


def main() -> None:
    """Answer requests from standard input on standard output until it is closed."""
    # A test trains, and a training has all cores unless its settings say otherwise.
    os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))
    serve(FindRate, lambda tell: Finder(Catalog.load(), tell), lambda waiting: waiting)


if __name__ == "__main__":
    main()
