"""Shows a run in the terminal while a worker trains it."""

from __future__ import annotations

import contextlib
import signal
import time
from typing import TYPE_CHECKING, Any

from workbench.cli.progress import display, duration, say_baselines
from workbench.runs import commands, control, store
from workbench.runs.journal import metrics_line
from workbench.runs.state import ENDED
from workbench.session.shown_run import ShownRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workbench.cli.output import Output
    from workbench.plugin_api.launcher import Launcher
    from workbench.runs.folder import RunFolder
    from workbench.session.message import Message

TICK_SECONDS = 0.05


def run_and_follow(folder: RunFolder, launcher: Launcher, output: Output) -> int:
    """Submit a run, show it until its worker is gone, print the result.

    Ctrl-C asks the worker to save and stop; a second one ends it at once. Closing the terminal
    does neither: training goes on.

    Returns:
        The exit status.
    """
    messages: list[Message] = []
    shown = ShownRun(folder, launcher, messages.append)
    interrupts = _Interrupts()
    try:
        with interrupts.counted():
            shown.submit()
            _watch(shown, interrupts, messages, output)
    finally:
        shown.close()
    return _conclude(shown, interrupts.count > 0, messages, output)


def _watch(
    shown: ShownRun, interrupts: _Interrupts, messages: list[Message], output: Output
) -> None:
    with display(output) as screen:
        heeded = 0
        while shown.is_active and shown.is_followed:
            shown.tick()
            screen.show(shown.state, shown.status)
            while messages and messages[0].severity != "error":
                message = messages.pop(0)
                screen.line(f"{message.text} {message.hint}".rstrip())
            while heeded < interrupts.count:
                heeded += 1
                _interrupt(heeded, shown, screen.line)
            time.sleep(TICK_SECONDS)
        screen.show(shown.state, shown.status)


class _Interrupts:
    """Counts Ctrl-C and SIGTERM, instead of dying of them."""

    def __init__(self) -> None:
        self.count = 0

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """Count from here to the end of the block."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_signal(self, number: int, frame: object) -> None:
        self.count += 1


def _interrupt(count: int, shown: ShownRun, say: Callable[[str], None]) -> None:
    shown.stop_asked = True
    if count == 1:
        say("Stopping: the step is finished and saved. Ctrl-C again ends it at once.")
        control.send(shown.folder, commands.Stop())
    else:
        shown.cancel()


def _conclude(shown: ShownRun, interrupted: bool, messages: list[Message], output: Output) -> int:
    """Print how it ended; return the exit status."""
    state, status = shown.state, shown.status
    result: dict[str, Any] = {
        "run": str(shown.folder.path),
        "status": status,
        "metrics": state.metrics,
    }
    succeeded = status in ENDED and status != "failed"
    if succeeded:
        test = {name: v for name, v in state.metrics.items() if name.startswith("test/")}
        took = duration(store.summarise(shown.folder).duration)
        output.say(f"{status.replace('_', ' ').capitalize()} at epoch {state.epoch} after {took}.")
        if test:
            output.say(metrics_line(test))
            say_baselines(state.evaluations.get("test"), output)
    else:
        result |= _failure(shown, messages)
        output.note(result["error"])
        if result["hint"]:
            output.note(result["hint"])
    output.say(f"Run: {shown.folder.path}")
    if interrupted or status == "stopped":
        output.say(f"Go on with: workbench resume {shown.folder.path}")
    output.result(result)
    return 130 if interrupted else 0 if succeeded else 3


def _failure(shown: ShownRun, messages: list[Message]) -> dict[str, str]:
    state = shown.state
    if state.status == "failed":
        where = f"{state.failed_node}: " if state.failed_node else ""
        return {"error": where + state.message, "hint": state.hint}
    if messages:
        return {"error": messages[-1].text, "hint": messages[-1].hint}
    return {"error": "The training process is gone.", "hint": "Resume goes on with the run."}
