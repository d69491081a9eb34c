"""Batches are the same for the same seed, however they are loaded and wherever one begins."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from workbench.document.experiment import Component, Data, Experiment, Split
from workbench.errors import UserError
from workbench.worker import batches, loading
from workbench.worker.batches import Feed, epoch_order, prepare
from workbench.worker.preparation import describe

RNG = np.random.default_rng(0)


def _feed(catalog, data, **settings):
    prepared = prepare(Experiment(data=data), catalog)
    return Feed(prepared, **({"seed": 7, "batch_size": 32} | settings))


def _folder(root, count=12, classes=("cats", "dogs")):
    for label, name in enumerate(classes):
        (root / name).mkdir(parents=True)
        for number in range(count):
            array = RNG.integers(0, 256, (9, 11, 3), np.uint8)
            array[0, 0] = [label, number, 0]
            Image.fromarray(array).save(root / name / f"{number}.png")
    return Component("image_folder", {"folder": str(root)})


def _all(iterator):
    found = list(iterator)
    return (
        np.concatenate([batch.inputs for batch in found]),
        np.concatenate([batch.targets for batch in found]),
        np.concatenate([batch.indices for batch in found]),
    )


@pytest.fixture
def no_memory(monkeypatch):
    """Make every split too large for memory, so that it is read batch by batch."""
    monkeypatch.setattr(batches, "MEMORY_BYTES", 0)


def test_an_epoch_sees_every_sample_once_in_an_order_of_its_own(catalog):
    feed = _feed(catalog, Data())
    count = feed.counts["train"]

    first, second = (_all(feed.train_batches(epoch))[2] for epoch in (0, 1))

    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(count))
    assert first.tolist() != second.tolist()
    sizes = [len(batch) for batch in feed.train_batches(0)]
    assert len(sizes) == feed.batches_per_epoch
    assert sizes[:-1] == [32] * (len(sizes) - 1)
    assert sizes[-1] == (count - 1) % 32 + 1
    assert first.tolist() == epoch_order(7, 0, count).tolist()
    assert first.tolist() != _all(_feed(catalog, Data(), seed=8).train_batches(0))[2].tolist()


def test_batches_hold_the_samples_they_name(catalog):
    feed = _feed(catalog, Data())
    train = feed.prepared.opened.splits["train"]

    inputs, targets, indices = _all(feed.train_batches(3))

    assert inputs.dtype == np.float32
    assert targets.dtype == np.int64
    np.testing.assert_array_equal(targets, train.targets[indices])
    for row in range(0, len(indices), 97):
        np.testing.assert_allclose(inputs[row], train.read(indices[row]) / 255, atol=1e-6)


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_evaluation_keeps_the_order(catalog, split):
    feed = _feed(catalog, Data())

    _, targets, indices = _all(feed.batches(split))

    assert indices.tolist() == list(range(feed.counts[split]))
    assert targets.tolist() == feed.prepared.opened.splits[split].targets.tolist()
    assert max(len(batch) for batch in feed.batches(split, batch_size=100)) == 100


def test_memory_and_processes_give_the_same(catalog, tmp_path, monkeypatch):
    data = Data(source=_folder(tmp_path))
    kept = _feed(catalog, data, batch_size=5)
    expected = [_all(kept.train_batches(1)), _all(kept.batches("validation"))]
    monkeypatch.setattr(batches, "MEMORY_BYTES", 0)

    for processes in (1, 2):
        feed = _feed(catalog, data, batch_size=5, loaders=processes)
        found = [_all(feed.train_batches(1)), _all(feed.batches("validation"))]
        feed.close()
        for one, other in zip(expected, found, strict=True):
            for left, right in zip(one, other, strict=True):
                np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("bytes_kept", [0, 2**29])
def test_augmentation_is_the_same_with_any_number_of_processes(
    catalog, tmp_path, monkeypatch, bytes_kept
):
    monkeypatch.setattr(batches, "MEMORY_BYTES", bytes_kept)
    data = Data(source=_folder(tmp_path), augmentation=Component("image"))
    found = []
    for processes in (0, 1, 2):
        monkeypatch.setattr(batches, "process_count", lambda wanted, fixed=processes: fixed)
        feed = _feed(catalog, data, batch_size=4)
        found.append(_all(feed.train_batches(2))[0])
        feed.close()

    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    plain = _feed(catalog, Data(source=data.source), batch_size=4)
    assert (found[0] != _all(plain.train_batches(2))[0]).any()


@pytest.mark.parametrize("augmentation", [None, Component("image")])
def test_going_on_in_the_middle_of_an_epoch(catalog, tmp_path, no_memory, augmentation):
    feed = _feed(
        catalog, Data(source=_folder(tmp_path), augmentation=augmentation), batch_size=5, loaders=1
    )

    whole = list(feed.train_batches(4))
    rest = list(feed.train_batches(4, start_batch=2))
    feed.close()

    assert len(rest) == len(whole) - 2
    for one, other in zip(whole[2:], rest, strict=True):
        np.testing.assert_array_equal(one.inputs, other.inputs)
        np.testing.assert_array_equal(one.targets, other.targets)


def test_evaluation_in_the_middle_of_an_epoch_and_an_epoch_left_early(catalog, tmp_path, no_memory):
    feed = _feed(catalog, Data(source=_folder(tmp_path)), batch_size=3, loaders=1)
    expected = [batch.indices.tolist() for batch in feed.train_batches(1)]

    left = feed.train_batches(0)
    next(left)
    found = []
    for batch in feed.train_batches(1):
        found.append(batch.indices.tolist())
        assert len(_all(feed.batches("validation"))[2]) == feed.counts["validation"]
    feed.close()

    assert found == expected


def test_loading_leaves_torchs_generator_alone(catalog, tmp_path, no_memory):
    import torch

    feed = _feed(
        catalog, Data(source=_folder(tmp_path), augmentation=Component("image")), loaders=1
    )
    state = torch.get_rng_state()

    list(feed.train_batches(0))
    list(feed.train_batches(1))
    feed.close()

    assert torch.equal(state, torch.get_rng_state())


def test_a_batch_from_memory_costs_microseconds(catalog):
    feed = _feed(catalog, Data())
    list(feed.train_batches(0))

    took = []
    for epoch in range(20):
        started = time.perf_counter()
        count = len(list(feed.train_batches(epoch)))
        took.append((time.perf_counter() - started) / count)

    assert min(took) < 100e-6


@pytest.mark.parametrize("processes", [0, 1])
@pytest.mark.parametrize("bytes_kept", [0, 2**29])
def test_a_sample_that_goes_bad_is_reported_once(
    catalog, tmp_path, monkeypatch, bytes_kept, processes
):
    monkeypatch.setattr(batches, "MEMORY_BYTES", bytes_kept)
    monkeypatch.setattr(batches, "process_count", lambda wanted: processes)
    told = []
    feed = _feed(
        catalog,
        Data(source=_folder(tmp_path), split=Split(validation=0.25, test=0)),
        batch_size=4,
        on_bad=lambda name, reason: told.append((name, reason)),
    )
    names = {}
    for split in ("train", "validation"):
        names[split] = feed.prepared.opened.splits[split].name(1)
        path = tmp_path / names[split]
        path.write_bytes(path.read_bytes()[:40])

    sizes = [len(batch) for batch in feed.train_batches(0)]
    _, targets, indices = _all(feed.train_batches(1))
    evaluated = _all(feed.batches("validation"))[2]
    _all(feed.batches("validation"))
    feed.close()

    assert [name for name, _ in told] == [names["train"], names["validation"]]
    assert all("cannot be used" in reason for _, reason in told)
    assert sum(sizes) == feed.counts["train"]  # another sample takes the bad one's place
    assert sorted(indices.tolist()).count(2) == 2
    assert 1 not in indices
    np.testing.assert_array_equal(targets, feed.prepared.opened.splits["train"].targets[indices])
    assert evaluated.tolist() == [0, *range(2, feed.counts["validation"])]


@pytest.mark.parametrize("processes", [0, 1])
def test_data_that_vanish_end_in_a_sentence(catalog, tmp_path, no_memory, monkeypatch, processes):
    monkeypatch.setattr(batches, "process_count", lambda wanted: processes)
    feed = _feed(catalog, Data(source=_folder(tmp_path)), batch_size=4)
    for path in tmp_path.rglob("*.png"):
        path.unlink()

    with pytest.raises(UserError, match=r"can no longer be read.*there is no such file") as caught:
        list(feed.train_batches(0))
    feed.close()
    assert "resume" in caught.value.hint


def test_a_picture_that_changes_its_size_is_brought_to_that_of_the_others(catalog, tmp_path):
    feed = _feed(catalog, Data(source=_folder(tmp_path)))
    name = feed.prepared.opened.splits["test"].name(0)
    Image.new("RGB", (5, 5)).save(tmp_path / name)

    assert feed.sample("test", 0)[1].shape == (9, 11, 3)


def test_a_killed_loading_process_ends_in_a_sentence(catalog, tmp_path, no_memory):
    feed = _feed(catalog, Data(source=_folder(tmp_path)), batch_size=1, loaders=1)
    batches_of = feed.train_batches(0)
    next(batches_of)
    loaders = [c for c in psutil.Process().children() if "tracker" not in " ".join(c.cmdline())]
    for child in loaders:
        child.kill()
    assert loaders

    with pytest.raises(UserError, match="ended unexpectedly"):
        list(batches_of)
    feed.close()


def test_one_sample_for_the_eye_and_for_the_network(catalog):
    feed = _feed(catalog, Data(preprocessing=Component("image", {"scaling": "minus_one_one"})))

    prepared, picture, name, target = feed.sample("test", 5)

    assert prepared.shape == picture.shape == (8, 8, 1)
    assert picture.dtype == np.uint8
    np.testing.assert_allclose(prepared, picture / 127.5 - 1, atol=1e-5)
    assert target == feed.prepared.opened.splits["test"].targets[5]
    assert name.isdigit()


def test_progress_is_told_while_a_split_is_taken_into_memory(catalog, tmp_path):
    told = []
    feed = _feed(
        catalog, Data(source=_folder(tmp_path, 50)), on_progress=lambda *pair: told.append(pair)
    )

    next(feed.train_batches(0))

    assert told[-1] == (feed.counts["train"], feed.counts["train"])


def test_without_room_in_shared_memory_batches_are_sent(catalog, tmp_path, no_memory, monkeypatch):
    monkeypatch.setattr(loading, "_fits_shared_memory", lambda needed: False)
    feed = _feed(catalog, Data(source=_folder(tmp_path)), batch_size=5, loaders=1)

    _, _, indices = _all(feed.train_batches(0))
    feed.close()

    assert sorted(indices.tolist()) == list(range(feed.counts["train"]))


LOADING = """
import sys, time
from workbench.catalog import Catalog
from workbench.document.experiment import Component, Data, Experiment
from workbench.worker import batches
batches.MEMORY_BYTES = 0
data = Data(source=Component("image_folder", {"folder": sys.argv[1]}))
feed = batches.Feed(
    batches.prepare(Experiment(data=data), Catalog.load()), seed=0, batch_size=1, loaders=1
)
for batch in feed.train_batches(0):
    print("reading", flush=True)
    time.sleep(0.2)
