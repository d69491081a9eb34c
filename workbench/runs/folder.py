"""The names of the files in a run folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class RunFolder:
    """Where each thing lies in a run folder; makes no claim that it is there."""

    path: Path

    @property
    def name(self) -> str:
        """The folder's own name, which is the run's id."""
        return self.path.name

    @property
    def experiment(self) -> Path:
        """Exactly what runs; never changed."""
        return self.path / "experiment.json"

    @property
    def environment(self) -> Path:
        """Versions, device, seeds, data fingerprint."""
        return self.path / "environment.json"

    @property
    def model(self) -> Path:
        """The generated module that trains."""
        return self.path / "model.py"

    @property
    def info(self) -> Path:
        """DataInfo and what preprocessing learned: {"info": …, "fitted": …}."""
        return self.path / "data.json"

    @property
    def start(self) -> Path:
        """Copy of the weights that training begins with, if the experiment names some."""
        return self.path / "start.safetensors"

    @property
    def assets(self) -> Path:
        """Copies of the files that the generated module reads, by name."""
        return self.path / "assets"

    @property
    def events(self) -> Path:
        """Append-only, one event a line."""
        return self.path / "events.jsonl"

    @property
    def commands(self) -> Path:
        """Append-only, one command a line."""
        return self.path / "commands.jsonl"

    @property
    def request(self) -> Path:
        """What the next worker shall do: resume, and up to how many epochs."""
        return self.path / "request.json"

    @property
    def checkpoints(self) -> Path:
        """One folder a checkpoint: step-000420."""
        return self.path / "checkpoints"

    @property
    def probes(self) -> Path:
        """One file a snapshot: 000420.safetensors."""
        return self.path / "probes"

    @property
    def results(self) -> Path:
        """Predictions of whole splits: validation.safetensors, test.safetensors."""
        return self.path / "results"

    @property
    def lock(self) -> Path:
        """Held by the worker through the operating system."""
        return self.path / "lock"

    @property
    def stderr(self) -> Path:
        """Whatever the worker and its libraries printed; bounded."""
        return self.path / "stderr.log"

    @property
    def notes(self) -> Path:
        """The user's words on this run: {"title": …, "notes": …, "starred": …}."""
        return self.path / "notes.json"

    @property
    def summary(self) -> Path:
        """What the list of runs says of it, kept once it has ended; may be deleted."""
        return self.path / "summary.json"
