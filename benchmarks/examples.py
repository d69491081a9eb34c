"""The examples as they come: accuracy, time, and the same number on every run."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import resources
from benchmarks.command_line import workbench
from benchmarks.rows import Row

DIGITS_BAR, DIGITS_SECONDS, MNIST_BAR = 0.98, 60.0, 0.97


def run() -> list[Row]:
    """Train the digits example twice and the MNIST example once, from process start to end."""
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as name:
        home = Path(name)
        digits = [_train("digits-cnn", home) for _ in range(2)]
        mnist = _train("mnist-cnn", home)
    accuracies = [accuracy for accuracy, _ in digits]
    slowest = max(seconds for _, seconds in digits)
    same = accuracies[0] == accuracies[1]
    return [
        Row(
            "digits example, default settings: test accuracy",
            f"{accuracies[0]:.2%}",
            f"≥ {DIGITS_BAR:.0%}",
            accuracies[0] >= DIGITS_BAR,
        ),
        Row(
            "digits example: seconds from the command to its end, all included",
            f"{slowest:.1f} s",
            f"≤ {DIGITS_SECONDS:g} s",
            slowest <= DIGITS_SECONDS,
            "the slower of two runs",
        ),
        Row(
            "digits example: the same number on every run with the same seed",
            "yes" if same else "no",
            "yes",
            same,
            " and ".join(f"{accuracy:.6f}" for accuracy in accuracies),
        ),
        Row(
            "MNIST-5k example: accuracy on the held-out fifth",
            f"{mnist[0]:.2%}",
            f"≥ {MNIST_BAR:.0%}",
            mnist[0] >= MNIST_BAR,
            f"{mnist[1]:.0f} s",
        ),
    ]


def _train(example: str, home: Path) -> tuple[float, float]:
    """Return test accuracy and seconds."""
    start = time.perf_counter()
    answer = workbench("train", resources.examples()[example], "--runs", home / "runs", home=home)
    return answer["metrics"]["test/accuracy"], time.perf_counter() - start
