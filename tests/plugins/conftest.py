"""Keras for the tests of plug-ins."""

from __future__ import annotations

import pytest

from tests.plugins.peers import Peers


@pytest.fixture(scope="session")
def peers():
    """Keras on TensorFlow, JAX and PyTorch, each in a process that all tests share."""
    found = Peers()
    yield found
    found.close()
