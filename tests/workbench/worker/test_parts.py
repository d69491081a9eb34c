"""The parts of the worker by themselves: rates, memories, commands, checkpoints, snapshots."""

from __future__ import annotations

import math
import os

import msgspec
import numpy as np
import pytest

from workbench.document.training import Constant, Cosine, EarlyStopping, OneCycle, Plateau, Step
from workbench.document.training import Training as Settings
from workbench.errors import UserError
from workbench.plugin_api.backend import ModelState
from workbench.runs import commands as cmd
from workbench.runs.log import LineWriter
from workbench.worker import probes
from workbench.worker.checkpoints import Checkpoints
from workbench.worker.control import Control
from workbench.worker.judgement import judge, monitored, out_of_patience
from workbench.worker.loop import grouped
from workbench.worker.progress import Progress
from workbench.worker.schedule import LearningRates, stretching
from workbench.worker.snapshots import histograms, layer_maps, thumbnail
from workbench.worker.standard_error import cut


def rates(schedule, warmup=0, epochs=4, steps=10, factor=1.0):
    found = LearningRates(Settings(schedule=schedule, warmup_steps=warmup), steps, epochs)
    return [
        found.rate(Progress(step=step, learning_rate=0.5, plateau_factor=factor))
        for step in range(steps * epochs)
    ]


def test_schedules():
    assert rates(Constant()) == [0.5] * 40
    stepped = rates(Step(every=2, factor=0.1))
    assert stepped[19] == 0.5
    assert stepped[20] == pytest.approx(0.05)
    cosine = rates(Cosine(final=0.2))
    assert cosine[0] == 0.5
    assert cosine[20] == pytest.approx(0.5 * 0.6)
    assert cosine[39] > 0.1
    cycle = rates(OneCycle(rise=0.3, initial=0.04, final=0.001))
    assert cycle[0] == pytest.approx(0.02)
    assert max(cycle) == pytest.approx(cycle[11]) == pytest.approx(0.5)
    assert cycle[39] == pytest.approx(0.0005)
    assert rates(Plateau(), factor=0.25) == [0.125] * 40


def test_continuing_says_what_becomes_of_the_rate():
    done = Progress(step=40, epoch=4, epochs=4, learning_rate=0.5)

    def told(schedule, epochs, progress=done):
        return stretching(Settings(schedule=schedule), 10, progress, epochs)

    assert "over all 6 epochs: the rate had come to 0.00077 and goes on at 0.13" in told(
        Cosine(), 6
    )
    assert "stretched" in told(OneCycle(), 5)
    assert told(Cosine(), 4) == told(Constant(), 6) == told(Step(), 6) == told(Plateau(), 6) == ""
    assert told(Cosine(), 6, Progress(epochs=4, learning_rate=0.5)) == ""


def test_one_cycle_is_pytorchs():
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.5, total_steps=40, div_factor=25, final_div_factor=1e4, cycle_momentum=False
    )
    expected = []
    for _ in range(40):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(expected) < 40:
            theirs.step()
    assert rates(OneCycle()) == pytest.approx(expected, rel=1e-6)


def test_warm_up_rises_linearly_and_ends_at_the_rate():
    warmed = rates(Constant(), warmup=5)
    assert warmed[:6] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.5])


def test_grouping():
    assert list(grouped(range(5), 2)) == [(0, 1), (2, 3), (4,)]
    assert list(grouped(range(2), 1)) == [(0,), (1,)]


def test_judgement_of_epochs():
    progress = Progress(plateau_factor=1.0)
    settings = Settings(
        early_stopping=EarlyStopping(patience=2, minimum_change=0.05),
        schedule=Plateau(patience=1, factor=0.5, minimum_change=0.05),
    )
    seen = [(0.5, 1.0), (0.52, 0.9), (0.52, 0.8), (0.52, 0.85)]
    assert [judge(progress, settings, value, loss, "max") for value, loss in seen] == [
        True,
        True,
        True,  # as good, at a lower loss
        False,
    ]
    assert out_of_patience(progress, settings)
    assert progress.plateau_factor == 0.5
    assert monitored({"train/loss": 3.0, "val/loss": 2.0}, "loss") == 2.0
    with pytest.raises(UserError, match="f2"):
        monitored({"train/loss": 3.0}, "f2")


def test_control_obeys_and_skips_what_was_obeyed(tmp_path):
    path = tmp_path / "commands.jsonl"
    control = Control(path)
    control.poll()
    with LineWriter(path) as writer:
        writer.write(cmd.encode(cmd.Watch(sample=4)))
        writer.write(b"nonsense\n")
        writer.write(cmd.encode(cmd.Pause()))
        writer.write(cmd.encode(cmd.Stop()))
    control.poll()
    assert (control.paused, control.stop, control.watch) == (True, True, cmd.Watch(sample=4))
    mark = control.mark()
    with LineWriter(path) as writer:
        writer.write(cmd.encode(cmd.SetLearningRate(learning_rate=0.1)))
        writer.write(cmd.encode(cmd.SetLearningRate(learning_rate=-1.0)))
    second = Control(path)
    second.skip(*mark)
    second.poll()
    assert (second.paused, second.stop, second.watch) == (False, False, cmd.Watch(sample=4))
    assert second.learning_rates == [0.1]
    path.write_bytes(cmd.encode(cmd.Save()))
    third = Control(path)
    third.skip(*mark)  # the file has begun anew: nothing was obeyed
    third.poll()
    assert third.save


