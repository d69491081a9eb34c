"""Progress of a run: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Protocol

from workbench.runs.journal import epoch_line, metrics_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress

    from workbench.cli.output import Output
    from workbench.plugin_api.task import Evaluation
    from workbench.runs.state import RunState
    from workbench.runs.store import RunStatus


class Screen(Protocol):
    """Where progress is shown."""

    def show(self, state: RunState, status: RunStatus) -> None:
        """Show the present state; called many times a second."""
        ...

    def line(self, text: str) -> None:
        """Print a line that stays."""
        ...


@contextlib.contextmanager
def display(output: Output) -> Iterator[Screen]:
    """Return what suits the stream that people read."""
    console = output.console()
    if not console.is_terminal:
        yield _Lines(output)
        return
    from rich import progress as bars

    columns = (
        bars.TextColumn("{task.description}", markup=False),
        bars.BarColumn(),
        bars.TaskProgressColumn(),
        bars.TextColumn("[dim]{task.fields[metrics]}[/]"),
        bars.TextColumn("{task.fields[left]}"),
    )
    with bars.Progress(*columns, console=console, refresh_per_second=10) as progress:
        yield _Bar(progress)


def duration(seconds: float) -> str:
    """Return a length of time for people: "12 s", "3:05 min", "2:10 h"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02} h"


def say_baselines(evaluation: Evaluation | None, output: Output) -> None:
    """Print what simple answers reach, a line each."""
    for name, metrics in (evaluation.baselines if evaluation is not None else {}).items():
        output.say(f"  in comparison, {name}: {metrics_line(metrics)}")


class _Epochs:
    """Tells of each epoch that ends once, those of an earlier worker left out."""

    def __init__(self) -> None:
        self._told = 0

    def new_lines(self, state: RunState, status: RunStatus) -> Iterator[str]:
        """Return a line for every epoch that has ended since the last look."""
        done = max((len(series) for series in state.epochs.values()), default=0)
        if status == "preparing":
            self._told = done
        for index in range(min(self._told, done), done):
            yield self._line(state, index, done)
        self._told = done

    def _line(self, state: RunState, index: int, done: int) -> str:
        whole = {name: s for name, s in state.epochs.items() if len(s) == done}
        first = ("/loss", f"/{state.headline}")
        plain = {name: s for name, s in whole.items() if name.endswith(first)}
        whole = plain or whole
        step = next(iter(whole.values())).steps[index]
        number = round(step / state.steps_per_epoch) if state.steps_per_epoch else index + 1
        metrics = {name: series.values[index] for name, series in whole.items()}
        return epoch_line(number, state.planned_epochs, metrics)


class _Lines:
    """A line for each stage and each epoch."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._epochs = _Epochs()
        self._stage = ""

    def show(self, state: RunState, status: RunStatus) -> None:
        stage = state.message if state.status == "preparing" else ""
        if stage and stage != self._stage:
            self.line(stage)
        self._stage = stage
        for text in self._epochs.new_lines(state, status):
            self.line(text)

    def line(self, text: str) -> None:
        self._output.say(text)


class _Bar:
    """One bar for the whole training; epochs stay as lines above it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._epochs = _Epochs()
        self._task = progress.add_task("Starting", total=1.0, metrics="", left="")

    def show(self, state: RunState, status: RunStatus) -> None:
        for text in self._epochs.new_lines(state, status):
            self.line(text)
        left = state.seconds_left
        self._progress.update(
            self._task,
            description=self._description(state, status),
            completed=state.progress,
            metrics=metrics_line(self._live(state)),
            left=f"{duration(left)} left" if left is not None else "",
        )

    def line(self, text: str) -> None:
        self._progress.console.print(text, markup=False)

    def _description(self, state: RunState, status: RunStatus) -> str:
        if status == "training":
            return f"Epoch {min(state.epoch + 1, state.planned_epochs)}/{state.planned_epochs}"
        if status == "preparing" and state.status == "preparing":
            return state.message
        return status.replace("_", " ").capitalize()

    def _live(self, state: RunState) -> dict[str, float]:
        names = ("loss", state.headline)
        return {n: state.steps[n].values[-1] for n in names if state.steps.get(n)}
