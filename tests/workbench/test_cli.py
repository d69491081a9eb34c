from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

import resources
from tests.workbench.runs.written_runs import whole_run, write_run
from tests.workbench.small_networks import small_experiment, write_small
from workbench import __main__ as program
from workbench import cli
from workbench.catalog import Catalog
from workbench.cli import design, system
from workbench.cli.parser import WrongUsage
from workbench.cli.settings import apply
from workbench.document.files import load
from workbench.runs import control, store
from workbench.runs.folder import RunFolder
from workbench.runs.follow import Follower
from workbench.runs.state import RunState


def do(capfd, *arguments):
    """Do a command in this process; return its status, its last line as JSON, its stderr."""
    status = cli.main([str(argument) for argument in arguments])
    printed = capfd.readouterr()
    lines = printed.out.splitlines()
    return status, json.loads(lines[-1]) if "--json" in arguments else lines, printed.err


def command(*arguments, **options):
    words = [sys.executable, "-m", "workbench", *map(str, arguments)]
    return subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def wait_for(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train the small network once, through the command line."""
    folder = tmp_path_factory.mktemp("trained")
    file = write_small(folder)
    with command("train", file, "--runs", folder / "runs", "--json") as process:
        out, err = process.communicate(timeout=120)
    return process.returncode, out, err


@pytest.fixture
def run(trained):
    return RunFolder(Path(json.loads(trained[1])["run"]))


def test_train_prints_progress_for_people_and_one_json_line_for_programs(trained):
    status, out, err = trained
    assert (status, len(out.splitlines())) == (0, 1)
    result = json.loads(out)
    assert set(result) == {"run", "status", "metrics"}
    assert result["status"] == "completed"
    assert result["metrics"]["test/accuracy"] > 0.8
    assert "Epoch 1/2: train/loss" in err
    assert "Epoch 2/2: train/loss" in err
    assert "Traceback" not in err


def test_evaluate_gives_the_metrics_of_training(run, capfd):
    before = sorted(path.stat().st_mtime_ns for path in run.path.rglob("*"))
    status, result, _ = do(capfd, "evaluate", run.path, "--json")
    assert status == 0
    assert (result["run"], result["status"]) == (str(run.path), "completed")
    told = store.summarise(run).test
    assert result["metrics"] == pytest.approx(told, rel=1e-4)
    assert sorted(p.stat().st_mtime_ns for p in run.path.rglob("*"))[:-1] == before[:-1]


def test_evaluate_other_split_and_checkpoint(run, capfd):
    options = ("--split", "validation", "--checkpoint", "last", "--json")
    status, result, _ = do(capfd, "evaluate", run.name, "--runs", run.path.parent, *options)
    assert status == 0
    assert result["metrics"]["val/accuracy"] > 0.8


def test_predict_answers_for_each_file(run, tmp_path, capfd):
    picture, text = tmp_path / "digit.png", tmp_path / "text.png"
    Image.new("L", (8, 8), 200).save(picture)
    text.write_text("no picture")
    status, result, err = do(capfd, "predict", run.path, picture, text, "--json")
    assert status == 3
    answer, refusal = result["predictions"]
    assert answer["path"] == str(picture)
    assert 0.5 < sum(answer["probabilities"]) < 1.001
    assert answer["probabilities"] == sorted(answer["probabilities"], reverse=True)
    assert len(answer["labels"]) == len(answer["probabilities"])
    assert refusal["error"]
    assert "Traceback" not in err
    status, lines, _ = do(capfd, "predict", run.name, "--runs", run.path.parent, picture)
    assert status == 0
    assert "%" in lines[0]


def test_what_no_command_knows_is_wrong_usage(run, capfd):
    for arguments in (("predict", run.path, "--fast", "a.png"), ("check", "one", "two")):
        status, _, err = do(capfd, *arguments)
        assert status == 2
        assert "Unrecognized" in err


def test_export_writes_a_verified_file(run, tmp_path, capfd):
    target = tmp_path / "weights.safetensors"
    status, result, _ = do(
        capfd, "export", run.path, "--format", "safetensors", "-o", target, "--json"
    )
    assert status == 0
    (file,) = result["files"]
    assert (file["format"], file["path"]) == ("safetensors", str(target))
    assert file["max_difference"] < 1e-4
    assert target.stat().st_size > 1000


def test_export_of_an_unknown_format_names_the_known_ones(run, tmp_path, capfd):
    status, result, _ = do(
        capfd, "export", run.path, "--format", "abacus", "-o", tmp_path / "x", "--json"
    )
    assert status == 2
    assert "safetensors" in result["hint"]


def test_export_of_several_formats_fills_a_folder(run, tmp_path, capfd):
    target = tmp_path / "new" / "folder"
    formats = ("--format", "safetensors", "--format", "model-card")
    arguments = ("export", run.path, *formats, "-o", target, "--name", "digits", "--no-verify")
    status, result, _ = do(capfd, *arguments, "--json")
    assert status == 0
    assert [(file["format"], file["path"]) for file in result["files"]] == [
        ("safetensors", str(target / "digits.safetensors")),
        ("model-card", str(target / "digits.md")),
    ]
    assert all(file["size"] == (target / file["path"]).stat().st_size for file in result["files"])
    assert result["files"][1]["notes"]
    assert result["failed"] == []


def test_export_reports_what_failed_beside_what_was_written(run, tmp_path, capfd, monkeypatch):
    from plugins.exporters.model_card import ModelCardExporter
    from workbench.errors import UserError

    def fails(*_):
        raise UserError("The ink has run out.", "Buy some.")

    monkeypatch.setattr(ModelCardExporter, "export", fails)
    formats = ("--format", "model-card", "--format", "safetensors")
    arguments = ("export", run.path, *formats, "-o", tmp_path, "--name", "digits", "--no-verify")
    status, result, err = do(capfd, *arguments, "--json")
    assert status == 3
    assert [file["format"] for file in result["files"]] == ["safetensors"]
    (failure,) = result["failed"]
    assert failure == {
        "format": "model-card",
        "message": "The ink has run out.",
        "hint": "Buy some.",
    }
    assert "model-card: The ink has run out. Buy some." in err


@pytest.mark.parametrize("opset", ["3", "17", "26"])
def test_an_opset_out_of_range_is_wrong_usage(run, tmp_path, capfd, opset):
    arguments = ("export", run.path, "--format", "onnx", "-o", tmp_path / "a.onnx")
    status, result, _ = do(capfd, *arguments, "--opset", opset, "--json")
    assert status == 2
    assert "opset" in result["error"]


def test_formats_lists_every_format_with_its_limits(run, capfd, monkeypatch):
    from plugins.exporters.safetensors import SafetensorsExporter
    from workbench.plugin_api.exporter import Limit

    status, result, _ = do(capfd, "formats", "--json")
    assert status == 0
    assert {"onnx", "pt2", "torch"} <= {state["format"] for state in result["formats"]}
    refusal = Limit(message="Not this one.", refuses=True)
    monkeypatch.setattr(SafetensorsExporter, "limits", lambda *_: (refusal,))
    status, result, _ = do(capfd, "formats", run.path, "--json")
    states = {state["format"]: state for state in result["formats"]}
    assert states["safetensors"]["refusals"] == ["Not this one."]
    assert (states["safetensors"]["possible"], states["torch"]["possible"]) == (False, True)
    status, lines, err = do(capfd, "formats", run.path)
    assert "safetensors: Not this one." in err
    assert any("refuses this network" in line for line in lines)


def test_runs_list_and_show(run, capfd):
    runs = ("--runs", run.path.parent)
    status, listed, _ = do(capfd, "runs", "list", *runs, "--json")
    assert status == 0
    assert listed[0]["name"] == run.name
    status, shown, _ = do(capfd, "runs", "show", "last", *runs, "--json")
    assert shown == listed[0]
    assert shown["metrics"]["test/accuracy"] > 0.8
    status, lines, _ = do(capfd, "runs", "list", *runs)
    assert lines[0].startswith("run\ttitle\tstatus")
    assert run.name in lines[1]


def test_finished_run_needs_more_epochs_to_resume(run, capfd):
    status, result, _ = do(capfd, "resume", run.path, "--json")
    assert status == 2
    assert "--epochs" in result["hint"]


def test_interrupted_training_saves_resumes_and_ends_like_any_other(tmp_path):
    file = write_small(tmp_path, epochs=400)
    runs = tmp_path / "runs"
    process = command("train", file, "--runs", runs, "--json", start_new_session=True)
    with process:
        wait_for(lambda: any(run.epochs >= 2 for run in store.list_runs(runs)))
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    first = json.loads(out)
    assert first["status"] == "stopped"
    assert "Stopping" in err
    folder = RunFolder(Path(first["run"]))
    assert not control.is_running(folder)
    done = store.summarise(folder).epochs
    wanted = done + 2
    with command("resume", folder.path, "--epochs", wanted, "--json") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(out)["status"] == "completed"
    assert f"Epoch {wanted}/{wanted}" in err
    assert "Epoch 1/" not in err
    summary = store.summarise(folder)
    assert (summary.epochs, summary.status) == (wanted, "completed")


def test_second_interrupt_ends_a_worker_that_does_not_listen(tmp_path):
    file = write_small(tmp_path, epochs=100_000)
    runs = tmp_path / "runs"
    process = command("train", file, "--runs", runs, "--json", start_new_session=True)
    with process:
        wait_for(lambda: any(run.epochs >= 1 for run in store.list_runs(runs)))
        (run,) = store.list_runs(runs)
        state = RunState()
        follower = Follower(run.folder)
        while not state.pid:
            for event in follower.next_chunk():
                state.apply(event)
        follower.close()
        follower.join()
        os.kill(state.pid, signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(out)["status"] == "interrupted"
    assert not control.is_running(run.folder)


def test_training_survives_the_death_of_who_started_it(tmp_path):
    file = write_small(tmp_path, epochs=30)
    runs = tmp_path / "runs"
    with command("train", file, "--runs", runs, start_new_session=True) as process:
        wait_for(lambda: any(run.running for run in store.list_runs(runs)))
        os.killpg(process.pid, signal.SIGKILL)
    (run,) = store.list_runs(runs)
    assert run.running
    wait_for(lambda: not control.is_running(run.folder))
    after = store.summarise(run.folder)
    assert (after.status, after.epochs) == ("completed", 30)


def test_problems_keep_training_from_starting(tmp_path, capfd):
    file = write_small(tmp_path)
    runs = tmp_path / "runs"
    options = ("--set", "graph.dense2.units=3", "--runs", runs, "--json")
    status, result, err = do(capfd, "train", file, *options)
    assert status == 1
    assert result["problems"][0]["severity"] == "error"
    assert result["error"]
    assert "error:" in err
    assert not runs.exists()


def test_a_device_that_is_not_there_fails_in_words(tmp_path, capfd):
    file = write_small(tmp_path)
    status, result, err = do(
        capfd, "train", file, "--device", "mps", "--runs", tmp_path / "runs", "--json"
    )
    assert (status, result["status"]) == (3, "failed")
    assert "mps" in result["error"]
    assert result["hint"]
    assert "Traceback" not in err


def test_check_counts_and_lists(capfd):
    status, result, _ = do(capfd, "check", "digits-cnn", "--json")
    assert status == 0
    assert set(result) == {
        *("problems", "nodes", "parameters", "trained_parameters", "corrections", "kept_after"),
    }
    assert result["trained_parameters"] <= result["parameters"]
    assert all(
        set(node) == {"id", "type", "output", "parameters", "multiply_adds"}
        for node in result["nodes"]
    )
    assert result["parameters"] == sum(node["parameters"] for node in result["nodes"]) > 0
    assert result["nodes"][0]["output"] == [8, 8, 1]


def test_check_of_a_broken_design_has_status_1(tmp_path, capfd):
    file = write_small(tmp_path)
    file.write_bytes(file.read_bytes().replace(b'"units": 10', b'"units": 7'))
    status, result, _ = do(capfd, "check", file, "--json")
    assert status == 1
    assert set(result["problems"][0]) == {"severity", "node", "message", "hint"}


def test_data_that_are_gone_are_a_problem(tmp_path, capfd):
    file = write_small(tmp_path)
    status, result, _ = do(
        capfd,
        *("train", file, "--set", "data.source=image_folder", "--json"),
        *("--set", f"data.source.folder={tmp_path / 'gone'}", "--runs", tmp_path / "runs"),
    )
    assert status == 1
    assert "gone" in result["error"]


def test_code_prints_a_module_that_compiles(capfd):
    status, lines, _ = do(capfd, "code", "digits-cnn", "--backend", "torch")
    assert status == 0
    source = "\n".join(lines)
    compile(source, "model.py", "exec")
    assert "import torch" in source
    assert "workbench" not in source
    assert do(capfd, "code", "digits-cnn", "--json")[1]["class_name"] in source


def test_new_copies_an_example(tmp_path, capfd):
    target = tmp_path / "mine.workbench.json"
    status, result, _ = do(capfd, "new", "digits-cnn", "-o", target, "--json")
    assert (status, result["file"]) == (0, str(target))
    assert load(target) == load(resources.examples()["digits-cnn"])
    status, result, _ = do(capfd, "new", "digits-cnn", "-o", target, "--json")
    assert status == 3
    assert "exists already" in result["error"]
    assert do(capfd, "new")[1] == list(resources.examples())


@pytest.mark.parametrize(
    "arguments",
    [
        ["new", "cakes"],
        ["train"],
        ["trian", "x"],
        ["train", "digits-cnn", "--epochs", "0"],
        ["train", "digits-cnn", "--epochs", "many"],
        ["train", "digits-cnn", "--set", "training.batch_size"],
        ["train", "digits-cnn", "--set", "training.batchsize=3"],
        ["train", "digits-cnn", "--set", "graph.conv99.filters=3"],
        ["train", "digits-cnn", "--set", "training.epochs.more=3"],
        ["train", "digits-cnn", "--set", "seed=[1]"],
        ["code", "digits-cnn", "--backend", "abacus"],
        ["runs"],
        ["evaluate", "last", "--split", "middle"],
    ],
)
def test_wrong_usage_has_status_2_and_a_plain_sentence(arguments, capfd):
    status, result, err = do(capfd, *arguments, "--json")
    assert status == 2
    assert result["error"].endswith((".", "?", "”."))
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "arguments",
    [["check", "gone.json"], ["evaluate", "gone"], ["runs", "show", "last"], ["resume", "last"]],
)
def test_what_is_not_there_fails_in_words(arguments, capfd):
    status, result, err = do(capfd, *arguments, "--json")
    assert status == 3
    assert set(result) == {"error", "hint"}
    assert result["error"] in err


def test_unexpected_errors_go_to_a_file(capfd, monkeypatch):
    def explode(*_):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("workbench.runs.store.list_runs", explode)
    status, result, err = do(capfd, "runs", "list", "--json")
    assert status == 3
    assert "oops" in result["error"]
    assert "Traceback" not in err
    log = result["hint"].split(" with ")[1].rstrip(".")
    assert "ZeroDivisionError" in Path(log).read_text()
    os.unlink(log)


def test_runs_delete_refuses_foreign_folders(tmp_path, capfd):
    folder = write_run(tmp_path, whole_run())
    status, result, _ = do(capfd, "runs", "delete", folder.path, "--json")
    assert (status, result["deleted"]) == (0, str(folder.path))
    assert not folder.path.exists()
    assert do(capfd, "runs", "delete", tmp_path, "--json")[0] == 3
    assert tmp_path.exists()


def test_empty_list_of_runs(tmp_path, capfd):
    assert do(capfd, "runs", "list", "--runs", tmp_path, "--json")[:2] == (0, [])


@pytest.mark.parametrize(
    ("assignment", "read", "value"),
    [
        ("training.batch_size=64", lambda e: e.training.batch_size, 64),
        (
            "training.optimizer.learning_rate=1e-2",
            lambda e: e.training.optimizer.learning_rate,
            0.01,
        ),
        ("training.optimizer=sgd", lambda e: type(e.training.optimizer).__name__, "SGD"),
        ("training.schedule=cosine", lambda e: type(e.training.schedule).__name__, "Cosine"),
        ("training.early_stopping.patience=4", lambda e: e.training.early_stopping.patience, 4),
        ("training.early_stopping=null", lambda e: e.training.early_stopping, None),
        ("training.device=cuda:1", lambda e: e.training.device, "cuda:1"),
        ("graph.dense1.units=64", lambda e: e.graph["dense1"].params["units"], 64),
        ("graph.dense1.trainable=false", lambda e: e.graph["dense1"].trainable, False),
        ("data.split.seed=3", lambda e: e.data.split.seed, 3),
        ("data.source.path=my photos", lambda e: e.data.source.params["path"], "my photos"),
        ("data.source=mnist", lambda e: e.data.source.type, "mnist"),
        ("data.augmentation=image", lambda e: e.data.augmentation.type, "image"),
        ("task.top_k=3", lambda e: e.task.params["top_k"], 3),
        ("name=2024", lambda e: e.name, "2024"),
        ("seed=7", lambda e: e.seed, 7),
    ],
)
def test_settings_by_path(assignment, read, value):
    before = small_experiment()
    after = apply(before, [assignment])
    assert read(after) == value
    assert before == small_experiment()


@pytest.mark.parametrize(
    "assignment",
    [
        "training.batch_size=0",
        "training.optimizer=magic",
        "seed=-1",
        "=3",
        "graph.dense1=3",
        "x.y=1",
    ],
)
def test_bad_settings_are_said_in_words(assignment):
    with pytest.raises(WrongUsage):
        apply(small_experiment(), [assignment])


def test_doctor_says_what_is_there(capfd, monkeypatch):
    from plugins.backends.keras import backend

    monkeypatch.setattr(system, "_is_loadable", lambda name: "cursor" not in name)
    monkeypatch.setattr(backend, "find_spec", {"keras": "there"}.get)
    status, result, _ = do(capfd, "doctor", "--json")
    found = {finding["name"]: finding for finding in result["findings"]}
    assert status == 0
    assert "apt-get install libxcb-cursor0" in found["libraries for the window"]["mend"]
    assert "cpu" in found["devices for PyTorch"]["detail"]
    assert found["PyTorch"]["detail"].startswith("torch 2.")
    missing = found["Keras · JAX"]
    assert missing["detail"] == "JAX is not installed."
    assert (missing["level"], "neural-workbench[keras-jax]" in missing["mend"]) == ("warning", True)
    assert (
        "TensorFlow SavedModel (TensorFlow is not installed.)" in found["export formats"]["detail"]
    )
    assert found["runs folder"]["level"] == "ok"


def test_no_display_is_said_in_words(capfd, monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert program.run([]) == 3
    assert "no display" in capfd.readouterr().err


def test_missing_libraries_are_said_before_qt_aborts(capfd, monkeypatch):
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(system, "_is_loadable", lambda name: "icccm" not in name)
    assert program.run([]) == 3
    assert "apt-get install libxcb-icccm4" in capfd.readouterr().err


def test_version_and_help_need_no_framework():
    code = (
        "import sys; sys.argv = ['workbench', 'runs', 'list', '--json']\n"
        "from workbench.__main__ import run; run(sys.argv[1:])\n"
        "heavy = {'torch', 'torchvision', 'sklearn', 'PySide6', 'matplotlib', 'rich'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_unusable_files_and_odd_class_counts_are_told_before_training(tmp_path, capfd):
    for label, count in (("cats", 9), ("dogs", 2)):
        (tmp_path / "pictures" / label).mkdir(parents=True)
        for number in range(count):
            Image.new("L", (8, 8), number).save(tmp_path / "pictures" / label / f"{number}.png")
    (tmp_path / "pictures" / "cats" / "broken.png").write_bytes(b"no picture")
    experiment = apply(
        small_experiment(),
        ["data.source=image_folder", f"data.source.folder={tmp_path / 'pictures'}"],
    )
    report = design.examine(experiment, Catalog.load())
    warnings = [problem.message for problem in report.problems if problem.severity == "warning"]
    assert any("out of balance" in text for text in warnings)
    assert any(text.startswith("1 file cannot be used: cats/broken.png (") for text in warnings)


def test_a_reader_who_closes_the_pipe_does_not_stop_a_training(tmp_path):
    file = write_small(tmp_path)
    with command("train", file, "--runs", tmp_path / "runs") as process:
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate(timeout=120)
    (run,) = store.list_runs(tmp_path / "runs")
    assert (process.returncode, err, run.status) == (0, "", "completed")


def test_output_onto_a_full_disk_is_a_failure_in_words(tmp_path):
    with (
        Path("/dev/full").open("w") as full,
        subprocess.Popen(
            [sys.executable, "-m", "workbench", "check", write_small(tmp_path)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        _, err = process.communicate(timeout=60)
    assert process.returncode == 3
    assert err == "Not all of the output could be written: No space left on device.\n"


def test_output_is_utf_8_whatever_the_computer_speaks(tmp_path):
    speaking = {**os.environ, "PYTHONIOENCODING": "ascii"}
    with command("check", write_small(tmp_path), env=speaking, encoding="utf-8") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "×" in out


def test_a_runs_folder_that_cannot_be_listed_is_not_called_empty(tmp_path, capfd, monkeypatch):
    file = tmp_path / "file"
    file.touch()
    status, result, _ = do(capfd, "runs", "list", "--runs", file, "--json")
    assert (status, result["error"]) == (3, f"{file} is a file, not a folder.")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may read everything
    status, result, _ = do(capfd, "runs", "list", "--runs", tmp_path, "--json")
    assert (status, result["error"]) == (3, f"{tmp_path} cannot be read.")


def test_a_setting_that_is_not_there_names_those_that_are():
    with pytest.raises(WrongUsage) as caught:
        apply(small_experiment(), ["training.schedule.lr=3"])
    assert caught.value.message == ("training.schedule.lr cannot be 3: there is no “lr”.")
    assert "training.schedule.type" in caught.value.hint
    with pytest.raises(WrongUsage, match="batches cannot be 3") as caught:
        apply(small_experiment(), ["training.batches=3"])
    assert "training.batch_size" in caught.value.hint
