"""Memory, disk and data that give out: each ends in an event with words for a person."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
import traceback

import pytest
from PIL import Image

from plugins.backends.pytorch.modules import LoadedModule
from tests.workbench.worker import digits_runs as runs
from workbench.document.experiment import Component, Data
from workbench.errors import UserError
from workbench.plugin_api.backend import NodeError
from workbench.runs import events as ev
from workbench.runs.results import read_results
from workbench.worker.assembly import assemble
from workbench.worker.evaluation import evaluate
from workbench.worker.failures import failure
from workbench.worker.train import Session
from workbench.worker.trained import open_trained


@pytest.mark.parametrize("error", ["MemoryError()", "torch.OutOfMemoryError('CUDA out of memory')"])
def test_no_memory_left(tmp_path, train, monkeypatch, error):
    break_layer(monkeypatch, "flat1", error)
    folder = runs.run_folder(runs.experiment(), tmp_path)
    assert train(folder) == 1
    failed = runs.only(folder, ev.Failed)[0]
    assert "memory" in failed.message
    assert "batch size" in failed.hint


def test_a_layer_that_fails_is_named(tmp_path, train, monkeypatch):
    break_layer(monkeypatch, "flat1", "RuntimeError('shapes do not fit')")
    folder = runs.run_folder(runs.experiment(), tmp_path)
    assert train(folder) == 1
    failed = runs.only(folder, ev.Failed)[0]
    assert failed.node == "flat1"
    assert "shapes do not fit" in failed.message
    assert "Traceback" not in failed.message
    assert "Traceback" in failed.details


def on_pictures(pictures, room):
    """Make a run on 24 pictures of two classes."""
    for name in ("cat", "dog"):
        (pictures / name).mkdir(parents=True)
        for number in range(12):
            Image.effect_noise((8, 8), number).save(pictures / name / f"{number}.png")
    source = Component("image_folder", {"folder": str(pictures)})
    nodes = (*runs.network()[:-2], runs.Node("dense1", "Dense", {"units": 2}, ("drop1",)))
    value = runs.experiment((*nodes, runs.Node("output1", "Output", {}, ("dense1",))), epochs=1)
    return runs.run_folder(replaced(value, data=Data(source=source)), room)


def test_results_keep_the_numbers_of_their_samples(tmp_path, train, catalog):
    """A picture that cannot be read has no row, and moves none of the others."""
    pictures = tmp_path / "pictures"
    folder = on_pictures(pictures, tmp_path / "runs")
    assert train(folder) == 0
    whole = read_results(folder.results / "test.safetensors")
    assert whole.indices.tolist() == list(range(len(whole.arrays["targets"])))
    assembly = assemble(folder, catalog)
    samples = assembly.prepared.opened.splits["test"]
    (pictures / samples.name(1)).unlink()
    trained = open_trained(folder, catalog)
    results = evaluate(assembly, trained.model, "test", trained.step).results
    assembly.feed.close()
    assert results.indices.tolist() == [0, *range(2, len(samples))]
    assert results.arrays["targets"].tolist() == [samples.targets[i] for i in results.indices]


def test_data_that_vanish(tmp_path, train):
    pictures = tmp_path / "pictures"
    folder = on_pictures(pictures, tmp_path / "runs")
    assert train(folder) == 0
    shutil.rmtree(pictures)
    from workbench.runs.request import Request, write_request

    write_request(folder, Request(resume=True, epochs=2))
    assert train(folder) == 1
    failed = runs.only(folder, ev.Failed)[0]
    assert str(pictures) in failed.message
    assert failed.hint


def test_a_full_disk(tmp_path):
    """The events say so, and the run goes on when there is room again."""
    room = tmp_path / "small"
    room.mkdir()
    value = runs.experiment(epochs=3)
    if not mounted(room):
        limited_file_size(runs.run_folder(value, room))
        return
    try:
        folder = runs.run_folder(value, room)
        ballast = room / "ballast"
        ballast.write_bytes(b"\0" * (shutil.disk_usage(room).free - 150_000))
        code, _ = runs.ended(runs.start(folder))
        assert code == 1
        failed = runs.only(folder, ev.Failed)[0]
        assert "disk is full" in failed.message
        assert "Free some space" in failed.hint
        ballast.unlink()
        assert runs.ended(runs.start(folder))[0] == 0
        assert runs.only(folder, ev.Finished)[0].reason == "completed"
        ballast.write_bytes(b"\0" * shutil.disk_usage(room).free)
        code, said = runs.ended(runs.start(folder))
        # A few more words may fit into the last block of the events, or not.
        words = runs.only(folder, ev.Failed)[-1].message if code == 1 else said
        assert code in (1, 3)
        assert "disk is full" in words
    finally:
        subprocess.run(["umount", str(room)], check=True)


def test_a_log_on_the_full_disk_keeps_no_failure_from_being_told(tmp_path, train, monkeypatch):
    """Printing the traceback fails as writing the checkpoint did; the event is written anyway."""

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(traceback, "print_exc", full)
    monkeypatch.setattr(Session, "run", full)
    folder = runs.run_folder(runs.experiment(epochs=1), tmp_path)
    assert train(folder) == 1
    assert runs.only(folder, ev.Failed)[0].hint


def test_events_that_cannot_be_written(tmp_path, train, capsys):
    folder = runs.run_folder(runs.experiment(), tmp_path)
    folder.events.mkdir()
    assert train(folder) == 3
    assert str(folder.events) in capsys.readouterr().err


def test_a_read_only_folder_says_so_on_standard_error(tmp_path):
    folder = runs.run_folder(runs.experiment(), tmp_path)
    folder.lock.mkdir()  # root may write anywhere, but not into a folder as if it were a file
    code, said = runs.ended(runs.start(folder))
    assert code == 3
    assert "cannot be written to" in said


def test_words_for_every_error():
    assert failure(NodeError("conv1", "RuntimeError: no"))["node"] == "conv1"
    assert failure(UserError("It is late.", "Sleep."))["hint"] == "Sleep."
    missing = failure(FileNotFoundError(2, "No such file", "/data/x.png"))
    assert "/data/x.png" in missing["message"]
    unexpected = failure(ValueError("one\ntwo"))
    assert unexpected["message"].endswith("one")
    assert "resumed" in unexpected["hint"]


def break_layer(monkeypatch, node, error):
    """Make the generated line of a node raise, as if the framework had."""
    original = LoadedModule.__init__

    def broken(self, plan, *args, **kwargs):
        lines = plan.module_path.read_text().split("\n")
        number = max(line for line, owner in plan.code.lines.items() if owner == node)
        text = lines[number - 1]
        indent = text[: len(text) - len(text.lstrip())]
        lines[number - 1] = f"{indent}raise {error}"
        plan.module_path.write_text("import torch;" + "\n".join(lines))
        original(self, plan, *args, **kwargs)
        self._probe = lambda model, inputs, wanted, given: dict.fromkeys(wanted, inputs)

    monkeypatch.setattr(LoadedModule, "__init__", broken)


def replaced(value, **changes):
    import msgspec

    return msgspec.structs.replace(value, **changes)


def mounted(path):
    if os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def limited_file_size(folder):
    """Where nothing can be mounted, files that may not grow stand in for a full disk."""
    worker = runs.start(
        folder, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    )
    code, _ = runs.ended(worker)
    assert code in (1, 3)
    failed = runs.only(folder, ev.Failed)
    assert not failed or failed[0].hint
