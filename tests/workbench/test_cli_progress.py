from __future__ import annotations

import io

import pytest
from rich.console import Console

from tests.workbench.runs.written_runs import started, whole_run
from workbench.cli.output import Output
from workbench.cli.progress import display, duration
from workbench.runs.state import RunState


def shown(output):
    """Show a whole run, event by event."""
    state = RunState()
    with display(output) as screen:
        for event in whole_run():
            state.apply(event)
            screen.show(state, state.status)
        screen.line("[red]brackets[/] stay as they are")


def test_terminal_shows_a_bar_and_keeps_the_epochs(monkeypatch):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=120, highlight=False)
    monkeypatch.setattr(Output, "console", lambda self: console)
    shown(Output(as_json=False))
    text = stream.getvalue()
    for number in (1, 2, 3):
        assert f"Epoch {number}/3: train/loss" in text
    assert "Completed" in text
    assert "100%" in text
    assert "[red]brackets[/] stay" in text


def test_elsewhere_there_are_plain_lines(capsys):
    shown(Output(as_json=False))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Importing PyTorch"
    assert lines[1] == "Epoch 1/3: train/loss 1, val/loss 1, val/accuracy 0.5"
    assert len([line for line in lines if line.startswith("Epoch")]) == 3


def test_epochs_of_an_earlier_worker_are_not_told_again(capsys):
    state = RunState()
    for event in whole_run():
        state.apply(event)
    with display(Output(as_json=False)) as screen:
        screen.show(state, "preparing")
        state.apply(started(5000.0, step=30, epochs=4))
        screen.show(state, "training")
    assert "Epoch" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (185, "3:05 min"), (7800, "2:10 h")]
)
def test_durations_for_people(seconds, text):
    assert duration(seconds) == text
