"""How far training has come: all that the loop itself must remember to go on exactly."""

from __future__ import annotations

import math
from typing import Literal

import msgspec


class Watched(msgspec.Struct):
    """Follows one metric and counts the epochs since it last improved.

    Attributes:
        value: the best so far; None before the first.
        waited: epochs since then.
    """

    value: float | None = None
    waited: int = 0

    def update(self, value: float, mode: Literal["min", "max"], minimum_change: float) -> bool:
        """Take an epoch's value; return whether it is better by more than `minimum_change`."""
        gain = math.inf
        if self.value is not None:
            gain = self.value - value if mode == "min" else value - self.value
        if gain > minimum_change:
            self.value, self.waited = value, 0
            return True
        self.waited += 1
        return False


class Progress(msgspec.Struct, kw_only=True):
    """Counters and memories of the training loop; saved in state.json.

    Attributes:
        step: optimizer steps done.
        epoch: epochs finished, their evaluation included.
        batch: batches of the running epoch that are done.
        epochs: epochs planned when this was saved.
        sums: sum over the running epoch's samples of each metric; samples: their number.
        epoch_seconds: spent on the running epoch so far.
        learning_rate: the base rate; a person may have changed it.
        plateau_factor: what the plateau schedule has come to.
        best_name: checkpoint with the best metric; best_loss: its loss.
        metrics: the last epoch's.
        commands_read: bytes of commands.jsonl that were obeyed; commands_sum: their CRC-32.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    epochs: int = 0
    sums: dict[str, float] = {}
    samples: int = 0
    epoch_seconds: float = 0.0
    learning_rate: float = 0.0
    plateau_factor: float = 1.0
    plateau: Watched = msgspec.field(default_factory=Watched)
    stopping: Watched = msgspec.field(default_factory=Watched)
    best: Watched = msgspec.field(default_factory=Watched)
    best_loss: float = 0.0
    best_name: str = ""
    metrics: dict[str, float] = {}
    commands_read: int = 0
    commands_sum: int = 0

    def add(self, name: str, value: float, samples: int) -> None:
        """Add one step's mean to the running epoch."""
        self.sums[name] = self.sums.get(name, 0.0) + value * samples

    def means(self) -> dict[str, float]:
        """Return the running epoch's means so far, one weight a sample."""
        return {name: total / max(self.samples, 1) for name, total in self.sums.items()}

    def finish_epoch(self) -> None:
        """Go on to the next epoch."""
        self.epoch += 1
        self.batch, self.samples, self.epoch_seconds = 0, 0, 0.0
        self.sums = {}