"""


def test_loading_processes_end_with_a_killed_worker(tmp_path):
    _folder(tmp_path, 100)
    worker = subprocess.Popen(
        [sys.executable, "-c", LOADING, str(tmp_path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    )
    with worker, worker.stdout:
        assert worker.stdout.readline()
        children = psutil.Process(worker.pid).children(recursive=True)
        assert children
        os.kill(worker.pid, signal.SIGKILL)
        worker.wait()

    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive


def test_close_ends_the_processes(catalog, tmp_path, no_memory):
    feed = _feed(catalog, Data(source=_folder(tmp_path)), batch_size=2, loaders=1)
    before = set(psutil.Process().children())
    next(feed.train_batches(0))
    started = set(psutil.Process().children()) - before
    assert started

    feed.close()

    _, alive = psutil.wait_procs(started, timeout=10)
    assert not alive


def test_imbalance_tiny_and_missing_classes_are_warned_of(catalog, tmp_path):
    source = _folder(tmp_path, 20)
    for number in range(2):
        (tmp_path / "rare").mkdir(exist_ok=True)
        Image.new("RGB", (11, 9)).save(tmp_path / "rare" / f"{number}.png")

    _, info = describe(Data(source=source), catalog)

    warnings = " ".join(info.warnings)
    assert "20 of “cats” but 2 of “rare”" in warnings
    assert "Class weights" in warnings
    assert "Fewer than 5 pictures of “rare”" in warnings
    assert "The test split has no pictures of “rare”" in warnings
    assert info.class_counts["train"] == (14, 14, 1)
    assert info.input.shape == (9, 11, 3)


def test_balanced_data_get_no_warning(catalog):
    assert describe(Data(), catalog)[1].warnings == ()


def test_nothing_to_train_on(catalog, tmp_path):
    for part in ("train", "test"):
        _folder(tmp_path / part, 2)
    for path in (tmp_path / "train").rglob("*.png"):
        path.unlink()

    with pytest.raises(UserError, match="nothing to train on"):
        describe(Data(source=Component("image_folder", {"folder": str(tmp_path)})), catalog)
