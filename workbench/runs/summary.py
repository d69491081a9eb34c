"""What the list of runs says of one run, folded from its log and kept beside it."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Literal

import msgspec

from workbench.document.files import FORMAT
from workbench.errors import UserError
from workbench.files import write_atomically
from workbench.runs import events
from workbench.runs.log import LineTail
from workbench.runs.state import ENDED, RunState, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.runs.folder import RunFolder

_STEPS = b'{"event":"steps"'


class Facts(msgspec.Struct, kw_only=True):
    """What is known of a run after `offset` bytes of its log.

    Attributes:
        damage: why its experiment cannot be read; empty if it can.
        headline: metric that people look at first, without its split; direction: its better way.
        monitor: the validation metric shown; best and last are its values.
        duration: seconds between the beginnings and ends of work, pauses left out.
        size: bytes of all files; known once the run has ended.
        work_since: when the present stretch of work began; 0: none is going on.
    """

    offset: int = 0
    mtime: int = 0
    experiment: str = ""
    damage: str = ""
    status: Status = "new"
    message: str = ""
    created: float = 0.0
    updated: float = 0.0
    epochs: int = 0
    planned_epochs: int = 0
    headline: str = "accuracy"
    direction: Literal["min", "max"] = "max"
    monitor: str = ""
    best: float | None = None
    last: float | None = None
    test: dict[str, float] = {}
    backend: str = ""
    device: str = ""
    pid: int = 0
    duration: float = 0.0
    size: int = 0
    work_since: float = 0.0


def facts_of(folder: RunFolder) -> Facts:
    """Return what is known of a run, reading only what was appended since the last time.

    Raises:
        OSError: the folder cannot be read.
    """
    size, mtime = _stamp(folder)
    facts = _kept(folder)
    if facts.mtime == mtime and facts.offset == size and facts.experiment:
        return facts
    if facts.offset > size:
        facts = Facts()
    facts.experiment, facts.damage = _experiment_name(folder)
    tail = LineTail(folder.events, facts.offset)
    while lines := tail.read():
        _fold(facts, lines)
    facts.offset, facts.mtime, facts.size = tail.offset, mtime, _folder_size(folder)
    facts.created = facts.created or folder.path.stat().st_mtime
    if facts.status in ENDED:
        _keep(folder, facts)
    return facts


def _stamp(folder: RunFolder) -> tuple[int, int]:
    try:
        found = folder.events.stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _kept(folder: RunFolder) -> Facts:
    try:
        return msgspec.json.decode(folder.summary.read_bytes(), type=Facts)
    except (OSError, msgspec.DecodeError):
        return Facts()


def _keep(folder: RunFolder, facts: Facts) -> None:
    with contextlib.suppress(UserError):  # a full or read-only disk only makes the list slower
        write_atomically(folder.summary, msgspec.json.encode(facts), durable=False)


class _Head(msgspec.Struct):
    format: str
    name: str = "Untitled"


def _experiment_name(folder: RunFolder) -> tuple[str, str]:
    try:
        head = msgspec.json.decode(folder.experiment.read_bytes(), type=_Head)
    except OSError as error:
        return "", f"Its experiment cannot be read: {error.strerror or error}."
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", "Its experiment is damaged."
    return (head.name, "") if head.format == FORMAT else ("", "Its experiment is damaged.")


def _folder_size(folder: RunFolder) -> int:
    total = 0
    for parent, _, names in os.walk(folder.path):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(parent, name)).st_size
    return total


def _fold(facts: Facts, lines: Iterable[bytes]) -> None:
    """Fold lines in. Of a row of Steps only the last matters, so the others are not decoded."""
    state = _state_from(facts)
    steps = b""
    for line in lines:
        if line.startswith(_STEPS):
            steps = line
            continue
        _apply(facts, state, steps)
        _apply(facts, state, line)
        steps = b""
    _apply(facts, state, steps)
    facts.status, facts.message = state.status, state.message
    facts.epochs, facts.planned_epochs = state.epoch, state.planned_epochs
    facts.backend, facts.device, facts.pid = state.backend, state.device, state.pid
    facts.headline, facts.direction = state.headline, state.direction
    facts.test = {name: v for name, v in state.metrics.items() if name.startswith("test/")}


def _state_from(facts: Facts) -> RunState:
    return RunState(
        status=facts.status,
        message=facts.message,
        epoch=facts.epochs,
        planned_epochs=facts.planned_epochs,
        backend=facts.backend,
        device=facts.device,
        pid=facts.pid,
        headline=facts.headline,
        direction=facts.direction,
        metrics=dict(facts.test),
    )


def _apply(facts: Facts, state: RunState, line: bytes) -> None:
    if not line.strip():
        return
    try:
        event = events.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    state.apply(event)
    _time(facts, event)
    if isinstance(event, events.EpochFinished):
        facts.headline, facts.direction = state.headline, state.direction
        _score(facts, event.metrics)


def _time(facts: Facts, event: events.Event) -> None:
    facts.created = facts.created or event.time
    if isinstance(event, events.Started | events.Continued):
        facts.work_since = event.time
    elif facts.work_since:
        facts.duration += max(event.time - facts.work_since, 0.0)
        ended = isinstance(event, events.Paused | events.Finished | events.Failed)
        facts.work_since = 0.0 if ended else event.time
    facts.updated = event.time


def _score(facts: Facts, metrics: dict[str, float]) -> None:
    facts.monitor = facts.monitor or _monitor(metrics, facts.headline)
    value = metrics.get(facts.monitor)
    if value is None:
        return
    is_headline = facts.monitor == f"val/{facts.headline}"
    is_error = facts.direction == "min" if is_headline else facts.monitor.endswith("loss")
    better = min if is_error else max
    facts.last = value
    facts.best = value if facts.best is None else better(facts.best, value)


def _monitor(metrics: dict[str, float], headline: str) -> str:
    """Return the metric people look at first, another score, the loss."""
    validation = sorted(name for name in metrics if name.startswith("val/"))
    scores = [name for name in validation if not name.endswith("loss")]
    for name in (f"val/{headline}", *scores, *validation):
        if name in metrics:
            return name
    return ""
