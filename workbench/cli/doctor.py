"""`doctor`: what this computer can do, what is missing, and the line that mends it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Literal

import msgspec

from workbench.analysis.exports import formats
from workbench.catalog import Catalog
from workbench.cli import system
from workbench.cli.runs import runs_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from workbench.cli.output import Output
    from workbench.plugin_api.backend import Backend

Level = Literal["ok", "warning", "error"]

DEVICES_SECONDS = 120
LITTLE_SPACE = 2**30

_LIST_DEVICES = """
import json, sys
from workbench.catalog import Catalog
devices = Catalog.load().backend(sys.argv[1]).devices()
names = [f"{each.id} ({each.title}, {each.memory_bytes / 2**30:.0f} GiB)" for each in devices]
print(json.dumps(names))
"""


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at, and the line that mends it."""

    name: str
    level: Level
    detail: str
    mend: str = ""


def examine(output: Output) -> int:
    """Look at everything and print it; the status is 3 when training is impossible here."""
    findings = []
    marks = {"ok": "ok     ", "warning": "warning", "error": "error  "}
    for finding in _all():
        findings.append(finding)
        if not output.as_json:
            output.say(f"{marks[finding.level]}  {finding.name}: {finding.detail}")
            if finding.mend:
                output.say(f"         mend it with: {finding.mend}")
    output.result({"findings": findings})
    return 3 if any(finding.level == "error" for finding in findings) else 0


def _all() -> Iterator[Finding]:
    catalog = Catalog.load()
    yield _python()
    if sys.platform == "linux":
        yield _libraries()
        yield _display()
    yield from _backends([kind() for kind in catalog.backends])
    yield _formats(catalog)
    yield _disk(runs_folder(argparse.Namespace(runs=None)))
    yield from (
        Finding(f"plug-in {broken.module}", "warning", broken.message, "Update or uninstall it.")
        for broken in catalog.broken
    )


def _python() -> Finding:
    return Finding("Python", "ok", f"{platform.python_version()} on {platform.platform()}")


def _libraries() -> Finding:
    missing = system.missing_packages()
    if not missing:
        return Finding("libraries for the window", "ok", "all there")
    detail = f"missing {', '.join(missing)}"
    return Finding("libraries for the window", "warning", detail, system.install_line(missing))


def _display() -> Finding:
    if found := system.display():
        return Finding("display", "ok", found)
    return Finding("display", "warning", "none; the command line works, the window cannot open")


def _backends(backends: Sequence[Backend]) -> list[Finding]:
    """Return what there is of each; an error only where nothing can train."""
    with ThreadPoolExecutor() as pool:  # importing a framework takes seconds
        found = list(pool.map(_backend, backends))
    works = any(all(finding.level == "ok" for finding in findings) for findings in found)
    flat = [finding for findings in found for finding in findings]
    if not works:
        return flat
    return [
        msgspec.structs.replace(finding, level="warning") if finding.level == "error" else finding
        for finding in flat
    ]


def _backend(backend: Backend) -> list[Finding]:
    available = backend.availability()
    if not available.ok:
        return [Finding(backend.title, "error", available.reason, available.install)]
    versions = [f"{name} {found}" for name in backend.packages if (found := _version(name))]
    return [Finding(backend.title, "ok", ", ".join(versions) or "installed"), _devices(backend)]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _formats(catalog: Catalog) -> Finding:
    states = formats(catalog)
    missing = [state for state in states if not state.availability.ok]
    if not missing:
        return Finding("export formats", "ok", f"all {len(states)} can be written")
    reasons = ", ".join(f"{state.title} ({state.availability.reason})" for state in missing)
    lines = dict.fromkeys(state.availability.install for state in missing)
    return Finding("export formats", "warning", f"missing: {reasons}", "; ".join(lines))


def _devices(backend: Backend) -> Finding:
    """Ask in another process: a broken driver may hang or crash whoever asks it."""
    name = f"devices for {backend.title}"
    try:
        answer = subprocess.run(
            [sys.executable, "-P", "-c", _LIST_DEVICES, backend.id],
            capture_output=True,
            text=True,
            timeout=DEVICES_SECONDS,
            check=True,
        )
        devices = json.loads(answer.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return Finding(name, "error", f"no answer within {DEVICES_SECONDS} s", "Check the driver.")
    except (subprocess.CalledProcessError, ValueError, IndexError) as error:
        printed = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        detail = printed[-1] if printed else "it cannot be imported"
        return Finding(name, "error", detail, backend.availability().install)
    return Finding(name, "ok", ", ".join(devices))


def _disk(folder: Path) -> Finding:
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    detail = f"{folder}, {free / 1e9:.1f} GB free"
    if not os.access(there, os.W_OK):
        return Finding("runs folder", "error", f"{folder} cannot be written to", "Use --runs DIR.")
    if free < LITTLE_SPACE:
        return Finding("runs folder", "warning", detail, "Free some space, or use --runs DIR.")
    return Finding("runs folder", "ok", detail)
