"""The novels example: its perplexity against trigrams, and how fast it writes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import resources
from benchmarks.command_line import workbench
from benchmarks.rows import Row

EXAMPLE = "novels-transformer"
TOKENS, TOKENS_BAR = 500, 100


def run() -> list[Row]:
    """Train the example as it comes, judge it on the validation split, and let it write."""
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as name:
        home = Path(name)
        runs = ("--runs", home / "runs")
        start = time.perf_counter()
        workbench("train", resources.examples()[EXAMPLE], *runs, home=home)
        seconds = time.perf_counter() - start
        judged = workbench("evaluate", "last", "--split", "validation", *runs, home=home)
        written = workbench("generate", "last", "--tokens", TOKENS, "--seed", 0, *runs, home=home)
    own = judged["metrics"]["val/perplexity"]
    trigrams = judged["baselines"]["trigrams"]["perplexity"]
    rate = written["tokens_per_second"]
    return [
        Row(
            "novels example: validation perplexity ÷ that of a trigram Kneser-Ney model",
            f"{own / trigrams:.2f}",
            "< 1",
            own < trigrams,
            f"{own:.2f} and {trigrams:.2f}, the same tokens; {seconds:.0f} s",
        ),
        Row(
            "novels example: tokens written a second, one at a time",
            f"{rate:.0f}",
            f"≥ {TOKENS_BAR}",
            rate >= TOKENS_BAR,
            f"{TOKENS} tokens, 0.9 million weights",
        ),
    ]
