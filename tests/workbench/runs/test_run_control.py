from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from workbench.document.experiment import Asset, Experiment
from workbench.document.files import load
from workbench.errors import UserError
from workbench.runs import commands, control
from workbench.runs.folder import RunFolder
from workbench.runs.log import LineTail
from workbench.runs.request import Request, read_request

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_folder_is_named_by_time_and_experiment(tmp_path):
    experiment = Experiment(name="Größe & Zahl: 3×3!")
    folder = control.create_run(experiment, tmp_path / "some" / "runs")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d{6}_groe-zahl-33", folder.name)
    assert load(folder.experiment) == experiment


def test_folders_of_one_second_are_unique(tmp_path):
    names = {control.create_run(Experiment(name="same"), tmp_path).name for _ in range(20)}
    assert len(names) == 20


@pytest.mark.parametrize("name", ["", "   ", "///", "...", "数字"])
def test_any_name_makes_a_folder_in_the_runs_folder(tmp_path, name):
    folder = control.create_run(Experiment(name=name), tmp_path)
    assert folder.path.parent == tmp_path
    assert folder.experiment.is_file()


def test_runs_folder_that_is_a_file_is_said_in_words(tmp_path):
    (tmp_path / "runs").write_text("")
    with pytest.raises(UserError, match="is a file"):
        control.create_run(Experiment(), tmp_path / "runs")


def test_a_free_lock_means_not_running_whatever_the_file_says(tmp_path):
    folder = RunFolder(tmp_path)
    assert not control.is_running(folder)
    assert not folder.lock.exists()
    folder.lock.write_text("pid 1234 is running")
    assert not control.is_running(folder)


def test_a_lock_held_by_another_process_means_running_until_it_dies(tmp_path):
    folder = RunFolder(tmp_path)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder.lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout.readline() == b"held\n"
        assert control.is_running(folder)
        holder.kill()
        holder.wait()
    assert not control.is_running(folder)


def test_probing_does_not_keep_a_worker_from_starting(tmp_path):
    folder = RunFolder(tmp_path)
    folder.lock.touch()
    done = threading.Event()

    def probe():
        while not done.is_set():
            control.is_running(folder)

    prober = threading.Thread(target=probe)
    prober.start()
    try:
        for _ in range(20):
            with FileLock(folder.lock, timeout=2):
                assert folder.lock.exists()
    finally:
        done.set()
        prober.join()


def test_commands_arrive_in_order_after_a_torn_line(tmp_path):
    folder = RunFolder(tmp_path)
    tail = LineTail(folder.commands)
    control.send(folder, commands.Pause())
    with folder.commands.open("ab") as file:
        file.write(b'{"command": "sto')
    control.send(folder, commands.SetLearningRate(learning_rate=0.5))
    received = [commands.decode(line) for line in tail.read()]
    assert received == [commands.Pause(), commands.SetLearningRate(learning_rate=0.5)]


def test_command_for_a_folder_that_is_gone_is_said_in_words(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        control.send(RunFolder(tmp_path / "gone"), commands.Stop())


def test_resume_voids_old_commands_and_keeps_the_wanted_epochs(tmp_path):
    folder = RunFolder(tmp_path)
    control.send(folder, commands.Stop())
    control.request_resume(folder, 15)
    assert read_request(folder) == Request(resume=True, epochs=15)
    assert LineTail(folder.commands).read() == []
    control.request_resume(folder)
    assert read_request(folder) == Request(resume=True, epochs=15)


def test_a_running_run_is_not_resumed(tmp_path):
    folder = RunFolder(tmp_path)
    with FileLock(folder.lock), pytest.raises(UserError, match="is running"):
        control.request_resume(folder)


def test_unwritable_place_is_said_in_words(tmp_path):
    with pytest.raises(UserError):
        control.create_run(Experiment(), tmp_path / "x" / ("n" * 300))


def test_a_run_that_is_gone_is_not_resumed(tmp_path):
    with pytest.raises(UserError, match="The run gone is gone"):
        control.request_resume(RunFolder(tmp_path / "gone"))


def with_program(folder: Path) -> Experiment:
    program = folder / "net.onnx"
    program.write_bytes(b"a program")
    digest = hashlib.sha256(b"a program").hexdigest()
    return Experiment(assets=(Asset(name="net.onnx", file=str(program), sha256=digest),))


def test_a_run_keeps_the_files_its_network_reads(tmp_path):
    folder = control.create_run(with_program(tmp_path), tmp_path / "runs")
    assert (folder.assets / "net.onnx").read_bytes() == b"a program"


def test_a_file_that_is_gone_or_another_one_is_told_before_there_is_a_run(tmp_path):
    experiment = with_program(tmp_path)
    program = tmp_path / "net.onnx"
    program.write_bytes(b"another program")
    with pytest.raises(UserError, match="not the file that the network was imported with"):
        control.create_run(experiment, tmp_path / "runs")
    program.unlink()
    with pytest.raises(UserError, match=r"“net\.onnx”, which the network needs, is gone"):
        control.create_run(experiment, tmp_path / "runs")
    assert not list((tmp_path / "runs").glob("*"))
