"""The data that come with the program are what their README says."""

from __future__ import annotations

import numpy as np
import pytest

from plugins.sources.digits import Digits
from plugins.sources.mnist import Mnist
from workbench.document.experiment import Split


@pytest.mark.parametrize(
    ("source", "size", "total"), [(Digits(), 8, 1797), (Mnist(), 28, 5000)], ids=["digits", "mnist"]
)
def test_shapes_classes_and_division(source, size, total):
    opened = source.open(Split(validation=0, test=0.2))

    assert opened.classes == tuple("0123456789")
    assert set(opened.splits) == {"train", "test"}
    train, test = opened.splits["train"], opened.splits["test"]
    assert len(train) + len(test) == total
    assert abs(len(test) - total / 5) < 10
    picture = train.read(0)
    assert (picture.shape, picture.dtype) == ((size, size, 1), np.uint8)
    assert max(train.read(n).max() for n in range(50)) == 255
    assert source.open(Split()).fingerprint == opened.fingerprint


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    digits = load_digits()
    train = Digits().open(Split(validation=0, test=0)).splits["train"]

    stored = np.stack([train.read(n)[..., 0] for n in range(len(train))]).astype(float)

    np.testing.assert_array_equal(np.rint(stored * 16 / 255), digits.images)
    np.testing.assert_array_equal(train.targets, digits.target)


def test_pictures_of_a_digit_look_alike():
    train = Mnist().open(Split()).splits["train"]
    pictures = np.stack([train.read(n) for n in range(len(train))]).reshape(len(train), -1) / 255.0
    means = np.stack([pictures[train.targets == label].mean(axis=0) for label in range(10)])

    nearest = ((pictures[:, None] - means) ** 2).sum(axis=-1).argmin(axis=1)

    assert (nearest == train.targets).mean() > 0.75
