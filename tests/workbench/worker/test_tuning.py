"""Averaged weights, layers that thaw, balanced and mixed samples in whole runs and in pieces."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workbench.worker import digits_runs as runs
from workbench.document.experiment import Component
from workbench.document.training import Averaging, CutMix, EarlyStopping, Mixup, Unfreezing
from workbench.plugin_api.backend import Batch
from workbench.runs import control
from workbench.runs import events as ev
from workbench.runs.request import Request, write_request
from workbench.worker.checkpoints import Checkpoints
from workbench.worker.mixing import mixed
from workbench.worker.sampling import balanced_order, balanced_words, epoch_order, occurrences
from workbench.worker.trained import open_trained


def everything(**settings: object):
    """Return an experiment that uses all of it at once, with a head and a frozen body."""
    frozen = ("conv1", "norm1")
    nodes = tuple(
        msgspec.structs.replace(node, trainable=node.id not in frozen) for node in runs.network()
    )
    value = runs.experiment(
        nodes,
        epochs=3,
        averaging=Averaging(decay=0.95),
        unfreezing=Unfreezing(stages=2),
        sampling="balanced",
        mixing=CutMix(),
        early_stopping=EarlyStopping(patience=3),
        **settings,
    )
    data = msgspec.structs.replace(value.data, augmentation=Component("image", {"rotation": 5.0}))
    return msgspec.structs.replace(value, data=data)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, catalog):
    from workbench.worker.train import train

    folder = runs.run_folder(everything(), tmp_path_factory.mktemp("whole"))
    assert train(folder.path, catalog) == 0
    return folder


def test_a_run_in_pieces_ends_with_the_very_weights_of_a_whole_one(whole, tmp_path, train):
    folder = runs.run_folder(everything(), tmp_path)
    for steps in (40, 63):  # between epochs, and within one
        write_request(folder, Request(resume=True, steps=steps))
        assert train(folder) == 0
    control.request_resume(folder, 3)
    assert train(folder) == 0
    assert runs.final_weights(folder) == runs.final_weights(whole)
    states = [Checkpoints(each.checkpoints).find("last").model.arrays for each in (folder, whole)]
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        assert value.tobytes() == states[1][name].tobytes(), name


def test_what_thaws_and_what_is_drawn_is_told_and_held_until_then(whole):
    told = [
        note.message for note in runs.only(whole, ev.Noted) if note.message.startswith("Epoch ")
    ]
    assert runs.only(whole, ev.Noted)[0].message.startswith("Each epoch draws every class")
    assert told == [
        "Epoch 2: norm1 thaws and learns; one stays frozen.",
        "Epoch 3: conv1 thaws and learns; none is frozen.",
    ]


def test_the_average_is_what_is_kept_tested_and_loaded(whole, catalog):
    saved = Checkpoints(whole.checkpoints).find("last")
    raw = saved.model.arrays["raw/dense1/kernel"]
    assert 1e-5 < np.abs(raw - saved.weights["dense1/kernel"]).max() < 0.1
    model = open_trained(whole, catalog, "last").model
    for name, value in model.weights().items():
        assert value.tobytes() == saved.weights[name].tobytes(), name


@settings(max_examples=30)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(0, 2**32), st.integers(0, 9)
)
def test_balanced_epochs_draw_each_class_as_often_and_each_sample_of_it(counts, seed, epoch):
    targets = np.repeat(np.arange(len(counts)) * 2, counts)  # some classes have no samples
    order = balanced_order(seed, epoch, targets)
    assert len(order) == len(targets)
    per_class = np.bincount(targets[order])[::2]
    assert per_class.max() - per_class.min() <= 1
    for label in np.unique(targets):
        seen = np.bincount(order, minlength=len(targets))[targets == label]
        assert seen.max() - seen.min() <= 1
    again = balanced_order(seed, epoch, targets)
    assert (order == again).all()
    repeats = occurrences(order)
    assert len({*zip(order.tolist(), repeats.tolist(), strict=True)}) == len(order)
    assert repeats.max() == np.bincount(order).max() - 1


def test_the_counts_of_balanced_epochs_are_told():
    assert balanced_words(("a", "b", "c"), (10, 0, 90)) == (
        "Each epoch draws every class about 50 times: each of the 10 samples of “a” 5.0 times, "
        "56% of the 90 of “c”."
    )
    assert "as many samples" in balanced_words(("a", "b"), (7, 7))


def test_shuffled_epochs_repeat_nothing():
    assert not occurrences(epoch_order(0, 0, 100)).any()


def test_mixup_is_the_blend_of_its_formula():
    random = np.random.default_rng(0)
    batch = Batch(random.normal(size=(6, 4, 2)).astype(np.float32), np.arange(6))
    found = mixed(batch, Mixup(alpha=1.0), (7, 0, 3))
    assert 0.5 <= found.share <= 1
    wanted = found.share * batch.inputs + (1 - found.share) * batch.inputs[found.others]
    np.testing.assert_allclose(found.inputs, wanted, atol=1e-6)
    assert sorted(found.others) == list(range(6))
    assert (found.targets == batch.targets).all()
    same, other = (mixed(batch, Mixup(alpha=1.0), (7, 0, number)) for number in (3, 4))
    assert same.inputs.tobytes() == found.inputs.tobytes()
    assert other.share != found.share


def test_cutmix_shares_are_those_of_the_pixels():
    batch = Batch(
        np.arange(5, dtype=np.float32)[:, None, None, None] * np.ones((5, 9, 7, 3), np.float32),
        np.arange(5),
    )
    for number in range(20):
        found = mixed(batch, CutMix(), (0, 0, number))
        for row, other in enumerate(found.others):
            own = (found.inputs[row] == row).all(axis=-1)
            assert other == row or own.mean() == pytest.approx(found.share)
            assert set(np.unique(found.inputs[row])) <= {row, other}
