"""Training in this process, for what needs no process of its own."""

from __future__ import annotations

import signal

import pytest

from workbench.worker.train import train as train_folder


@pytest.fixture
def train(catalog):
    """Return a function that trains a run folder here and gives the exit status."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    yield lambda folder: train_folder(folder.path, catalog)
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)
