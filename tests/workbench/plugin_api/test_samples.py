"""The stratified division keeps shares, represents classes and depends on its seed alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.document.experiment import Split
from workbench.plugin_api.samples import ArraySamples, fingerprint, stratified_split

SHARES = st.floats(0, 0.45)


@given(
    counts=st.lists(st.integers(1, 60), min_size=1, max_size=6),
    validation=SHARES,
    test=SHARES,
    seed=st.integers(0, 2**40),
)
def test_every_sample_is_in_one_part_and_classes_keep_their_shares(counts, validation, test, seed):
    targets = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    split = Split(validation=validation, test=test, seed=seed)

    parts = stratified_split(targets, split)

    np.testing.assert_array_equal(
        np.sort(np.concatenate(list(parts.values()))), np.arange(len(targets))
    )
    for label, count in enumerate(counts):
        found = {name: int((targets[part] == label).sum()) for name, part in parts.items()}
        assert found["train"] >= 1
        for name, share in (("validation", validation), ("test", test)):
            if share == 0:
                assert found[name] == 0
            elif count >= 10:
                assert found[name] == max(1, round(count * share))
        if count >= 3 and validation > 0 and test > 0:
            assert found["validation"] >= 1
    again = stratified_split(targets, split)
    assert all((again[name] == part).all() for name, part in parts.items())


def test_another_seed_gives_another_division():
    targets = np.repeat([0, 1], 50)

    one, other = (stratified_split(targets, Split(seed=seed))["test"] for seed in (0, 1))

    assert set(one.tolist()) != set(other.tolist())


def test_a_new_sample_of_one_class_leaves_the_other_classes_alone():
    before = stratified_split(np.repeat([0, 1], [30, 30]), Split())
    after = stratified_split(np.repeat([0, 1], [30, 31]), Split())

    for name, part in before.items():
        assert set(part[part < 30].tolist()) == {n for n in after[name].tolist() if n < 30}


def test_parts_that_the_data_bring_are_not_cut():
    parts = stratified_split(np.repeat([0, 1], 20), Split(), ["validation"])

    assert set(parts) == {"train", "validation"}
    assert len(parts["validation"]) == 6


def test_array_samples():
    images = np.arange(3 * 2 * 2, dtype=np.uint8).reshape(3, 2, 2)

    samples = ArraySamples(images, np.array([5, 6, 7]), np.array([2, 0]))

    assert len(samples) == 2
    np.testing.assert_array_equal(samples.read(0), images[2][..., None])
    assert (samples.name(0), samples.targets.tolist()) == ("2", [7, 5])
    assert samples.shapes.tolist() == [[2, 2, 1], [2, 2, 1]]


@pytest.mark.parametrize("other", [(b"ab", b"d"), (b"a", b"bd"), (b"abd",)])
def test_fingerprints_tell_parts_apart(other):
    assert fingerprint(b"ab", b"c") != fingerprint(*other)
    assert fingerprint(b"ab", b"c") == fingerprint(b"ab", b"c")
