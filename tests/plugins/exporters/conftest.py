"""A small trained run, made once by a real worker."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

import resources
from workbench.document.experiment import Component
from workbench.document.files import load
from workbench.runs.control import create_run


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory):
    """Two epochs of the digits example, standardised so that preprocessing learns something."""
    experiment = load(resources.examples()["digits-cnn"])
    data = msgspec.structs.replace(
        experiment.data, preprocessing=Component("image", {"scaling": "standardise"})
    )
    training = msgspec.structs.replace(experiment.training, epochs=2, threads=1)
    experiment = msgspec.structs.replace(
        experiment, name='Digits "quoted" \\', data=data, training=training
    )
    folder = create_run(experiment, tmp_path_factory.mktemp("runs"))
    subprocess.run(
        [sys.executable, "-m", "workbench.worker", str(folder.path)], check=True, timeout=300
    )
    return folder
