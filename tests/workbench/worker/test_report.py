"""A run's curves and feature maps as one picture."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from workbench.errors import UserError
from workbench.runs import events as ev
from workbench.runs.folder import RunFolder
from workbench.runs.probes import Snapshot, quantise, write_snapshot
from workbench.worker.report import mosaic, newest_snapshot, read_state, smooth, write_report


def maps(*shape: int):
    values = np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32)
    return quantise(values.reshape(shape))


@pytest.fixture
def run(tmp_path) -> RunFolder:
    """A run of two epochs, with a snapshot, and a last line cut off by a crash."""
    folder = RunFolder(tmp_path / "2026-01-01_run")
    folder.probes.mkdir(parents=True)
    layers = {"conv1": maps(8, 8, 20), "dense1": maps(10)}
    write_snapshot(folder.probes / "000010.safetensors", Snapshot(10, layers=layers))
    told: list[ev.Event] = [
        ev.Started(
            time=1.0,
            step=0,
            epoch=0,
            epochs=2,
            steps_per_epoch=10,
            samples_per_epoch=100,
            backend="torch",
            device="cpu",
            pid=1,
        )
    ]
    for epoch in range(2):
        losses = [1 / (epoch * 10 + step + 1) for step in range(10)]
        columns = {"loss": losses, "accuracy": [1 - loss for loss in losses]}
        told.append(
            ev.Steps(time=2.0, first=epoch * 10 + 1, columns=columns, samples_per_second=1.0)
        )
        metrics = {"val/loss": 0.5, "val/accuracy": 0.9}
        told.append(
            ev.EpochFinished(
                time=3.0, epoch=epoch + 1, step=10 * (epoch + 1), metrics=metrics, seconds=1.0
            )
        )
    told.append(ev.Probed(time=4.0, step=10, name="000010.safetensors", seconds=0.1))
    told.append(ev.Probed(time=4.0, step=20, name="thinned-out.safetensors", seconds=0.1))
    lines = b"".join(ev.encode(event) for event in told)
    folder.events.write_bytes(lines + b'{"event":"steps","fir')
    return folder


def test_curves_and_maps_are_drawn(run, tmp_path):
    written = write_report(run, tmp_path / "report")
    assert written == tmp_path / "report.png"
    with Image.open(written) as picture:
        with_maps = picture.size
        assert picture.format == "PNG"
        assert np.asarray(picture.convert("L")).std() > 10
    for file in run.probes.iterdir():
        file.unlink()
    with Image.open(write_report(run, tmp_path / "curves.png")) as picture:
        assert picture.size[1] < with_maps[1]


def test_a_snapshot_that_is_gone_is_passed_over(run):
    assert newest_snapshot(run, read_state(run)).step == 10


def test_a_folder_that_is_no_run_says_so(tmp_path):
    with pytest.raises(UserError, match="is not a run"):
        write_report(RunFolder(tmp_path), tmp_path / "report.png")


def test_a_run_before_its_first_step_has_nothing_to_draw(tmp_path):
    run = RunFolder(tmp_path)
    run.events.write_bytes(ev.encode(ev.Preparing(time=1.0, message="Reading")))
    with pytest.raises(UserError, match="has not trained yet"):
        write_report(run, tmp_path / "report.png")


def test_smoothing_starts_at_the_first_value_and_passes_over_gaps():
    smoothed = smooth(np.array([2.0, 2.0, np.nan, 2.0]))
    np.testing.assert_allclose(smoothed, 2.0)
    assert smooth(np.array([0.0, 1.0]), weight=0.5)[1] == pytest.approx(2 / 3)


def test_maps_lie_side_by_side_in_reading_order():
    laid = mosaic(maps(4, 6, 20))
    gap = 1
    assert laid.shape == (2 * (4 + gap) - gap, 16 * (6 + gap) - gap)
    assert laid[0, 0] == 0.0
    assert laid[3, 5] == 1.0
    assert np.isnan(laid[0, 6])
    assert laid[5, 0] == 0.0, "the seventeenth begins the second row"
    assert np.isnan(laid[5, 4 * 7])
