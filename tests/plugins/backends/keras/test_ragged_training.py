"""Keras on TensorFlow, JAX and PyTorch trains on samples of any length as PyTorch does."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from plugins.backends.keras.arguments import extents
from tests.plugins.backends.keras import ragged_trainings as trainings
from tests.plugins.peers import FRAMEWORKS


@pytest.mark.parametrize(("count", "more"), [(10, 0), (4, 8)])
def test_curves_lie_on_pytorchs_however_far_batches_are_filled_up(peers, count, more):
    wanted = trainings.curves("torch", count)
    answers = peers.call(trainings.curves, count, more)
    answers["pytorch"] = trainings.curves("torch", count, more)
    for framework, found in answers.items():
        for name, (losses, weights) in wanted.items():
            gap = np.abs(np.array(found[name][0]) - losses).max()
            assert gap <= 1e-5, (framework, name, gap)
            for weight, value in weights.items():
                np.testing.assert_allclose(
                    found[name][1][weight], value, atol=2e-5, err_msg=f"{framework} {weight}"
                )


def test_looking_inside_shows_the_same(peers):
    wanted = trainings.looked_inside("torch")
    for name in trainings.NETWORKS:
        np.testing.assert_allclose(wanted[f"{name} longer"], wanted[f"{name} together"], atol=1e-6)
        np.testing.assert_allclose(wanted[f"{name} alone"], wanted[f"{name} second"], atol=1e-6)
    for framework, found in peers.call(trainings.looked_inside).items():
        assert set(found) == set(wanted)
        for name, value in wanted.items():
            np.testing.assert_allclose(found[name], value, atol=1e-5, err_msg=f"{framework} {name}")


def test_accumulated_batches_of_other_lengths_are_one_large_batch(peers):
    for first, second in peers.call(trainings.accumulated).values():
        for name, value in first.items():
            np.testing.assert_allclose(second[name], value, atol=1e-6)


def test_each_function_is_compiled_once_for_a_number_of_steps(peers):
    found = peers.call(trainings.compilations)
    counts, _ = found["tensorflow"]
    assert counts == {"train": 1, "evaluate": 1, "outputs": 1, "taps": 1}
    counts, most = found["jax"]
    assert set(counts) == {"train", "evaluate", "outputs", "taps"}
    assert max(counts.values()) <= most == len(extents(trainings.LONGEST))
    assert found["torch"][0] == {}


@pytest.fixture(scope="module")
def halves(peers):
    """What each framework has at half time, and its last weights."""
    return peers.call(trainings.first_half)


def test_another_process_goes_on_to_the_last_bit(other_peers, halves):
    for framework in FRAMEWORKS:
        weights, state, last = halves[framework]
        found = other_peers.call_one(framework, trainings.second_half, weights, state)
        for name, value in last.items():
            assert found[name].tobytes() == value.tobytes(), (framework, name)


def test_training_goes_on_in_another_backend(peers, halves):
    """From PyTorch to each framework, and from each to PyTorch, as if it had never moved."""
    *ours, expected = trainings.first_half("torch")
    moved = peers.call(trainings.second_half, *ours)
    for framework, (weights, state, _) in halves.items():
        back = trainings.second_half("torch", weights, state)
        for found in (moved[framework], back):
            for name, value in expected.items():
                np.testing.assert_allclose(
                    found[name], value, atol=2e-5, err_msg=f"{framework} {name}"
                )


@pytest.mark.parametrize("longest", [0, 1, 8, 9, 29, 100, 256, 10_000])
def test_numbers_of_steps_are_few_and_near(longest):
    found = extents(longest)
    assert found[0] == 8
    assert found[-1] == max(-(-longest // 8) * 8, 8)
    assert len(found) <= 2 * np.log2(max(longest, 8) / 8) + 2
    for before, after in itertools.pairwise(found):
        assert after % 8 == 0
        assert before < after <= max(before * np.sqrt(2) + 8, before + 8)
