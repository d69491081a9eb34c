"""What every test stands on: no display, a home of its own, few threads, one catalog."""

from __future__ import annotations

import gc
import os

# Before Qt, NumPy or a framework is imported by any test module.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings

from workbench.catalog import Catalog

# A change is judged by draws that do not change with the hour; everywhere else they are new each
# time, and `tests.plugins.layers.measure_parity` draws as many as one has time for.
settings.register_profile(
    "workbench",
    deadline=None,
    print_blob=True,
    derandomize=os.environ.get("CI", "") not in ("", "0", "false"),
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("workbench")

# Frameworks leave millions of objects, and looking through them took a sixth of an export's time.
gc.set_threshold(50_000, 20, 50)


@pytest.fixture(autouse=True)
def home(tmp_path_factory, monkeypatch):
    """Keep preferences, recovery files and runs of a test apart from the user's own."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("WORKBENCH_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """Every built-in plug-in except the views."""
    return Catalog.load()
