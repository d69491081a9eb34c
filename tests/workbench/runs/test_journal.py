"""What the events of a run say in the log."""

from __future__ import annotations

from workbench.runs import events as ev
from workbench.runs.journal import MOST_LINES, Line
from workbench.runs.state import RunState


def folded(*events):
    state = RunState()
    for event in events:
        state.apply(event)
    return state


def start(step=0):
    return ev.Started(
        time=2.0,
        step=step,
        epoch=0,
        epochs=3,
        steps_per_epoch=40,
        samples_per_epoch=1280,
        backend="torch",
        device="cpu",
        pid=1,
    )


def test_each_event_worth_reading_is_a_line_with_its_own_time():
    state = folded(
        ev.Preparing(time=1.0, message="Starting PyTorch"),
        start(),
        ev.Steps(time=3.0, first=1, columns={"loss": [2.0]}, samples_per_second=10.0),
        ev.EpochFinished(
            time=4.0, epoch=1, step=40, metrics={"val/loss": 0.123456}, seconds=1.26, is_best=True
        ),
        ev.LearningRateChanged(time=5.0, step=41, learning_rate=0.01),
        ev.Noted(time=6.0, severity="warning", message="The disk is slow.", hint="Wait."),
        ev.Finished(
            time=7.0, step=120, reason="early_stopped", metrics={"test/loss": 0.5, "val/loss": 1.0}
        ),
    )
    assert state.journal == [
        Line(1.0, "Starting PyTorch"),
        Line(2.0, "Training with torch on cpu: 3 epochs of 40 steps"),
        Line(4.0, "Epoch 1/3: val/loss 0.1235; 1.3 s, the best so far"),
        Line(5.0, "Learning rate 0.01 from step 41 on"),
        Line(6.0, "The disk is slow. Wait.", "warning"),
        Line(7.0, "Early stopped at step 120: test/loss 0.5"),
    ]


def test_a_run_that_went_on_says_from_where_and_one_that_broke_says_why():
    failed = ev.Failed(time=3.0, message="The loss is not a number.", hint="Lower the rate.")
    state = folded(start(step=80), failed)
    assert state.journal[0].text.endswith("on from step 80")
    assert state.journal[1] == Line(3.0, "The loss is not a number. Lower the rate.", "error")


def test_a_long_journal_loses_its_beginning_and_still_counts_its_lines():
    noted = (
        ev.Noted(time=float(i), severity="info", message=str(i)) for i in range(MOST_LINES + 2)
    )
    state = folded(*noted)
    assert (len(state.journal), state.told) == (MOST_LINES, MOST_LINES + 2)
    assert state.journal[0].text == "2"
