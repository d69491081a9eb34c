"""Exported files work where the workbench is not, and give the model's own outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import load_file

from plugins.exporters.isolation import run_isolated
from plugins.exporters.samples import Samples
from plugins.exporters.sources import join_sources
from workbench.document.files import loads
from workbench.errors import UserError
from workbench.plugin_api.exporter import Outputs
from workbench.worker import export as exporting
from workbench.worker import export_request
from workbench.worker.export import export_run
from workbench.worker.predict import predict_files
from workbench.worker.trained import open_trained

FORMATS = ("safetensors", "torch", "python")


def picture_of_a_two(folder):
    """Write a digit of the samples, enlarged, in colour, as a person's own file."""
    import resources

    with np.load(resources.path("samples", "digits.npz")) as file:
        names = list(file.keys())
        pictures = next(file[name] for name in names if file[name].ndim >= 3)
    pixels = (pictures[2].astype(float) / pictures.max() * 255).astype(np.uint8).reshape(8, 8)
    path = folder / "two.png"
    Image.fromarray(pixels).resize((64, 64), Image.Resampling.NEAREST).convert("RGBA").save(path)
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_outputs_of_the_model(name, trained_run, catalog, tmp_path):
    (file,) = export_run(trained_run, [(name, tmp_path / "weights")], catalog).files
    assert file.format == name
    assert file.max_difference <= 1e-5
    assert file.size > 100_000


def test_the_script_answers_a_picture_file_as_the_workbench_does(trained_run, catalog, tmp_path):
    export_run(trained_run, [("python", tmp_path / "digits.py")], catalog)
    picture = picture_of_a_two(tmp_path)
    (_, expected) = predict_files(trained_run, [picture], catalog)[0]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-I", str(tmp_path / "digits.py"), str(picture)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=tmp_path,
    )
    label, share, _ = done.stdout.split("\t")[1].split()
    assert label == expected.prediction.labels[0]
    assert float(share) / 100 == pytest.approx(expected.prediction.probabilities[0], abs=6e-4)
    assert "workbench" not in (tmp_path / "digits.py").read_text().replace("Workbench", "").split(
        "import"
    )


def test_the_script_names_a_file_it_cannot_read_and_answers_the_others(
    trained_run, catalog, tmp_path
):
    export_run(trained_run, [("python", tmp_path / "digits.py")], catalog)
    picture = picture_of_a_two(tmp_path)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    done = subprocess.run(
        [sys.executable, "-I", "digits.py", "broken.png", "gone.png", str(picture)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert done.stdout.startswith(str(picture))
    assert [line[:10] for line in done.stderr.splitlines()] == ["broken.png", "gone.png c"]
    assert "Traceback" not in done.stderr


def test_the_script_is_formatted_as_people_write(trained_run, catalog, tmp_path):
    export_run(trained_run, [("python", tmp_path / "digits.py")], catalog, verify=False)
    for check in (["format", "--check"], ["check", "--select", "E,F,I"]):
        subprocess.run(
            [sys.executable, "-m", "ruff", *check, "--isolated", "--line-length=100", "digits.py"],
            cwd=tmp_path,
            check=True,
            capture_output=True,
        )


def test_safetensors_carry_experiment_classes_and_preprocessing(trained_run, catalog, tmp_path):
    path = tmp_path / "weights.safetensors"
    export_run(trained_run, [("safetensors", path)], catalog, verify=False)
    with safe_open(path, framework="numpy") as file:
        metadata = file.metadata()
    trained = open_trained(trained_run, catalog)
    assert loads(metadata["experiment"].encode()) == trained.experiment
    assert json.loads(metadata["classes"]) == list("0123456789")
    assert json.loads(metadata["fitted"]) == trained.fitted
    assert set(load_file(path)) == set(trained.network.weight_specs())


def test_a_wrong_export_is_refused_loudly(trained_run, catalog, tmp_path, monkeypatch):
    exporter = catalog.exporters["torch"]
    right = exporter.outputs

    def wrong(*given):
        found = right(*given)
        return Outputs(found.values + 2e-4, found.seconds_per_sample)

    monkeypatch.setattr(exporter, "outputs", wrong)
    path = tmp_path / "weights.pt"
    path.write_bytes(b"of an earlier export")
    report = export_run(trained_run, [("torch", path)], catalog)
    assert report.files == []
    assert "gives other outputs than the model, by up to 0.0002" in report.failed[0].message
    assert path.read_bytes() == b"of an earlier export"
    assert list(tmp_path.iterdir()) == [path]


def test_nan_outputs_are_a_difference():
    outputs = np.array([[np.nan, 0.0]], np.float32)
    assert not exporting.difference(Outputs(outputs, 0.0), outputs) <= exporting.TOLERANCE


def test_export_without_the_data_is_still_checked(trained_run, catalog, tmp_path, monkeypatch):
    def gone(*_):
        raise UserError("The folder is gone.")

    monkeypatch.setattr(export_request, "describe", gone)
    (file,) = export_run(trained_run, [("torch", tmp_path / "weights")], catalog).files
    assert file.max_difference <= 1e-5
    assert export_request.NO_DATA in file.notes


def test_a_missing_folder_is_told_in_words(trained_run, catalog, tmp_path):
    report = export_run(trained_run, [("torch", tmp_path / "no" / "weights.pt")], catalog)
    assert report.failed[0].message == f"{tmp_path / 'no'} does not exist."


def test_in_a_folder_the_file_gets_the_name_of_the_run(trained_run, catalog, tmp_path):
    (file,) = export_run(trained_run, [("torch", tmp_path)], catalog, verify=False).files
    assert file.path == str(tmp_path / f"{trained_run.name}.pt")
    assert (tmp_path / f"{trained_run.name}.pt").stat().st_size == file.size


def test_an_unknown_format_is_told_in_words(trained_run, catalog, tmp_path):
    with pytest.raises(UserError, match="no export format"):
        export_run(trained_run, [("floppy", tmp_path / "weights")], catalog)


def test_a_run_without_a_checkpoint_cannot_be_exported(catalog, tmp_path):
    from workbench.document.experiment import Experiment
    from workbench.runs.control import create_run

    folder = create_run(Experiment(), tmp_path)
    with pytest.raises(UserError, match="Train it first"):
        export_run(folder, [("torch", tmp_path / "weights")], catalog)


def test_predicting_an_unreadable_file_names_it_and_answers_the_others(
    trained_run, catalog, tmp_path
):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not a picture")
    (_, error), (_, answer) = predict_files(
        trained_run, [broken, picture_of_a_two(tmp_path)], catalog
    )
    assert isinstance(error, UserError)
    assert "broken.png" in str(error)
    assert sum(answer.prediction.probabilities) <= 1 + 1e-6


def test_an_isolated_script_that_needs_the_workbench_fails(tmp_path):
    script = "import workbench\n\n\ndef run(file, inputs):\n    return inputs\n"
    with pytest.raises(UserError, match="does not run by itself"):
        run_isolated(script, tmp_path / "file", Samples(np.zeros(2, np.float32)))


def test_joined_sources_share_their_imports():
    joined = join_sources("A script.", "import sys\n\nA = sys", "import sys\nimport torch\n\nB = 2")
    assert joined.count("import sys") == 1
    assert joined.index("import sys") < joined.index("import torch") < joined.index("A = sys")
