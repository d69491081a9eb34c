"""What a waiting worker says of a framework's import."""

from __future__ import annotations

import pytest

from plugins.backends.pytorch.backend import TorchBackend
from workbench.errors import UserError
from workbench.plugin_api.backend import Availability
from workbench.worker.importing import import_framework, ready


def test_a_backend_that_imports_tells_its_devices(catalog):
    found = ready(catalog, "torch")
    assert found.state == "ready"
    assert found.devices[-1].id == "cpu"


@pytest.mark.parametrize("error", [ImportError("libcudart.so.99: not found"), AttributeError("x")])
def test_a_broken_import_is_a_sentence_with_the_line_that_installs(catalog, monkeypatch, error):
    def fail(self):
        raise error

    monkeypatch.setattr(TorchBackend, "warm_up", fail)
    found = ready(catalog, "torch")
    assert found.state == "broken"
    assert found.message == f"PyTorch is installed, but cannot be imported: {error}."
    assert "pip install torch" in found.hint


def test_one_that_is_not_installed_says_so(catalog, monkeypatch):
    missing = Availability(False, "PyTorch is not installed.", "pip install torch")
    monkeypatch.setattr(TorchBackend, "availability", lambda self: missing)
    with pytest.raises(UserError, match="not installed"):
        import_framework(TorchBackend())
    assert ready(catalog, "nothing").state == "broken"
