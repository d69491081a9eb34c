"""Five networks leave in every format that PyTorch writes, and come back in its own runtime."""

from __future__ import annotations

import pytest

from tests.plugins.exporters.networks import NETWORKS, experiment, run_of
from workbench.analysis.exports import limits
from workbench.document.exports import experiment_in
from workbench.document.files import dumps, loads
from workbench.worker.export import export_run, targets
from workbench.worker.trained import open_design

FORMATS = ("safetensors", "torch", "python", "pt2", "onnx", "model-card")


@pytest.mark.parametrize("name", NETWORKS)
def test_every_format_at_once(name, catalog, tmp_path):
    wanted = experiment(name)
    run = run_of(wanted, tmp_path, catalog)
    events = []
    report = export_run(
        run, targets(FORMATS, tmp_path, name, catalog), catalog, progress=events.append
    )
    assert report.failed == []
    found = {file.format: file for file in report.files}
    assert tuple(found) == FORMATS
    assert found.pop("model-card").max_difference is None
    for file in found.values():
        assert file.max_difference <= 1e-5
        assert 0 < file.seconds_per_sample < 1
    endings = (".safetensors", ".pt", "-python.py", ".pt2", ".onnx")
    carried = [experiment_in(tmp_path / f"{name}{ending}") for ending in endings]
    assert carried == [loads(dumps(wanted))] * 5
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]
    assert limits(open_design(run, catalog).network, catalog)["onnx"] == ()