def checkpoint(folder, step, best=""):
    weights = {"dense1/kernel": np.full((2, 3), float(step), np.float32)}
    model = ModelState({"random/cpu": np.arange(step, dtype=np.uint8)}, {"scaler": {"scale": 2.0}})
    Checkpoints(folder, {"experiment": "{}"}).save(
        weights, model, Progress(step=step, best_name=best, sums={"loss": 1 / 3})
    )


def test_checkpoints_keep_the_last_two_and_the_best(tmp_path):
    folder = tmp_path / "checkpoints"
    for step in (5, 10, 15, 20):
        checkpoint(folder, step, "step-000005")
    store = Checkpoints(folder)
    assert store.names() == ["step-000005", "step-000015", "step-000020"]
    newest = store.find("last")
    assert newest.weights["dense1/kernel"][0, 0] == 20
    assert newest.progress.sums == {"loss": 1 / 3}
    assert newest.model.values == {"scaler": {"scale": 2.0}}
    assert store.find("best").progress.step == 5
    store.remove_after(15)
    assert store.find("last").progress.step == 15


def test_checkpoints_pass_over_what_is_damaged_or_half_written(tmp_path):
    folder = tmp_path / "checkpoints"
    store = Checkpoints(folder)
    assert store.newest() is None
    with pytest.raises(UserError, match="no checkpoint"):
        store.find("best")
    for step in (5, 10, 15):
        checkpoint(folder, step)
    (folder / "step-000015" / "state.json").write_text("{")
    (folder / ".step-000020.part").mkdir()
    assert store.newest().progress.step == 10
    store.remove_leftovers()
    assert not list(folder.glob(".*"))
    for name in store.names():
        (folder / name / "weights.safetensors").write_bytes(b"cut")
    with pytest.raises(UserError, match="can be read"):
        store.find("best")


def test_the_same_step_again_only_changes_its_memory(tmp_path):
    folder = tmp_path / "checkpoints"
    checkpoint(folder, 5)
    written = (folder / "step-000005" / "weights.safetensors").stat().st_mtime_ns
    checkpoint(folder, 5, "step-000005")
    assert (folder / "step-000005" / "weights.safetensors").stat().st_mtime_ns == written
    assert Checkpoints(folder).find("last").progress.best_name == "step-000005"


def test_snapshots_are_thinned_by_number_and_by_size(tmp_path):
    for step in range(600):
        (tmp_path / f"{step:06d}.safetensors").write_bytes(b"x" * 1000)
    probes.thin(tmp_path)
    kept = sorted(int(path.stem) for path in tmp_path.iterdir())
    assert len(kept) <= probes.MOST_FILES
    assert kept[0] == 0
    assert kept[-100:] == list(range(500, 600))
    probes.thin(tmp_path, most_bytes=20_000)
    left = sorted(int(path.stem) for path in tmp_path.iterdir())
    assert len(left) <= 20
    assert left[-1] == 599


def test_what_a_snapshot_shows():
    picture = np.zeros((200, 100, 80), np.float32)
    picture[..., 70] = np.nan
    picture[0, 0] = 1.0
    assert thumbnail(picture).shape == (50, 50)
    assert thumbnail(picture).max() == 255
    assert thumbnail(np.arange(10, dtype=np.float32)).shape == (1, 10)
    assert thumbnail(np.ones((5, 7), np.float32)).shape == (7, 5)
    maps = layer_maps(picture)
    assert maps.maps.shape == (64, 200, 100)
    assert maps.channels == 80
    values = np.array([0.0, 1.0, np.nan], np.float32)
    (found,) = histograms({"a/b": values, "a/c": np.array([math.nan], np.float32)}.copy()).values()
    assert found.counts.sum() == 2
    neighbours = np.array([1.0, np.nextafter(np.float32(1), np.float32(2))], np.float32)
    assert histograms({"a/b": neighbours})["a/b"].counts[[0, -1]].tolist() == [1, 1]


def test_standard_error_is_cut_at_its_beginning(tmp_path):
    path = tmp_path / "stderr.log"
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    os.write(handle, b"a" * 5000 + b"the end")
    cut(path, largest=1000, kept=100)
    os.write(handle, b", and more")
    os.close(handle)
    assert path.read_bytes().startswith(b"(cut off)\n")
    assert path.read_bytes().endswith(b"the end, and more")
    assert path.stat().st_size < 200


def test_progress_survives_json():
    progress = Progress(step=3, sums={"loss": 0.1 + 0.2}, learning_rate=1e-3)
    progress.best.update(0.1, "max", 0.0)
    assert msgspec.json.decode(msgspec.json.encode(progress), type=Progress) == progress
