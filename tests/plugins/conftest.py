"""Keras for the tests of plug-ins."""

from __future__ import annotations

import pytest

from tests.plugins.peers import QUICK_COMPILATION, Peers


@pytest.fixture(scope="session")
def peers(tmp_path_factory):
    """Keras on TensorFlow, JAX and PyTorch, each in a process that all tests share."""
    yield from _started(tmp_path_factory)


@pytest.fixture(scope="session")
def other_peers(tmp_path_factory):
    """The same in processes of their own, which know nothing of what `peers` have done."""
    yield from _started(tmp_path_factory)


def _started(tmp_path_factory):
    # What they leave in the folder for temporary files goes with this run's other files.
    left_behind = tmp_path_factory.mktemp("peers")
    found = Peers({**QUICK_COMPILATION, "TMPDIR": str(left_behind)})
    yield found
    found.close()
