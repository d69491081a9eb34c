"""`python -m workbench.worker RUN_FOLDER` trains a run; with `--wait BACKEND` it waits for one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from workbench.catalog import Catalog
from workbench.worker.allocation import keep_freed_memory
from workbench.worker.importing import only_report, ready
from workbench.worker.train import OK, train
from workbench.worker.waiting import spin_briefly


def main(arguments: list[str] | None = None) -> int:
    """Train one run folder; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m workbench.worker", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="the run folder to train")
    parser.add_argument(
        "--wait", metavar="BACKEND", help="import the backend, then read one folder from stdin"
    )
    given = parser.parse_args(arguments)
    if (given.folder is None) == (given.wait is None):
        parser.error("give either a run folder or --wait BACKEND")
    keep_freed_memory()
    spin_briefly()
    catalog = Catalog.load()
    folder = given.folder if given.wait is None else _waited_for(given.wait, catalog)
    return OK if folder is None else train(folder, catalog)


def _waited_for(backend: str, catalog: Catalog) -> Path | None:
    """Import what training needs, say how that went, wait; None when nobody wants this worker."""
    with only_report() as report:
        found = ready(catalog, backend)
        report.write(msgspec.json.encode(found) + b"\n")
    if found.state == "broken":
        print(found.message, file=sys.stderr)
    line = sys.stdin.readline().strip()
    return Path(line) if line else None


if __name__ == "__main__":
    sys.exit(main())
