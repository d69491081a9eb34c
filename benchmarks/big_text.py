"""A CSV file of texts of a gigabyte: trained without being loaded whole."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import psutil

from benchmarks import networks
from benchmarks.rows import Row
from benchmarks.window_process import measured
from plugins.sources.film_sentences import FilmSentences
from workbench.document.experiment import Component, Data, Experiment, Split
from workbench.document.files import save
from workbench.runs import events
from workbench.runs.control import create_run
from workbench.runs.log import LineTail

SIZE = 1_000_000_000
BAR = 2_000_000_000
LONGEST_MS = 100.0
STEPS = 200
HERE = Path(__file__).parent


def run() -> list[Row]:
    """Train on the file for a while and watch the worker's memory."""
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as name:
        folder = Path(name)
        path = folder / "texts.csv"
        rows = write_table(path, SIZE)
        size = path.stat().st_size
        peak, seconds, steps = train(path, folder)
        window = in_window(path, folder)
    return [
        Row(
            "CSV of texts, 1 GB: peak memory of the worker that trains on it",
            f"{peak / 1e9:.2f} GB",
            f"≤ {BAR / 1e9:g} GB",
            peak <= BAR,
            f"{size / 1e9:.2f} GB, {rows:,} rows; first step after {seconds:.0f} s, "
            f"{steps:,} steps of 50 texts",
        ),
        window_row(window),
    ]


def window_row(found: dict[str, Any]) -> Row:
    """Return how long the window was deaf at most, and in which phase how long."""
    phases = {
        "opened": "the Data panel opens the file",
        "measured": "lengths are measured",
        "prepared": "the worker prepares",
        "trained": "it trains",
    }
    longest = max(found[name]["longest"] for name in phases)
    parts = [
        f"{found[name]['longest']:.0f} ms (computing {found[name]['busy']:.0f} ms) in the "
        f"{found[name]['seconds']:.0f} s while {words}"
        for name, words in phases.items()
    ]
    return Row(
        "the same file: longest gap of the window's event loop while it is opened and trained on",
        f"{longest:.0f} ms",
        f"≤ {LONGEST_MS:.0f} ms",
        longest <= LONGEST_MS,
        f"{'; '.join(parts)}; the window's process held {found['memory'] / 1e9:.2f} GB",
    )


def write_table(path: Path, size: int) -> int:
    """Write film sentences over and over, several in a row, each row with its number."""
    samples = FilmSentences().open(Split(validation=0.0, test=0.0)).splits["train"]
    texts = [str(samples.read(n).item()).replace('"', "'") for n in range(len(samples))]
    labels = samples.targets.tolist()
    count = 0
    with path.open("w", encoding="utf-8") as file:
        file.write("number,label,text\n")
        while file.tell() < size:
            for start in range(0, len(texts) - 5, 5):
                words = " ".join(texts[start : start + 5])
                file.write(f'{count},{labels[start]},"{words} {count}"\n')
                count += 1
    return count


def experiment_on(path: Path) -> Experiment:
    """Return a text CNN on the file."""
    experiment = networks.text_cnn()
    data = Data(
        source=Component("text_table", {"file": str(path)}),
        preprocessing=Component("text"),
        split=Split(validation=0.0, test=0.1),
    )
    training = msgspec.structs.replace(experiment.training, epochs=1)
    return msgspec.structs.replace(experiment, data=data, training=training)


def in_window(path: Path, folder: Path) -> dict[str, Any]:
    """Return what `big_text_window` measures, in a process of its own."""
    document = save(experiment_on(path), folder / "texts.workbench.json")
    return measured("benchmarks.big_text_window", document, folder / "home")


def train(path: Path, folder: Path) -> tuple[int, float, int]:
    """Train with the file for some steps; return peak memory, seconds to the first step, steps."""
    run_folder = create_run(experiment_on(path), folder / "runs")
    started = time.time()
    worker = subprocess.Popen(
        [sys.executable, "-m", "workbench.worker", str(run_folder.path)],
        cwd=HERE.parent,
        env=os.environ | {"WORKBENCH_HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    tail = LineTail(run_folder.events)
    peak, step, first = 0, 0, 0.0
    try:
        process = psutil.Process(worker.pid)
        while step < STEPS:
            if worker.poll() is not None:
                raise RuntimeError(f"the worker ended: {run_folder.path}")
            peak = max(peak, _memory(process))
            for line in tail.read():
                event = events.decode(line)
                if isinstance(event, events.Steps):
                    first = first or event.time - started
                    step = event.first + len(event.columns["loss"]) - 1
            time.sleep(0.2)
    finally:
        worker.terminate()
        worker.wait()
    return peak, first, step


def _memory(process: psutil.Process) -> int:
    """Return the bytes of a process and its children; what they share counts once."""
    total = 0
    for each in (process, *process.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            found = each.memory_full_info()
            total += getattr(found, "pss", found.rss)
    return total
